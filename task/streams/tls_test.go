package streams

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
)

func TestTLSEcho(t *testing.T) {
	for name, transport := range tlsTransports {
		for _, size := range []int{1, 1000, 3 << 20} {
			t.Run(fmt.Sprint(name, size), func(t *testing.T) {
				run(t, func(ctx context.Context) error {
					c, s := transport(t)
					client, server, err := tlsEnds(ctx, c, s)
					if err != nil {
						return err
					}
					served := task.Go(ctx, func(ctx context.Context) error { return echo(ctx, server.R, server.W) })
					if err := talk(t, ctx, client.R, client.W, size); err != nil {
						return err
					}
					if err := served.Join(ctx); err != nil {
						return err
					}
					return server.W.WaitClosed(ctx)
				})
			})
		}
	}
}

// A client may be asked to shake hands again, in TLS 1.2. Then the pump waits in reads of
// the session.
func TestTLSEchoIfAnotherHandshakeIsAllowed(t *testing.T) {
	run(t, func(ctx context.Context) error {
		c, s := tcpPair(t)
		config := tlsClientConfig().Clone()
		config.Renegotiation, config.MaxVersion = tls.RenegotiateFreelyAsClient, tls.VersionTLS12
		join := plainly(func() error { return tlsPlainEcho(tls.Server(s, tlsServerConfig())) })
		r, w, err := FromConn(ctx, c, TLS(config))
		if err != nil {
			return err
		}
		if err := talk(t, ctx, r, w, 100000); err != nil {
			return err
		}
		return joinPlain(ctx, join)
	})
}

// tlsPlainEcho sends back what it receives, and then closes the connection.
func tlsPlainEcho(c *tls.Conn) error {
	defer c.Close()
	_, err := io.Copy(c, c)
	return err
}

func TestTLSConnectionState(t *testing.T) {
	run(t, func(ctx context.Context) error {
		c, s := tcpPair(t)
		client, server, err := tlsEnds(ctx, c, s)
		if err != nil {
			return err
		}
		for range 2 { // also when it is closed
			state, ok := client.W.ConnectionState()
			if !ok || !state.HandshakeComplete || state.ServerName != tlsName || len(state.PeerCertificates) != 1 {
				t.Errorf("state of the client: %+v, %t", state, ok)
			}
			client.W.Close()
			server.W.Close()
			if err := client.W.WaitClosed(ctx); err != nil {
				return err
			}
		}
		left, _, _ := Pair(ctx)
		if _, ok := left.W.ConnectionState(); ok {
			t.Error("a pair speaks TLS")
		}
		return nil
	})
}

// silent is a peer that accepts the connection and says nothing. It returns what it was
// sent when the connection is closed.
func silent(nc net.Conn) (join func() error) {
	return plainly(func() error {
		defer nc.Close()
		_, err := io.Copy(io.Discard, nc)
		return err
	})
}

func TestTLSHandshakeTimeout(t *testing.T) {
	for _, test := range []struct {
		opts  []Option
		limit time.Duration
		text  string
	}{
		{[]Option{TLS(tlsClientConfig())}, time.Minute, "60.0"},
		{[]Option{TLS(tlsClientConfig()), HandshakeTimeout(250 * time.Millisecond)}, 250 * time.Millisecond, "0.25"},
		{[]Option{TLS(tlsServerConfig()), ServerSide()}, time.Minute, "60.0"},
	} {
		runVirtually(t, func(ctx context.Context) error {
			c, s := tcpPair(t)
			join := silent(s)
			start := mustLoop(ctx).Time()
			_, _, err := FromConn(ctx, c, test.opts...)
			if e, ok := err.(*HandshakeTimeoutError); !ok || e.After != test.limit || !e.Timeout() {
				t.Errorf("error %T %v", err, err)
			}
			want := "SSL handshake is taking longer than " + test.text + " seconds: aborting the connection"
			if err.Error() != want {
				t.Errorf("text %q, want %q", err, want)
			}
			if !errors.Is(err, future.ErrTimeout) || !errors.Is(err, syscall.ECONNABORTED) || !IsDisconnect(err) {
				t.Error("the error does not match what it should")
			}
			if took := mustLoop(ctx).Time().Sub(start); took != test.limit {
				t.Errorf("it took %v", took)
			}
			return joinPlain(ctx, join)
		})
	}
}

func TestTLSFailedCertificate(t *testing.T) {
	wrongName := tlsClientConfig().Clone()
	wrongName.ServerName = "another.test"
	for _, config := range []*tls.Config{{ServerName: tlsName, RootCAs: x509.NewCertPool()}, wrongName} {
		run(t, func(ctx context.Context) error {
			c, s := tcpPair(t)
			join := plainly(func() error {
				defer s.Close()
				return tls.Server(s, tlsServerConfig()).Handshake()
			})
			_, _, err := FromConn(ctx, c, TLS(config))
			if _, ok := err.(*tls.CertificateVerificationError); !ok {
				t.Errorf("error %T %v", err, err)
			}
			var name x509.HostnameError
			if errors.As(err, &name) != (config == wrongName) {
				t.Errorf("error %v", err)
			}
			if joinPlain(ctx, join) == nil {
				t.Error("the server was not told")
			}
			return nil
		})
	}
}

// A client that does not trust the server fails on both sides.
func TestTLSServerSideIsToldOfABadCertificate(t *testing.T) {
	run(t, func(ctx context.Context) error {
		c, s := tcpPair(t)
		join := plainly(func() error {
			defer c.Close()
			return tls.Client(c, &tls.Config{ServerName: "another.test", RootCAs: x509.NewCertPool()}).Handshake()
		})
		_, _, err := FromConn(ctx, s, TLS(tlsServerConfig()), ServerSide())
		var alert *net.OpError
		if !errors.As(err, &alert) || alert.Op != "remote error" {
			t.Errorf("error %v", err)
		}
		if joinPlain(ctx, join) == nil {
			t.Error("the client trusts the server")
		}
		return nil
	})
}

func TestTLSPlainTextPeer(t *testing.T) {
	for _, opts := range [][]Option{{TLS(tlsClientConfig())}, {TLS(tlsServerConfig()), ServerSide()}} {
		run(t, func(ctx context.Context) error {
			c, s := tcpPair(t)
			join := plainly(func() error {
				defer s.Close()
				if _, err := io.WriteString(s, "220 plain text is spoken here\r\n"); err != nil {
					return err
				}
				_, _ = io.Copy(io.Discard, s)
				return nil
			})
			_, _, err := FromConn(ctx, c, opts...)
			if _, ok := err.(tls.RecordHeaderError); !ok {
				t.Errorf("error %T %v", err, err)
			}
			return joinPlain(ctx, join)
		})
	}
}

func TestTLSHandshakeConnectionLost(t *testing.T) {
	ends := map[string]func(net.Conn){
		"FIN": func(nc net.Conn) {},
		"RST": func(nc net.Conn) { _ = nc.(*net.TCPConn).SetLinger(0) },
		"FIN inside a record": func(nc net.Conn) {
			_, _ = nc.Write([]byte{22, 3, 3})
			_ = nc.(*net.TCPConn).CloseWrite()
			_, _ = io.Copy(io.Discard, nc)
		},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			run(t, func(ctx context.Context) error {
				c, s := tcpPair(t)
				join := plainly(func() error {
					if _, err := io.ReadFull(s, make([]byte, 100)); err != nil { // of the ClientHello
						return err
					}
					end(s)
					return s.Close()
				})
				_, _, err := FromConn(ctx, c, TLS(tlsClientConfig()))
				if !errors.Is(err, syscall.ECONNRESET) || !IsDisconnect(err) {
					t.Errorf("error %T %v", err, err)
				}
				return joinPlain(ctx, join)
			})
		})
	}
}

func TestTLSCancelledHandshakeClosesTheConnection(t *testing.T) {
	run(t, func(ctx context.Context) error {
		c, s := tcpPair(t)
		greeted := make(chan struct{})
		join := plainly(func() error {
			defer s.Close()
			if _, err := io.ReadFull(s, make([]byte, 100)); err != nil {
				return err
			}
			close(greeted)
			_, err := io.Copy(io.Discard, s)
			return err
		})
		opening := task.Go(ctx, func(ctx context.Context) error {
			_, _, err := FromConn(ctx, c, TLS(tlsClientConfig()))
			return err
		})
		if err := joinPlain(ctx, func() error { <-greeted; return nil }); err != nil {
			return err
		}
		opening.Cancel()
		if err := opening.Join(ctx); !future.IsCancelled(err) {
			t.Errorf("error %v", err)
		}
		return joinPlain(ctx, join)
	})
}

// The callbacks of a tls.Config run on a goroutine of the wire.
func TestTLSPanicInACallbackOfTheConfig(t *testing.T) {
	run(t, func(ctx context.Context) error {
		c, s := tcpPair(t)
		join := plainly(func() error {
			defer s.Close()
			_ = tls.Server(s, tlsServerConfig()).Handshake()
			return nil
		})
		var reports []string
		mustLoop(ctx).SetExceptionHandler(func(_ *loop.Loop, e loop.ExceptionContext) {
			reports = append(reports, e.Message)
		})
		config := tlsClientConfig().Clone()
		config.VerifyConnection = func(tls.ConnectionState) error { panic("oops") }
		_, _, err := FromConn(ctx, c, TLS(config))
		if e, ok := err.(*loop.PanicError); !ok || e.Value != "oops" {
			t.Errorf("error %T %v", err, err)
		}
		if fmt.Sprint(reports) != "[SSL handshake failed]" {
			t.Errorf("reports %q", reports)
		}
		return joinPlain(ctx, join)
	})
}

// peerOf is the other side of a TLS connection: a plain goroutine. It gets the session,
// whose handshake is done, and the connection below.
func peerOf(s net.Conn, fn func(session *tls.Conn, below net.Conn) error) (join func() error) {
	return plainly(func() error {
		session := tls.Server(s, tlsServerConfig())
		defer s.Close()
		if err := session.Handshake(); err != nil {
			return err
		}
		return fn(session, s)
	})
}

func TestTLSShutsDownCleanly(t *testing.T) {
	data := bytes.Repeat([]byte("A"), 1<<20)
	client := func(ctx context.Context) error {
		c, s := tcpPair(t)
		join := peerOf(s, func(session *tls.Conn, below net.Conn) error {
			got := make([]byte, len(data))
			if _, err := io.ReadFull(session, got); err != nil {
				return err
			}
			if !bytes.Equal(got, data) {
				return errors.New("the data is different")
			}
			if _, err := io.WriteString(session, "OK"); err != nil {
				return err
			}
			if err := session.CloseWrite(); err != nil {
				return err
			}
			_, err := session.Read(got) // io.EOF only if there is a close_notify, or a FIN
			if err != io.EOF {
				return fmt.Errorf("the end is %v", err)
			}
			return nil
		})
		r, w, err := FromConn(ctx, c, TLS(tlsClientConfig()))
		if err != nil {
			return err
		}
		if _, err := w.Write(data); err != nil {
			return err
		}
		if got, err := r.ReadExactly(ctx, 2); string(got) != "OK" {
			return fmt.Errorf("got %q, %v", got, err)
		}
		if rest, err := r.ReadAll(ctx); len(rest) > 0 || err != nil {
			return fmt.Errorf("got %q, %v", rest, err)
		}
		if !w.IsClosing() {
			return errors.New("the connection is half open")
		}
		w.Close()
		if err := w.WaitClosed(ctx); err != nil {
			return err
		}
		return joinPlain(ctx, join)
	}
	run(t, func(ctx context.Context) error {
		var clients []future.Awaitable[struct{}]
		for range 25 {
			clients = append(clients, task.Coroutine[struct{}](func(ctx context.Context) (struct{}, error) {
				return struct{}{}, client(ctx)
			}))
		}
		_, err := task.Gather(ctx, clients...).Await(ctx)
		return err
	})
}

// What was written is sent before the goodbye, however slow the other side is.
func TestTLSFlushesBeforeShutdown(t *testing.T) {
	const size = 4 << 20
	run(t, func(ctx context.Context) error {
		c, s := tcpPair(t)
		closed := make(chan struct{})
		join := peerOf(s, func(session *tls.Conn, _ net.Conn) error {
			<-closed
			n, err := io.Copy(io.Discard, session)
			if n != size {
				return fmt.Errorf("%d bytes have arrived, %w", n, err)
			}
			if err != nil {
				return err
			}
			return session.CloseWrite()
		})
		_, w, err := FromConn(ctx, c, TLS(tlsClientConfig()))
		if err != nil {
			return err
		}
		for range size / 65536 {
			if _, err := w.Write(make([]byte, 65536)); err != nil {
				return err
			}
		}
		w.Close()
		if w.WriteBufferSize() == 0 {
			t.Error("the system has taken everything: the test tests nothing")
		}
		close(closed)
		if err := w.WaitClosed(ctx); err != nil {
			return err
		}
		return joinPlain(ctx, join)
	})
}

// The other side has ended its stream, with or without a goodbye: what is kept is sent all
// the same.
func TestTLSRemoteShutdownReceivesTrailingData(t *testing.T) {
	const size = 4 << 20
	ends := map[string]func(*tls.Conn, net.Conn) error{
		"close_notify": func(session *tls.Conn, _ net.Conn) error { return session.CloseWrite() },
		"FIN":          func(_ *tls.Conn, below net.Conn) error { return below.(*net.TCPConn).CloseWrite() },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			run(t, func(ctx context.Context) error {
				c, s := tcpPair(t)
				written := make(chan struct{})
				join := peerOf(s, func(session *tls.Conn, below net.Conn) error {
					<-written
					if err := end(session, below); err != nil {
						return err
					}
					n, err := io.Copy(io.Discard, session)
					if n != size {
						return fmt.Errorf("%d bytes have arrived, %w", n, err)
					}
					return err
				})
				r, w, err := FromConn(ctx, c, TLS(tlsClientConfig()))
				if err != nil {
					return err
				}
				for range size / 65536 {
					if _, err := w.Write(make([]byte, 65536)); err != nil {
						return err
					}
				}
				close(written)
				if got, err := r.ReadAll(ctx); len(got) > 0 || err != nil {
					t.Errorf("got %d bytes, %v", len(got), err)
				}
				if err := w.WaitClosed(ctx); err != nil {
					return err
				}
				return joinPlain(ctx, join)
			})
		})
	}
}

// What arrives after Close is dropped, until the other side has said goodbye.
func TestTLSDropsWhatArrivesAfterClose(t *testing.T) {
	run(t, func(ctx context.Context) error {
		c, s := tcpPair(t)
		join := peerOf(s, func(session *tls.Conn, _ net.Conn) error {
			if _, err := session.Read(make([]byte, 1)); err != io.EOF {
				return fmt.Errorf("the end is %v", err)
			}
			for range 100 {
				if _, err := session.Write(make([]byte, 65536)); err != nil {
					return err
				}
			}
			return session.CloseWrite()
		})
		r, w, err := FromConn(ctx, c, TLS(tlsClientConfig()))
		if err != nil {
			return err
		}
		w.Close()
		if got, err := r.ReadAll(ctx); len(got) > 0 || err != nil {
			t.Errorf("got %d bytes, %v", len(got), err)
		}
		if err := w.WaitClosed(ctx); err != nil {
			return err
		}
		return joinPlain(ctx, join)
	})
}

// A reader that is paused learns of the end behind what had arrived before.
func TestTLSEndOfAPausedReader(t *testing.T) {
	run(t, func(ctx context.Context) error {
		c, s := tcpPair(t)
		ended := make(chan struct{})
		join := peerOf(s, func(session *tls.Conn, below net.Conn) error {
			defer close(ended)
			if _, err := io.WriteString(session, "hello"); err != nil {
				return err
			}
			if _, err := io.ReadFull(session, make([]byte, 5)); err != nil {
				return err
			}
			if _, err := io.WriteString(session, "extra bytes"); err != nil {
				return err
			}
			return below.(*net.TCPConn).CloseWrite()
		})
		r, w, err := FromConn(ctx, c, TLS(tlsClientConfig()))
		if err != nil {
			return err
		}
		if got, err := r.ReadExactly(ctx, 5); string(got) != "hello" {
			return fmt.Errorf("got %q, %v", got, err)
		}
		r.Pause()
		if err := w.WriteAll(ctx, []byte("world")); err != nil {
			return err
		}
		if err := joinPlain(ctx, func() error { <-ended; return nil }); err != nil {
			return err
		}
		if w.IsClosing() || r.Buffered() > 0 {
			t.Error("a paused reader was fed")
		}
		r.Resume()
		if got, err := r.ReadAll(ctx); string(got) != "extra bytes" || err != nil {
			t.Errorf("got %q, %v", got, err)
		}
		if err := w.WaitClosed(ctx); err != nil {
			return err
		}
		return joinPlain(ctx, join)
	})
}

// holding keeps a virtual clock from jumping while fn runs, which needs real time.
func holding(ctx context.Context, fn func() error) error {
	release := mustLoop(ctx).Hold()
	defer release()
	return fn()
}

func TestTLSShutdownTimeout(t *testing.T) {
	for _, test := range []struct {
		name    string
		pending int // bytes that the other side does not take
		opts    []Option
		limit   time.Duration
	}{
		{"no close_notify", 0, nil, 30 * time.Second},
		{"no close_notify, short limit", 0, []Option{ShutdownTimeout(time.Second)}, time.Second},
		{"nothing is taken", 8 << 20, nil, 30 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			runVirtually(t, func(ctx context.Context) error {
				c, s := tcpPair(t)
				over := make(chan struct{})
				join := peerOf(s, func(*tls.Conn, net.Conn) error {
					<-over
					return nil
				})
				defer close(over)
				var w *Writer
				if err := holding(ctx, func() (err error) {
					_, w, err = FromConn(ctx, c, append(test.opts, TLS(tlsClientConfig()))...)
					return err
				}); err != nil {
					return err
				}
				if test.pending > 0 {
					if _, err := w.Write(make([]byte, test.pending)); err != nil {
						return err
					}
				}
				start := mustLoop(ctx).Time()
				w.Close()
				for range 2 { // each time
					err := w.WaitClosed(ctx)
					if !errors.Is(err, future.ErrTimeout) {
						t.Errorf("error %v", err)
					}
				}
				if took := mustLoop(ctx).Time().Sub(start); took != test.limit {
					t.Errorf("it took %v", took)
				}
				_ = join
				return nil
			})
		})
	}
}

// Abort ends a connection that waits for the goodbye of the other side.
func TestTLSAbortWhileSayingGoodbye(t *testing.T) {
	runVirtually(t, func(ctx context.Context) error {
		c, s := tcpPair(t)
		over := make(chan struct{})
		peerOf(s, func(*tls.Conn, net.Conn) error {
			<-over
			return nil
		})
		defer close(over)
		var w *Writer
		if err := holding(ctx, func() (err error) {
			_, w, err = FromConn(ctx, c, TLS(tlsClientConfig()))
			return err
		}); err != nil {
			return err
		}
		start := mustLoop(ctx).Time()
		if err := w.CloseWithin(ctx, time.Second); err != nil {
			return err
		}
		if took := mustLoop(ctx).Time().Sub(start); took != time.Second {
			t.Errorf("it took %v", took)
		}
		return nil
	})
}

// recorder collects what is written instead of sending it, while it is on.
type recorder struct {
	net.Conn
	on      bool
	written []byte
}

func (r *recorder) Write(p []byte) (int, error) {
	if r.on {
		r.written = append(r.written, p...)
		return len(p), nil
	}
	return r.Conn.Write(p)
}

// recordOf returns the connection that a TLS session writes to, and the bytes of a record
// that carries the text.
func recordOf(s net.Conn, text string) (*tls.Conn, []byte, error) {
	rec := &recorder{Conn: s}
	session := tls.Server(rec, tlsServerConfig())
	if err := session.Handshake(); err != nil {
		return nil, nil, err
	}
	rec.on = true
	if _, err := io.WriteString(session, text); err != nil {
		return nil, nil, err
	}
	rec.on = false
	return session, rec.written, nil
}

// An end without a goodbye is the end of the stream between two records, and an error
// inside one.
func TestTLSTruncatedStream(t *testing.T) {
	for _, test := range []struct {
		cut int
		got string
		err error
	}{{0, "all of it", nil}, {3, "", io.ErrUnexpectedEOF}, {-3, "", io.ErrUnexpectedEOF}} {
		run(t, func(ctx context.Context) error {
			c, s := tcpPair(t)
			join := plainly(func() error {
				defer s.Close()
				_, record, err := recordOf(s, "all of it")
				if err != nil {
					return err
				}
				if test.cut < 0 {
					record = record[:-test.cut]
				}
				if test.cut > 0 {
					record = record[:len(record)-test.cut]
				}
				if _, err := s.Write(record); err != nil {
					return err
				}
				if err := s.(*net.TCPConn).CloseWrite(); err != nil {
					return err
				}
				_, err = io.Copy(io.Discard, s)
				return err
			})
			r, w, err := FromConn(ctx, c, TLS(tlsClientConfig()))
			if err != nil {
				return err
			}
			got, err := r.ReadAll(ctx)
			if string(got) != test.got || err != test.err {
				t.Errorf("cut %d: got %q, %v", test.cut, got, err)
			}
			if err := w.WaitClosed(ctx); err != test.err {
				t.Errorf("cut %d: the connection ends with %v", test.cut, err)
			}
			if w.Close(); test.err != nil && r.Err() != test.err {
				t.Errorf("cut %d: the reader's error is %v", test.cut, r.Err())
			}
			return joinPlain(ctx, join)
		})
	}
}

// A record that comes byte by byte, and many in one packet, arrive whole.
func TestTLSRecordsDoNotFollowPackets(t *testing.T) {
	run(t, func(ctx context.Context) error {
		c, s := tcpPair(t)
		join := plainly(func() error {
			defer s.Close()
			session, record, err := recordOf(s, "one byte after the other")
			if err != nil {
				return err
			}
			for i := range record {
				if _, err := s.Write(record[i : i+1]); err != nil {
					return err
				}
			}
			rec := session.NetConn().(*recorder)
			rec.on, rec.written = true, nil
			for range 1000 {
				if _, err := io.WriteString(session, "together"); err != nil {
					return err
				}
			}
			rec.on = false
			if _, err := s.Write(rec.written); err != nil {
				return err
			}
			return tlsPlainEcho(session)
		})
		r, w, err := FromConn(ctx, c, TLS(tlsClientConfig()))
		if err != nil {
			return err
		}
		if got, err := r.ReadExactly(ctx, 24); string(got) != "one byte after the other" {
			t.Errorf("got %q, %v", got, err)
		}
		want := bytes.Repeat([]byte("together"), 1000)
		if got, err := r.ReadExactly(ctx, len(want)); !bytes.Equal(got, want) {
			t.Errorf("got %d bytes, %v", len(got), err)
		}
		w.Close()
		if err := w.WaitClosed(ctx); err != nil {
			return err
		}
		return joinPlain(ctx, join)
	})
}

func TestTLSWaterMarks(t *testing.T) {
	run(t, func(ctx context.Context) error {
		c, s := tcpPair(t)
		started := make(chan struct{})
		join := peerOf(s, func(session *tls.Conn, _ net.Conn) error {
			<-started
			return tlsPlainEcho(session)
		})
		_, w, err := FromConn(ctx, c, TLS(tlsClientConfig()))
		if err != nil {
			return err
		}
		limits := func(wantLow, wantHigh int) {
			t.Helper()
			if low, high := w.WriteBufferLimits(); low != wantLow || high != wantHigh {
				t.Errorf("limits %d, %d, want %d, %d", low, high, wantLow, wantHigh)
			}
		}
		limits(128<<10, 512<<10)
		if err := w.SetWriteBufferLimits(100, 50); err != nil {
			return err
		}
		limits(50, 100)
		if w.conn.writePaused {
			t.Error("paused although nothing is kept")
		}
		_, _ = w.Write(make([]byte, 99))
		if w.conn.writePaused {
			t.Error("paused below the high-water mark")
		}
		_, _ = w.Write(make([]byte, 1)) // nothing is sent before the loop hears of it
		if !w.conn.writePaused {
			t.Error("not paused at the high-water mark")
		}
		if err := w.Drain(ctx); err != nil {
			return err
		}
		if n := w.WriteBufferSize(); n > 50 {
			t.Errorf("Drain has returned although %d bytes are kept", n)
		}
		if err := w.SetWriteBufferLimits(0, 0); err != nil {
			return err
		}
		if err := w.Drain(ctx); err != nil {
			return err
		}
		if err := w.SetWriteBufferLimits(-1, -1); err != nil {
			return err
		}
		limits(128<<10, 512<<10)
		close(started)
		w.Close()
		if err := w.WaitClosed(ctx); err != nil {
			return err
		}
		return joinPlain(ctx, join)
	})
}

func TestTLSCannotHalfClose(t *testing.T) {
	run(t, func(ctx context.Context) error {
		c, s := tcpPair(t)
		client, server, err := tlsEnds(ctx, c, s)
		if err != nil {
			return err
		}
		if client.W.CanWriteEOF() {
			t.Error("CanWriteEOF is true")
		}
		if err := client.W.WriteEOF(); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("WriteEOF: %v", err)
		}
		client.W.Close()
		if _, err := server.R.Read(ctx, 1); err != io.EOF {
			t.Errorf("Read: %v", err)
		}
		return server.W.WaitClosed(ctx)
	})
}

func TestTLSWriteAfterClosing(t *testing.T) {
	run(t, func(ctx context.Context) error {
		c, s := tcpPair(t)
		client, server, err := tlsEnds(ctx, c, s)
		if err != nil {
			return err
		}
		client.W.Close()
		if _, err := client.W.Write([]byte("data")); !errors.Is(err, ErrConnectionLost) {
			t.Errorf("Write: %v", err)
		}
		client.W.Close()
		if got, err := server.R.ReadAll(ctx); len(got) > 0 || err != nil {
			t.Errorf("got %q, %v", got, err)
		}
		return client.W.WaitClosed(ctx)
	})
}

// Close of the loop ends TLS connections in each of their states, without a goodbye.
func TestTLSLoopIsClosed(t *testing.T) {
	l := newLoop()
	l.SetExceptionHandler(func(*loop.Loop, loop.ExceptionContext) {}) // a task is pending
	var joins []func() error
	peer := func(fn func(net.Conn) error) net.Conn {
		c, s := tcpPair(t)
		joins = append(joins, plainly(func() error { return fn(s) }))
		return c
	}
	swallow := func(s net.Conn) error {
		defer s.Close()
		_, _ = io.Copy(io.Discard, s)
		return nil
	}
	late := make(chan struct{})
	afterHandshake := func(s net.Conn) error {
		if err := tls.Server(s, tlsServerConfig()).Handshake(); err != nil {
			return err
		}
		<-late
		return swallow(s)
	}
	_, err := task.RunUntilComplete(l, task.Coroutine[struct{}](func(ctx context.Context) (none struct{}, err error) {
		task.Go(ctx, func(ctx context.Context) error {
			_, _, err := FromConn(ctx, peer(swallow), TLS(tlsClientConfig()))
			return err
		})
		var open [3]*Writer
		for i := range open {
			if _, open[i], err = FromConn(ctx, peer(afterHandshake), TLS(tlsClientConfig())); err != nil {
				return none, err
			}
		}
		if _, err := open[1].Write(make([]byte, 8<<20)); err != nil {
			return none, err
		}
		return none, open[2].Close()
	}))
	if err != nil {
		t.Error(err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	close(late)
	for _, join := range joins {
		if err := join(); err != nil {
			t.Error(err)
		}
	}
}

// tlsListen accepts one connection after the other and echoes what comes over TLS.
func tlsListen(t *testing.T, network, address string) (addr string, stop func() error) {
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	join := plainly(func() error {
		for {
			c, err := l.Accept()
			if err != nil {
				return nil // it is closed
			}
			if err := tlsPlainEcho(tls.Server(c, tlsServerConfig())); err != nil {
				return err
			}
		}
	})
	return l.Addr().String(), func() error { return errors.Join(l.Close(), join()) }
}

// The name that the server must prove is the host, unless the config has another.
func TestTLSOpenConnection(t *testing.T) {
	run(t, func(ctx context.Context) error {
		address, stop := tlsListen(t, "tcp", "127.0.0.1:0")
		nameless := tlsClientConfig().Clone()
		nameless.ServerName = ""
		for _, config := range []*tls.Config{nameless, tlsClientConfig()} {
			r, w, err := OpenConnection(ctx, address, TLS(config))
			if err != nil {
				return err
			}
			if err := talk(t, ctx, r, w, 1000); err != nil {
				return err
			}
		}
		return joinPlain(ctx, stop)
	})
}

func TestTLSOpenUnixConnection(t *testing.T) {
	run(t, func(ctx context.Context) error {
		path, stop := tlsListen(t, "unix", filepath.Join(t.TempDir(), "socket"))
		r, w, err := OpenUnixConnection(ctx, path, TLS(tlsClientConfig()))
		if err != nil {
			return err
		}
		if err := talk(t, ctx, r, w, 1000); err != nil {
			return err
		}
		if _, _, err := OpenUnixConnection(ctx, path, TLS(&tls.Config{})); !errors.Is(err, ErrInvalidArgument) {
			t.Errorf("without a name: %v", err)
		}
		return joinPlain(ctx, stop)
	})
}

// A connect that is too slow in the handshake leaves nothing behind.
func TestTLSOpenConnectionThatIsCancelledInTheHandshake(t *testing.T) {
	runVirtually(t, func(ctx context.Context) error {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		join := plainly(func() error {
			defer l.Close()
			c, err := l.Accept()
			if err != nil {
				return err
			}
			return silent(c)()
		})
		err = task.WithTimeout(ctx, time.Second, func(ctx context.Context) error {
			_, _, err := OpenConnection(ctx, l.Addr().String(), TLS(tlsClientConfig()))
			return err
		})
		if !errors.Is(err, future.ErrTimeout) {
			t.Errorf("error %v", err)
		}
		return joinPlain(ctx, join)
	})
}

// A server calls its handler after the handshake. Clients that do it wrong, or not at all,
// disturb nobody.
func TestTLSServer(t *testing.T) {
	run(t, func(ctx context.Context) error {
		s, err := StartServer(ctx, func(ctx context.Context, r *Reader, w *Writer) error {
			if state, ok := w.ConnectionState(); !ok || !state.HandshakeComplete {
				t.Error("the handler is called before the handshake is done")
			}
			return echo(ctx, r, w)
		}, "127.0.0.1:0", TLS(tlsServerConfig()))
		if err != nil {
			return err
		}
		address := s.Addrs()[0].String()
		mute, err := net.Dial("tcp", address)
		if err != nil {
			return err
		}
		plain, err := net.Dial("tcp", address)
		if err != nil {
			return err
		}
		if _, err := io.WriteString(plain, "GET / HTTP/1.0\r\n\r\n"); err != nil {
			return err
		}
		if err := joinPlain(ctx, func() error {
			defer plain.Close()
			_, _ = io.Copy(io.Discard, plain) // until the server closes it
			return nil
		}); err != nil {
			return err
		}
		for range 3 {
			r, w, err := OpenConnection(ctx, address, TLS(tlsClientConfig()))
			if err != nil {
				return err
			}
			if err := talk(t, ctx, r, w, 1000); err != nil {
				return err
			}
		}
		s.Close()
		s.CloseClients() // aborts the handshake that has not begun
		if err := s.WaitClosed(ctx); err != nil {
			return err
		}
		return mute.Close()
	})
}

func TestTLSServerHandshakeTimeout(t *testing.T) {
	runVirtually(t, func(ctx context.Context) error {
		s, err := StartServer(ctx, func(context.Context, *Reader, *Writer) error {
			t.Error("the handler is called")
			return nil
		}, "127.0.0.1:0", TLS(tlsServerConfig()))
		if err != nil {
			return err
		}
		c, err := net.Dial("tcp", s.Addrs()[0].String())
		if err != nil {
			return err
		}
		defer c.Close()
		for s.connections == 0 { // accepting takes real time
			if err := task.Sleep(ctx, time.Microsecond); err != nil {
				return err
			}
		}
		if err := task.Sleep(ctx, 59*time.Second); err != nil {
			return err
		}
		if s.connections == 0 {
			t.Error("the connection is closed before its time")
		}
		if err := task.Sleep(ctx, 2*time.Second); err != nil {
			return err
		}
		if s.connections > 0 {
			t.Error("the connection is not closed")
		}
		s.Close()
		return s.WaitClosed(ctx)
	})
}
