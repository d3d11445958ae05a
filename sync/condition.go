package sync

import (
	"context"
	"fmt"

	"github.com/goasyncio/asyncio/future"
)

// A Condition lets tasks wait, in the middle of something that a lock protects,
// until another task has changed it: asyncio.Condition. The zero value has a lock
// of its own; [NewCondition] shares one.
//
// The lock must be held by whoever waits or notifies. Waiting frees it, and takes
// it again before Wait returns, with or without an error.
//
// Fairness: waiters are notified in the order in which they began to wait, and
// then queue up for the lock like everybody else.
//
// Cancellation: a waiter that is cancelled while it waits for the lock goes on
// until it has it, and returns the error then; of several cancellations it
// returns the last one. As it may have been notified, it notifies another one
// when it leaves: so Wait may return without anybody having called Notify. Check
// what you waited for in a loop, or leave that to [Condition.WaitFor].
type Condition struct {
	bound
	given   *Lock // nil: own
	own     Lock
	waiters waiters
}

// NewCondition makes a condition that uses the given lock, which other conditions
// may share; nil means a lock of its own.
func NewCondition(lock *Lock) *Condition {
	return &Condition{given: lock}
}

func (c *Condition) lock() *Lock {
	if c.given != nil {
		return c.given
	}
	return &c.own
}

// Acquire takes the condition's lock. See [Lock.Acquire].
func (c *Condition) Acquire(ctx context.Context) error {
	return c.lock().acquire(ctx, c)
}

// Release frees the condition's lock. See [Lock.Release].
func (c *Condition) Release() error {
	return c.lock().release(c)
}

// Locked reports whether the condition's lock is taken.
func (c *Condition) Locked() bool {
	return c.lock().Locked()
}

// With calls fn while it holds the condition's lock: async with condition. See
// [Lock.With].
func (c *Condition) With(ctx context.Context, fn func() error) error {
	return with(ctx, c.Acquire, c.Release, fn)
}

// Wait frees the lock, waits until it is notified, and takes the lock again. It
// always waits: check before whether there is a reason to.
//
// Without the lock it returns an error that matches [ErrNotAcquired]. Any other
// error is that of a cancelled wait, with the lock held, or of a misuse
// ([future.ErrOtherLoop]). Only if the loop is closed meanwhile does the coroutine end
// without the lock.
func (c *Condition) Wait(ctx context.Context) error {
	return c.wait(ctx, c)
}

// wait is Wait for the object that the caller of the package knows.
func (c *Condition) wait(ctx context.Context, object fmt.Stringer) error {
	lock := c.lock()
	if !lock.locked {
		return refuse(object, "cannot wait", ErrNotAcquired)
	}
	waiting, err := c.bind(ctx, object)
	if err != nil {
		return err
	}
	lock.unlock()
	_, err = c.waiters.wait(ctx, waiting)
	if later := c.reacquire(ctx, object); later != nil {
		err = later
	}
	if err != nil {
		// We may have been notified all the same. Pass it on.
		c.notify(1)
	}
	return err
}

// reacquire takes the lock, come what may, and returns the last error that came
// while it waited.
//
// A cancellation is delivered once, so that the next try may wait again. A context
// that has ended, however, would end every further try at once: they do without
// its end. Any other error means that there is no waiting any more.
func (c *Condition) reacquire(ctx context.Context, object fmt.Stringer) error {
	var last error
	for {
		err := c.lock().acquire(ctx, object)
		if err == nil {
			return last
		}
		last = err
		if ctx.Err() != nil {
			ctx = context.WithoutCancel(ctx)
		} else if !future.IsCancelled(err) {
			return last
		}
	}
}

// WaitFor waits until pred returns true. It calls pred at once, and again after
// each notification with the lock held. The lock is not needed if pred is true at
// once. For errors see [Condition.Wait].
func (c *Condition) WaitFor(ctx context.Context, pred func() bool) error {
	if pred == nil {
		return nilFunc("Condition.WaitFor")
	}
	return c.waitFor(ctx, c, pred)
}

func (c *Condition) waitFor(ctx context.Context, object fmt.Stringer, pred func() bool) error {
	for !pred() {
		if err := c.wait(ctx, object); err != nil {
			return err
		}
	}
	return nil
}

// Notify wakes n of the waiting tasks, or all if there are less. They go on when
// they get the lock, which the caller has to release. Without the lock it returns
// an error that matches [ErrNotAcquired].
func (c *Condition) Notify(n int) error {
	if !c.Locked() {
		return refuse(c, "cannot notify", ErrNotAcquired)
	}
	c.notify(n)
	return nil
}

// NotifyAll wakes all waiting tasks. See [Condition.Notify].
func (c *Condition) NotifyAll() error {
	return c.Notify(c.waiters.n)
}

func (c *Condition) notify(n int) {
	for ; n > 0 && c.waiters.wakeNext(); n-- {
	}
}

// String shows the state of the lock and the number of tasks that wait to be
// notified, as in "<Condition [unlocked, waiters:2]>".
func (c *Condition) String() string {
	return describe("Condition", lockState(c.Locked()), &c.waiters)
}
