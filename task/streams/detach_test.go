package streams

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/task"
)

// detachSetups make a stream of one end of a connection, and a plain connection of the
// other.
var detachSetups = map[string]func(context.Context, testing.TB) (End, net.Conn, error){
	"TCP": func(ctx context.Context, t testing.TB) (end End, peer net.Conn, err error) {
		c, s := tcpPair(t)
		end.R, end.W, err = FromConn(ctx, c)
		return end, s, err
	},
	"Pipe": func(ctx context.Context, t testing.TB) (end End, peer net.Conn, err error) {
		c, s := net.Pipe()
		end.R, end.W, err = FromConn(ctx, c)
		return end, s, err
	},
	"TLS": func(ctx context.Context, t testing.TB) (end End, peer net.Conn, err error) {
		c, s := tcpPair(t)
		session := tls.Server(s, tlsServerConfig())
		join := plainly(session.Handshake)
		if end.R, end.W, err = FromConn(ctx, c, TLS(tlsClientConfig())); err != nil {
			return end, session, err
		}
		return end, session, joinPlain(ctx, join)
	},
}

func forDetachSetups(t *testing.T, test func(ctx context.Context, t *testing.T, end End, peer net.Conn) error) {
	for name, setup := range detachSetups {
		t.Run(name, func(t *testing.T) {
			run(t, func(ctx context.Context) error {
				end, peer, err := setup(ctx, t)
				if err != nil {
					return err
				}
				return test(ctx, t, end, peer)
			})
		})
	}
}

func TestDetachGivesBackTheConnectionAndWhatIsUnread(t *testing.T) {
	forDetachSetups(t, func(ctx context.Context, t *testing.T, end End, peer net.Conn) error {
		join := plainly(func() error {
			defer peer.Close()
			if _, err := io.WriteString(peer, "GET / HTTP/1.1\nthe rest, "); err != nil {
				return err
			}
			got := make([]byte, 5)
			if _, err := io.ReadFull(peer, got); err != nil || string(got) != "write" {
				return fmt.Errorf("got %q, %v", got, err)
			}
			if _, err := io.WriteString(peer, "and more"); err != nil {
				return err
			}
			_, err := io.ReadFull(peer, got[:4])
			if string(got[:4]) != "done" {
				return fmt.Errorf("got %q, %v", got, err)
			}
			return nil
		})
		if line, err := end.R.ReadLine(ctx); string(line) != "GET / HTTP/1.1\n" {
			return fmt.Errorf("got %q, %v", line, err)
		}
		if err := end.W.WriteAll(ctx, []byte("write")); err != nil {
			return err
		}
		nc, unread, err := end.W.Detach(ctx)
		if err != nil {
			return err
		}
		_, isTLS := nc.(*tls.Conn)
		if _, wanted := peer.(*tls.Conn); isTLS != wanted {
			t.Errorf("the connection is a %T", nc)
		}
		if err := end.W.Close(); err != nil { // changes nothing
			return err
		}
		return joinPlain(ctx, func() error {
			defer nc.Close()
			got := make([]byte, len("the rest, and more")-len(unread))
			if _, err := io.ReadFull(nc, got); err != nil {
				return err
			}
			if all := string(unread) + string(got); all != "the rest, and more" {
				t.Errorf("got %q", all)
			}
			if _, err := io.WriteString(nc, "done"); err != nil {
				return err
			}
			return join()
		})
	})
}

// Bytes that were written, but not yet sent, are sent before the connection is given back.
func TestDetachFlushes(t *testing.T) {
	const size = 5 << 20
	forDetachSetups(t, func(ctx context.Context, t *testing.T, end End, peer net.Conn) error {
		join := plainly(func() error {
			defer peer.Close()
			n, err := io.Copy(io.Discard, peer)
			if n != size+3 {
				return fmt.Errorf("%d bytes, %w", n, err)
			}
			return err
		})
		if _, err := end.W.Write(make([]byte, size)); err != nil {
			return err
		}
		nc, unread, err := end.W.Detach(ctx)
		if err != nil {
			return err
		}
		if len(unread) > 0 {
			t.Errorf("unread: %q", unread)
		}
		return joinPlain(ctx, func() error {
			if _, err := io.WriteString(nc, "end"); err != nil {
				return err
			}
			if err := nc.Close(); err != nil {
				return err
			}
			return join()
		})
	})
}

func TestDetachedStreams(t *testing.T) {
	forDetachSetups(t, func(ctx context.Context, t *testing.T, end End, peer net.Conn) error {
		defer peer.Close()
		reading := task.CreateOn(mustLoop(ctx), task.Coroutine[[]byte](end.R.ReadLine))
		closing := task.Go(ctx, end.W.WaitClosed)
		if err := task.Yield(ctx); err != nil {
			return err
		}
		nc, _, err := end.W.Detach(ctx)
		if err != nil {
			return err
		}
		defer nc.Close()
		if _, err := reading.Await(ctx); !errors.Is(err, ErrDetached) {
			t.Errorf("a read that was waiting: %v", err)
		}
		if err := closing.Join(ctx); err != nil {
			t.Errorf("a WaitClosed that was waiting: %v", err)
		}
		_, readErr := end.R.Read(ctx, 1)
		_, writeErr := end.W.Write([]byte("x"))
		_, _, detachErr := end.W.Detach(ctx)
		for name, err := range map[string]error{
			"Read": readErr, "Write": writeErr, "Detach": detachErr,
			"WriteLines": end.W.WriteLines([]byte("x")),
			"WriteAll":   end.W.WriteAll(ctx, []byte("x")),
			"Drain":      end.W.Drain(ctx),
			"WriteEOF":   end.W.WriteEOF(),
			"StartTLS":   end.W.StartTLS(ctx, tlsClientConfig()),
		} {
			if !errors.Is(err, ErrDetached) {
				t.Errorf("%s: %v", name, err)
			}
		}
		end.W.Abort()
		if err := end.W.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		if err := end.W.WaitClosed(ctx); err != nil {
			t.Errorf("WaitClosed: %v", err)
		}
		if !end.W.IsClosing() || end.R.IsReading() {
			t.Error("the streams seem to be open")
		}
		return nil
	})
}

// The pump is interrupted in the middle of a TLS record, which the session then completes.
func TestDetachInsideATLSRecord(t *testing.T) {
	run(t, func(ctx context.Context) error {
		c, s := tcpPair(t)
		half, detached := make(chan struct{}), make(chan struct{})
		join := plainly(func() error {
			defer s.Close()
			session, record, err := recordOf(s, "a record in two halves")
			if err != nil {
				return err
			}
			if _, err := s.Write(record[:len(record)/2]); err != nil {
				return err
			}
			close(half)
			<-detached
			if _, err := s.Write(record[len(record)/2:]); err != nil {
				return err
			}
			return tlsPlainEcho(session)
		})
		_, w, err := FromConn(ctx, c, TLS(tlsClientConfig()))
		if err != nil {
			return err
		}
		if err := joinPlain(ctx, func() error { <-half; return nil }); err != nil {
			return err
		}
		nc, unread, err := w.Detach(ctx)
		if err != nil {
			return err
		}
		if len(unread) > 0 {
			t.Errorf("unread: %q", unread)
		}
		close(detached)
		return joinPlain(ctx, func() error {
			for _, want := range []string{"a record in two halves", "an echo"} {
				got := make([]byte, len(want))
				if _, err := io.ReadFull(nc, got); err != nil || string(got) != want {
					return fmt.Errorf("got %q, %v", got, err)
				}
				if _, err := io.WriteString(nc, "an echo"); err != nil {
					return err
				}
			}
			if err := nc.(*tls.Conn).CloseWrite(); err != nil {
				return err
			}
			if err := join(); err != nil {
				return err
			}
			return nc.Close()
		})
	})
}

func TestDetachAtTheEndOfTheStream(t *testing.T) {
	run(t, func(ctx context.Context) error {
		c, s := tcpPair(t)
		r, w, err := FromConn(ctx, c)
		if err != nil {
			return err
		}
		if _, err := io.WriteString(s, "left over"); err != nil {
			return err
		}
		if err := s.(*net.TCPConn).CloseWrite(); err != nil {
			return err
		}
		for !r.eof {
			if err := task.Sleep(ctx, 0); err != nil {
				return err
			}
		}
		nc, unread, err := w.Detach(ctx)
		if string(unread) != "left over" || err != nil {
			return fmt.Errorf("got %q, %v", unread, err)
		}
		if _, err := nc.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("Read: %v", err)
		}
		nc.Close()
		return s.Close()
	})
}

// A Detach that is cancelled at whatever stage closes the connection.
func TestDetachThatIsCancelled(t *testing.T) {
	for yields := range 4 {
		run(t, func(ctx context.Context) error {
			c, s := tcpPair(t)
			join := silent(s)
			_, w, err := FromConn(ctx, c)
			if err != nil {
				return err
			}
			var nc net.Conn
			detaching := task.Go(ctx, func(ctx context.Context) (err error) {
				nc, _, err = w.Detach(ctx)
				return err
			})
			for range yields {
				if err := task.Yield(ctx); err != nil {
					return err
				}
			}
			detaching.Cancel()
			switch err := detaching.Join(ctx); {
			case err == nil: // it was fast enough
				nc.Close()
			case !future.IsCancelled(err):
				t.Errorf("error %v", err)
			default:
				if yields == 0 {
					w.Close() // it has not begun
				}
				if err := w.WaitClosed(ctx); err != nil {
					return err
				}
			}
			return joinPlain(ctx, join)
		})
	}
}

func TestDetachOfAConnectionThatCannotBe(t *testing.T) {
	run(t, func(ctx context.Context) error {
		left, _, _ := Pair(ctx)
		if _, _, err := left.W.Detach(ctx); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("a pair: %v", err)
		}
		left.W.Close()
		if _, _, err := left.W.Detach(ctx); !errors.Is(err, ErrConnectionLost) {
			t.Errorf("a closed connection: %v", err)
		}
		return nil
	})
}
