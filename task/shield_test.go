package task_test

import (
	"context"
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
		equal(t, "the inner, with the callback that reports", inner.String(), "<Future pending cb=[shield]>")
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

// What a cancelled shield would have said reaches the exception handler, if it is bad
// news: once, however many shields there were.
func TestShieldThatIsCancelledReportsAnExceptionOnce(t *testing.T) {
	for name, test := range map[string]struct {
		end  func(inner *future.Future[int]) error
		want error
	}{
		"a result":       {func(inner *future.Future[int]) error { return inner.SetResult(1) }, nil},
		"an exception":   {func(inner *future.Future[int]) error { return inner.SetException(errTest) }, errTest},
		"a cancellation": {func(inner *future.Future[int]) error { inner.Cancel(); return nil }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			l := newTestLoop(t)
			got := collectReports(l)
			runTestOn(t, l, func(ctx context.Context) {
				inner := newFuture[int](ctx)
				outer, twin := task.Shield(ctx, inner), task.Shield(ctx, inner)
				outer.Cancel()
				tick(ctx)
				twin.Cancel()
				tick(ctx)
				noError(t, test.end(inner))
				tick(ctx)
				equal(t, "retrieved", inner.Retrieved(), true)
				reports := got.taken()
				if test.want == nil {
					equal(t, "reports", len(reports), 0)
					return
				}
				equal(t, "reports", len(reports), 1)
				equal(t, "message", reports[0].Message, "*errors.errorString exception in shielded future")
				equal(t, "exception", reports[0].Err, test.want)
				equal(t, "future", reports[0].Future, fmt.Stringer(inner))
			})
		})
	}
}

// The report comes after the other callbacks: each cancelled shield puts it last.
func TestShieldThatIsCancelledReportsAfterTheOtherCallbacks(t *testing.T) {
	l := newTestLoop(t)
	runTestOn(t, l, func(ctx context.Context) {
		var order []string
		note := func(what string) func() { return func() { order = append(order, what) } }
		l.SetExceptionHandler(func(*loop.Loop, loop.ExceptionContext) { note("report")() })
		failing := newFuture[int](ctx)
		first, second := task.Shield(ctx, failing), task.Shield(ctx, failing)
		first.Cancel()
		tick(ctx)
		failing.AddDoneCallback(note("callback"))
		second.Cancel()
		tick(ctx)
		noError(t, failing.SetException(errTest))
		tick(ctx)
		equal(t, "order", order, []string{"callback", "report"})
	})
}

// A shield that is cancelled when the end is there already tells nobody: the exception is
// the next reader's.
func TestShieldThatIsCancelledTooLateReportsNothing(t *testing.T) {
	l := newTestLoop(t)
	got := collectReports(l)
	runTestOn(t, l, func(ctx context.Context) {
		inner := newFuture[int](ctx)
		outer := task.Shield(ctx, inner)
		noError(t, inner.SetException(errTest))
		equal(t, "Cancel", outer.Cancel(), true)
		ticks(ctx, 2)
		equal(t, "retrieved", inner.Retrieved(), false)
		equal(t, "Err", inner.Err(), errTest)
	})
	equal(t, "reports", got.messages(), []string{})
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
