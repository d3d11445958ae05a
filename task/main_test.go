package task_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// errTest is what coroutines fail with.
var errTest = errors.New("test error")

// patience is how long an idle loop waits for the goroutines of a test, which may still
// have news.
var patience = tasktest.Grace(20 * time.Second)

// newTestLoop returns a loop on a virtual clock, which is closed at the end of the test.
func newTestLoop(t testing.TB) *loop.Loop {
	t.Helper()
	l, _ := tasktest.NewLoop(t, patience)
	return l
}

// runTest runs main as the main task of a loop on a virtual clock.
func runTest(t *testing.T, main func(ctx context.Context), opts ...tasktest.Option) {
	t.Helper()
	tasktest.Run(t, func(ctx context.Context, _ *tasktest.T) { main(ctx) }, append(opts, patience)...)
}

// tick lets the loop run one iteration.
func tick(ctx context.Context) {
	if err := task.Yield(ctx); err != nil {
		panic(err)
	}
}

// ticks lets the loop run n iterations.
func ticks(ctx context.Context, n int) {
	for range n {
		tick(ctx)
	}
}

// start is when virtual clocks begin.
var start = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// elapsed is the loop's time since its start.
func elapsed(ctx context.Context) time.Duration {
	return loop.Running(ctx).Time().Sub(start)
}

func newFuture[T any](ctx context.Context) *future.Future[T] {
	return future.New[T](loop.Running(ctx))
}

// returns makes a coroutine that sleeps and then returns v.
func returns[T any](d time.Duration, v T) task.Coroutine[T] {
	return func(ctx context.Context) (T, error) { return task.SleepResult(ctx, d, v) }
}

// fails makes a coroutine that sleeps and then fails.
func fails[T any](d time.Duration, failure error) task.Coroutine[T] {
	return func(ctx context.Context) (v T, err error) {
		if err := task.Sleep(ctx, d); err != nil {
			return v, err
		}
		return v, failure
	}
}

// waits makes a coroutine that awaits aw.
func waits[T any](aw future.Awaitable[T]) task.Coroutine[T] {
	return func(ctx context.Context) (T, error) { return aw.Await(ctx) }
}

// gives awaits aw and checks its result.
func gives[T any](t testing.TB, ctx context.Context, aw future.Awaitable[T], want T) {
	t.Helper()
	got, err := aw.Await(ctx)
	check.NoError(t, err)
	check.Equal(t, "result", got, want)
}
