package sync

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

func TestConditionStringShowsLockAndWaiters(t *testing.T) {
	run(t, func(ctx context.Context) {
		var c Condition
		check.Equal(t, "fresh", c.String(), "<Condition [unlocked]>")
		wait := func(ctx context.Context) error {
			return c.With(ctx, func() error { return c.Wait(ctx) })
		}
		a := spawn(ctx, wait)
		yield(ctx)
		check.Equal(t, "with a waiter", c.String(), "<Condition [unlocked, waiters:1]>")
		b := spawn(ctx, wait)
		yield(ctx)
		check.Equal(t, "with two", c.String(), "<Condition [unlocked, waiters:2]>")
		check.NoError(t, c.Acquire(ctx))
		check.Equal(t, "locked", c.String(), "<Condition [locked, waiters:2]>")
		check.NoError(t, c.NotifyAll())
		check.NoError(t, c.Release())
		succeeds(t, ctx, a)
		succeeds(t, ctx, b)
	})
}

// waitInOrder starts n tasks that acquire the condition, wait, and then append their
// number to order. If release is true, they release the condition at the end.
func waitInOrder(ctx context.Context, c *Condition, order *[]int, n int, release bool) []*task.Task[struct{}] {
	var tasks []*task.Task[struct{}]
	for i := range n {
		tasks = append(tasks, spawn(ctx, func(ctx context.Context) error {
			if err := c.Acquire(ctx); err != nil {
				return err
			}
			if err := c.Wait(ctx); err != nil {
				return err
			}
			*order = append(*order, i+1)
			if release {
				return c.Release()
			}
			return nil
		}))
	}
	return tasks
}

func TestConditionWaiterGoesOnWhenItGetsTheLock(t *testing.T) {
	run(t, func(ctx context.Context) {
		var c Condition
		var order []int
		tasks := waitInOrder(ctx, &c, &order, 3, false)
		yield(ctx)
		check.Equal(t, "not notified", order, []int(nil))
		check.False(t, "Locked", c.Locked())

		step := func(what string, want ...int) {
			t.Helper()
			yield(ctx)
			check.Equal(t, what, order, want)
			check.True(t, "Locked", c.Locked())
		}
		check.NoError(t, c.Acquire(ctx))
		check.NoError(t, c.Notify(1))
		yield(ctx)
		check.Equal(t, "notified, but not released", order, []int(nil))
		check.True(t, "Locked", c.Locked())
		check.NoError(t, c.Release())
		step("released", 1)
		check.NoError(t, c.Notify(2))
		step("the next two are notified", 1)
		check.NoError(t, c.Release())
		step("released", 1, 2)
		check.NoError(t, c.Release())
		step("released", 1, 2, 3)
		for _, tk := range tasks {
			check.True(t, "Done", tk.Done())
		}
	})
}

func TestConditionWaitCancelledHoldsTheLock(t *testing.T) {
	run(t, func(ctx context.Context) {
		var c Condition
		check.NoError(t, c.Acquire(ctx))
		tk := spawn(ctx, c.Wait)
		soon(ctx, func() { tk.Cancel() })
		isCancelled(t, ctx, tk)
		check.Equal(t, "waiters", c.waiters.n, 0)
		check.True(t, "Locked", c.Locked())
	})
}

func TestConditionWaitCancelledWhileTheLockIsContestedHoldsTheLock(t *testing.T) {
	run(t, func(ctx context.Context) {
		var c Condition
		check.NoError(t, c.Acquire(ctx))
		tk := spawn(ctx, c.Wait)
		yield(ctx)
		check.False(t, "Locked", c.Locked())

		check.NoError(t, c.Acquire(ctx))
		check.NoError(t, c.Notify(1))
		soon(ctx, func() { tk.Cancel() })
		soon(ctx, func() { check.NoError(t, c.Release()) })
		isCancelled(t, ctx, tk)
		check.True(t, "Locked", c.Locked())
	})
}

func TestConditionWaitCancelledAfterNotifyWaitsForTheLockFirst(t *testing.T) {
	run(t, func(ctx context.Context) {
		var c Condition
		waited := false
		tk := spawn(ctx, func(ctx context.Context) error {
			return c.With(ctx, func() error {
				waited = true
				return c.Wait(ctx)
			})
		})
		yield(ctx)
		check.NoError(t, c.Acquire(ctx))
		check.NoError(t, c.Notify(1))
		yield(ctx) // the waiter asks for the lock
		tk.Cancel()
		yield(ctx) // it is told, and asks again
		check.False(t, "Done without the lock", tk.Done())
		check.NoError(t, c.Release())
		yield(ctx)
		check.True(t, "Cancelled", tk.Cancelled())
		check.True(t, "waited", waited)
		check.False(t, "Locked", c.Locked())
	})
}

func TestConditionNeedsItsLock(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(ctx context.Context, c *Condition) error
		text string
	}{
		"Wait": {func(ctx context.Context, c *Condition) error { return c.Wait(ctx) },
			"sync: <Condition [unlocked]>: cannot wait: the lock is not acquired"},
		"WaitFor": {func(ctx context.Context, c *Condition) error {
			return c.WaitFor(ctx, func() bool { return false })
		}, "sync: <Condition [unlocked]>: cannot wait: the lock is not acquired"},
		"Notify": {func(_ context.Context, c *Condition) error { return c.Notify(1) },
			"sync: <Condition [unlocked]>: cannot notify: the lock is not acquired"},
		"NotifyAll": {func(_ context.Context, c *Condition) error { return c.NotifyAll() },
			"sync: <Condition [unlocked]>: cannot notify: the lock is not acquired"},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(ctx context.Context) {
				err := c.do(ctx, new(Condition))
				check.Is(t, err, ErrNotAcquired)
				check.Equal(t, "text", err.Error(), c.text)
			})
		})
	}
}

func TestConditionWaitForWaitsUntilThePredicateIsTrue(t *testing.T) {
	run(t, func(ctx context.Context) {
		var c Condition
		ready, checks := false, 0
		tk := spawn(ctx, func(ctx context.Context) error {
			return c.With(ctx, func() error {
				return c.WaitFor(ctx, func() bool {
					check.True(t, "Locked in the predicate", c.Locked())
					checks++
					return ready
				})
			})
		})
		notify := func() {
			t.Helper()
			check.NoError(t, c.Acquire(ctx))
			check.NoError(t, c.Notify(1))
			check.NoError(t, c.Release())
			yield(ctx)
		}
		yield(ctx)
		check.Equal(t, "checks at the start", checks, 1)
		notify()
		check.Equal(t, "checks", checks, 2)
		check.False(t, "Done", tk.Done())
		ready = true
		notify()
		check.Equal(t, "checks", checks, 3)
		check.True(t, "Done", tk.Done())
		check.False(t, "Locked", c.Locked())
	})
}

func TestConditionWaitForNeedsNoLockIfThePredicateIsTrue(t *testing.T) {
	var c Condition
	check.NoError(t, c.WaitFor(context.Background(), func() bool { return true }))
}

func TestConditionWaitForRefusesANilPredicate(t *testing.T) {
	var c Condition
	check.Is(t, c.WaitFor(context.Background(), nil), loop.ErrNilFunc)
}

func TestConditionNotifyCountsOnlyThoseNotWokenYet(t *testing.T) {
	tasktest.Run(t, func(ctx context.Context, t *tasktest.T) {
		var c Condition
		var order []int
		tasks := waitInOrder(ctx, &c, &order, 4, true)
		yield(ctx)
		notify := func(counts ...int) {
			t.Helper()
			check.NoError(t, c.Acquire(ctx))
			for _, n := range counts {
				check.NoError(t, c.Notify(n))
			}
			check.NoError(t, c.Release())
			check.NoError(t, t.WaitAllBlocked(ctx))
		}
		notify(0, -1)
		check.Equal(t, "after Notify(0), Notify(-1)", order, []int(nil))
		notify(1)
		check.Equal(t, "after Notify(1)", order, []int{1})
		notify(1, 1)
		check.Equal(t, "after Notify(1) twice", order, []int{1, 2, 3})
		notify(1, 2048)
		check.Equal(t, "after Notify(2048)", order, []int{1, 2, 3, 4})
		for _, tk := range tasks {
			succeeds(t, ctx, tk)
		}
	})
}

func TestConditionNotifyAllWakesAllInOrder(t *testing.T) {
	run(t, func(ctx context.Context) {
		var c Condition
		var order []int
		tasks := waitInOrder(ctx, &c, &order, 2, true)
		yield(ctx)
		check.NoError(t, c.Acquire(ctx))
		check.NoError(t, c.NotifyAll())
		check.NoError(t, c.Release())
		yield(ctx)
		check.Equal(t, "one iteration later", order, []int{1, 2})
		for _, tk := range tasks {
			check.True(t, "Done", tk.Done())
		}
	})
}

func TestConditionSharesTheLockItIsGiven(t *testing.T) {
	var given Lock
	for name, c := range map[string]*Condition{
		"own":       new(Condition),
		"own, made": NewCondition(nil),
		"given":     NewCondition(&given),
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(ctx context.Context) {
				lock := c.lock()
				if name == "given" {
					check.True(t, "the lock is the given one", lock == &given)
				}
				both := func(want bool) {
					t.Helper()
					check.Equal(t, "Lock.Locked", lock.Locked(), want)
					check.Equal(t, "Condition.Locked", c.Locked(), want)
				}
				both(false)
				check.NoError(t, c.With(ctx, func() error { both(true); return nil }))
				both(false)
				check.NoError(t, lock.With(ctx, func() error { both(true); return nil }))
				both(false)
			})
		})
	}
}

func TestConditionWaitThatTimesOutHoldsTheLock(t *testing.T) {
	run(t, func(ctx context.Context) {
		var c Condition
		check.NoError(t, c.With(ctx, func() error {
			_, err := task.WaitFor(ctx, task.Void(c.Wait), 500*time.Millisecond)
			check.True(t, "timed out", errors.Is(err, future.ErrTimeout))
			check.True(t, "Locked", c.Locked())
			return nil
		}))
	})
}

// A cancelled Wait returns the same error value as the await inside it, whether it
// was cancelled while it waited for the notification or for the lock.
func TestConditionWaitReturnsTheCancellationUnchanged(t *testing.T) {
	for _, where := range []string{"waiting", "reacquiring"} {
		t.Run(where, func(t *testing.T) {
			run(t, func(ctx context.Context) {
				var c Condition
				var raised error
				tk := spawn(ctx, func(ctx context.Context) error {
					return c.With(ctx, func() error {
						raised = c.Wait(ctx)
						return raised
					})
				})
				yield(ctx)
				if where == "reacquiring" {
					check.NoError(t, c.Acquire(ctx))
					check.NoError(t, c.Notify(1))
					yield(ctx)
					tk.Cancel("foo")
					check.NoError(t, c.Release())
				} else {
					tk.Cancel("foo")
				}
				_, err := tk.Await(ctx)
				check.True(t, "same error", err == raised)
				if cancelled, ok := err.(*future.CancelledError); !ok || cancelled.Message != "foo" {
					t.Errorf("got %v, want the cancellation foo itself", err)
				}
			})
		})
	}
}

func TestConditionWaitCancelledTwiceReturnsTheLastCancellation(t *testing.T) {
	run(t, func(ctx context.Context) {
		var c Condition
		tk := spawn(ctx, func(ctx context.Context) error {
			return c.With(ctx, func() error { return c.Wait(ctx) })
		})
		yield(ctx)
		check.NoError(t, c.Acquire(ctx))
		for _, message := range []string{"first", "second", "third"} {
			tk.Cancel(message)
			yield(ctx)
			check.False(t, "Done without the lock", tk.Done())
		}
		check.NoError(t, c.Release())
		_, err := tk.Await(ctx)
		var cancelled *future.CancelledError
		if !errors.As(err, &cancelled) || cancelled.Message != "third" {
			t.Errorf("got %v, want the cancellation third", err)
		}
		check.False(t, "Locked", c.Locked())
	})
}

// A consumer that is notified of an item and cancelled before it can take it
// passes the notification on.
func TestConditionNotificationOfACancelledWaiterReachesAnother(t *testing.T) {
	for _, where := range []string{"waiting", "reacquiring"} {
		t.Run(where, func(t *testing.T) {
			run(t, func(ctx context.Context) {
				var c Condition
				items := 0
				consume := func(ctx context.Context) error {
					return c.With(ctx, func() error {
						for {
							if err := c.WaitFor(ctx, func() bool { return items != 0 }); err != nil {
								return err
							}
							if items < 0 {
								return nil
							}
							items--
							check.NoError(t, c.Notify(1))
						}
					})
				}
				c0, c1 := spawn(ctx, consume), spawn(ctx, consume)
				yield(ctx)
				check.NoError(t, c.With(ctx, func() error {
					items++
					check.NoError(t, c.Notify(1))
					if where == "reacquiring" {
						yield(ctx)
					}
					c0.Cancel()
					// The other consumer takes the item during this wait.
					_, err := task.WaitFor(ctx, task.Void(func(ctx context.Context) error {
						return c.WaitFor(ctx, func() bool { return items == 0 })
					}), 10*time.Millisecond)
					check.NoError(t, err)
					check.Equal(t, "items", items, 0)
					items = -1
					return c.NotifyAll()
				}))
				isCancelled(t, ctx, c0)
				succeeds(t, ctx, c1)
			})
		})
	}
}

// With a context that has ended, each attempt to get the lock back would fail at
// once: Wait must neither try forever nor return without the lock.
func TestConditionWaitWhoseContextEndsHoldsTheLock(t *testing.T) {
	tasktest.Run(t, func(ctx context.Context, t *tasktest.T) {
		var c Condition
		failure := errors.New("enough")
		tk := spawn(ctx, func(ctx context.Context) error {
			ctx, cancel := context.WithCancelCause(ctx)
			soon(ctx, func() { cancel(failure) })
			return c.With(ctx, func() error {
				err := c.Wait(ctx)
				check.True(t, "Locked", c.Locked())
				return err
			})
		})
		yield(ctx)
		check.NoError(t, c.Acquire(ctx)) // so that the waiter has to wait for the lock
		for c.waiters.n > 0 {
			yield(ctx) // until it has learnt that its context has ended
		}
		check.NoError(t, t.WaitAllBlocked(ctx))
		check.False(t, "Done without the lock", tk.Done())
		check.NoError(t, c.Release())
		_, err := tk.Await(ctx)
		check.Equal(t, "error", err, failure)
		check.False(t, "Locked", c.Locked())
	})
}

// Trying to get the lock back in a context that has ended would keep the loop busy for as
// long as somebody else holds it.
func TestConditionWaitWhoseContextEndsTriesForTheLockOnce(t *testing.T) {
	l := newLoop(t)
	got := check.Collect(l)
	var c Condition
	failure := errors.New("enough")
	_ = task.CreateOn(l, task.Void(func(ctx context.Context) error {
		ctx, cancel := context.WithCancelCause(ctx)
		return c.With(ctx, func() error {
			soon(ctx, func() { cancel(failure) })
			return c.Wait(ctx)
		})
	}))
	_ = task.CreateOn(l, task.Void(func(ctx context.Context) error {
		return c.With(ctx, func() error { return task.Sleep(ctx, time.Hour) })
	}))
	for c.lock().waiters.n == 0 { // until the waiter has learnt that its context has ended
		_, _, err := l.Poll()
		check.NoError(t, err)
		runtime.Gosched()
	}
	for range 10 {
		_, _, err := l.Poll()
		check.NoError(t, err)
	}
	check.Equal(t, "those who wait for the lock", c.lock().waiters.n, 1)
	if next, _, _ := l.Poll(); !next.After(l.Time()) {
		t.Error("the loop is never idle")
	}
	check.NoError(t, l.Close())
	check.Equal(t, "reports", got.Messages(), []string{"Task was destroyed but it is pending!", "Task was destroyed but it is pending!"})
}

// The task has to answer for its cancellation, whatever becomes of a context.
func TestConditionWaitWhoseContextEndsAfterACancellationReturnsTheCancellation(t *testing.T) {
	tasktest.Run(t, func(ctx context.Context, t *tasktest.T) {
		var c Condition
		failure := errors.New("enough")
		var end context.CancelCauseFunc
		tk := spawn(ctx, func(ctx context.Context) error {
			ctx, end = context.WithCancelCause(ctx)
			return c.With(ctx, func() error { return c.Wait(ctx) })
		})
		yield(ctx)
		check.NoError(t, c.Acquire(ctx))
		tk.Cancel()
		check.NoError(t, t.WaitAllBlocked(ctx))
		end(failure)
		check.NoError(t, task.Sleep(ctx, time.Second)) // the news has come when the clock jumps
		check.False(t, "Done without the lock", tk.Done())
		check.NoError(t, c.Release())
		isCancelled(t, ctx, tk)
	})
}

// On a closed loop no try to get the lock back succeeds if others are in line for it.
func TestConditionWaitOnAClosedLoopReturns(t *testing.T) {
	l := newLoop(t)
	got := check.Collect(l)
	var c Condition
	var err error
	_ = task.CreateOn(l, task.Void(func(ctx context.Context) error {
		check.NoError(t, c.Acquire(ctx))
		defer func() { err = c.Wait(ctx) }()
		return pass(ctx, newGate(ctx))
	}))
	_ = task.CreateOn(l, task.Void(c.Acquire))
	for range 3 {
		_, _, pollErr := l.Poll()
		check.NoError(t, pollErr)
	}
	check.NoError(t, l.Close())
	check.Is(t, err, loop.ErrClosed)
	check.Equal(t, "reports", got.Messages(), []string{"Task was destroyed but it is pending!", "Task was destroyed but it is pending!"})
}
