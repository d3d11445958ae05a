package sync

import (
	"context"
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

// patience is how long an idle loop waits for the goroutines of a test, which may still
// have news.
var patience = tasktest.Grace(20 * time.Second)

func newLoop(t testing.TB) *loop.Loop {
	t.Helper()
	l, _ := tasktest.NewLoop(t, patience)
	return l
}

// run runs main as the main task of a loop with a virtual clock.
func run(t testing.TB, main func(ctx context.Context)) {
	t.Helper()
	tasktest.Run(t, func(ctx context.Context, _ *tasktest.T) { main(ctx) }, patience)
}

// yield lets the loop run one iteration.
func yield(ctx context.Context) {
	if err := task.Yield(ctx); err != nil {
		panic(err)
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
