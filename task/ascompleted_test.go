package task_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

func TestAsCompletedYieldsInTheOrderOfCompletion(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		a := task.Create(ctx, returns(20*ms, "a"))
		b := task.Create(ctx, returns(10*ms, "b"))
		c := task.Create(ctx, returns(150*ms, "c"))
		given := []*task.Task[string]{a, b, c}
		var got []*task.Task[string]
		var at []time.Duration
		for tk, err := range task.AsCompleted(ctx, given) {
			check.NoError(t, err)
			check.Equal(t, "done", tk.Done(), true)
			got = append(got, tk)
			at = append(at, elapsed(ctx))
		}
		check.Equal(t, "the very tasks", got, []*task.Task[string]{b, a, c})
		check.Equal(t, "times", at, []time.Duration{10 * ms, 20 * ms, 150 * ms})
	})
}

func TestAsCompletedWithATimeout(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		a, b, c := task.Create(ctx, returns(100*ms, 1)), task.Create(ctx, returns(150*ms, 2)), newFuture[int](ctx)
		var got []future.Waitable
		late := 0
		for f, err := range task.AsCompleted(ctx, []future.Waitable{b, a, c}, task.Within(120*ms)) {
			if err != nil {
				check.Is(t, err, future.ErrTimeout)
				check.Is(t, err, context.DeadlineExceeded)
				check.Equal(t, "text", err.Error(), "task: timed out after 120ms")
				check.Equal(t, "time", elapsed(ctx), 120*ms)
				late++
				continue
			}
			got = append(got, f)
		}
		check.Equal(t, "in time", got, []future.Waitable{a})
		check.Equal(t, "late", late, 2)
		check.Equal(t, "nothing was cancelled", b.Cancelling() > 0 || c.Done(), false)
		check.Equal(t, "the future, without callbacks", c.String(), "<Future pending>")
		gives(t, ctx, b, 2)
	})
}

// What is done when the time is over, but has not been noted, is late.
func TestAsCompletedTakesNothingAfterItsTimeout(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		f := newFuture[int](ctx)
		loop.Running(ctx).CallLater(100*ms, func() { check.NoError(t, f.SetResult(1)) })
		for _, err := range task.AsCompleted(ctx, []future.Waitable{f}, task.Within(100*ms)) {
			check.Is(t, err, future.ErrTimeout)
		}
		ticks(ctx, 2)
	})
}

func TestAsCompletedInTimeLeavesNoTimer(t *testing.T) {
	l, clock := tasktest.NewLoop(t, patience)
	check.RunOn(t, l, func(ctx context.Context) {
		for tk, err := range task.AsCompleted(ctx, []*intTask{task.Create(ctx, returns(10*ms, 1))}, task.Within(time.Second)) {
			check.NoError(t, err)
			gives(t, ctx, tk, 1)
		}
		check.NoError(t, task.Sleep(ctx, time.Minute))
	})
	check.Equal(t, "the loop slept until", clock.Sleeps(), []time.Duration{10 * ms, time.Minute + 10*ms})
}

func TestAsCompletedOfNothingLeavesNoTimer(t *testing.T) {
	l, clock := tasktest.NewLoop(t, patience)
	check.RunOn(t, l, func(ctx context.Context) {
		for range task.AsCompleted(ctx, []*intTask{}, task.Within(time.Second)) {
			t.Error("it yields something")
		}
		check.NoError(t, task.Sleep(ctx, time.Minute))
	})
	check.Equal(t, "the loop slept until", clock.Sleeps(), []time.Duration{time.Minute})
}

func TestAsCompletedWithoutALimitHasNoTimer(t *testing.T) {
	l, clock := tasktest.NewLoop(t, patience)
	check.RunOn(t, l, func(ctx context.Context) {
		f := newFuture[int](ctx)
		clock.SetIdle(func(time.Time, <-chan struct{}) (jump bool) {
			check.NoError(t, f.SetResult(1))
			return false
		})
		for got, err := range task.AsCompleted(ctx, []*intFuture{f}) {
			check.NoError(t, err)
			check.Equal(t, "yielded", got, f)
		}
	})
	check.Equal(t, "the loop slept until", clock.Sleeps(), []time.Duration{-1})
}

func TestAsCompletedNotesWhatIsDoneWhileNobodyWaits(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		a, b := newFuture[int](ctx), newFuture[int](ctx)
		check.NoError(t, a.SetResult(1))
		var got []*intFuture
		for f, err := range task.AsCompleted(ctx, []*intFuture{b, a}) {
			check.NoError(t, err)
			got = append(got, f)
			if f == a {
				check.NoError(t, b.SetResult(2))
				ticks(ctx, 2)
			}
		}
		check.Equal(t, "yielded", got, []*intFuture{a, b})
	})
}

func TestAsCompletedGoesOnWhereItStopped(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		var given []*intTask
		for i := range 4 {
			given = append(given, task.Create(ctx, returns(time.Duration(i)*ms, i)))
		}
		rest := task.AsCompleted(ctx, given)
		var got []int
		take := func(limit int) {
			for tk, err := range rest {
				check.NoError(t, err)
				v, err := tk.Result()
				check.NoError(t, err)
				got = append(got, v)
				if limit--; limit == 0 {
					break
				}
			}
		}
		take(2)
		check.Equal(t, "at first", got, []int{0, 1})
		take(0)
		check.Equal(t, "in the end", got, []int{0, 1, 2, 3})
		take(0)
		check.Equal(t, "there is no more", len(got), 4)
	})
}

// Several tasks may share one iterator: each result goes to one of them.
func TestAsCompletedCanBeSharedOneAfterTheOther(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		given := []*task.Task[string]{task.Create(ctx, returns(50*ms, "a")), task.Create(ctx, returns(50*ms, "b"))}
		items := task.AsCompleted(ctx, given)
		var results []string
		for range 2 {
			for tk, err := range items {
				check.NoError(t, err)
				v, err := tk.Await(ctx)
				check.NoError(t, err)
				results = append(results, v)
				break
			}
		}
		check.Equal(t, "results", results, []string{"a", "b"})
		check.Equal(t, "time", elapsed(ctx), 50*ms)
	})
}

func TestAsCompletedCollapsesRepetitions(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		c, d := task.Create(ctx, returns(0, "ham")), task.Create(ctx, returns(0, "spam"))
		var got []string
		for tk, err := range task.AsCompleted(ctx, []*task.Task[string]{c, c, d}) {
			check.NoError(t, err)
			v, err := tk.Result()
			check.NoError(t, err)
			got = append(got, v)
		}
		check.Equal(t, "results", got, []string{"ham", "spam"})
	})
}

func TestAsCompletedOfNothingYieldsNothing(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		for range task.AsCompleted(ctx, []*intTask{}) {
			t.Error("it yields something")
		}
	})
}

func TestAsCompletedYieldsACancellationOfItsTask(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		f := newFuture[int](ctx)
		tk := task.Go(ctx, func(ctx context.Context) error {
			for _, err := range task.AsCompleted(ctx, []*intFuture{f}) {
				return err
			}
			return nil
		})
		tick(ctx)
		tk.Cancel("stop")
		_, err := tk.Await(ctx)
		check.Cancelled(t, err, "stop")
		check.Equal(t, "the future", f.Done(), false)
	})
}

func TestAsCompletedYieldsFailedAndCancelledOnes(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		failed, cancelled := task.Create(ctx, fails[int](ms, errTest)), newFuture[int](ctx)
		cancelled.Cancel()
		var got []future.Waitable
		for f, err := range task.AsCompleted(ctx, []future.Waitable{failed, cancelled}) {
			check.NoError(t, err)
			got = append(got, f)
		}
		check.Equal(t, "yielded", got, []future.Waitable{cancelled, failed})
		check.Equal(t, "exception", failed.Err(), errTest)
	})
}

// It says when Wait returns, and nothing of when a loop over all of them ends.
func TestAsCompletedYieldsAllWhateverReturnWhenSays(t *testing.T) {
	for name, when := range map[string]task.ReturnWhen{
		"FirstCompleted": task.FirstCompleted, "FirstException": task.FirstException, "AllCompleted": task.AllCompleted,
	} {
		t.Run(name, func(t *testing.T) {
			runTest(t, func(ctx context.Context) {
				failing, succeeding := task.Create(ctx, fails[int](ms, errTest)), task.Create(ctx, returns(2*ms, 1))
				var got []*intTask
				for tk, err := range task.AsCompleted(ctx, []*intTask{succeeding, failing}, when) {
					check.NoError(t, err)
					got = append(got, tk)
				}
				check.Equal(t, "yielded", got, []*intTask{failing, succeeding})
				check.Is(t, failing.Err(), errTest)
			})
		})
	}
}

// It would wait with the context of the task that called AsCompleted.
func TestAsCompletedIsRefusedInAnotherTaskAndLosesNothing(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		first, second := newFuture[int](ctx), newFuture[int](ctx)
		items := task.AsCompleted(ctx, []*intFuture{first, second})
		other := task.Go(ctx, func(context.Context) error {
			n := 0
			for got, err := range items {
				n++
				check.Equal(t, "nothing is yielded to another task", got == nil, true)
				check.Is(t, err, task.ErrNotCurrent)
			}
			check.Equal(t, "errors", n, 1)
			return errors.Join(first.SetResult(1), second.SetResult(2))
		})
		var got []*intFuture
		for f, err := range items {
			check.NoError(t, err)
			got = append(got, f)
		}
		check.Equal(t, "yielded", got, []*intFuture{first, second})
		check.NoError(t, other.Join(ctx))
	})
}

func TestAsCompletedMayBeEmptiedByAnotherTask(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		f := newFuture[int](ctx)
		items := task.AsCompleted(ctx, []*intFuture{f})
		check.NoError(t, f.SetResult(1))
		tick(ctx)
		other := task.Go(ctx, func(context.Context) error {
			for got, err := range items {
				check.NoError(t, err)
				check.Equal(t, "yielded", got, f)
			}
			return nil
		})
		check.NoError(t, other.Join(ctx))
	})
}
