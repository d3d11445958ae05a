package streams

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/task"
)

// plainEnds makes both ends of a connection streams of the same loop.
func plainEnds(ctx context.Context, c, s net.Conn) (client, server End, err error) {
	client.R, client.W, err = FromConn(ctx, c)
	if err != nil {
		return client, server, err
	}
	server.R, server.W, err = FromConn(ctx, s, ServerSide())
	return client, server, err
}

// startTLS does the handshake on both ends.
func startTLS(ctx context.Context, client, server End) error {
	serving := task.Go(ctx, func(ctx context.Context) error { return server.W.StartTLS(ctx, tlsServerConfig()) })
	if err := client.W.StartTLS(ctx, tlsClientConfig()); err != nil {
		return err
	}
	return serving.Join(ctx)
}

func TestStartTLS(t *testing.T) {
	for name, transport := range tlsTransports {
		for layers := 1; layers <= 2; layers++ { // TLS over TLS, too
			t.Run(fmt.Sprint(name, layers), func(t *testing.T) {
				run(t, func(ctx context.Context) error {
					c, s := transport(t)
					client, server, err := plainEnds(ctx, c, s)
					if err != nil {
						return err
					}
					if _, ok := client.W.ConnectionState(); ok {
						t.Error("the connection speaks TLS already")
					}
					for layer := range layers {
						for _, both := range [][2]End{{client, server}, {server, client}} {
							text := fmt.Sprintln("layer", layer)
							if err := both[0].W.WriteAll(ctx, []byte(text)); err != nil {
								return err
							}
							if line, err := both[1].R.ReadLine(ctx); string(line) != text {
								return fmt.Errorf("got %q, %v", line, err)
							}
						}
						if err := startTLS(ctx, client, server); err != nil {
							return err
						}
					}
					if state, ok := client.W.ConnectionState(); !ok || state.ServerName != tlsName {
						t.Errorf("state %v", state)
					}
					if nc := client.W.NetConn(); nc != c {
						t.Errorf("NetConn is %v", nc)
					}
					if low, high := client.W.WriteBufferLimits(); low != 128<<10 || high != 512<<10 {
						t.Errorf("water marks %d, %d", low, high)
					}
					served := task.Go(ctx, func(ctx context.Context) error { return echo(ctx, server.R, server.W) })
					if err := talk(t, ctx, client.R, client.W, 300000); err != nil {
						return err
					}
					return served.Join(ctx)
				})
			})
		}
	}
}

// coalesced sends what is written first together with what is written next.
type coalesced struct {
	net.Conn
	first []byte
}

func (c *coalesced) Write(p []byte) (int, error) {
	if len(c.first) == 0 {
		return c.Conn.Write(p)
	}
	_, err := c.Conn.Write(append(c.first, p...))
	c.first = nil
	return len(p), err
}

// The ClientHello is in the reader already, behind the line that announces it.
func TestStartTLSTakesBufferedBytesForTheHandshake(t *testing.T) {
	for name, transport := range tlsTransports {
		t.Run(name, func(t *testing.T) {
			run(t, func(ctx context.Context) error {
				c, s := transport(t)
				join := plainly(func() error {
					defer c.Close()
					session := tls.Client(&coalesced{c, []byte("STARTTLS\n")}, tlsClientConfig())
					if _, err := io.WriteString(session, "hello\n"); err != nil {
						return err
					}
					line, err := bufio.NewReader(session).ReadString('\n')
					if line != "olleh\n" {
						return fmt.Errorf("got %q, %v", line, err)
					}
					return session.CloseWrite()
				})
				r, w, err := FromConn(ctx, s, ServerSide())
				if err != nil {
					return err
				}
				if line, err := r.ReadLine(ctx); string(line) != "STARTTLS\n" {
					return fmt.Errorf("got %q, %v", line, err)
				}
				if r.Buffered() == 0 {
					t.Error("nothing is buffered: the test tests nothing")
				}
				if err := w.StartTLS(ctx, tlsServerConfig()); err != nil {
					return err
				}
				if line, err := r.ReadLine(ctx); string(line) != "hello\n" {
					return fmt.Errorf("got %q, %v", line, err)
				}
				if err := w.WriteAll(ctx, []byte("olleh\n")); err != nil {
					return err
				}
				w.Close()
				if err := w.WaitClosed(ctx); err != nil {
					return err
				}
				return joinPlain(ctx, join)
			})
		})
	}
}

// Plain text behind the line that announces TLS is never read as if it had been encrypted.
func TestStartTLSRefusesInjectedPlainText(t *testing.T) {
	run(t, func(ctx context.Context) error {
		c, s := tcpPair(t)
		join := plainly(func() error {
			defer c.Close()
			session := tls.Client(&coalesced{c, []byte("STARTTLS\nDELETE everything\n")}, tlsClientConfig())
			if session.Handshake() == nil {
				return errors.New("the handshake has succeeded")
			}
			return nil
		})
		r, w, err := FromConn(ctx, s, ServerSide())
		if err != nil {
			return err
		}
		if line, err := r.ReadLine(ctx); string(line) != "STARTTLS\n" {
			return fmt.Errorf("got %q, %v", line, err)
		}
		err = w.StartTLS(ctx, tlsServerConfig())
		if _, ok := err.(tls.RecordHeaderError); !ok {
			t.Errorf("StartTLS: %T %v", err, err)
		}
		if got, readErr := r.ReadLine(ctx); readErr != err {
			t.Errorf("ReadLine: %q, %v", got, readErr)
		}
		if closeErr := w.WaitClosed(ctx); closeErr != err {
			t.Errorf("WaitClosed: %v", closeErr)
		}
		return joinPlain(ctx, join)
	})
}

// What is written before StartTLS is sent as plain text, and what is written during the
// handshake is sent encrypted.
func TestStartTLSKeepsTheOrderOfWrites(t *testing.T) {
	const before = 6 << 20
	run(t, func(ctx context.Context) error {
		c, s := tcpPair(t)
		begun := make(chan struct{})
		join := plainly(func() error {
			defer s.Close()
			<-begun
			if _, err := io.CopyN(io.Discard, s, before); err != nil {
				return err
			}
			session := tls.Server(s, tlsServerConfig())
			got, err := io.ReadAll(session)
			if string(got) != "in the handshake, behind it" {
				return fmt.Errorf("got %q, %v", got, err)
			}
			return session.CloseWrite()
		})
		_, w, err := FromConn(ctx, c)
		if err != nil {
			return err
		}
		if err := w.SetWriteBufferLimits(before, 0); err != nil { // Drain will not wait
			return err
		}
		if _, err := w.Write(make([]byte, before)); err != nil {
			return err
		}
		starting := task.Go(ctx, func(ctx context.Context) error { return w.StartTLS(ctx, tlsClientConfig()) })
		if err := task.Yield(ctx); err != nil {
			return err
		}
		if w.WriteBufferSize() == 0 {
			t.Error("the system has taken everything: the test tests nothing")
		}
		close(begun)
		for !w.conn.isTLS() {
			if err := task.Yield(ctx); err != nil {
				return err
			}
		}
		if _, err := w.Write([]byte("in the handshake, ")); err != nil {
			return err
		}
		if err := starting.Join(ctx); err != nil {
			return err
		}
		if _, err := w.Write([]byte("behind it")); err != nil {
			return err
		}
		w.Close()
		if err := w.WaitClosed(ctx); err != nil {
			return err
		}
		return joinPlain(ctx, join)
	})
}

// A task that waits in a read gets what comes encrypted.
func TestStartTLSWhileATaskReads(t *testing.T) {
	run(t, func(ctx context.Context) error {
		c, s := tcpPair(t)
		client, server, err := plainEnds(ctx, c, s)
		if err != nil {
			return err
		}
		reading := task.CreateOn(mustLoop(ctx), task.Coroutine[[]byte](client.R.ReadLine))
		if err := task.Yield(ctx); err != nil {
			return err
		}
		if err := startTLS(ctx, client, server); err != nil {
			return err
		}
		if err := server.W.WriteAll(ctx, []byte("encrypted\n")); err != nil {
			return err
		}
		if line, err := reading.Await(ctx); string(line) != "encrypted\n" {
			t.Errorf("got %q, %v", line, err)
		}
		client.W.Close()
		return client.W.WaitClosed(ctx)
	})
}

func TestStartTLSWithACorruptedPeer(t *testing.T) {
	for _, server := range []bool{false, true} {
		run(t, func(ctx context.Context) error {
			c, s := tcpPair(t)
			join := plainly(func() error {
				defer s.Close()
				if _, err := s.Write(bytes.Repeat([]byte("x"), 1000)); err != nil {
					return err
				}
				_, _ = io.Copy(io.Discard, s)
				return nil
			})
			r, w, err := FromConn(ctx, c)
			if err != nil {
				return err
			}
			config, opts := tlsClientConfig(), []Option{}
			if server {
				config, opts = tlsServerConfig(), []Option{ServerSide()}
			}
			err = w.StartTLS(ctx, config, opts...)
			if _, ok := err.(tls.RecordHeaderError); !ok {
				t.Errorf("error %T %v", err, err)
			}
			if !w.IsClosing() || r.Err() != nil && r.Err() != err {
				t.Errorf("the connection is not closed: %v", r.Err())
			}
			return joinPlain(ctx, join)
		})
	}
}

func TestStartTLSAfterTheEndOfTheStream(t *testing.T) {
	run(t, func(ctx context.Context) error {
		c, s := tcpPair(t)
		r, w, err := FromConn(ctx, c)
		if err != nil {
			return err
		}
		if err := s.Close(); err != nil {
			return err
		}
		if _, err := r.Read(ctx, 1); err != io.EOF {
			return err
		}
		if err := w.StartTLS(ctx, tlsServerConfig(), ServerSide()); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("error %v", err)
		}
		return nil
	})
}

// announced is a peer that says "ready" and then takes everything, until the connection is
// closed.
func announced(s net.Conn) (join func() error) {
	return plainly(func() error {
		defer s.Close()
		if _, err := io.WriteString(s, "ready"); err != nil {
			return err
		}
		_, _ = io.Copy(io.Discard, s)
		return nil
	})
}

func TestStartTLSTimeout(t *testing.T) {
	runVirtually(t, func(ctx context.Context) error {
		c, s := tcpPair(t)
		join := announced(s)
		var r *Reader
		var w *Writer
		if err := holding(ctx, func() (err error) {
			if r, w, err = FromConn(ctx, c); err != nil {
				return err
			}
			_, err = r.ReadExactly(ctx, 5)
			return err
		}); err != nil {
			return err
		}
		start := mustLoop(ctx).Time()
		err := w.StartTLS(ctx, tlsClientConfig(), HandshakeTimeout(5*time.Second), ShutdownTimeout(time.Second))
		if _, ok := err.(*HandshakeTimeoutError); !ok {
			t.Errorf("error %T %v", err, err)
		}
		if took := mustLoop(ctx).Time().Sub(start); took != 5*time.Second {
			t.Errorf("it took %v", took)
		}
		if err := w.WaitClosed(ctx); !errors.Is(err, future.ErrTimeout) {
			t.Errorf("WaitClosed: %v", err)
		}
		return joinPlain(ctx, join)
	})
}

// A StartTLS that is cancelled, at whatever stage it is, or whose connection is closed by
// another task, closes the connection.
func TestStartTLSThatEndsBeforeTheHandshake(t *testing.T) {
	ends := map[string]func(*task.Task[struct{}], *Writer){
		"cancelled": func(starting *task.Task[struct{}], _ *Writer) { starting.Cancel() },
		"closed":    func(_ *task.Task[struct{}], w *Writer) { w.Close() },
		"aborted":   func(_ *task.Task[struct{}], w *Writer) { w.Abort() },
	}
	for name, end := range ends {
		for yields := range 8 {
			t.Run(fmt.Sprint(name, yields), func(t *testing.T) {
				run(t, func(ctx context.Context) error {
					c, s := tcpPair(t)
					join := announced(s)
					r, w, err := FromConn(ctx, c)
					if err != nil {
						return err
					}
					if _, err := r.ReadExactly(ctx, 5); err != nil {
						return err
					}
					starting := task.Go(ctx, func(ctx context.Context) error { return w.StartTLS(ctx, tlsClientConfig()) })
					for range yields {
						if err := task.Yield(ctx); err != nil {
							return err
						}
					}
					end(starting, w)
					err = starting.Join(ctx)
					if name == "cancelled" && !future.IsCancelled(err) || name != "cancelled" && !errors.Is(err, ErrConnectionLost) {
						t.Errorf("error %v", err)
					}
					if name == "cancelled" && yields == 0 {
						w.Close() // it has not begun
					}
					if err := w.WaitClosed(ctx); err != nil {
						return err
					}
					return joinPlain(ctx, join)
				})
			})
		}
	}
}

func TestStartTLSWithWrongArguments(t *testing.T) {
	run(t, func(ctx context.Context) error {
		c, s := tcpPair(t)
		client, server, err := plainEnds(ctx, c, s)
		if err != nil {
			return err
		}
		for name, err := range map[string]error{
			"nil":              client.W.StartTLS(ctx, nil),
			"no ServerName":    client.W.StartTLS(ctx, &tls.Config{}),
			"no certificate":   server.W.StartTLS(ctx, tlsClientConfig()),
			"timeout 0":        client.W.StartTLS(ctx, tlsClientConfig(), HandshakeTimeout(0)),
			"another's option": client.W.StartTLS(ctx, tlsClientConfig(), Limit(1)),
		} {
			if !errors.Is(err, ErrInvalidArgument) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if client.W.IsClosing() || server.W.IsClosing() {
			t.Error("wrong arguments have closed the connection")
		}
		if err := server.W.WriteEOF(); err != nil {
			return err
		}
		if err := server.W.StartTLS(ctx, tlsServerConfig()); !errors.Is(err, ErrWriteAfterEOF) {
			t.Errorf("after WriteEOF: %v", err)
		}
		server.W.Close()
		if err := server.W.StartTLS(ctx, tlsServerConfig()); !errors.Is(err, ErrConnectionLost) {
			t.Errorf("after Close: %v", err)
		}
		left, _, _ := Pair(ctx)
		if err := left.W.StartTLS(ctx, tlsClientConfig()); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("over a pair: %v", err)
		}
		return client.W.Close()
	})
}

func TestStartTLSTwiceAtTheSameTime(t *testing.T) {
	run(t, func(ctx context.Context) error {
		c, s := tcpPair(t)
		client, server, err := plainEnds(ctx, c, s)
		if err != nil {
			return err
		}
		starting := task.Go(ctx, func(ctx context.Context) error { return startTLS(ctx, client, server) })
		if err := task.Yield(ctx); err != nil {
			return err
		}
		if err := client.W.StartTLS(ctx, tlsClientConfig()); !errors.Is(err, ErrBusy) {
			t.Errorf("StartTLS: %v", err)
		}
		if _, _, err := client.W.Detach(ctx); !errors.Is(err, ErrBusy) {
			t.Errorf("Detach: %v", err)
		}
		if err := starting.Join(ctx); err != nil {
			return err
		}
		client.W.Close()
		return client.W.WaitClosed(ctx)
	})
}

// A server's side of the handshake is the server's.
func TestStartTLSInAHandler(t *testing.T) {
	run(t, func(ctx context.Context) error {
		s, err := StartServer(ctx, func(ctx context.Context, r *Reader, w *Writer) error {
			if _, err := r.ReadLine(ctx); err != nil {
				return err
			}
			if err := w.StartTLS(ctx, tlsServerConfig()); err != nil {
				return err
			}
			return echo(ctx, r, w)
		}, "127.0.0.1:0")
		if err != nil {
			return err
		}
		return s.With(ctx, func(ctx context.Context) error {
			r, w, err := OpenConnection(ctx, s.Addrs()[0].String())
			if err != nil {
				return err
			}
			if err := w.WriteAll(ctx, []byte("STARTTLS\n")); err != nil {
				return err
			}
			if err := w.StartTLS(ctx, tlsClientConfig()); err != nil {
				return err
			}
			return talk(t, ctx, r, w, 1000)
		})
	})
}
