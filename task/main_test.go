package task_test

import (
	"context"
	"errors"
	"flag"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
	"github.com/goasyncio/asyncio/timers"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// errTest is what coroutines fail with.
var errTest = errors.New("test error")

// guardedClock is a virtual clock that ends a run in which everybody waits for
// ever. It gives other goroutines, which may still have news, some time first.
type guardedClock struct {
	*timers.Virtual
	deadlock func()
}

func (c *guardedClock) Sleep(until time.Time, wake <-chan struct{}) {
	if !until.IsZero() {
		c.Virtual.Sleep(until, wake)
		return
	}
	guard := time.NewTimer(20 * time.Second)
	defer guard.Stop()
	select {
	case <-wake:
	case <-guard.C:
		c.deadlock()
	}
}

// onPull runs the tests with the other way to hand over control.
var onPull = flag.Bool("pull", false, "hand over with task.IterPull")

// newTestLoop returns a loop on a virtual clock, which is closed at the end of
// the test.
func newTestLoop(t testing.TB) *loop.Loop {
	c := &guardedClock{Virtual: timers.NewVirtual(time.Time{})}
	l := loop.New(loop.WithClock(c))
	if *onPull {
		task.SetHandoff(l, task.IterPull)
	}
	c.deadlock = func() {
		t.Error("deadlock")
		l.Stop()
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return l
}

// runTest runs main as the main task of a loop on a virtual clock, and then
// closes the loop, tasks or not.
func runTest(t *testing.T, main func(ctx context.Context)) {
	t.Helper()
	l := newTestLoop(t)
	runTestOn(t, l, main)
	if err := l.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}

func runTestOn(t *testing.T, l *loop.Loop, main func(ctx context.Context)) {
	t.Helper()
	_, err := task.RunUntilComplete(l, task.Void(func(ctx context.Context) error {
		main(ctx)
		return nil
	}))
	if err != nil {
		t.Errorf("the loop ended with %v", err)
	}
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

// elapsed is the loop's time since its start, which is the Unix epoch.
func elapsed(ctx context.Context) time.Duration {
	return loop.Running(ctx).Time().Sub(time.Unix(0, 0))
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
