package streams

import (
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
)

var errServerTest = errors.New("server test error")

// serverReports collects what the exception handler is told.
func serverReports(ctx context.Context) *[]loop.ExceptionContext {
	all := new([]loop.ExceptionContext)
	loop.Running(ctx).SetExceptionHandler(func(_ *loop.Loop, e loop.ExceptionContext) { *all = append(*all, e) })
	return all
}

// serverDial opens a plain connection.
func serverDial(t testing.TB, s *Server) net.Conn {
	t.Helper()
	addr := s.Addrs()[0]
	nc, err := net.Dial(addr.Network(), addr.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	return nc
}

// serverConnect opens a connection from within the loop.
func serverConnect(t testing.TB, ctx context.Context, s *Server) (*Reader, *Writer) {
	t.Helper()
	r, w, err := FromConn(ctx, serverDial(t, s))
	if err != nil {
		t.Fatal(err)
	}
	return r, w
}

// serverUntil lets other tasks run until the condition holds. Goroutines may have to run
// for that.
func serverUntil(t testing.TB, ctx context.Context, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !condition(); {
		if time.Now().After(deadline) {
			t.Fatal("what the test waits for does not happen")
		}
		runtime.Gosched()
		if err := task.Yield(ctx); err != nil {
			t.Fatal(err)
		}
	}
}

// serverSpin waits, without letting the loop go on, for what goroutines do.
func serverSpin(t testing.TB, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !condition(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatal("what the test waits for does not happen")
		}
	}
}

// readToEnd is a handler that waits for the end of the stream.
func readToEnd(ctx context.Context, r *Reader, w *Writer) error {
	_, err := r.ReadAll(ctx)
	return err
}

// idle is a handler that waits until it is cancelled.
func idle(ctx context.Context, _ *Reader, _ *Writer) error { return task.Sleep(ctx, task.Forever) }

// A serverListener is a listener of which the test says what Accept returns.
type serverListener struct {
	results chan serverResult
	closed  chan struct{}
	once    sync.Once
}

type serverResult struct {
	conn net.Conn
	err  error
}

func newServerListener() *serverListener {
	return &serverListener{results: make(chan serverResult, 1000), closed: make(chan struct{})}
}

func (l *serverListener) Accept() (net.Conn, error) {
	select {
	case r := <-l.results:
		return r.conn, r.err
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *serverListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *serverListener) Addr() net.Addr { return serverAddr("fake") }

// fail makes Accept fail.
func (l *serverListener) fail(err error) { l.results <- serverResult{err: err} }

// connect makes Accept return a connection. It returns the other side.
func (l *serverListener) connect() *serverClient {
	a, b := net.Pipe()
	l.results <- serverResult{conn: a}
	return &serverClient{b}
}

type serverAddr string

func (serverAddr) Network() string  { return "fake" }
func (a serverAddr) String() string { return string(a) }

// A serverClient is the client's side of a connection of a serverListener.
type serverClient struct{ net.Conn }

// mustBeClosed waits until the server has closed the connection, without having sent
// anything.
func (c *serverClient) mustBeClosed(t testing.TB) {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
	if n, err := c.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("the connection is not closed: Read returns %d, %v", n, err)
	}
	c.Close()
}

// accepted returns how many connections goroutines have accepted and the loop not taken.
func (s *Server) accepted() (n int) {
	s.intake.mu.Lock()
	defer s.intake.mu.Unlock()
	for _, a := range s.acceptors {
		n += len(a.accepted)
	}
	return n
}

// serverCancelled waits for a task, and tells if it was not cancelled.
func serverCancelled(t testing.TB, ctx context.Context, tk *task.Task[struct{}]) {
	t.Helper()
	if err := tk.Join(ctx); !future.IsCancelled(err) {
		t.Errorf("the task ends with %v, it is not cancelled", err)
	}
}
