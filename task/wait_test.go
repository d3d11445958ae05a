package task_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

type intTask = task.Task[int]

const ms = time.Millisecond

func TestWaitReturnsAllInTheOrderGiven(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		a, b := task.Create(ctx, returns(100*ms, 1)), task.Create(ctx, returns(150*ms, 2))
		for range 2 { // the second time both are done, and no time passes
			done, pending, err := task.Wait(ctx, []*intTask{b, a})
			check.NoError(t, err)
			check.Equal(t, "done", done, []*intTask{b, a})
			check.Equal(t, "pending", len(pending), 0)
			check.Equal(t, "time", elapsed(ctx), 150*ms)
		}
		gives(t, ctx, a, 1)
	})
}

func TestWaitCollapsesRepetitions(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		c, d := task.Create(ctx, returns(0, "test")), task.Create(ctx, returns(0, "spam"))
		done, pending, err := task.Wait(ctx, []*task.Task[string]{c, c, d})
		check.NoError(t, err)
		check.Equal(t, "done", done, []*task.Task[string]{c, d})
		check.Equal(t, "pending", len(pending), 0)
	})
}

func TestWaitConditions(t *testing.T) {
	for _, test := range []struct {
		name          string
		coros         []task.Coroutine[int]
		options       []task.WaitOption
		done, pending []int
		time          time.Duration
	}{
		{
			"first completed", []task.Coroutine[int]{returns(10*time.Second, 1), returns(100*ms, 2)},
			[]task.WaitOption{task.FirstCompleted}, []int{1}, []int{0}, 100 * ms,
		},
		{
			"first exception, at once", []task.Coroutine[int]{returns(10*time.Second, 1), fails[int](0, errTest)},
			[]task.WaitOption{task.FirstException}, []int{1}, []int{0}, 0,
		},
		{
			"first exception, later", []task.Coroutine[int]{returns(10*time.Second, 1), fails[int](10*ms, errTest)},
			[]task.WaitOption{task.FirstException}, []int{1}, []int{0}, 10 * ms,
		},
		{
			"first exception, a result is none", []task.Coroutine[int]{returns(1*ms, 1), returns(2*ms, 2)},
			[]task.WaitOption{task.FirstException}, []int{0, 1}, nil, 2 * ms,
		},
		{
			"first exception, a cancellation is none",
			[]task.Coroutine[int]{fails[int](1*ms, future.ErrCancelled), returns(2*ms, 2)},
			[]task.WaitOption{task.FirstException}, []int{0, 1}, nil, 2 * ms,
		},
		{
			"all completed, with an exception", []task.Coroutine[int]{returns(100*ms, 1), fails[int](150*ms, errTest)},
			[]task.WaitOption{task.AllCompleted}, []int{0, 1}, nil, 150 * ms,
		},
		{
			"within a time", []task.Coroutine[int]{returns(100*ms, 1), returns(150*ms, 2)},
			[]task.WaitOption{task.Within(110 * ms)}, []int{0}, []int{1}, 110 * ms,
		},
		{
			"within the very time", []task.Coroutine[int]{returns(100*ms, 1), returns(150*ms, 2)},
			[]task.WaitOption{task.Within(100 * ms)}, []int{0}, []int{1}, 100 * ms,
		},
		{
			"within no time", []task.Coroutine[int]{returns(100*ms, 1), returns(1*ms, 2)},
			[]task.WaitOption{task.Within(0)}, nil, []int{0, 1}, 0,
		},
		{
			"within any time", []task.Coroutine[int]{returns(time.Hour, 1)},
			[]task.WaitOption{task.Within(task.Forever)}, []int{0}, nil, time.Hour,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := newTestLoop(t)
			check.Collect(l)
			check.RunOn(t, l, func(ctx context.Context) {
				var all []*intTask
				for _, coro := range test.coros {
					all = append(all, task.Create(ctx, coro))
				}
				tick(ctx) // they sleep before the wait begins
				done, pending, err := task.Wait(ctx, all, test.options...)
				check.NoError(t, err)
				check.Equal(t, "done", places(done, all), test.done)
				check.Equal(t, "pending", places(pending, all), test.pending)
				check.Equal(t, "time", elapsed(ctx), test.time)
				for _, tk := range pending {
					check.Equal(t, "cancelling", tk.Cancelling(), 0)
				}
			})
		})
	}
}

// places are the places of some tasks among all.
func places(some, all []*intTask) (at []int) {
	for _, tk := range some {
		at = append(at, slices.Index(all, tk))
	}
	return at
}

// What is done when the waiting task goes on counts, whoever woke it.
func TestWaitLooksAtTheEndWhatIsDone(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		first := task.Create(ctx, func(context.Context) (int, error) { return 1, nil })
		second := task.Create(ctx, func(ctx context.Context) (int, error) { return 2, task.Yield(ctx) })
		third := task.Create(ctx, returns(time.Second, 3))
		done, pending, err := task.Wait(ctx, []*intTask{first, second, third}, task.FirstCompleted)
		check.NoError(t, err)
		check.Equal(t, "done", done, []*intTask{first, second})
		check.Equal(t, "pending", pending, []*intTask{third})
		gives(t, ctx, third, 3)
	})
}

func TestWaitTakesTasksAndFuturesOfAnyType(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		f := newFuture[string](ctx)
		loop.Running(ctx).CallLater(time.Second, func() { check.NoError(t, f.SetResult("late")) })
		all := []future.Waitable{f, task.Create(ctx, returns(0, 1)), task.Go(ctx, task.Yield)}
		done, pending, err := task.Wait(ctx, all)
		check.NoError(t, err)
		check.Equal(t, "done", done, all)
		check.Equal(t, "pending", len(pending), 0)
	})
}

func TestWaitOfMany(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		var all []*intTask
		for i := range 10 {
			all = append(all, task.Create(ctx, returns(0, i)))
		}
		done, pending, err := task.Wait(ctx, all)
		check.NoError(t, err)
		check.Equal(t, "done", len(done), 10)
		check.Equal(t, "pending", len(pending), 0)
	})
}

func TestWaitThatIsCancelledCancelsNothingElse(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		f := newFuture[int](ctx)
		inner := task.Create(ctx, waits[int](f))
		outer := task.Go(ctx, func(ctx context.Context) error {
			_, _, err := task.Wait(ctx, []*intTask{inner})
			return err
		})
		ticks(ctx, 2)
		outer.Cancel("no")
		_, err := outer.Await(ctx)
		check.Cancelled(t, err, "no")
		check.Equal(t, "inner done", inner.Done(), false)
		check.NoError(t, f.SetResult(42))
		gives(t, ctx, inner, 42)
	})
}

func TestWaitThatIsOverLeavesNoCallbacks(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		f := newFuture[int](ctx)
		_, pending, err := task.Wait(ctx, []*intFuture{f}, task.Within(time.Second))
		check.NoError(t, err)
		check.Equal(t, "pending", pending, []*intFuture{f})
		check.Equal(t, "the future, without callbacks", f.String(), "<Future pending>")
	})
}

func TestReturnWhenIsAllCompletedUnlessGiven(t *testing.T) {
	var when task.ReturnWhen
	check.Equal(t, "the zero value", when, task.AllCompleted)
	for name, opts := range map[string][]task.WaitOption{
		"no option":        nil,
		"AllCompleted":     {task.AllCompleted},
		"the zero value":   {when},
		"another one last": {task.FirstCompleted, task.FirstException, task.AllCompleted},
	} {
		t.Run(name, func(t *testing.T) {
			runTest(t, func(ctx context.Context) {
				all := []*intTask{task.Create(ctx, returns(10*ms, 1)), task.Create(ctx, fails[int](20*ms, errTest)), task.Create(ctx, returns(30*ms, 3))}
				done, pending, err := task.Wait(ctx, all, opts...)
				check.NoError(t, err)
				check.Equal(t, "done", done, all)
				check.Equal(t, "pending", len(pending), 0)
				check.Equal(t, "time", elapsed(ctx), 30*ms)
				check.NoError(t, all[0].Err())
				check.Is(t, all[1].Err(), errTest)
				check.NoError(t, all[2].Err())
			})
		})
	}
}

func TestReturnWhenGoesWithATimeLimit(t *testing.T) {
	for _, test := range []struct {
		name string
		when task.ReturnWhen
		in   time.Duration
		done int
		time time.Duration
	}{
		{"first completed, in time", task.FirstCompleted, 15 * ms, 1, 10 * ms},
		{"first completed, too late", task.FirstCompleted, 5 * ms, 0, 5 * ms},
		{"first exception, in time", task.FirstException, 25 * ms, 2, 20 * ms},
		{"first exception, too late", task.FirstException, 15 * ms, 1, 15 * ms},
		{"all completed, in time", task.AllCompleted, 35 * ms, 3, 30 * ms},
		{"all completed, too late", task.AllCompleted, 25 * ms, 2, 25 * ms},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, opts := range [][]task.WaitOption{{test.when, task.Within(test.in)}, {task.Within(test.in), test.when}} {
				runTest(t, func(ctx context.Context) {
					all := []*intTask{task.Create(ctx, returns(10*ms, 1)), task.Create(ctx, fails[int](20*ms, errTest)), task.Create(ctx, returns(30*ms, 3))}
					done, pending, err := task.Wait(ctx, all, opts...)
					check.NoError(t, err)
					check.Equal(t, "done", len(done), test.done)
					check.Equal(t, "pending", len(pending), 3-test.done)
					check.Equal(t, "time", elapsed(ctx), test.time)
					_ = task.Join(ctx, task.GatherSettled(ctx, all...))
				})
			}
		})
	}
}
