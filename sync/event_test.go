package sync

import (
	"context"
	"testing"

	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

func TestEventStringShowsStateAndWaiters(t *testing.T) {
	run(t, func(ctx context.Context) {
		var e Event
		check.Equal(t, "fresh", e.String(), "<Event [unset]>")
		tk := spawn(ctx, e.Wait)
		yield(ctx)
		check.Equal(t, "with a waiter", e.String(), "<Event [unset, waiters:1]>")
		e.Set()
		check.Equal(t, "set, the waiter has not run", e.String(), "<Event [set, waiters:1]>")
		succeeds(t, ctx, tk)
		check.Equal(t, "set", e.String(), "<Event [set]>")
	})
}

func TestEventSetWakesAllAfterThoseThatDoNotWait(t *testing.T) {
	run(t, func(ctx context.Context) {
		var e Event
		var order []int
		wait := func(n int) *task.Task[struct{}] {
			return spawn(ctx, func(ctx context.Context) error {
				err := e.Wait(ctx)
				order = append(order, n)
				return err
			})
		}
		t1, t2 := wait(1), wait(2)
		yield(ctx)
		check.Equal(t, "before Set", order, []int(nil))
		t3 := wait(3)
		e.Set()
		yield(ctx)
		check.Equal(t, "one iteration after Set", order, []int{3, 1, 2})
		for _, tk := range []*task.Task[struct{}]{t1, t2, t3} {
			check.True(t, "Done", tk.Done())
			succeeds(t, ctx, tk)
		}
	})
}

func TestEventWaitOnASetEventDoesNotWait(t *testing.T) {
	var e Event
	e.Set()
	check.NoError(t, e.Wait(context.Background())) // there is no loop to wait on
}

func TestEventWaitCancelledLeavesTheQueue(t *testing.T) {
	run(t, func(ctx context.Context) {
		var e Event
		tk := spawn(ctx, e.Wait)
		soon(ctx, func() { tk.Cancel() })
		isCancelled(t, ctx, tk)
		check.Equal(t, "waiters", e.waiters.n, 0)
	})
}

func TestEventIsSetUntilItIsCleared(t *testing.T) {
	var e Event
	check.False(t, "IsSet", e.IsSet())
	e.Set()
	check.True(t, "IsSet after Set", e.IsSet())
	e.Clear()
	check.False(t, "IsSet after Clear", e.IsSet())
}

func TestEventClearedBeforeTheWaiterRunsHasWokenItOnce(t *testing.T) {
	run(t, func(ctx context.Context) {
		var e Event
		woken := 0
		tk := spawn(ctx, func(ctx context.Context) error {
			err := e.Wait(ctx)
			woken++
			return err
		})
		yield(ctx)
		e.Set()
		e.Clear()
		check.False(t, "IsSet", e.IsSet())
		e.Set()
		e.Set()
		check.Equal(t, "waiters", e.waiters.n, 1)
		e.Clear()
		yield(ctx)
		check.Equal(t, "times woken", woken, 1)
		check.Equal(t, "waiters", e.waiters.n, 0)
		check.True(t, "Done", tk.Done())
	})
}
