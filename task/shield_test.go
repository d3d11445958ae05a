package task_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

func TestShieldPassesOn(t *testing.T) {
	for name, test := range map[string]func(t *testing.T, ctx context.Context){
		"the result": func(t *testing.T, ctx context.Context) {
			inner := newFuture[int](ctx)
			outer := task.Shield(ctx, inner)
			check.NoError(t, inner.SetResult(42))
			gives(t, ctx, outer, 42)
		},
		"the exception": func(t *testing.T, ctx context.Context) {
			inner := newFuture[int](ctx)
			outer := task.Shield(ctx, inner)
			check.NoError(t, inner.SetException(errTest))
			tick(ctx)
			check.Equal(t, "Err", outer.Err(), errTest)
		},
		"a cancellation": func(t *testing.T, ctx context.Context) {
			inner := newFuture[int](ctx)
			outer := task.Shield(ctx, inner)
			inner.Cancel()
			check.Equal(t, "cancelled at once", outer.Cancelled(), false)
			tick(ctx)
			check.Equal(t, "Cancelled", outer.Cancelled(), true)
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
		check.Equal(t, "Cancel", outer.Cancel(), true)
		tick(ctx)
		check.Equal(t, "Cancelled", outer.Cancelled(), true)
		check.Equal(t, "inner", inner.Done(), false)
		check.Equal(t, "the outer, without callbacks", fmt.Sprint(outer), "<Future cancelled>")
		check.Equal(t, "the inner, with the callback that reports", inner.String(), "<Future pending cb=[shield]>")
	})
}

func TestShieldOfWhatIsDoneIsTheSameThing(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		f := newFuture[int](ctx)
		check.NoError(t, f.SetResult(42))
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
		check.Cancelled(t, err, "")
		check.Equal(t, "finished", finished, false)
		check.NoError(t, task.Sleep(ctx, 2*time.Second))
		check.Equal(t, "finished", finished, true)
	})
}

func TestShieldOfAGather(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		first, second := newFuture[int](ctx), newFuture[int](ctx)
		inner := task.Gather(ctx, first, second)
		outer := task.Shield(ctx, inner)
		outer.Cancel()
		tick(ctx)
		check.Equal(t, "outer", outer.Cancelled(), true)
		check.Equal(t, "inner", inner.Done(), false)
		check.NoError(t, first.SetResult(1))
		check.NoError(t, second.SetResult(2))
		gives(t, ctx, inner, []int{1, 2})
	})
}

func TestShieldsInAGatherThatIsCancelled(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		first, second := newFuture[int](ctx), newFuture[int](ctx)
		one, two := task.Shield(ctx, first), task.Shield(ctx, second)
		all := task.Gather(ctx, one, two)
		check.Equal(t, "Cancel", all.Cancel(), true)
		ticks(ctx, 2)
		check.Equal(t, "the shields", one.Cancelled() && two.Cancelled(), true)
		check.Equal(t, "what they protect", first.Done() || second.Done(), false)
		check.Equal(t, "the gather itself", all.Cancelled(), false)
		check.Cancelled(t, all.Err(), "")
		check.NoError(t, first.SetResult(1))
		check.NoError(t, second.SetResult(2))
		tick(ctx)
	})
}

func TestShieldBelongsToTheLoopOfItsContext(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		outer := task.Shield(ctx, returns(time.Second, 42))
		check.Equal(t, "loop", outer.Loop(), loop.Running(ctx))
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
			got := check.Collect(l)
			check.RunOn(t, l, func(ctx context.Context) {
				inner := newFuture[int](ctx)
				outer, twin := task.Shield(ctx, inner), task.Shield(ctx, inner)
				outer.Cancel()
				tick(ctx)
				twin.Cancel()
				tick(ctx)
				check.NoError(t, test.end(inner))
				tick(ctx)
				check.Equal(t, "retrieved", inner.Retrieved(), true)
				reports := got.Taken()
				if test.want == nil {
					check.Equal(t, "reports", len(reports), 0)
					return
				}
				check.Equal(t, "reports", len(reports), 1)
				check.Equal(t, "message", reports[0].Message, "*errors.errorString exception in shielded future")
				check.Equal(t, "exception", reports[0].Err, test.want)
				check.Equal(t, "future", reports[0].Future, fmt.Stringer(inner))
			})
		})
	}
}

// The report comes after the other callbacks: each cancelled shield puts it last.
func TestShieldThatIsCancelledReportsAfterTheOtherCallbacks(t *testing.T) {
	l := newTestLoop(t)
	check.RunOn(t, l, func(ctx context.Context) {
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
		check.NoError(t, failing.SetException(errTest))
		tick(ctx)
		check.Equal(t, "order", order, []string{"callback", "report"})
	})
}

// A shield that is cancelled when the end is there already tells nobody: the exception is
// the next reader's.
func TestShieldThatIsCancelledTooLateReportsNothing(t *testing.T) {
	l := newTestLoop(t)
	got := check.Collect(l)
	check.RunOn(t, l, func(ctx context.Context) {
		inner := newFuture[int](ctx)
		outer := task.Shield(ctx, inner)
		check.NoError(t, inner.SetException(errTest))
		check.Equal(t, "Cancel", outer.Cancel(), true)
		ticks(ctx, 2)
		check.Equal(t, "retrieved", inner.Retrieved(), false)
		check.Equal(t, "Err", inner.Err(), errTest)
	})
	check.Equal(t, "reports", got.Messages(), []string{})
}

// Only a shield that was cancelled looks at what nobody else will: one that was completed
// by somebody else leaves the exception unretrieved.
func TestShieldThatIsCompletedOtherwiseLeavesTheExceptionAlone(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		inner := newFuture[int](ctx)
		outer := task.Shield(ctx, inner).(*future.Future[int])
		check.NoError(t, inner.SetException(errTest))
		check.NoError(t, outer.SetResult(1))
		ticks(ctx, 2)
		check.Equal(t, "Retrieved", inner.Retrieved(), false)
		check.Is(t, inner.Err(), errTest)
	})
}
