package streams

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"runtime"
	"testing"

	"github.com/goasyncio/asyncio/task"
)

// BenchmarkTLSReceive reads what a plain goroutine sends: 64 KiB an operation.
func BenchmarkTLSReceive(b *testing.B) {
	b.SetBytes(64 << 10)
	run(b, func(ctx context.Context) error {
		c, s := tcpPair(b)
		n := b.N
		join := plainly(func() error {
			session := tls.Server(s, tlsServerConfig())
			defer session.Close()
			p := make([]byte, 64<<10)
			for range n {
				if _, err := session.Write(p); err != nil {
					return err
				}
			}
			return nil
		})
		r, w, err := FromConn(ctx, c, TLS(tlsClientConfig()))
		if err != nil {
			return err
		}
		p := make([]byte, 64<<10)
		for left := n * len(p); left > 0; {
			got, err := r.ReadInto(ctx, p)
			if err != nil {
				return err
			}
			left -= got
		}
		w.Close()
		if err := w.WaitClosed(ctx); err != nil {
			return err
		}
		return join()
	})
}

// BenchmarkTLSSend writes to a plain goroutine: 64 KiB an operation.
func BenchmarkTLSSend(b *testing.B) {
	b.SetBytes(64 << 10)
	run(b, func(ctx context.Context) error {
		c, s := tcpPair(b)
		join := peerOf(s, func(session *tls.Conn, _ net.Conn) error {
			_, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, session, make([]byte, 64<<10))
			if err != nil {
				return err
			}
			return session.CloseWrite()
		})
		_, w, err := FromConn(ctx, c, TLS(tlsClientConfig()))
		if err != nil {
			return err
		}
		p := make([]byte, 64<<10)
		for range b.N {
			if err := w.WriteAll(ctx, p); err != nil {
				return err
			}
		}
		w.Close()
		if err := w.WaitClosed(ctx); err != nil {
			return err
		}
		return join()
	})
}

// BenchmarkTLSEcho sends 1 KiB to a plain goroutine, which sends it back.
func BenchmarkTLSEcho(b *testing.B) {
	run(b, func(ctx context.Context) error {
		c, s := tcpPair(b)
		join := plainly(func() error { return tlsPlainEcho(tls.Server(s, tlsServerConfig())) })
		r, w, err := FromConn(ctx, c, TLS(tlsClientConfig()))
		if err != nil {
			return err
		}
		p := make([]byte, 1024)
		for range b.N {
			if err := w.WriteAll(ctx, p); err != nil {
				return err
			}
			for left := len(p); left > 0; {
				n, err := r.ReadInto(ctx, p)
				if err != nil {
					return err
				}
				left -= n
			}
		}
		w.Close()
		if err := w.WaitClosed(ctx); err != nil {
			return err
		}
		return join()
	})
}

// The same between two plain goroutines, for comparison.
func BenchmarkTLSPlainGo(b *testing.B) {
	b.Run("Send", func(b *testing.B) {
		b.SetBytes(64 << 10)
		c, s := tcpPair(b)
		join := peerOf(s, func(session *tls.Conn, _ net.Conn) error {
			_, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, session, make([]byte, 64<<10))
			return err
		})
		session := tls.Client(c, tlsClientConfig())
		p := make([]byte, 64<<10)
		for range b.N {
			if _, err := session.Write(p); err != nil {
				b.Fatal(err)
			}
		}
		session.Close()
		if err := join(); err != nil {
			b.Fatal(err)
		}
	})
	b.Run("Echo", func(b *testing.B) {
		c, s := tcpPair(b)
		join := plainly(func() error { return tlsPlainEcho(tls.Server(s, tlsServerConfig())) })
		session := tls.Client(c, tlsClientConfig())
		p := make([]byte, 1024)
		for range b.N {
			if _, err := session.Write(p); err != nil {
				b.Fatal(err)
			}
			if _, err := io.ReadFull(session, p); err != nil {
				b.Fatal(err)
			}
		}
		session.Close()
		if err := join(); err != nil {
			b.Fatal(err)
		}
	})
}

// BenchmarkTLSIdle measures the memory of an idle connection, both ends: B/conn is what is
// resident in the heap and in stacks.
func BenchmarkTLSIdle(b *testing.B) {
	const conns = 500
	for name, transport := range map[string]bool{"streams": true, "plain": false} {
		b.Run(name, func(b *testing.B) {
			for range b.N {
				run(b, func(ctx context.Context) error {
					var before, after runtime.MemStats
					runtime.GC()
					runtime.ReadMemStats(&before)
					var all []io.Closer
					for range conns {
						c, s := tcpPair(b)
						if transport {
							client, server, err := tlsEnds(ctx, c, s)
							if err != nil {
								return err
							}
							served := task.Go(ctx, func(ctx context.Context) error {
								p, err := server.r.ReadExactly(ctx, 1024)
								if err != nil {
									return err
								}
								return server.w.WriteAll(ctx, p)
							})
							if err := client.w.WriteAll(ctx, make([]byte, 1024)); err != nil {
								return err
							}
							if _, err := client.r.ReadExactly(ctx, 1024); err != nil {
								return err
							}
							if err := served.Join(ctx); err != nil {
								return err
							}
							all = append(all, client.w, server.w)
						} else {
							cs, ss := tls.Client(c, tlsClientConfig()), tls.Server(s, tlsServerConfig())
							go func() {
								p := make([]byte, 1024)
								for {
									n, err := ss.Read(p)
									if err != nil {
										return
									}
									_, _ = ss.Write(p[:n])
								}
							}()
							p := make([]byte, 1024)
							if _, err := cs.Write(p); err != nil {
								return err
							}
							if _, err := io.ReadFull(cs, p); err != nil {
								return err
							}
							go func() { _, _ = cs.Read(p) }()
							all = append(all, cs, ss)
						}
					}
					for range 3 {
						runtime.GC()
					}
					runtime.ReadMemStats(&after)
					b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/(2*conns), "heap-B/end")
					b.ReportMetric(float64(after.StackInuse-before.StackInuse)/(2*conns), "stack-B/end")
					for _, c := range all {
						if w, ok := c.(*Writer); ok {
							w.Abort()
						} else {
							_ = c.(*tls.Conn).NetConn().Close()
						}
					}
					return nil
				})
			}
		})
	}
}
