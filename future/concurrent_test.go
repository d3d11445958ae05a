package future_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

func TestConcurrentThatIsOverTakesNothing(t *testing.T) {
	for _, test := range []struct {
		name   string
		finish func(c *future.Concurrent[int])
		check  func(err error)
		state  string
		cancel bool // what a late Cancel says
	}{
		{"result", func(c *future.Concurrent[int]) { _ = c.SetResult(42) }, func(err error) { check.NoError(t, err) }, "finished", false},
		{"exception", func(c *future.Concurrent[int]) { _ = c.SetException(errTest) }, func(err error) { check.Is(t, err, errTest) }, "finished", false},
		{"cancelled", func(c *future.Concurrent[int]) { c.Cancel() }, func(err error) { check.Cancelled(t, err, "") }, "cancelled", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := future.NewConcurrent[int]()
			called := 0
			c.AddDoneCallback(func() { called++ })
			done := c.Done()
			test.finish(c)
			<-done
			<-c.Done()
			c.AddDoneCallback(func() { called++ })
			check.Equal(t, "callbacks", called, 2)
			_, err := c.Result(context.Background())
			test.check(err)
			test.check(c.Err())
			check.Is(t, c.SetResult(1), future.ErrInvalidState, "SetResult of <Concurrent", test.state)
			check.Is(t, c.SetException(errTest), future.ErrInvalidState, "SetException of <Concurrent")
			check.Equal(t, "Cancel", c.Cancel(), test.cancel)
			check.Equal(t, "SetRunning", c.SetRunning(), false)
			_, err = c.Result(context.Background())
			test.check(err)
		})
	}
}

func TestConcurrentThatRunsCannotBeCancelled(t *testing.T) {
	c := future.NewConcurrent[int]()
	check.Equal(t, "SetRunning", c.SetRunning(), true)
	check.Equal(t, "Cancel", c.Cancel(), false)
	check.NoError(t, c.SetResult(3))
	v, err := c.Result(context.Background())
	check.NoError(t, err)
	check.Equal(t, "result", v, 3)
}

// What has no outcome yet must not look like a success.
func TestConcurrentErrBeforeThereIsAnOutcome(t *testing.T) {
	c := future.NewConcurrent[int]()
	check.Is(t, c.Err(), future.ErrInvalidState, "Err of <Concurrent", "state=pending", "the exception is not set")
	c.SetRunning()
	check.Is(t, c.Err(), future.ErrInvalidState, "state=running")
	check.NoError(t, c.SetResult(3))
	check.NoError(t, c.Err())
}

func TestConcurrentMisuse(t *testing.T) {
	c := future.NewConcurrent[int]()
	check.Is(t, c.SetException(nil), future.ErrInvalidState, "the exception is nil")
	check.Is(t, check.Panics(t, func() { c.AddDoneCallback(nil) }), loop.ErrNilFunc)
	err := check.Panics(t, func() { future.Wrap[int](newLoop(t), nil) })
	check.Is(t, err, err, "Wrap", "nil")
	err = check.Panics(t, func() { future.Wrap(nil, c) })
	check.Is(t, err, loop.ErrNotRunning)
}

func TestConcurrentResultForManyGoroutines(t *testing.T) {
	c := future.NewConcurrent[int]()
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			v, err := c.Result(context.Background())
			check.NoError(t, err)
			check.Equal(t, "result", v, 7)
		})
	}
	check.NoError(t, c.SetResult(7))
	wg.Wait()
}

func TestConcurrentResultEndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errTest)
	c := future.NewConcurrent[int]()
	_, err := c.Result(ctx)
	check.Is(t, err, errTest)
	check.NoError(t, c.SetResult(1))
	v, err := c.Result(ctx) // there is a result: the context does not matter
	check.NoError(t, err)
	check.Equal(t, "result", v, 1)
}

func TestWrapGivesWhatAnotherGoroutineProduces(t *testing.T) {
	for name, failure := range map[string]error{"result": nil, "exception": errTest} {
		t.Run(name, func(t *testing.T) {
			l := newLoop(t)
			check.RunOn(t, l, func(ctx context.Context) {
				c := future.NewConcurrent[string]()
				f := future.Wrap(loop.Running(ctx), c)
				check.Equal(t, "loop", f.Loop(), l)
				go func() {
					if failure != nil {
						_ = c.SetException(failure)
					} else {
						_ = c.SetResult("yo")
					}
				}()
				v, err := f.Await(ctx)
				if failure != nil {
					check.Is(t, err, failure)
					return
				}
				check.NoError(t, err)
				check.Equal(t, "result", v, "yo")
			})
		})
	}
}

func TestWrapOfWhatIsOver(t *testing.T) {
	l := newLoop(t)
	result, exception, cancelled := future.NewConcurrent[int](), future.NewConcurrent[int](), future.NewConcurrent[int]()
	check.NoError(t, result.SetResult(10))
	check.NoError(t, exception.SetException(errTest))
	cancelled.Cancel()
	r, e, c := future.Wrap(l, result), future.Wrap(l, exception), future.Wrap(l, cancelled)
	iterate(l, 2)
	v, err := r.Result()
	check.NoError(t, err)
	check.Equal(t, "result", v, 10)
	check.Equal(t, "the very error", e.Err(), errTest)
	check.Equal(t, "cancelled", c.Cancelled(), true)
	check.Cancelled(t, c.Err(), "")
}

func TestWrapCancelsTheConcurrentInTheNextIteration(t *testing.T) {
	l := newLoop(t)
	c := future.NewConcurrent[int]()
	f := future.Wrap(l, c)
	f.Cancel()
	check.Equal(t, "at once", c.Cancelled(), false)
	iterate(l, 1)
	check.Equal(t, "then", c.Cancelled(), true)
}

func TestWrapOfWhatIsOverKeepsTheResultWhenCancelled(t *testing.T) {
	l := newLoop(t)
	c := future.NewConcurrent[int]()
	f := future.Wrap(l, c)
	check.NoError(t, c.SetResult(42))
	f.Cancel()
	iterate(l, 3)
	v, err := c.Result(context.Background())
	check.NoError(t, err)
	check.Equal(t, "result", v, 42)
	check.Equal(t, "the future", f.Cancelled(), true)
}

func TestWrapOnAClosedLoopStaysPending(t *testing.T) {
	l := newLoop(t)
	c := future.NewConcurrent[int]()
	f := future.Wrap(l, c)
	check.NoError(t, l.Close())
	check.NoError(t, c.SetResult(1))
	check.Equal(t, "Done", f.Done(), false)
}

func TestConcurrentOnCancel(t *testing.T) {
	c := future.NewConcurrent[int]()
	called := 0
	c.OnCancel(func() { called++ })
	check.Equal(t, "Cancel", c.Cancel(), true)
	check.Equal(t, "called", called, 1)
	c.OnCancel(func() { called++ })
	check.Equal(t, "called at once", called, 2)
	check.Is(t, c.SetResult(1), future.ErrInvalidState) // OnCancel has let go of the lock
	over := future.NewConcurrent[int]()
	over.OnCancel(func() { called++ })
	check.NoError(t, over.SetResult(1))
	over.Cancel()
	check.Equal(t, "not called", called, 2)
}

func TestConcurrentResultEndsAtTheDeadline(t *testing.T) {
	ctx, cancel := context.WithDeadline(context.Background(), time.Unix(0, 0))
	defer cancel()
	_, err := future.NewConcurrent[int]().Result(ctx)
	check.Is(t, err, context.DeadlineExceeded)
}

func TestConcurrentString(t *testing.T) {
	for _, test := range []struct {
		end  func(c *future.Concurrent[int])
		want string
	}{
		{func(*future.Concurrent[int]) {}, "pending"},
		{func(c *future.Concurrent[int]) { c.SetRunning() }, "running"},
		{func(c *future.Concurrent[int]) { _ = c.SetResult(7) }, "finished returned int"},
		{func(c *future.Concurrent[int]) { _ = c.SetException(errTest) }, "finished raised *errors.errorString"},
		{func(c *future.Concurrent[int]) { c.Cancel() }, "cancelled"},
	} {
		c := future.NewConcurrent[int]()
		test.end(c)
		check.Equal(t, "String", c.String(), fmt.Sprintf("<Concurrent at %p state=%s>", c, test.want))
	}
}

// Nobody waited, so there is no channel until it is asked for.
func TestConcurrentDoneAskedForAfterTheEndIsClosed(t *testing.T) {
	c := future.NewConcurrent[int]()
	check.NoError(t, c.SetResult(1))
	isClosed(t, c.Done())
}

func TestConcurrentDoneIsClosedForAllWhoAsked(t *testing.T) {
	c := future.NewConcurrent[int]()
	first, second := c.Done(), c.Done()
	check.NoError(t, c.SetResult(1))
	isClosed(t, first)
	isClosed(t, second)
}

func isClosed(t *testing.T, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	default:
		t.Error("Done is not closed")
	}
}

// A future that is completed by somebody else has not been cancelled.
func TestWrapThatIsCompletedOtherwiseCancelsNothing(t *testing.T) {
	l := newLoop(t)
	c := future.NewConcurrent[int]()
	check.NoError(t, future.Wrap(l, c).SetResult(1))
	iterate(l, 2)
	check.Equal(t, "Cancelled", c.Cancelled(), false)
}
