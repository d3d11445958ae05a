package sync

import (
	"context"
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

var epoch = time.Date(2024, 10, 7, 0, 0, 0, 0, time.UTC)

// clock is a virtual clock that ends a run in which all tasks wait forever. It first
// gives other goroutines time to wake the loop.
type clock struct {
	*timers.Virtual
	deadlock func()
}

func (c *clock) Sleep(until time.Time, wake <-chan struct{}) {
	if !until.IsZero() {
		c.Virtual.Sleep(until, wake)
		return
	}
	select {
	case <-wake:
	case <-time.After(10 * time.Second):
		c.deadlock()
	}
}

func newLoop(t testing.TB) *loop.Loop {
	c := &clock{Virtual: timers.NewVirtual(epoch)}
	l := loop.New(loop.WithClock(c))
	c.deadlock = func() {
		t.Error("deadlock")
		l.Stop()
	}
	return l
}

// run runs main as the only task of a loop with a virtual clock, and closes the
// loop.
func run(t testing.TB, main func(ctx context.Context)) {
	t.Helper()
	l := newLoop(t)
	runOn(t, l, main)
	if err := l.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}

func runOn(t testing.TB, l *loop.Loop, main func(ctx context.Context)) {
	t.Helper()
	_, err := task.RunUntilComplete(l, task.Void(func(ctx context.Context) error {
		main(ctx)
		return nil
	}))
	if err != nil {
		t.Errorf("the loop ended with %v", err)
	}
}

// yield lets the loop run one iteration.
func yield(ctx context.Context) {
	if err := task.Yield(ctx); err != nil {
		panic(err)
	}
}

// settle lets the loop run until all woken tasks have run.
func settle(ctx context.Context) {
	for range 10 {
		yield(ctx)
	}
}

// spawn starts a task.
func spawn(ctx context.Context, fn func(ctx context.Context) error) *task.Task[struct{}] {
	return task.Go(ctx, fn)
}

// soon calls fn in a callback of the loop, in its next iteration.
func soon(ctx context.Context, fn func()) {
	loop.Running(ctx).CallSoon(fn)
}

// panics checks that fn panics with an error that reports a broken rule.
func panics(t testing.TB, fn func(), rule error, text string) {
	t.Helper()
	defer func() {
		t.Helper()
		err, ok := recover().(error)
		if !ok {
			t.Fatal("it did not panic with an error")
		}
		check.Is(t, err, rule)
		check.Equal(t, "text", err.Error(), text)
	}()
	fn()
}

// succeeds awaits a task and checks that it returns no error.
func succeeds[T any](t testing.TB, ctx context.Context, tk *task.Task[T]) T {
	t.Helper()
	v, err := tk.Await(ctx)
	check.NoError(t, err)
	return v
}

// isCancelled awaits a task and checks that it ends cancelled.
func isCancelled[T any](t testing.TB, ctx context.Context, tk *task.Task[T]) {
	t.Helper()
	if _, err := tk.Await(ctx); !future.IsCancelled(err) {
		t.Errorf("awaiting the cancelled task: got %v", err)
	}
	check.True(t, "task.Cancelled()", tk.Cancelled())
}

// gate is a point at which a test holds tasks.
type gate = future.Future[struct{}]

func newGate(ctx context.Context) *gate {
	return future.New[struct{}](loop.Running(ctx))
}

func open(t testing.TB, g *gate) {
	t.Helper()
	check.NoError(t, g.SetResult(struct{}{}))
}

func pass(ctx context.Context, g *gate) error {
	_, err := g.Await(ctx)
	return err
}
