package streams

import (
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// fromTCP returns a connection, and the plain socket at its other end.
func fromTCP(t *testing.T, ctx context.Context) (End, *net.TCPConn) {
	t.Helper()
	c, s := tcpPair(t)
	r, w, err := FromConn(ctx, c)
	check.NoError(t, err)
	return End{r, w}, s.(*net.TCPConn)
}

// ended closes a connection in good order.
func ended(t *testing.T, ctx context.Context, e End) {
	t.Helper()
	check.NoError(t, e.W.Close())
	check.NoError(t, e.W.WaitClosed(ctx))
}

// A program that only writes and drains learns that the other side is gone.
func TestDrainFailsWhenTheOtherSideIsGone(t *testing.T) {
	run(t, func(ctx context.Context) error {
		e, peer := fromTCP(t, ctx)
		check.NoError(t, peer.Close())
		for {
			_, err := e.W.Write([]byte("foo\n"))
			if err == nil {
				err = e.W.Drain(ctx)
			}
			if err != nil {
				check.Equal(t, "disconnect", IsDisconnect(err), true)
				break
			}
			turns(t, ctx, 1)
		}
		check.Equal(t, "disconnect", IsDisconnect(e.W.WaitClosed(ctx)), true)
		return nil
	})
}

func TestCloseWithUnreadDataIsInGoodOrder(t *testing.T) {
	run(t, func(ctx context.Context) error {
		e, peer := fromTCP(t, ctx)
		_, err := peer.Write([]byte("HTTP/1.0 200 OK\r\nmore"))
		check.NoError(t, err)
		gives(t, "HTTP/1.0 200 OK\r\n")(e.R.ReadLine(ctx))
		check.Equal(t, "closing", e.W.IsClosing(), false)
		check.NoError(t, e.W.Close())
		check.Equal(t, "closing", e.W.IsClosing(), true)
		check.NoError(t, e.W.WaitClosed(ctx))
		_, err = e.W.Write([]byte("data"))
		check.Is(t, err, ErrConnectionLost)
		check.Is(t, err, syscall.ECONNRESET)
		check.Is(t, e.W.Drain(ctx), ErrConnectionLost)
		return peer.Close()
	})
}

// A reset fails all reads, even if bytes that came before are left.
func TestResetFailsReads(t *testing.T) {
	run(t, func(ctx context.Context) error {
		e, peer := fromTCP(t, ctx)
		_, err := peer.Write([]byte("12345"))
		check.NoError(t, err)
		gives(t, "1")(e.R.ReadExactly(ctx, 1))
		read := startRead(ctx, func(ctx context.Context) ([]byte, error) { return e.R.ReadExactly(ctx, 9) })
		turns(t, ctx, 1)
		check.NoError(t, peer.SetLinger(0))
		check.NoError(t, peer.Close())
		_, err = read.Await(ctx)
		check.Is(t, err, syscall.ECONNRESET)
		var op *net.OpError
		check.Equal(t, "type", errors.As(err, &op), true)
		check.Equal(t, "address", op.Addr.String(), e.W.RemoteAddr().String())
		for name, read := range everyRead(e.R) {
			if _, again := read(ctx); again != err {
				t.Errorf("%s: %v", name, again)
			}
		}
		check.Equal(t, "WaitClosed", e.W.WaitClosed(ctx), err)
		check.Equal(t, "Drain", e.W.Drain(ctx), err)
		left(t, e.R, "2345")
		return nil
	})
}

func TestPauseKeepsWhatArrivesAway(t *testing.T) {
	run(t, func(ctx context.Context) error {
		e, peer := fromTCP(t, ctx)
		e.R.Pause()
		_, err := peer.Write([]byte("text"))
		check.NoError(t, err)
		check.NoError(t, peer.CloseWrite())
		_, err = task.ToThread(ctx, func(context.Context) (int, error) {
			for range 100 {
				runtime.Gosched()
			}
			return 0, nil
		})
		check.NoError(t, err)
		check.Equal(t, "buffered", e.R.Buffered(), 0)
		check.Equal(t, "at the end", e.R.AtEOF(), false)
		e.R.Resume()
		gives(t, "text")(e.R.ReadAll(ctx))
		ended(t, ctx, e)
		return peer.Close()
	})
}

// What the other side does not take is bounded by the kernel, what we do not read by twice
// the limit, what is read at once, and what the pump has.
func TestReaderThatIsNotReadIsBounded(t *testing.T) {
	run(t, func(ctx context.Context) error {
		e, peer := fromTCP(t, ctx)
		sent := make(chan error, 1)
		go func() {
			_, err := peer.Write(make([]byte, 16<<20))
			sent <- err
		}()
		for e.R.IsReading() {
			turns(t, ctx, 1)
		}
		if n := e.R.Buffered(); n <= 2*DefaultLimit || n > 2*DefaultLimit+2*maxReceive {
			t.Errorf("%d bytes are buffered", n)
		}
		got, p := 0, make([]byte, 100<<10)
		for got < 16<<20 {
			n, err := e.R.ReadInto(ctx, p)
			if err != nil {
				return err
			}
			got += n
		}
		check.Equal(t, "got", got, 16<<20)
		_, err, _ := task.Receive(ctx, sent)
		check.Equal(t, "sent", err, true)
		ended(t, ctx, e)
		return peer.Close()
	})
}

// While the other side takes nothing, writes are kept; once it goes on, all of it arrives.
func TestWritesToASlowReceiver(t *testing.T) {
	run(t, func(ctx context.Context) error {
		e, peer := fromTCP(t, ctx)
		const total = 8 << 20
		chunk := []byte(strings.Repeat("0123456789abcdef", 4<<10))
		for range total / len(chunk) {
			writes(t, e.W, string(chunk))
		}
		if e.W.WriteBufferSize() == 0 {
			t.Error("nothing is kept")
		}
		drain := task.Go(ctx, e.W.Drain)
		turns(t, ctx, 3)
		check.Equal(t, "drained", drain.Done(), false)
		check.NoError(t, e.W.WriteEOF())
		got := make(chan string, 1)
		go func() {
			p, _ := io.ReadAll(peer)
			got <- string(p)
		}()
		check.NoError(t, drain.Join(ctx))
		if n := e.W.WriteBufferSize(); n > defaultHigh/4 {
			t.Errorf("drained with %d bytes kept", n)
		}
		text, _, err := task.Receive(ctx, got)
		check.NoError(t, err)
		check.Equal(t, "all is there", text == strings.Repeat(string(chunk), total/len(chunk)), true)
		ended(t, ctx, e)
		return peer.Close()
	})
}

func TestAbortBehindASlowReceiver(t *testing.T) {
	for _, how := range []string{"abort", "close within", "close of the loop"} {
		run(t, func(ctx context.Context) error {
			e, peer := fromTCP(t, ctx)
			t.Cleanup(func() { _ = peer.Close() })
			writes(t, e.W, strings.Repeat("x", 16<<20))
			drain := task.Go(ctx, e.W.Drain)
			turns(t, ctx, 1)
			switch how {
			case "abort":
				e.W.Abort()
				check.NoError(t, e.W.WaitClosed(ctx))
			case "close within":
				check.NoError(t, e.W.CloseWithin(ctx, time.Millisecond))
			default:
				drain.Cancel()
				check.Equal(t, "cancelled", future.IsCancelled(drain.Join(ctx)), true)
				return nil
			}
			check.NoError(t, drain.Join(ctx))
			check.Equal(t, "kept", e.W.WriteBufferSize(), 0)
			check.Is(t, e.W.Drain(ctx), ErrConnectionLost)
			return nil
		})
	}
}

// A brokenConn does not behave when it reads or writes.
type brokenConn struct {
	net.Conn
	read, write func()
}

func (c brokenConn) Read(p []byte) (int, error) {
	c.read()
	return c.Conn.Read(p)
}

func (c brokenConn) Write(p []byte) (int, error) {
	c.write()
	return c.Conn.Write(p)
}

// What a net.Conn of the program does wrong ends its connection, and nothing else.
func TestConnectionOfABrokenConn(t *testing.T) {
	nothing := func() {}
	for name, bad := range map[string]func(){
		"panic":  func() { panic("oops") },
		"Goexit": runtime.Goexit,
	} {
		for _, c := range []brokenConn{{read: bad, write: nothing}, {read: nothing, write: bad}} {
			run(t, func(ctx context.Context) error {
				var reports []loop.ExceptionContext
				loop.Running(ctx).SetExceptionHandler(func(_ *loop.Loop, e loop.ExceptionContext) { reports = append(reports, e) })
				var peer net.Conn
				c.Conn, peer = net.Pipe()
				r, w, err := FromConn(ctx, c)
				check.NoError(t, err)
				writes(t, w, "x")
				_, err = r.ReadLine(ctx)
				check.Equal(t, "WaitClosed", w.WaitClosed(ctx), err)
				turns(t, ctx, 2)
				if name == "panic" {
					var p *loop.PanicError
					check.Equal(t, "panicked", errors.As(err, &p), true)
					check.Equal(t, "reports", len(reports), 1)
					return peer.Close()
				}
				check.Is(t, err, task.ErrGoexit)
				check.Equal(t, "reports", len(reports), 0)
				return peer.Close()
			})
		}
	}
}

func TestFromConnRefusesNil(t *testing.T) {
	run(t, func(ctx context.Context) error {
		_, _, err := FromConn(ctx, nil)
		check.Is(t, err, ErrInvalidArgument)
		return nil
	})
}

// Cancelled, FromConn closes the connection.
func TestFromConnThatIsCancelledClosesTheConnection(t *testing.T) {
	run(t, func(ctx context.Context) error {
		c, peer := tcpPair(t)
		from := task.Go(ctx, func(ctx context.Context) error {
			_, _, err := FromConn(ctx, c)
			return err
		})
		turns(t, ctx, 1)
		from.Cancel()
		check.Equal(t, "cancelled", future.IsCancelled(from.Join(ctx)), true)
		_, err := task.ToThread(ctx, func(context.Context) (int, error) { return peer.Read(make([]byte, 1)) })
		check.Equal(t, "error", err, io.EOF)
		return peer.Close()
	})
}

func TestFromConnWithAWrongOption(t *testing.T) {
	run(t, func(ctx context.Context) error {
		c, peer := net.Pipe()
		for _, opt := range []Option{nil, Limit(0)} {
			_, _, err := FromConn(ctx, c, opt)
			check.Is(t, err, ErrInvalidArgument)
		}
		_ = c.Close()
		return peer.Close()
	})
}

// slowlyClosed is a connection whose Close takes until it is allowed to end.
type slowlyClosed struct {
	net.Conn
	closing, allowed chan struct{}
	closed           atomic.Bool
}

func (c *slowlyClosed) Close() error {
	close(c.closing)
	<-c.allowed
	err := c.Conn.Close()
	c.closed.Store(true)
	return err
}

// Close of the loop waits for what connections leave behind, also those that were lost
// long before.
func TestCloseOfTheLoopWaitsForALostConnection(t *testing.T) {
	ours, theirs := net.Pipe()
	defer theirs.Close()
	nc := &slowlyClosed{Conn: ours, closing: make(chan struct{}), allowed: make(chan struct{})}
	go func() {
		<-nc.closing
		close(nc.allowed)
	}()
	run(t, func(ctx context.Context) error {
		_, w, err := FromConn(ctx, nc)
		if err != nil {
			return err
		}
		w.Close()
		return w.WaitClosed(ctx)
	})
	if !nc.closed.Load() {
		t.Error("the loop is closed before its connection")
	}
}
