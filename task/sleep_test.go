package task_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

func TestSleepAdvancesTheTimeExactly(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		check.NoError(t, task.Sleep(ctx, 50*time.Millisecond))
		check.Equal(t, "time", elapsed(ctx), 50*time.Millisecond)
		got, err := task.SleepResult(ctx, 50*time.Millisecond, "yeah")
		check.NoError(t, err)
		check.Equal(t, "result", got, "yeah")
		check.Equal(t, "time", elapsed(ctx), 100*time.Millisecond)
	})
}

func TestSleepForNoTimeGivesWayForOneIteration(t *testing.T) {
	for _, d := range []time.Duration{0, -1, -time.Hour} {
		t.Run(d.String(), func(t *testing.T) {
			runTest(t, func(ctx context.Context) {
				ran := 0
				l := loop.Running(ctx)
				l.CallSoon(func() {
					ran++
					l.CallSoon(func() { ran++ })
				})
				got, err := task.SleepResult(ctx, d, 10)
				check.NoError(t, err)
				check.Equal(t, "result", got, 10)
				check.Equal(t, "callbacks that ran", ran, 1)
				check.Equal(t, "time", elapsed(ctx), time.Duration(0))
			})
		})
	}
}

func TestSleepThatIsCancelledLeavesNoTimer(t *testing.T) {
	l, clock := tasktest.NewLoop(t, patience)
	check.RunOn(t, l, func(ctx context.Context) {
		tk := task.Create(ctx, returns(10*time.Second, 1))
		tick(ctx)
		tk.Cancel()
		_, err := tk.Await(ctx)
		check.Cancelled(t, err, "")
		check.NoError(t, task.Sleep(ctx, time.Minute))
	})
	check.Equal(t, "the loop slept until", clock.Sleeps(), []time.Duration{time.Minute})
}

// A task that a timer was to wake is not disturbed by a timer that comes late.
func TestSleepThatIsCancelledIsNotDisturbedByItsTimer(t *testing.T) {
	l := newTestLoop(t)
	got := check.Collect(l)
	check.RunOn(t, l, func(ctx context.Context) {
		var tk *task.Task[struct{}]
		l.CallLater(1, func() { tk.Cancel() }) // in the iteration of the timer, just before it
		tk = task.Go(ctx, func(ctx context.Context) error { return task.Sleep(ctx, 1) })
		check.NoError(t, task.Sleep(ctx, 10))
		check.Cancelled(t, tk.Err(), "")
	})
	check.Equal(t, "reports", got.Messages(), []string{})
}

func TestSleepsWithEqualDeadlinesEndInTheirOrder(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		var order []int
		var all []*task.Task[struct{}]
		for i := range 20 {
			all = append(all, task.Go(ctx, func(ctx context.Context) error {
				check.NoError(t, task.Sleep(ctx, time.Second))
				order = append(order, i)
				return nil
			}))
		}
		_, _, err := task.Wait(ctx, all)
		check.NoError(t, err)
		for i, got := range order {
			check.Equal(t, "place", got, i)
		}
	})
}

func TestSleepReportsACancellationInPlaceOfItsResult(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		tk := task.Create(ctx, returns(time.Hour, 42))
		tick(ctx)
		tk.Cancel("no")
		v, err := tk.Await(ctx)
		check.Cancelled(t, err, "no")
		check.Equal(t, "value", v, 0)
	})
}

func TestSleepEndsWithItsContext(t *testing.T) {
	for _, d := range []time.Duration{0, time.Hour} {
		t.Run(d.String(), func(t *testing.T) {
			runTest(t, func(ctx context.Context) {
				derived, cancel := context.WithCancelCause(ctx)
				cancel(errTest)
				err := task.Sleep(derived, d)
				if !errors.Is(err, errTest) {
					t.Errorf("got %v", err)
				}
				check.Equal(t, "time", elapsed(ctx), time.Duration(0))
				check.NoError(t, task.Sleep(ctx, time.Second)) // the task is not cancelled
			})
		})
	}
}
