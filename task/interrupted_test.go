package task_test

import (
	"context"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// A request that has not been delivered yet, and a context that has ended: the request
// comes first, whatever the await is.
func TestContextThatHasEndedGivesWayToARequestThatIsPending(t *testing.T) {
	for name, await := range map[string]func(ctx context.Context) error{
		"Yield":                task.Yield,
		"await of a future":    func(ctx context.Context) error { return second(newFuture[int](ctx).Await(ctx)) },
		"await that is upheld": awaitsWhatCannotBeCancelled,
	} {
		t.Run(name, func(t *testing.T) {
			runTest(t, func(ctx context.Context) {
				tk := task.Go(ctx, func(ctx context.Context) error {
					derived, cancel := context.WithCancelCause(ctx)
					cancel(errTest)
					task.Current(ctx).Cancel("request")
					return await(derived)
				})
				check.Cancelled(t, second(tk.Await(ctx)), "request")
			})
		})
	}
}

// awaitsWhatCannotBeCancelled awaits a gather whose only argument is done and that is yet
// to learn of it.
func awaitsWhatCannotBeCancelled(ctx context.Context) error {
	f := newFuture[int](ctx)
	all := task.Gather(ctx, f)
	if err := f.SetResult(42); err != nil {
		return err
	}
	return second(all.Await(ctx))
}

func TestContextThatEndsEndsAnAwaitOfWhatCannotBeCancelled(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		derived, cancel := context.WithCancelCause(ctx)
		cancel(errTest)
		check.Equal(t, "error", awaitsWhatCannotBeCancelled(derived), errTest)
		check.Equal(t, "requests", task.Current(ctx).Cancelling(), 0)
	})
}

func TestContextThatEndsLeavesTheOutcomeOfATaskThatGoesOn(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		derived, cancel := context.WithCancelCause(ctx)
		inner := task.Create(ctx, func(ctx context.Context) (int, error) {
			check.Cancelled(t, sleepsLong(ctx), "")
			return 7, task.Sleep(ctx, time.Second)
		})
		loop.Running(ctx).CallLater(time.Second, func() { cancel(errTest) })
		gives(t, derived, inner, 7)
		check.Equal(t, "time", elapsed(ctx), 2*time.Second)
		tick(ctx) // nothing is left to deliver
	})
}

func TestContextThatHasEndedAnAwaitDoesNotNameTheNextCancellation(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		derived, cancel := context.WithCancelCause(ctx)
		loop.Running(ctx).CallSoon(func() { cancel(errTest) })
		check.Is(t, sleepsLong(derived), errTest)
		f := newFuture[int](ctx)
		loop.Running(ctx).CallSoon(func() { f.Cancel("by hand") })
		check.Cancelled(t, second(f.Await(ctx)), "by hand")
	})
}

func TestContextThatEndsAfterATaskHasFailedDoesNotRetrieveTheException(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		check.Collect(loop.Running(ctx))
		derived, cancel := context.WithCancel(ctx)
		tk := task.Create(derived, fails[int](0, errTest))
		ticks(ctx, 3)
		check.Equal(t, "done", tk.Done(), true)
		cancel()
		check.NoError(t, task.Sleep(ctx, time.Second))
		check.Equal(t, "retrieved", tk.Retrieved(), false)
	})
}
