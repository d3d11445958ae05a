package streams

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// faultReset makes the system send a reset.
func faultReset(t *testing.T, nc net.Conn) {
	t.Helper()
	check.NoError(t, nc.(*net.TCPConn).SetLinger(0))
	check.NoError(t, nc.Close())
}

// faultHeld returns how many bytes the pump of a connection has that the reader has not.
func faultHeld(w *Writer) int {
	var s *socket
	switch wire := w.conn.wire.(type) {
	case *socket:
		s = wire
	case *tlsWire:
		s = &wire.socket
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.arrived.len()
}

// faultPump is the most that a pump holds.
const faultPump = maxReceive + largeBlock

// However much the other side sends, what is held of it is bounded: by the reader, and by
// the pump.
func TestFloodIsBounded(t *testing.T) {
	const limit, total = 1000, 8 << 20
	for name, connect := range map[string]func(testing.TB) (a, b net.Conn){
		"TCP":  tcpPair,
		"Pipe": func(testing.TB) (a, b net.Conn) { return net.Pipe() },
		"TLS":  tcpPair,
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(ctx context.Context) error {
				c, s := connect(t)
				opts := []Option{Limit(limit)}
				if name == "TLS" {
					s = tls.Server(s, tlsServerConfig())
					opts = append(opts, TLS(tlsClientConfig()))
				}
				flood := plainly(func() error {
					_, err := s.Write(make([]byte, total))
					return err
				})
				r, w, err := FromConn(ctx, c, opts...)
				if err != nil {
					return err
				}
				fits := func() {
					t.Helper()
					if n := r.Buffered(); n > 2*limit+faultPump {
						t.Fatalf("the reader holds %d bytes", n)
					}
					if n := faultHeld(w); n > faultPump {
						t.Fatalf("the pump holds %d bytes", n)
					}
				}
				for r.IsReading() {
					turns(t, ctx, 1)
					fits()
				}
				p := make([]byte, limit)
				for got := 0; got < total; {
					n, err := r.ReadInto(ctx, p)
					if err != nil {
						return err
					}
					got += n
					fits()
				}
				if err := joinPlain(ctx, flood); err != nil {
					return err
				}
				w.Abort()
				return s.Close()
			})
		})
	}
}

// Who drains never has more than the high-water mark and one write in memory, however slow
// the other side is. Who does not, keeps all.
func TestSlowReceiverLeavesABoundedBuffer(t *testing.T) {
	run(t, func(ctx context.Context) error {
		e, peer := fromTCP(t, ctx)
		const total, step = 16 << 20, 50 << 10
		go1 := make(chan struct{})
		slow := plainly(func() error {
			<-go1
			n, err := io.CopyBuffer(io.Discard, struct{ io.Reader }{peer}, make([]byte, 1000))
			if n != total {
				t.Errorf("%d bytes arrive", n)
			}
			return err
		})
		sending := task.Go(ctx, func(ctx context.Context) error {
			for sent := 0; sent < total; sent += step {
				if _, err := e.W.Write(make([]byte, min(step, total-sent))); err != nil {
					return err
				}
				if n := e.W.WriteBufferSize(); n > defaultHigh+step {
					t.Errorf("%d bytes are kept", n)
				}
				if err := e.W.Drain(ctx); err != nil {
					return err
				}
			}
			return nil
		})
		for !e.W.conn.writePaused {
			turns(t, ctx, 1)
		}
		close(go1)
		check.NoError(t, sending.Join(ctx))
		ended(t, ctx, e)
		check.NoError(t, joinPlain(ctx, slow))
		return peer.Close()
	})
}

func TestOtherSideThatHalfCloses(t *testing.T) {
	run(t, func(ctx context.Context) error {
		e, peer := fromTCP(t, ctx)
		_, err := peer.Write([]byte("line\nrest"))
		check.NoError(t, err)
		check.NoError(t, peer.CloseWrite())
		gives(t, "line\n")(e.R.ReadLine(ctx))
		_, err = e.R.ReadExactly(ctx, 9)
		var incomplete *IncompleteReadError
		if !errors.As(err, &incomplete) || string(incomplete.Partial) != "rest" || incomplete.Expected != 9 {
			t.Errorf("ReadExactly: %v", err)
		}
		for range 2 {
			_, err = e.R.ReadLine(ctx)
			check.Equal(t, "ReadLine", err, io.EOF)
			_, err = e.R.Read(ctx, 1)
			check.Equal(t, "Read", err, io.EOF)
		}
		check.Equal(t, "closing", e.W.IsClosing(), false)
		writes(t, e.W, "answer")
		ended(t, ctx, e)
		got, err := io.ReadAll(peer)
		gives(t, "answer")(got, err)
		return peer.Close()
	})
}

// The first write to a connection that the other side has closed is taken by the system,
// which then learns that nobody wants it.
func TestOtherSideThatClosesWhileWeWrite(t *testing.T) {
	run(t, func(ctx context.Context) error {
		e, peer := fromTCP(t, ctx)
		check.NoError(t, peer.Close())
		_, err := e.R.Read(ctx, 1)
		check.Equal(t, "Read", err, io.EOF)
		check.Equal(t, "closing at the end", e.W.IsClosing(), false)
		writes(t, e.W, "x")
		check.NoError(t, e.W.Drain(ctx))
		for err == nil || err == io.EOF {
			_, err = e.W.Write([]byte("x"))
			runtime.Gosched()
		}
		check.Is(t, err, ErrConnectionLost)
		check.Equal(t, "closing", e.W.IsClosing(), true)
		check.Equal(t, "lost before Drain", e.W.conn.gone, false)
		check.Is(t, e.W.Drain(ctx), ErrConnectionLost) // lets others run once, and it is lost
		for range 2 {
			lost := e.W.WaitClosed(ctx)
			if !errors.Is(lost, syscall.EPIPE) && !errors.Is(lost, syscall.ECONNRESET) {
				t.Errorf("WaitClosed: %v", lost)
			}
			check.Equal(t, "Drain", e.W.Drain(ctx), lost)
			_, err = e.W.Write([]byte("x"))
			check.Is(t, err, ErrConnectionLost)
			check.Is(t, err, lost)
		}
		return nil
	})
}

// Without a task that waits, a reset ends the connection as well.
func TestResetOfAnIdleConnection(t *testing.T) {
	run(t, func(ctx context.Context) error {
		e, peer := fromTCP(t, ctx)
		faultReset(t, peer)
		lost := e.W.WaitClosed(ctx)
		check.Is(t, lost, syscall.ECONNRESET)
		check.Equal(t, "closing", e.W.IsClosing(), true)
		check.Equal(t, "Err", e.R.Err(), lost)
		for name, read := range everyRead(e.R) {
			if _, err := read(ctx); err != lost {
				t.Errorf("%s: %v", name, err)
			}
		}
		_, err := e.W.Write([]byte("x"))
		check.Is(t, err, ErrConnectionLost)
		check.Is(t, err, syscall.ECONNRESET)
		// Whatever ends it afterwards, the first outcome stays.
		check.NoError(t, e.W.Close())
		e.W.Abort()
		check.NoError(t, e.W.Close())
		check.Equal(t, "WaitClosed", e.W.WaitClosed(ctx), lost)
		return nil
	})
}

// A reset ends a task that waits in Drain, and what was kept is dropped.
func TestResetWhileWeWrite(t *testing.T) {
	run(t, func(ctx context.Context) error {
		e, peer := fromTCP(t, ctx)
		writes(t, e.W, strings.Repeat("x", 16<<20))
		drains := []*task.Task[struct{}]{task.Go(ctx, e.W.Drain), task.Go(ctx, e.W.Drain)}
		turns(t, ctx, 2)
		faultReset(t, peer)
		lost := e.W.WaitClosed(ctx)
		check.Equal(t, "disconnect", IsDisconnect(lost), true)
		for _, d := range drains {
			check.Equal(t, "Drain", d.Join(ctx), lost)
		}
		check.Equal(t, "kept", e.W.WriteBufferSize(), 0)
		_, err := e.W.Write([]byte("x"))
		check.Is(t, err, ErrConnectionLost)
		return nil
	})
}

// A client that is gone before it was served costs nothing but its own connection.
func TestResetBeforeTheServerAccepts(t *testing.T) {
	run(t, func(ctx context.Context) error {
		reports := serverReports(ctx)
		var served []error
		s, err := StartServer(ctx, func(ctx context.Context, r *Reader, w *Writer) error {
			_, err := r.ReadLine(ctx)
			served = append(served, err)
			if err == nil {
				writes(t, w, "pong\n")
			}
			return err
		}, "127.0.0.1:0", StartLater())
		if err != nil {
			return err
		}
		faultReset(t, serverDial(t, s))
		if err := s.StartServing(ctx); err != nil {
			return err
		}
		r, w := serverConnect(t, ctx, s)
		writes(t, w, "ping\n")
		gives(t, "pong\n")(r.ReadLine(ctx))
		if err := w.Close(); err != nil {
			return err
		}
		if err := s.Close(); err != nil {
			return err
		}
		if err := s.WaitClosed(ctx); err != nil {
			return err
		}
		turns(t, ctx, 3)
		failed := 0
		for _, err := range served {
			if err != nil { // systems may also never show such a connection
				check.Is(t, err, syscall.ECONNRESET)
				failed++
			}
		}
		check.Equal(t, "handlers", len(served)-failed, 1)
		check.Equal(t, "reports", len(*reports), failed)
		return nil
	})
}

// A reset that comes with the connection is the error of OpenConnection, or of the first
// read.
func TestResetDuringConnect(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check.NoError(t, err)
	resetting := plainly(func() error {
		for {
			nc, err := l.Accept()
			if err != nil {
				return nil // it is closed
			}
			faultReset(t, nc)
		}
	})
	run(t, func(ctx context.Context) error {
		for range 50 {
			r, w, err := OpenConnection(ctx, l.Addr().String())
			if err == nil {
				_, err = r.ReadLine(ctx)
				check.Equal(t, "WaitClosed", w.WaitClosed(ctx), err)
			}
			check.Is(t, err, syscall.ECONNRESET)
		}
		return nil
	})
	check.NoError(t, l.Close())
	check.NoError(t, resetting())
}

// A reset in the handshake fails it on a client. A server closes that connection, says so
// in debug mode only, and serves others.
func TestResetDuringTheHandshake(t *testing.T) {
	run(t, func(ctx context.Context) error {
		c, s := tcpPair(t)
		reset := plainly(func() error {
			_, err := io.ReadFull(s, make([]byte, 100)) // of the ClientHello
			faultReset(t, s)
			return err
		})
		_, _, err := FromConn(ctx, c, TLS(tlsClientConfig()))
		check.Is(t, err, syscall.ECONNRESET)
		_, err = c.Read(make([]byte, 1))
		check.Is(t, err, net.ErrClosed)
		if err := joinPlain(ctx, reset); err != nil {
			return err
		}

		reports := serverReports(ctx)
		server, err := StartServer(ctx, echo, "127.0.0.1:0", TLS(tlsServerConfig()))
		if err != nil {
			return err
		}
		return server.With(ctx, func(ctx context.Context) error {
			bad := serverDial(t, server)
			_, err := bad.Write([]byte{22, 3, 1, 1}) // the beginning of a ClientHello
			check.NoError(t, err)
			serverUntil(t, ctx, func() bool { return server.connections == 1 })
			faultReset(t, bad)
			serverUntil(t, ctx, func() bool { return server.connections == 0 })
			check.Equal(t, "reports", len(*reports), 0)
			r, w, err := OpenConnection(ctx, server.Addrs()[0].String(), TLS(tlsClientConfig()))
			if err != nil {
				return err
			}
			return talk(t, ctx, r, w, 1000)
		})
	})
}

// What a handler returns for a client that has reset its connection is reported as any
// error is: not if it is nil.
func TestResetIsReportedIfTheHandlerReturnsIt(t *testing.T) {
	for _, returned := range []bool{true, false} {
		run(t, func(ctx context.Context) error {
			reports := serverReports(ctx)
			s, err := StartServer(ctx, func(ctx context.Context, r *Reader, w *Writer) error {
				if _, err := r.ReadLine(ctx); returned {
					return err
				}
				return nil
			}, "127.0.0.1:0")
			if err != nil {
				return err
			}
			nc := serverDial(t, s)
			serverUntil(t, ctx, func() bool { return s.connections == 1 })
			faultReset(t, nc)
			serverUntil(t, ctx, func() bool { return s.connections == 0 })
			turns(t, ctx, 3)
			if !returned {
				check.Equal(t, "reports", len(*reports), 0)
			} else if check.Equal(t, "reports", len(*reports), 1); len(*reports) == 1 {
				check.Is(t, (*reports)[0].Err, syscall.ECONNRESET)
			}
			return s.Close()
		})
	}
}

// Nothing is known of another side that has lost its power, until a limit says so.
func TestHalfOpenConnection(t *testing.T) {
	runVirtually(t, func(ctx context.Context) error {
		l, _, link := Pair(ctx)
		link.Stall(LeftToRight)
		link.Stall(RightToLeft)
		writes(t, l.W, "are you there?\n")
		begin := l.W.Loop().Time()
		err := task.WithTimeout(ctx, 24*time.Hour, func(ctx context.Context) error {
			_, err := l.R.ReadLine(ctx)
			return err
		})
		check.Is(t, err, future.ErrTimeout)
		check.Equal(t, "closing", l.W.IsClosing(), false)
		l.W.conn.watchIdle(time.Minute)
		_, err = l.R.ReadLine(ctx)
		check.Is(t, err, future.ErrTimeout)
		check.Equal(t, "WaitClosed", l.W.WaitClosed(ctx), err)
		check.Equal(t, "time", l.W.Loop().Time().Sub(begin), 24*time.Hour+time.Minute)
		return nil
	})
}

// A faultConn fails to read.
type faultConn struct {
	net.Conn
	err error
}

func (c faultConn) Read([]byte) (int, error) { return 0, c.err }

// The system's own limit for a silent connection ends it, and is an error like any other.
func TestKeepAliveEndsTheConnection(t *testing.T) {
	run(t, func(ctx context.Context) error {
		a, b := net.Pipe()
		r, w, err := FromConn(ctx, faultConn{a, &net.OpError{Op: "read", Net: "tcp", Err: syscall.ETIMEDOUT}})
		if err != nil {
			return err
		}
		_, err = r.ReadLine(ctx)
		check.Is(t, err, syscall.ETIMEDOUT)
		check.Equal(t, "WaitClosed", w.WaitClosed(ctx), err)
		return b.Close()
	})
}

// Bytes that mean nothing, one at a time, are bytes like others.
func TestGarbageOneByteAtATime(t *testing.T) {
	const limit = 1000
	linked(t, func(ctx context.Context, l, r End, _ *Link) {
		garbage := make([]byte, 20*limit)
		for i := range garbage {
			if garbage[i] = byte(i * 7); garbage[i] == '\n' {
				garbage[i] = 0
			}
		}
		text := bytes.Join([][]byte{garbage, []byte("\n\x00\n"), garbage[:limit], []byte("\nok\nend")}, nil)
		sending := task.Go(ctx, func(ctx context.Context) error {
			if err := l.W.WriteAll(ctx, text); err != nil {
				return err
			}
			return l.W.WriteEOF()
		})
		overruns, got := 0, [][]byte(nil)
		for line, err := range r.R.Lines(ctx) {
			if n := r.R.Buffered(); n > 2*limit+faultPump {
				t.Fatalf("%d bytes are buffered", n)
			}
			if err != nil {
				check.Is(t, err, ErrLimitOverrun)
				overruns++
				continue
			}
			got = append(got, line)
		}
		check.NoError(t, sending.Join(ctx))
		if overruns == 0 || len(got) < 4 {
			t.Fatalf("%d overruns, %d lines", overruns, len(got))
		}
		got = got[len(got)-4:]
		for i, want := range []string{"\x00\n", string(garbage[:limit]) + "\n", "ok\n", "end"} {
			check.Equal(t, "line", string(got[i]), want)
		}
	}, Chunk(1), PairLimit(limit))
}
