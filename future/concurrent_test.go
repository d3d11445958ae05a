package future_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
)

func TestConcurrentThatIsOverTakesNothing(t *testing.T) {
	for _, test := range []struct {
		name   string
		finish func(c *future.Concurrent[int])
		check  func(err error)
		state  string
		cancel bool // what a late Cancel says
	}{
		{"result", func(c *future.Concurrent[int]) { _ = c.SetResult(42) }, func(err error) { noError(t, err) }, "finished", false},
		{"exception", func(c *future.Concurrent[int]) { _ = c.SetException(errTest) }, func(err error) { isError(t, err, errTest) }, "finished", false},
		{"cancelled", func(c *future.Concurrent[int]) { c.Cancel() }, func(err error) { isCancellation(t, err, "") }, "cancelled", true},
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
			equal(t, "callbacks", called, 2)
			_, err := c.Result(context.Background())
			test.check(err)
			test.check(c.Err())
			isError(t, c.SetResult(1), future.ErrInvalidState, "SetResult of <Concurrent", test.state)
			isError(t, c.SetException(errTest), future.ErrInvalidState, "SetException of <Concurrent")
			equal(t, "Cancel", c.Cancel(), test.cancel)
			equal(t, "SetRunning", c.SetRunning(), false)
			_, err = c.Result(context.Background())
			test.check(err)
		})
	}
}

func TestConcurrentThatRunsCannotBeCancelled(t *testing.T) {
	c := future.NewConcurrent[int]()
	equal(t, "SetRunning", c.SetRunning(), true)
	equal(t, "Cancel", c.Cancel(), false)
	noError(t, c.SetResult(3))
	v, err := c.Result(context.Background())
	noError(t, err)
	equal(t, "result", v, 3)
}

// What has no outcome yet must not look like a success.
func TestConcurrentErrBeforeThereIsAnOutcome(t *testing.T) {
	c := future.NewConcurrent[int]()
	isError(t, c.Err(), future.ErrInvalidState, "Err of <Concurrent", "state=pending", "the exception is not set")
	c.SetRunning()
	isError(t, c.Err(), future.ErrInvalidState, "state=running")
	noError(t, c.SetResult(3))
	noError(t, c.Err())
}

func TestConcurrentMisuse(t *testing.T) {
	c := future.NewConcurrent[int]()
	isError(t, c.SetException(nil), future.ErrInvalidState, "the exception is nil")
	isError(t, panicOf(t, func() { c.AddDoneCallback(nil) }), loop.ErrNilFunc)
	err := panicOf(t, func() { future.Wrap[int](newLoop(t), nil) })
	isError(t, err, err, "Wrap", "nil")
	err = panicOf(t, func() { future.Wrap(nil, c) })
	isError(t, err, loop.ErrNotRunning)
}

func TestConcurrentResultForManyGoroutines(t *testing.T) {
	c := future.NewConcurrent[int]()
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			v, err := c.Result(context.Background())
			noError(t, err)
			equal(t, "result", v, 7)
		})
	}
	noError(t, c.SetResult(7))
	wg.Wait()
}

func TestConcurrentResultEndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errTest)
	c := future.NewConcurrent[int]()
	_, err := c.Result(ctx)
	isError(t, err, errTest)
	noError(t, c.SetResult(1))
	v, err := c.Result(ctx) // there is a result: the context does not matter
	noError(t, err)
	equal(t, "result", v, 1)
}

func TestWrapGivesWhatAnotherGoroutineProduces(t *testing.T) {
	for name, failure := range map[string]error{"result": nil, "exception": errTest} {
		t.Run(name, func(t *testing.T) {
			l := newLoop(t)
			run(t, l, func(ctx context.Context) {
				c := future.NewConcurrent[string]()
				f := future.Wrap(loop.Running(ctx), c)
				equal(t, "loop", f.Loop(), l)
				go func() {
					if failure != nil {
						_ = c.SetException(failure)
					} else {
						_ = c.SetResult("yo")
					}
				}()
				v, err := f.Await(ctx)
				if failure != nil {
					isError(t, err, failure)
					return
				}
				noError(t, err)
				equal(t, "result", v, "yo")
			})
		})
	}
}

func TestWrapOfWhatIsOver(t *testing.T) {
	l := newLoop(t)
	result, exception, cancelled := future.NewConcurrent[int](), future.NewConcurrent[int](), future.NewConcurrent[int]()
	noError(t, result.SetResult(10))
	noError(t, exception.SetException(errTest))
	cancelled.Cancel()
	r, e, c := future.Wrap(l, result), future.Wrap(l, exception), future.Wrap(l, cancelled)
	iterate(l, 2)
	v, err := r.Result()
	noError(t, err)
	equal(t, "result", v, 10)
	equal(t, "the very error", e.Err(), errTest)
	equal(t, "cancelled", c.Cancelled(), true)
	isCancellation(t, c.Err(), "")
}

func TestWrapCancelsTheConcurrentInTheNextIteration(t *testing.T) {
	l := newLoop(t)
	c := future.NewConcurrent[int]()
	f := future.Wrap(l, c)
	f.Cancel()
	equal(t, "at once", c.Cancelled(), false)
	iterate(l, 1)
	equal(t, "then", c.Cancelled(), true)
}

func TestWrapOfWhatIsOverKeepsTheResultWhenCancelled(t *testing.T) {
	l := newLoop(t)
	c := future.NewConcurrent[int]()
	f := future.Wrap(l, c)
	noError(t, c.SetResult(42))
	f.Cancel()
	iterate(l, 3)
	v, err := c.Result(context.Background())
	noError(t, err)
	equal(t, "result", v, 42)
	equal(t, "the future", f.Cancelled(), true)
}

func TestWrapOnAClosedLoopStaysPending(t *testing.T) {
	l := newLoop(t)
	c := future.NewConcurrent[int]()
	f := future.Wrap(l, c)
	noError(t, l.Close())
	noError(t, c.SetResult(1))
	equal(t, "Done", f.Done(), false)
}

func TestConcurrentOnCancel(t *testing.T) {
	c := future.NewConcurrent[int]()
	called := 0
	c.OnCancel(func() { called++ })
	equal(t, "Cancel", c.Cancel(), true)
	equal(t, "called", called, 1)
	c.OnCancel(func() { called++ })
	equal(t, "called at once", called, 2)
	isError(t, c.SetResult(1), future.ErrInvalidState) // OnCancel has let go of the lock
	over := future.NewConcurrent[int]()
	over.OnCancel(func() { called++ })
	noError(t, over.SetResult(1))
	over.Cancel()
	equal(t, "not called", called, 2)
}

func TestConcurrentResultEndsAtTheDeadline(t *testing.T) {
	ctx, cancel := context.WithDeadline(context.Background(), time.Unix(0, 0))
	defer cancel()
	_, err := future.NewConcurrent[int]().Result(ctx)
	isError(t, err, context.DeadlineExceeded)
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
		equal(t, "String", c.String(), fmt.Sprintf("<Concurrent at %p state=%s>", c, test.want))
	}
}

// Nobody waited, so there is no channel until it is asked for.
func TestConcurrentDoneAskedForAfterTheEndIsClosed(t *testing.T) {
	c := future.NewConcurrent[int]()
	noError(t, c.SetResult(1))
	isClosed(t, c.Done())
}

func TestConcurrentDoneIsClosedForAllWhoAsked(t *testing.T) {
	c := future.NewConcurrent[int]()
	first, second := c.Done(), c.Done()
	noError(t, c.SetResult(1))
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
	noError(t, future.Wrap(l, c).SetResult(1))
	iterate(l, 2)
	equal(t, "Cancelled", c.Cancelled(), false)
}
