package sync

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

func TestSemaphoreHoldsTheGivenPermits(t *testing.T) {
	for name, c := range map[string]struct {
		semaphore *Semaphore
		permits   int
	}{
		"zero value": {new(Semaphore), 1},
		"none":       {NewSemaphore(0), 0},
		"one":        {NewSemaphore(1), 1},
		"three":      {NewSemaphore(3), 3},
	} {
		t.Run(name, func(t *testing.T) {
			s := c.semaphore
			for range c.permits {
				check.False(t, "Locked", s.Locked())
				check.NoError(t, s.Acquire(context.Background()))
			}
			check.True(t, "Locked", s.Locked())
			for range c.permits + 2 { // not bounded
				s.Release()
			}
			check.Equal(t, "value", s.value(), c.permits+2)
		})
	}
}

func TestBoundedSemaphoreRefusesMorePermitsThanItBeganWith(t *testing.T) {
	for name, c := range map[string]struct {
		semaphore *BoundedSemaphore
		permits   int
	}{
		"zero value": {new(BoundedSemaphore), 1},
		"none":       {NewBoundedSemaphore(0), 0},
		"one":        {NewBoundedSemaphore(1), 1},
		"three":      {NewBoundedSemaphore(3), 3},
	} {
		t.Run(name, func(t *testing.T) {
			s := c.semaphore
			check.Is(t, s.Release(), ErrTooOften)
			for range c.permits {
				check.NoError(t, s.Acquire(context.Background()))
			}
			check.True(t, "Locked", s.Locked())
			for range c.permits {
				check.NoError(t, s.Release())
			}
			check.Is(t, s.Release(), ErrTooOften)
			check.Equal(t, "value", s.value(), c.permits)
		})
	}
}

// A permit that was given to a waiter has left the semaphore, so one Release too
// many goes unnoticed, as in asyncio.
func TestBoundedSemaphoreCountsOnlyThePermitsItHolds(t *testing.T) {
	run(t, func(ctx context.Context) {
		var s BoundedSemaphore
		check.NoError(t, s.Acquire(ctx))
		tk := spawn(ctx, s.Acquire)
		yield(ctx)
		check.NoError(t, s.Release())
		check.NoError(t, s.Release())
		check.Is(t, s.Release(), ErrTooOften)
		succeeds(t, ctx, tk)
	})
}

func TestSemaphoreNegativeValuePanics(t *testing.T) {
	t.Run("semaphore", func(t *testing.T) {
		check.IsExactly(t, check.Panics(t, func() { NewSemaphore(-1) }), ErrInvalidSize, "sync: semaphore: initial value -1 must be >= 0: invalid size")
	})
	t.Run("bounded semaphore", func(t *testing.T) {
		check.IsExactly(t, check.Panics(t, func() { NewBoundedSemaphore(-1) }), ErrInvalidSize, "sync: bounded semaphore: initial value -1 must be >= 0: invalid size")
	})
}

func TestSemaphoreStringShowsValueAndWaiters(t *testing.T) {
	for name, s := range map[string]lockable{
		"Semaphore":        new(Semaphore),
		"BoundedSemaphore": new(BoundedSemaphore),
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(ctx context.Context) {
				check.Equal(t, "fresh", s.String(), fmt.Sprintf("<%s [unlocked, value:1]>", name))
				check.NoError(t, s.Acquire(ctx))
				check.Equal(t, "acquired", s.String(), fmt.Sprintf("<%s [locked]>", name))
				a := spawn(ctx, s.Acquire)
				yield(ctx)
				check.Equal(t, "with a waiter", s.String(), fmt.Sprintf("<%s [locked, waiters:1]>", name))
				b := spawn(ctx, s.Acquire)
				yield(ctx)
				check.Equal(t, "with two", s.String(), fmt.Sprintf("<%s [locked, waiters:2]>", name))
				release(t, s)
				succeeds(t, ctx, a)
				release(t, s)
				succeeds(t, ctx, b)
			})
		})
	}
}

func acquireInOrder(ctx context.Context, s *Semaphore, order *[]int, n int) *task.Task[struct{}] {
	return spawn(ctx, func(ctx context.Context) error {
		err := s.Acquire(ctx)
		if err == nil {
			*order = append(*order, n)
		}
		return err
	})
}

func TestSemaphoreHandsPermitsToWaitersBeforeNewcomers(t *testing.T) {
	run(t, func(ctx context.Context) {
		s := NewSemaphore(3)
		var order []int
		check.NoError(t, s.Acquire(ctx))
		check.NoError(t, s.Acquire(ctx))
		check.False(t, "Locked", s.Locked())

		acquireInOrder(ctx, s, &order, 1)
		acquireInOrder(ctx, s, &order, 2)
		acquireInOrder(ctx, s, &order, 3)
		yield(ctx)
		check.Equal(t, "order", order, []int{1})
		check.Equal(t, "state", s.String(), "<Semaphore [locked, waiters:2]>")

		t4 := acquireInOrder(ctx, s, &order, 4)
		s.Release()
		s.Release()
		check.Equal(t, "value after the permits were handed over", s.value(), 0)
		yield(ctx)
		check.Equal(t, "order", order, []int{1, 2, 3})
		check.Equal(t, "value", s.value(), 0)
		check.Equal(t, "state", s.String(), "<Semaphore [locked, waiters:1]>")

		s.Release()
		succeeds(t, ctx, t4)
	})
}

func TestSemaphoreAcquireCancelledLeavesTheQueue(t *testing.T) {
	run(t, func(ctx context.Context) {
		var s Semaphore
		check.NoError(t, s.Acquire(ctx))
		tk := spawn(ctx, s.Acquire)
		soon(ctx, func() { tk.Cancel() })
		isCancelled(t, ctx, tk)
		check.Equal(t, "waiters", s.waiters.n, 0)
	})
}

func TestSemaphoreReleasePassesOverCancelledWaiters(t *testing.T) {
	tasktest.Run(t, func(ctx context.Context, t *tasktest.T) {
		s := NewSemaphore(0)
		var order []int
		t1, t2 := acquireInOrder(ctx, s, &order, 1), acquireInOrder(ctx, s, &order, 2)
		t3, t4 := acquireInOrder(ctx, s, &order, 3), acquireInOrder(ctx, s, &order, 4)
		yield(ctx)
		t1.Cancel()
		t2.Cancel()
		s.Release()
		check.NoError(t, t.WaitAllBlocked(ctx))
		check.Equal(t, "order", order, []int{3})
		check.True(t, "t3.Done", t3.Done())
		check.False(t, "t4.Done", t4.Done())
		t4.Cancel()
		isCancelled(t, ctx, t4)
	})
}

func TestSemaphoreCancelThenReleaseReachesTheNextWaiter(t *testing.T) {
	run(t, func(ctx context.Context) {
		s := NewSemaphore(0)
		t1, t2 := spawn(ctx, s.Acquire), spawn(ctx, s.Acquire)
		yield(ctx)
		t1.Cancel()
		s.Release()
		yield(ctx)
		check.True(t, "Locked", s.Locked())
		check.True(t, "t2.Done", t2.Done())
	})
}

func TestSemaphoreWokenWaiterCancelledGivesItsPermitBack(t *testing.T) {
	run(t, func(ctx context.Context) {
		s := NewSemaphore(1)
		var t2 *task.Task[struct{}]
		t1 := spawn(ctx, func(ctx context.Context) error {
			if err := s.With(ctx, func() error { return task.Yield(ctx) }); err != nil {
				return err
			}
			t2.Cancel()
			return nil
		})
		t2 = spawn(ctx, func(ctx context.Context) error {
			return s.With(ctx, func() error {
				t.Error("the permit was taken by a cancelled task")
				return nil
			})
		})
		succeeds(t, ctx, t1)
		_, err := t2.Await(ctx)
		check.True(t, "cancelled", future.IsCancelled(err))
		_, err = task.WaitFor(ctx, task.Void(s.Acquire), time.Second)
		check.NoError(t, err)
	})
}

func TestSemaphoreIsFairToThoseWhoCome(t *testing.T) {
	t.Run("again and again", func(t *testing.T) {
		run(t, func(ctx context.Context) {
			s := NewSemaphore(1)
			var order []string
			check.NoError(t, task.WithGroup(ctx, func(_ context.Context, g *task.Group) error {
				for n := range 3 {
					g.Go(func(ctx context.Context) error {
						for round := range 2 {
							if err := s.Acquire(ctx); err != nil {
								return err
							}
							order = append(order, fmt.Sprintf("c%d_%d", n+1, round+1))
							if err := task.Sleep(ctx, 10*time.Millisecond); err != nil {
								return err
							}
							s.Release()
						}
						return nil
					})
				}
				return nil
			}))
			check.Equal(t, "order", order, []string{"c1_1", "c2_1", "c3_1", "c1_2", "c2_2", "c3_2"})
		})
	})
	t.Run("after releasing", func(t *testing.T) {
		run(t, func(ctx context.Context) {
			s := NewSemaphore(1)
			var order []int
			t1 := acquireInOrder(ctx, s, &order, 1)
			t2 := spawn(ctx, func(ctx context.Context) error {
				check.NoError(t, s.Acquire(ctx))
				order = append(order, 2)
				s.Release()
				check.NoError(t, s.Acquire(ctx))
				order = append(order, 4)
				return nil
			})
			t3 := acquireInOrder(ctx, s, &order, 3)
			yield(ctx)
			s.Release()
			s.Release()
			for _, tk := range []*task.Task[struct{}]{t1, t2, t3} {
				succeeds(t, ctx, tk)
			}
			check.Equal(t, "order", order, []int{1, 2, 3, 4})
		})
	})
	t.Run("behind a cancelled one", func(t *testing.T) {
		run(t, func(ctx context.Context) {
			s := NewSemaphore(0)
			var order []int
			t1 := acquireInOrder(ctx, s, &order, 1)
			t2, t3 := acquireInOrder(ctx, s, &order, 2), acquireInOrder(ctx, s, &order, 3)
			yield(ctx)
			t1.Cancel()
			yield(ctx)
			s.Release()
			s.Release()
			isCancelled(t, ctx, t1)
			succeeds(t, ctx, t2)
			succeeds(t, ctx, t3)
			check.Equal(t, "order", order, []int{2, 3})
		})
	})
}

// Permits that are released before a woken waiter runs stay with the semaphore if
// no other task waits. Newcomers queue up, and the waiter gives them out when it runs.
func TestSemaphoreWokenWaiterHandsOutPermitsReleasedMeanwhile(t *testing.T) {
	run(t, func(ctx context.Context) {
		s := NewSemaphore(0)
		var order []int
		var t4 *task.Task[struct{}]
		t1 := spawn(ctx, func(ctx context.Context) error {
			check.Equal(t, "value at the start", s.value(), 0)
			check.NoError(t, s.Acquire(ctx))
			check.Equal(t, "value when the first waiter runs", s.value(), 0)
			t4 = spawn(ctx, func(context.Context) error {
				order = append(order, 4)
				return nil
			})
			order = append(order, 1)
			return nil
		})
		t2 := spawn(ctx, func(ctx context.Context) error {
			for range 3 {
				s.Release()
			}
			check.Equal(t, "value after three Releases", s.value(), 2)
			check.True(t, "Locked while the first waiter has not run", s.Locked())
			check.NoError(t, s.Acquire(ctx))
			order = append(order, 2)
			return nil
		})
		t3 := spawn(ctx, func(ctx context.Context) error {
			check.NoError(t, s.Acquire(ctx))
			check.True(t, "Locked", s.Locked())
			order = append(order, 3)
			return nil
		})
		yield(ctx)
		check.Equal(t, "value", s.value(), 2)
		check.Equal(t, "waiters", s.waiters.n, 3)
		yield(ctx)
		for _, tk := range []*task.Task[struct{}]{t1, t2, t3, t4} {
			succeeds(t, ctx, tk)
		}
		check.Equal(t, "order", order, []int{1, 2, 3, 4})
	})
}

// A wait that fails before it begins, here because its context has ended, leaves no
// waiter behind.
func TestLocksAcquireWithAnEndedContextLeavesTheQueue(t *testing.T) {
	for name, l := range lockables() {
		t.Run(name, func(t *testing.T) {
			run(t, func(ctx context.Context) {
				failure := errors.New("enough")
				ended, cancel := context.WithCancelCause(ctx)
				cancel(failure)
				check.NoError(t, l.Acquire(ended)) // nothing to wait for
				check.Equal(t, "error", l.Acquire(ended), failure)
				check.True(t, "Locked", l.Locked())
				release(t, l)
				check.False(t, "Locked after Release", l.Locked())
			})
		})
	}
}
