package streams

import (
	"context"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// shutdownServer starts a server on a fake listener, and waits until it has the given
// number of connections.
func shutdownServer(t *testing.T, ctx context.Context, handler Handler, connections int, opts ...Option) *Server {
	t.Helper()
	l := newServerListener()
	release := loop.Running(ctx).Hold()
	defer release()
	s, err := Serve(ctx, handler, l, opts...)
	if err != nil {
		t.Fatal(err)
	}
	for range connections {
		l.connect()
	}
	serverUntil(t, ctx, func() bool { return s.connections == connections })
	for range 2 { // let the handlers begin
		_ = task.Yield(ctx)
	}
	return s
}

func TestShutdown(t *testing.T) {
	stubborn := func(ctx context.Context, r *Reader, w *Writer) error {
		for {
			if err := task.Sleep(ctx, 40*time.Second); !future.IsCancelled(err) {
				return err
			}
		}
	}
	for name, test := range map[string]struct {
		handler Handler
		aborted int
		took    time.Duration
	}{
		"handlers that end in time": {
			func(ctx context.Context, _ *Reader, _ *Writer) error { return task.Sleep(ctx, 3*time.Second) }, 0, 3 * time.Second,
		},
		"handlers that wait for clients":   {readToEnd, 0, 10 * time.Second},
		"handlers that heed cancellations": {idle, 0, 10 * time.Second},
		"handlers that outlive their connections": {
			func(ctx context.Context, _ *Reader, w *Writer) error { w.Close(); return task.Sleep(ctx, task.Forever) }, 0, 0,
		},
		"handlers that heed nothing for long": {stubborn, 0, 40*time.Second + 10*time.Second},
		"clients that take nothing": {
			func(ctx context.Context, _ *Reader, w *Writer) error { return w.WriteAll(ctx, make([]byte, 1<<20)) }, 3, 20 * time.Second,
		},
	} {
		t.Run(name, func(t *testing.T) {
			runVirtually(t, func(ctx context.Context) error {
				reports := serverReports(ctx)
				s := shutdownServer(t, ctx, test.handler, 3)
				begin := s.Loop().Time()
				aborted, err := s.Shutdown(ctx, 10*time.Second)
				check.Equal(t, "the number of connections that were aborted", aborted, test.aborted)
				check.Equal(t, "the time that it takes", s.Loop().Time().Sub(begin), test.took)
				check.Equal(t, "whether all handlers are done", allDone(s), true)
				check.Equal(t, "isOver", s.isOver(), true)
				check.Equal(t, "the number of reports", len(*reports), 0)
				aborted, again := s.Shutdown(ctx, 10*time.Second)
				check.Equal(t, "the number of connections that were aborted again", aborted, 0)
				if again != nil {
					t.Error(again)
				}
				return err
			})
		})
	}
}

// allDone reports whether the tasks of all handlers are done.
func allDone(s *Server) bool {
	for n := s.running.First(); n != nil; n = n.Next() {
		if !n.Value.task.Done() {
			return false
		}
	}
	return true
}

func TestShutdownThatIsCancelledAbortsAtOnce(t *testing.T) {
	for _, byContext := range []bool{false, true} {
		runVirtually(t, func(ctx context.Context) error {
			s := shutdownServer(t, ctx, idle, 3)
			begin := s.Loop().Time()
			var aborted int
			shutting := task.Go(ctx, func(ctx context.Context) (err error) {
				if byContext {
					own, end := context.WithCancelCause(ctx)
					defer end(nil)
					loop.Running(ctx).CallLater(time.Second, func() { end(errServerTest) })
					ctx = own
				}
				aborted, err = s.Shutdown(ctx, time.Hour)
				return err
			})
			if byContext {
				check.Is(t, shutting.Join(ctx), errServerTest)
			} else {
				_ = task.Yield(ctx)
				shutting.Cancel()
				serverCancelled(t, ctx, shutting)
			}
			check.Equal(t, "the number of connections that were aborted", aborted, 3)
			check.Equal(t, "isOver", s.isOver(), true)
			if d := s.Loop().Time().Sub(begin); d > time.Second {
				t.Errorf("it takes %v", d)
			}
			return nil
		})
	}
}

// The wait for handlers that do not heed their cancellation can itself be cancelled.
func TestShutdownThatIsCancelledWhileItWaitsForHandlers(t *testing.T) {
	runVirtually(t, func(ctx context.Context) error {
		s := shutdownServer(t, ctx, func(ctx context.Context, r *Reader, w *Writer) error {
			_ = task.Sleep(ctx, task.Forever)
			return task.Sleep(ctx, time.Hour)
		}, 1)
		shutting := task.Go(ctx, func(ctx context.Context) error {
			_, err := s.Shutdown(ctx, time.Second)
			return err
		})
		if err := task.Sleep(ctx, time.Minute); err != nil {
			return err
		}
		check.Equal(t, "Done of Shutdown while a handler runs", shutting.Done(), false)
		check.Equal(t, "isOver", s.isOver(), true)
		shutting.Cancel()
		serverCancelled(t, ctx, shutting)
		return nil
	}, tasktest.AllowTasks()) // the handler is at it
}

// A handler may shut down its server. It is not cancelled, but its connection does not
// wait for it longer than others.
func TestShutdownByAHandler(t *testing.T) {
	runVirtually(t, func(ctx context.Context) error {
		finished := future.New[int](loop.Running(ctx))
		first := true
		var s *Server
		s = shutdownServer(t, ctx, func(ctx context.Context, r *Reader, w *Writer) error {
			if !first {
				return idle(ctx, r, w)
			}
			first = false
			if err := task.Sleep(ctx, time.Second); err != nil {
				return err
			}
			aborted, err := s.Shutdown(ctx, 10*time.Second)
			if err != nil {
				return err
			}
			return finished.SetResult(aborted)
		}, 2)
		aborted, err := finished.Await(ctx)
		check.Equal(t, "the number of connections that were aborted", aborted, 0)
		check.Equal(t, "isOver", s.isOver(), true)
		return err
	})
}
