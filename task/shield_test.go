package task_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
)

func TestShieldPassesOn(t *testing.T) {
	for name, test := range map[string]func(t *testing.T, ctx context.Context){
		"the result": func(t *testing.T, ctx context.Context) {
			inner := newFuture[int](ctx)
			outer := task.Shield(ctx, inner)
			noError(t, inner.SetResult(42))
			gives(t, ctx, outer, 42)
		},
		"the exception": func(t *testing.T, ctx context.Context) {
			inner := newFuture[int](ctx)
			outer := task.Shield(ctx, inner)
			noError(t, inner.SetException(errTest))
			tick(ctx)
			equal(t, "Err", outer.Err(), errTest)
		},
		"a cancellation": func(t *testing.T, ctx context.Context) {
			inner := newFuture[int](ctx)
			outer := task.Shield(ctx, inner)
			inner.Cancel()
			equal(t, "cancelled at once", outer.Cancelled(), false)
			tick(ctx)
			equal(t, "Cancelled", outer.Cancelled(), true)
		},
	} {
		t.Run(name, func(t *testing.T) {
			runTest(t, func(ctx context.Context) { test(t, ctx) })
		})
	}
}

func TestShieldThatIsCancelledSparesWhatItProtects(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		inner := newFuture[int](ctx)
		outer := task.Shield(ctx, inner)
		tick(ctx)
		equal(t, "Cancel", outer.Cancel(), true)
		tick(ctx)
		equal(t, "Cancelled", outer.Cancelled(), true)
		equal(t, "inner", inner.Done(), false)
		equal(t, "the outer, without callbacks", fmt.Sprint(outer), "<Future cancelled>")
		equal(t, "the inner, without callbacks", inner.String(), "<Future pending>")
	})
}

func TestShieldOfWhatIsDoneIsTheSameThing(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		f := newFuture[int](ctx)
		noError(t, f.SetResult(42))
		if outer := task.Shield(ctx, f); outer != any(f) {
			t.Errorf("got %v", outer)
		}
		tk := task.Create(ctx, returns(0, 42), task.Eager())
		gives(t, ctx, tk, 42)
		if outer := task.Shield(ctx, tk); outer != any(tk) {
			t.Errorf("got %v", outer)
		}
	})
}

func TestShieldLetsWorkGoOnWhenItsAwaiterIsCancelled(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		finished := false
		tk := task.Create(ctx, func(ctx context.Context) (int, error) {
			return task.Shield(ctx, task.Coroutine[int](func(ctx context.Context) (int, error) {
				err := task.Sleep(ctx, time.Second)
				finished = err == nil
				return 1, err
			})).Await(ctx)
		})
		ticks(ctx, 2)
		tk.Cancel()
		_, err := tk.Await(ctx)
		isCancellation(t, err, "")
		equal(t, "finished", finished, false)
		noError(t, task.Sleep(ctx, 2*time.Second))
		equal(t, "finished", finished, true)
	})
}

func TestShieldOfAGather(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		first, second := newFuture[int](ctx), newFuture[int](ctx)
		inner := task.Gather(ctx, first, second)
		outer := task.Shield(ctx, inner)
		outer.Cancel()
		tick(ctx)
		equal(t, "outer", outer.Cancelled(), true)
		equal(t, "inner", inner.Done(), false)
		noError(t, first.SetResult(1))
		noError(t, second.SetResult(2))
		gives(t, ctx, inner, []int{1, 2})
	})
}

func TestShieldsInAGatherThatIsCancelled(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		first, second := newFuture[int](ctx), newFuture[int](ctx)
		one, two := task.Shield(ctx, first), task.Shield(ctx, second)
		all := task.Gather(ctx, one, two)
		equal(t, "Cancel", all.Cancel(), true)
		ticks(ctx, 2)
		equal(t, "the shields", one.Cancelled() && two.Cancelled(), true)
		equal(t, "what they protect", first.Done() || second.Done(), false)
		equal(t, "the gather itself", all.Cancelled(), false)
		isCancellation(t, all.Err(), "")
		noError(t, first.SetResult(1))
		noError(t, second.SetResult(2))
		tick(ctx)
	})
}

func TestShieldBelongsToTheLoopOfItsContext(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		outer := task.Shield(ctx, returns(time.Second, 42))
		equal(t, "loop", outer.Loop(), loop.Running(ctx))
		gives(t, ctx, outer, 42)
	})
}

// As in Python 3.13, nobody is told of what a cancelled shield would have said.
func TestShieldThatIsCancelledReportsNoOutcome(t *testing.T) {
	for name, failure := range map[string]error{"a result": nil, "an exception": errors.New("hidden")} {
		t.Run(name, func(t *testing.T) {
			l := newTestLoop(t)
			got := collectReports(l)
			runTestOn(t, l, func(ctx context.Context) {
				inner := newFuture[int](ctx)
				outer, twin := task.Shield(ctx, inner), task.Shield(ctx, inner)
				outer.Cancel()
				twin.Cancel()
				if failure == nil {
					noError(t, inner.SetResult(1))
				} else {
					noError(t, inner.SetException(failure))
				}
				ticks(ctx, 3)
				equal(t, "retrieved", inner.Retrieved(), true)
			})
			equal(t, "reports", got.messages(), []string{})
		})
	}
}

// Only a shield that was cancelled looks at what nobody else will: one that was completed
// by somebody else leaves the exception unretrieved.
func TestShieldThatIsCompletedOtherwiseLeavesTheExceptionAlone(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		inner := newFuture[int](ctx)
		outer := task.Shield(ctx, inner).(*future.Future[int])
		noError(t, inner.SetException(errTest))
		noError(t, outer.SetResult(1))
		ticks(ctx, 2)
		equal(t, "Retrieved", inner.Retrieved(), false)
		isError(t, inner.Err(), errTest)
	})
}
