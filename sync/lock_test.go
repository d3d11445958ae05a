package sync

import (
	"context"
	"fmt"
	"testing"

	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// lockable is what locks, conditions and semaphores have in common.
type lockable interface {
	fmt.Stringer
	Acquire(ctx context.Context) error
	Locked() bool
	With(ctx context.Context, fn func() error) error
}

// releasable is a lockable whose Release returns an error: any but a Semaphore.
type releasable interface {
	lockable
	Release() error
}

// release releases l, which must be held.
func release(t testing.TB, l lockable) {
	t.Helper()
	if s, ok := l.(*Semaphore); ok {
		s.Release()
		return
	}
	check.NoError(t, l.(releasable).Release())
}

// lockables has one of each kind, with one permit.
func lockables() map[string]lockable {
	return map[string]lockable{
		"Lock":             new(Lock),
		"Condition":        new(Condition),
		"Semaphore":        new(Semaphore),
		"BoundedSemaphore": new(BoundedSemaphore),
	}
}

func TestLocksAreLockedFromAcquireToRelease(t *testing.T) {
	for name, l := range lockables() {
		t.Run(name, func(t *testing.T) {
			run(t, func(ctx context.Context) {
				check.False(t, "Locked before", l.Locked())
				check.NoError(t, l.Acquire(ctx))
				check.True(t, "Locked after Acquire", l.Locked())
				release(t, l)
				check.False(t, "Locked after Release", l.Locked())
			})
		})
	}
}

func TestLockStringShowsStateAndWaiters(t *testing.T) {
	run(t, func(ctx context.Context) {
		var l Lock
		check.Equal(t, "fresh", l.String(), "<Lock [unlocked]>")
		check.NoError(t, l.Acquire(ctx))
		check.Equal(t, "acquired", l.String(), "<Lock [locked]>")
		a, b := spawn(ctx, l.Acquire), spawn(ctx, l.Acquire)
		yield(ctx)
		check.Equal(t, "with waiters", l.String(), "<Lock [locked, waiters:2]>")
		check.NoError(t, l.Release())
		check.Equal(t, "released, the waiter has not run", l.String(), "<Lock [unlocked, waiters:2]>")
		succeeds(t, ctx, a)
		check.NoError(t, l.Release())
		succeeds(t, ctx, b)
	})
}

func TestLockIsFair(t *testing.T) {
	run(t, func(ctx context.Context) {
		var l Lock
		var order []int
		acquire := func(n int) *task.Task[struct{}] {
			return spawn(ctx, func(ctx context.Context) error {
				err := l.Acquire(ctx)
				order = append(order, n)
				return err
			})
		}
		check.NoError(t, l.Acquire(ctx))
		t1, t2 := acquire(1), acquire(2)
		yield(ctx)
		check.Equal(t, "while held", order, []int(nil))

		check.NoError(t, l.Release())
		yield(ctx)
		check.Equal(t, "one iteration after Release", order, []int{1})
		yield(ctx)
		check.Equal(t, "another one later", order, []int{1})

		t3 := acquire(3)
		check.NoError(t, l.Release())
		yield(ctx)
		check.Equal(t, "the newcomer started before the woken waiter ran", order, []int{1, 2})

		check.NoError(t, l.Release())
		yield(ctx)
		check.Equal(t, "in the end", order, []int{1, 2, 3})
		for _, tk := range []*task.Task[struct{}]{t1, t2, t3} {
			check.True(t, "Done", tk.Done())
		}
	})
}

func TestLockReleasedTwiceBeforeTheWaiterRunsIsRefused(t *testing.T) {
	run(t, func(ctx context.Context) {
		var l Lock
		check.NoError(t, l.Acquire(ctx))
		tk := spawn(ctx, l.Acquire)
		yield(ctx)
		check.NoError(t, l.Release())
		check.Is(t, l.Release(), ErrNotAcquired)
		succeeds(t, ctx, tk)
		check.True(t, "Locked", l.Locked())
	})
}

func TestLockAcquireCancelledLeavesTheQueue(t *testing.T) {
	run(t, func(ctx context.Context) {
		var l Lock
		check.NoError(t, l.Acquire(ctx))
		tk := spawn(ctx, l.Acquire)
		soon(ctx, func() { tk.Cancel() })
		isCancelled(t, ctx, tk)
		check.Equal(t, "waiters", l.waiters.n, 0)
	})
}

func TestLockReleaseAndCancelInOneIterationReachTheNextWaiter(t *testing.T) {
	run(t, func(ctx context.Context) {
		var l Lock
		hold := newGate(ctx)
		lockIt := func(g *gate) func(ctx context.Context) error {
			return func(ctx context.Context) error {
				return l.With(ctx, func() error {
					if g == nil {
						return nil
					}
					return pass(ctx, g)
				})
			}
		}
		a := spawn(ctx, lockIt(hold))
		yield(ctx)
		check.True(t, "Locked", l.Locked())
		b := spawn(ctx, lockIt(nil))
		yield(ctx)
		check.Equal(t, "waiters", l.waiters.n, 1)
		c := spawn(ctx, lockIt(nil))
		yield(ctx)
		check.Equal(t, "waiters", l.waiters.n, 2)

		open(t, hold) // a will release
		b.Cancel()
		check.True(t, "b's waiter is cancelled at once", l.waiters.list.First().Value.future.Cancelled())
		yield(ctx)
		check.False(t, "Locked", l.Locked())
		check.True(t, "a.Done", a.Done())
		check.True(t, "b.Cancelled", b.Cancelled())
		succeeds(t, ctx, c)
	})
}

func TestLockCancelThenReleaseGrantsOnce(t *testing.T) {
	run(t, func(ctx context.Context) {
		var l Lock
		calls, locks := 0, 0
		lockIt := func(ctx context.Context) error {
			calls++
			err := l.Acquire(ctx)
			if err == nil {
				locks++
			}
			return err
		}
		check.NoError(t, l.Acquire(ctx))
		t1, t2, t3 := spawn(ctx, lockIt), spawn(ctx, lockIt), spawn(ctx, lockIt)
		yield(ctx)
		soon(ctx, func() {
			t1.Cancel()
			check.NoError(t, l.Release())
		})
		isCancelled(t, ctx, t1)
		check.Equal(t, "locks taken", locks, 1)
		check.Equal(t, "calls", calls, 3)
		check.True(t, "t2.Done", t2.Done())
		check.False(t, "t3.Done", t3.Done())
		t3.Cancel()
		isCancelled(t, ctx, t3)
	})
}

func TestLockWokenWaiterCancelledPassesTheLockOn(t *testing.T) {
	run(t, func(ctx context.Context) {
		var l Lock
		check.NoError(t, l.Acquire(ctx))
		b := spawn(ctx, l.Acquire)
		yield(ctx)
		check.Equal(t, "waiters", l.waiters.n, 1)

		c := spawn(ctx, l.Acquire)
		b.Cancel()
		check.NoError(t, l.Release())
		yield(ctx)
		check.True(t, "Locked", l.Locked())
		check.True(t, "b.Cancelled", b.Cancelled())
		succeeds(t, ctx, c)
	})
}

// Release looks only at the head of the list. If that waiter is cancelled, it wakes
// the next one itself, when it runs.
func TestLockCancelledHeadPassesTheLockOnWhenItRuns(t *testing.T) {
	run(t, func(ctx context.Context) {
		var l Lock
		check.NoError(t, l.Acquire(ctx))
		t1, t2 := spawn(ctx, l.Acquire), spawn(ctx, l.Acquire)
		yield(ctx)
		t1.Cancel()
		check.NoError(t, l.Release())
		yield(ctx)
		check.True(t, "t1.Done", t1.Done())
		check.False(t, "t2.Done one iteration after Release", t2.Done())
		yield(ctx)
		check.True(t, "t2.Done two iterations after Release", t2.Done())
		isCancelled(t, ctx, t1)
	})
}

func TestLocksLetNewcomersPassCancelledWaiters(t *testing.T) {
	for name, l := range lockables() {
		t.Run(name, func(t *testing.T) {
			run(t, func(ctx context.Context) {
				check.NoError(t, l.Acquire(ctx))
				tk := spawn(ctx, l.Acquire)
				yield(ctx)
				tk.Cancel()
				release(t, l)
				check.False(t, "Locked", l.Locked())
				check.NoError(t, l.Acquire(ctx)) // at once: the cancelled waiter has not run
				check.False(t, "Done", tk.Done())
				isCancelled(t, ctx, tk)
				check.True(t, "Locked", l.Locked())
			})
		})
	}
}

func TestStringsOfNil(t *testing.T) {
	for _, object := range []fmt.Stringer{
		(*Lock)(nil), (*Event)(nil), (*Condition)(nil), (*Semaphore)(nil), (*BoundedSemaphore)(nil), (*Barrier)(nil),
	} {
		check.Equal(t, "String", object.String(), "<nil>")
	}
}
