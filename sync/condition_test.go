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
)

func TestConditionStringShowsLockAndWaiters(t *testing.T) {
	run(t, func(ctx context.Context) {
		var c Condition
		equal(t, "fresh", c.String(), "<Condition [unlocked]>")
		wait := func(ctx context.Context) error {
			return c.With(ctx, func() error { return c.Wait(ctx) })
		}
		a := spawn(ctx, wait)
		yield(ctx)
		equal(t, "with a waiter", c.String(), "<Condition [unlocked, waiters:1]>")
		b := spawn(ctx, wait)
		yield(ctx)
		equal(t, "with two", c.String(), "<Condition [unlocked, waiters:2]>")
		must(t, c.Acquire(ctx))
		equal(t, "locked", c.String(), "<Condition [locked, waiters:2]>")
		must(t, c.NotifyAll())
		must(t, c.Release())
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
		equal(t, "not notified", order, []int(nil))
		isFalse(t, "Locked", c.Locked())

		step := func(what string, want ...int) {
			t.Helper()
			yield(ctx)
			equal(t, what, order, want)
			isTrue(t, "Locked", c.Locked())
		}
		must(t, c.Acquire(ctx))
		must(t, c.Notify(1))
		yield(ctx)
		equal(t, "notified, but not released", order, []int(nil))
		isTrue(t, "Locked", c.Locked())
		must(t, c.Release())
		step("released", 1)
		must(t, c.Notify(2))
		step("the next two are notified", 1)
		must(t, c.Release())
		step("released", 1, 2)
		must(t, c.Release())
		step("released", 1, 2, 3)
		for _, tk := range tasks {
			isTrue(t, "Done", tk.Done())
		}
	})
}

func TestConditionWaitCancelledHoldsTheLock(t *testing.T) {
	run(t, func(ctx context.Context) {
		var c Condition
		must(t, c.Acquire(ctx))
		tk := spawn(ctx, c.Wait)
		soon(ctx, func() { tk.Cancel() })
		isCancelled(t, ctx, tk)
		equal(t, "waiters", c.waiters.n, 0)
		isTrue(t, "Locked", c.Locked())
	})
}

func TestConditionWaitCancelledWhileTheLockIsContestedHoldsTheLock(t *testing.T) {
	run(t, func(ctx context.Context) {
		var c Condition
		must(t, c.Acquire(ctx))
		tk := spawn(ctx, c.Wait)
		yield(ctx)
		isFalse(t, "Locked", c.Locked())

		must(t, c.Acquire(ctx))
		must(t, c.Notify(1))
		soon(ctx, func() { tk.Cancel() })
		soon(ctx, func() { must(t, c.Release()) })
		isCancelled(t, ctx, tk)
		isTrue(t, "Locked", c.Locked())
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
		must(t, c.Acquire(ctx))
		must(t, c.Notify(1))
		yield(ctx) // the waiter asks for the lock
		tk.Cancel()
		yield(ctx) // it is told, and asks again
		isFalse(t, "Done without the lock", tk.Done())
		must(t, c.Release())
		yield(ctx)
		isTrue(t, "Cancelled", tk.Cancelled())
		isTrue(t, "waited", waited)
		isFalse(t, "Locked", c.Locked())
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
				refused(t, err, ErrNotAcquired)
				equal(t, "text", err.Error(), c.text)
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
					isTrue(t, "Locked in the predicate", c.Locked())
					checks++
					return ready
				})
			})
		})
		notify := func() {
			t.Helper()
			must(t, c.Acquire(ctx))
			must(t, c.Notify(1))
			must(t, c.Release())
			yield(ctx)
		}
		yield(ctx)
		equal(t, "checks at the start", checks, 1)
		notify()
		equal(t, "checks", checks, 2)
		isFalse(t, "Done", tk.Done())
		ready = true
		notify()
		equal(t, "checks", checks, 3)
		isTrue(t, "Done", tk.Done())
		isFalse(t, "Locked", c.Locked())
	})
}

func TestConditionWaitForNeedsNoLockIfThePredicateIsTrue(t *testing.T) {
	var c Condition
	must(t, c.WaitFor(context.Background(), func() bool { return true }))
}

func TestConditionWaitForRefusesANilPredicate(t *testing.T) {
	var c Condition
	refused(t, c.WaitFor(context.Background(), nil), loop.ErrNilFunc)
}

func TestConditionNotifyCountsOnlyThoseNotWokenYet(t *testing.T) {
	run(t, func(ctx context.Context) {
		var c Condition
		var order []int
		tasks := waitInOrder(ctx, &c, &order, 4, true)
		yield(ctx)
		notify := func(counts ...int) {
			t.Helper()
			must(t, c.Acquire(ctx))
			for _, n := range counts {
				must(t, c.Notify(n))
			}
			must(t, c.Release())
			settle(ctx)
		}
		notify(0, -1)
		equal(t, "after Notify(0), Notify(-1)", order, []int(nil))
		notify(1)
		equal(t, "after Notify(1)", order, []int{1})
		notify(1, 1)
		equal(t, "after Notify(1) twice", order, []int{1, 2, 3})
		notify(1, 2048)
		equal(t, "after Notify(2048)", order, []int{1, 2, 3, 4})
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
		must(t, c.Acquire(ctx))
		must(t, c.NotifyAll())
		must(t, c.Release())
		yield(ctx)
		equal(t, "one iteration later", order, []int{1, 2})
		for _, tk := range tasks {
			isTrue(t, "Done", tk.Done())
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
					isTrue(t, "the lock is the given one", lock == &given)
				}
				both := func(want bool) {
					t.Helper()
					equal(t, "Lock.Locked", lock.Locked(), want)
					equal(t, "Condition.Locked", c.Locked(), want)
				}
				both(false)
				must(t, c.With(ctx, func() error { both(true); return nil }))
				both(false)
				must(t, lock.With(ctx, func() error { both(true); return nil }))
				both(false)
			})
		})
	}
}

func TestConditionWaitThatTimesOutHoldsTheLock(t *testing.T) {
	run(t, func(ctx context.Context) {
		var c Condition
		must(t, c.With(ctx, func() error {
			_, err := task.WaitFor(ctx, task.Void(c.Wait), 500*time.Millisecond)
			isTrue(t, "timed out", errors.Is(err, future.ErrTimeout))
			isTrue(t, "Locked", c.Locked())
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
					must(t, c.Acquire(ctx))
					must(t, c.Notify(1))
					yield(ctx)
					tk.Cancel("foo")
					must(t, c.Release())
				} else {
					tk.Cancel("foo")
				}
				_, err := tk.Await(ctx)
				isTrue(t, "same error", err == raised)
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
		must(t, c.Acquire(ctx))
		for _, message := range []string{"first", "second", "third"} {
			tk.Cancel(message)
			yield(ctx)
			isFalse(t, "Done without the lock", tk.Done())
		}
		must(t, c.Release())
		_, err := tk.Await(ctx)
		var cancelled *future.CancelledError
		if !errors.As(err, &cancelled) || cancelled.Message != "third" {
			t.Errorf("got %v, want the cancellation third", err)
		}
		isFalse(t, "Locked", c.Locked())
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
							must(t, c.Notify(1))
						}
					})
				}
				c0, c1 := spawn(ctx, consume), spawn(ctx, consume)
				yield(ctx)
				must(t, c.With(ctx, func() error {
					items++
					must(t, c.Notify(1))
					if where == "reacquiring" {
						yield(ctx)
					}
					c0.Cancel()
					// The other consumer takes the item during this wait.
					_, err := task.WaitFor(ctx, task.Void(func(ctx context.Context) error {
						return c.WaitFor(ctx, func() bool { return items == 0 })
					}), 10*time.Millisecond)
					must(t, err)
					equal(t, "items", items, 0)
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
	run(t, func(ctx context.Context) {
		var c Condition
		failure := errors.New("enough")
		tk := spawn(ctx, func(ctx context.Context) error {
			ctx, cancel := context.WithCancelCause(ctx)
			soon(ctx, func() { cancel(failure) })
			return c.With(ctx, func() error {
				err := c.Wait(ctx)
				isTrue(t, "Locked", c.Locked())
				return err
			})
		})
		yield(ctx)
		must(t, c.Acquire(ctx)) // so that the waiter has to wait for the lock
		for c.waiters.n > 0 {
			yield(ctx) // until it has learnt that its context has ended
		}
		settle(ctx)
		isFalse(t, "Done without the lock", tk.Done())
		must(t, c.Release())
		_, err := tk.Await(ctx)
		equal(t, "error", err, failure)
		isFalse(t, "Locked", c.Locked())
	})
}

// Trying to get the lock back in a context that has ended would keep the loop busy for as
// long as somebody else holds it.
func TestConditionWaitWhoseContextEndsTriesForTheLockOnce(t *testing.T) {
	l := newLoop(t)
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
		must(t, err)
		runtime.Gosched()
	}
	for range 10 {
		_, _, err := l.Poll()
		must(t, err)
	}
	equal(t, "those who wait for the lock", c.lock().waiters.n, 1)
	if next, _, _ := l.Poll(); !next.After(l.Time()) {
		t.Error("the loop is never idle")
	}
	must(t, l.Close())
}

// The task has to answer for its cancellation, whatever becomes of a context.
func TestConditionWaitWhoseContextEndsAfterACancellationReturnsTheCancellation(t *testing.T) {
	run(t, func(ctx context.Context) {
		var c Condition
		failure := errors.New("enough")
		var end context.CancelCauseFunc
		tk := spawn(ctx, func(ctx context.Context) error {
			ctx, end = context.WithCancelCause(ctx)
			return c.With(ctx, func() error { return c.Wait(ctx) })
		})
		yield(ctx)
		must(t, c.Acquire(ctx))
		tk.Cancel()
		settle(ctx)
		end(failure)
		must(t, task.Sleep(ctx, time.Second)) // the news has come when the clock jumps
		isFalse(t, "Done without the lock", tk.Done())
		must(t, c.Release())
		isCancelled(t, ctx, tk)
	})
}

// On a closed loop no try to get the lock back succeeds if others are in line for it.
func TestConditionWaitOnAClosedLoopReturns(t *testing.T) {
	l := newLoop(t)
	var c Condition
	var err error
	_ = task.CreateOn(l, task.Void(func(ctx context.Context) error {
		must(t, c.Acquire(ctx))
		defer func() { err = c.Wait(ctx) }()
		return pass(ctx, newGate(ctx))
	}))
	_ = task.CreateOn(l, task.Void(c.Acquire))
	for range 3 {
		_, _, pollErr := l.Poll()
		must(t, pollErr)
	}
	must(t, l.Close())
	refused(t, err, loop.ErrClosed)
}
