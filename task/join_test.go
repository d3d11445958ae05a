package task_test

import (
	"context"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// joins are the ways to wait for a task without its result.
var joins = map[string]func(ctx context.Context, t task.Any) error{
	"Task.Join": func(ctx context.Context, t task.Any) error {
		if t, ok := t.(*intTask); ok {
			return t.Join(ctx)
		}
		return t.(*task.Task[struct{}]).Join(ctx)
	},
	"Any.Join": func(ctx context.Context, t task.Any) error { return t.Join(ctx) },
	"Join":     func(ctx context.Context, t task.Any) error { return task.Join(ctx, t) },
}

func forJoins(t *testing.T, test func(t *testing.T, ctx context.Context, join func(ctx context.Context, t task.Any) error)) {
	for name, join := range joins {
		t.Run(name, func(t *testing.T) {
			runTest(t, func(ctx context.Context) { test(t, ctx, join) })
		})
	}
}

func TestJoinWaitsForATask(t *testing.T) {
	forJoins(t, func(t *testing.T, ctx context.Context, join func(ctx context.Context, t task.Any) error) {
		tk := task.Create(ctx, returns(time.Second, 42))
		for range 2 { // the second time it is done, and no time passes
			check.NoError(t, join(ctx, tk))
			check.Equal(t, "time", elapsed(ctx), time.Second)
		}
		gives(t, ctx, tk, 42)
	})
}

func TestJoinReturnsTheException(t *testing.T) {
	forJoins(t, func(t *testing.T, ctx context.Context, join func(ctx context.Context, t task.Any) error) {
		tk := task.Go(ctx, failsAfter(time.Second, errTest))
		check.Equal(t, "error", join(ctx, tk), errTest)
		check.Equal(t, "error again", join(ctx, tk), errTest)
		check.Equal(t, "retrieved", tk.Retrieved(), true)
	})
}

func TestJoinReturnsACancellation(t *testing.T) {
	forJoins(t, func(t *testing.T, ctx context.Context, join func(ctx context.Context, t task.Any) error) {
		tk := task.Create(ctx, returns(time.Hour, 1))
		loop.Running(ctx).CallLater(time.Second, func() { tk.Cancel("enough") })
		check.Cancelled(t, join(ctx, tk), "enough")
		check.Equal(t, "time", elapsed(ctx), time.Second)
	})
}

// As an await does.
func TestJoinThatIsCancelledCancelsTheTask(t *testing.T) {
	forJoins(t, func(t *testing.T, ctx context.Context, join func(ctx context.Context, t task.Any) error) {
		tk := task.Create(ctx, returns(time.Hour, 1))
		outer := task.Go(ctx, func(ctx context.Context) error { return join(ctx, tk) })
		ticks(ctx, 2)
		outer.Cancel("stop")
		check.Cancelled(t, join(ctx, outer), "stop")
		check.Equal(t, "cancelled", []bool{tk.Cancelled(), outer.Cancelled()}, []bool{true, true})
	})
}

func TestJoinResumesOneIterationAfterTheEnd(t *testing.T) {
	forJoins(t, func(t *testing.T, ctx context.Context, join func(ctx context.Context, t task.Any) error) {
		f := newFuture[int](ctx)
		tk := task.Create(ctx, waits[int](f))
		outer := task.Go(ctx, func(ctx context.Context) error { return join(ctx, tk) })
		ticks(ctx, 2)
		check.NoError(t, f.SetResult(1))
		tick(ctx)
		check.Equal(t, "done", []bool{tk.Done(), outer.Done()}, []bool{true, false})
		tick(ctx)
		check.Equal(t, "done", []bool{tk.Done(), outer.Done()}, []bool{true, true})
	})
}

func TestJoinEndsWithTheContext(t *testing.T) {
	forJoins(t, func(t *testing.T, ctx context.Context, join func(ctx context.Context, t task.Any) error) {
		tk := task.Create(ctx, returns(time.Hour, 1))
		impatient, cancel := context.WithCancelCause(ctx)
		cancel(errTest)
		check.Equal(t, "error", join(impatient, tk), errTest)
		check.Equal(t, "cancelled", tk.Cancelled(), true)
	})
}

func TestJoinOfItselfFails(t *testing.T) {
	forJoins(t, func(t *testing.T, ctx context.Context, join func(ctx context.Context, t task.Any) error) {
		check.Is(t, join(ctx, task.Current(ctx).(*task.Task[struct{}])), task.ErrAwaitsItself, "name='main'")
	})
}

func TestJoinNeedsATask(t *testing.T) {
	forJoins(t, func(t *testing.T, ctx context.Context, join func(ctx context.Context, t task.Any) error) {
		done, pending := task.Create(ctx, returns(0, 1)), task.Create(ctx, returns(time.Second, 1))
		check.NoError(t, join(ctx, done))
		for name, outside := range map[string]context.Context{
			"without a loop": context.Background(),
			"without a task": loop.NewContext(context.Background(), loop.Running(ctx)),
		} {
			t.Run(name, func(t *testing.T) {
				check.Is(t, join(outside, pending), future.ErrNoTask, pending.Name())
				check.Is(t, join(outside, done), future.ErrNoTask, done.Name()) // it is the same for all
			})
		}
		check.Is(t, join(pending.Context(), done), task.ErrNotCurrent, pending.Name())
		elsewhere := make(chan error)
		go func() { elsewhere <- join(ctx, pending) }()
		check.Is(t, <-elsewhere, task.ErrNotCurrent, "goroutine")
		check.NoError(t, join(ctx, pending))
	})
}

func TestJoinTakesWhateverCanBeWaitedFor(t *testing.T) {
	for name, test := range map[string]struct {
		waitable func(ctx context.Context) future.Waitable
		want     error
	}{
		"a future": {func(ctx context.Context) future.Waitable {
			f := newFuture[string](ctx)
			loop.Running(ctx).CallLater(time.Second, func() { check.NoError(t, f.SetResult("late")) })
			return f
		}, nil},
		"a future that fails": {func(ctx context.Context) future.Waitable {
			f := newFuture[string](ctx)
			loop.Running(ctx).CallLater(time.Second, func() { check.NoError(t, f.SetException(errTest)) })
			return f
		}, errTest},
		"a gather": {func(ctx context.Context) future.Waitable {
			return task.Gather(ctx, returns(0, 1), returns(time.Second, 2))
		}, nil},
		"a gather that fails": {func(ctx context.Context) future.Waitable {
			return task.Gather(ctx, returns(0, 1), fails[int](time.Second, errTest))
		}, errTest},
		"a shield": {func(ctx context.Context) future.Waitable {
			return task.Shield(ctx, fails[int](time.Second, errTest))
		}, errTest},
		"a task": {func(ctx context.Context) future.Waitable {
			return task.Create(ctx, returns(time.Second, "result"))
		}, nil},
		"a promise": {func(ctx context.Context) future.Waitable {
			p := future.NewPromise[int](loop.Running(ctx))
			loop.Running(ctx).CallLater(time.Second, func() { check.NoError(t, p.SetException(errTest)) })
			return p.Future()
		}, errTest},
	} {
		t.Run(name, func(t *testing.T) {
			runTest(t, func(ctx context.Context) {
				w := test.waitable(ctx)
				check.Equal(t, "error", task.Join(ctx, w), test.want)
				check.Equal(t, "time", elapsed(ctx), time.Second)
				check.Equal(t, "error once it is done", task.Join(ctx, w), test.want)
			})
		})
	}
}

func TestJoinRefusesAFutureOfAnotherLoop(t *testing.T) {
	other := newTestLoop(t)
	runTest(t, func(ctx context.Context) {
		check.Is(t, task.Join(ctx, future.New[int](other)), future.ErrOtherLoop, "name='main'")
	})
}

func TestJoinOfNothingIsRefused(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		check.Is(t, task.Join(ctx, nil), task.ErrNilCoroutine, "Join")
	})
}
