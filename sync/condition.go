package sync

import (
	"context"

	"github.com/goasyncio/asyncio/future"
)

// A Condition lets tasks wait until another task has changed what a lock protects.
// The zero value has a lock of its own; [NewCondition] shares one.
//
// The lock must be held to wait and to notify. Wait frees it, and takes it again
// before it returns, with or without an error.
//
// Waiters are notified in the order in which they came, and then queue up for the
// lock like other tasks. A waiter that is cancelled, or whose context ends, first
// gets the lock back. It then notifies another waiter, because it may have been
// notified itself. So Wait may return without a Notify: check in a loop what you
// wait for, or use [Condition.WaitFor].
//
// Use a Condition only from tasks and callbacks of one loop; from elsewhere, go
// through [loop.Loop.CallSoonThreadsafe]. It is asyncio.Condition.
type Condition struct {
	bound
	given   *Lock // nil if the condition uses own
	own     Lock
	waiters waiters
}

// NewCondition returns a condition that uses lock, which other conditions may
// share. If lock is nil, it has a lock of its own.
func NewCondition(lock *Lock) *Condition {
	return &Condition{given: lock}
}

func (c *Condition) lock() *Lock {
	if c.given != nil {
		return c.given
	}
	return &c.own
}

// Acquire takes the condition's lock, waiting until it is free. See
// [Lock.Acquire].
func (c *Condition) Acquire(ctx context.Context) error {
	if err := c.check("Acquire", c); err != nil {
		return err
	}
	return c.lock().acquire(ctx, c)
}

// Release frees the condition's lock. It returns an error that matches
// [ErrNotAcquired] if the lock is not locked.
func (c *Condition) Release() error {
	if err := c.check("Release", c); err != nil {
		return err
	}
	return c.lock().release(c)
}

// Locked reports whether the condition's lock is locked.
func (c *Condition) Locked() bool {
	return c.lock().Locked()
}

// With calls fn while it holds the condition's lock, and releases it even if fn
// panics.
//
// It returns the error of Acquire, of Release or of fn, in this order of
// precedence. It is Python's "async with condition".
func (c *Condition) With(ctx context.Context, fn func() error) error {
	return with(ctx, c.Acquire, c.Release, fn)
}

// Wait frees the lock, waits for a notification, and takes the lock again. It
// always waits, so check first whether there is anything to wait for.
//
// It returns an error that matches [ErrNotAcquired] if the lock is not locked. It
// returns an error, and holds the lock, if the task is cancelled, the context ends,
// or the condition belongs to another loop ([future.ErrOtherLoop]). Of several
// cancellations it returns the last, and a cancellation rather than the end of a
// context.
//
// If the loop is closed during the wait, the coroutine's deferred functions run
// without the lock.
func (c *Condition) Wait(ctx context.Context) error {
	lock := c.lock()
	if !lock.locked {
		return misuse(c, "cannot wait", ErrNotAcquired)
	}
	waiting, err := c.bind(ctx, c)
	if err != nil {
		return err
	}
	lock.unlock()
	_, err = c.waiters.wait(ctx, waiting, nil)
	err = c.reacquire(ctx, err)
	if err != nil {
		// This waiter may have taken a notification. Pass it on.
		c.notify(1)
	}
	return err
}

// reacquire takes the lock, trying again after each error, and returns the last error, or
// that of the wait if there is none. A cancellation is not replaced by the end of a
// context: it was requested, and the task has to answer for it.
//
// A cancellation is delivered once, so the next try can wait. A context that has
// ended would end every further try at once, so these ignore its end. After any
// other error, such as that of a closed loop, no try can succeed.
func (c *Condition) reacquire(ctx context.Context, last error) error {
	for {
		err := c.lock().acquire(ctx, c)
		if err == nil {
			return last
		}
		if !future.IsCancelled(last) || future.IsCancelled(err) {
			last = err
		}
		if ctx.Err() != nil {
			ctx = context.WithoutCancel(ctx)
		} else if !future.IsCancelled(err) {
			return err
		}
	}
}

// WaitFor waits until pred returns true. It calls pred at once, and again after
// each notification, with the lock held.
//
// It returns the errors of [Condition.Wait]. If pred returns true at once, the
// lock is not needed.
func (c *Condition) WaitFor(ctx context.Context, pred func() bool) error {
	if pred == nil {
		return nilFunc("Condition.WaitFor")
	}
	for !pred() {
		if err := c.Wait(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Notify wakes up to n waiters. They go on when they get the lock, after the
// caller has released it. If n is not positive, it wakes none.
//
// It returns an error that matches [ErrNotAcquired] if the lock is not locked.
func (c *Condition) Notify(n int) error {
	if err := c.check("Notify", c); err != nil {
		return err
	}
	if !c.Locked() {
		return misuse(c, "cannot notify", ErrNotAcquired)
	}
	c.notify(n)
	return nil
}

// NotifyAll wakes all waiters. See [Condition.Notify].
func (c *Condition) NotifyAll() error {
	return c.Notify(c.waiters.n)
}

func (c *Condition) notify(n int) {
	for ; n > 0 && c.waiters.wakeNext(); n-- {
	}
}

// String shows the state of the lock and the number of tasks that wait for a
// notification, as in "<Condition [unlocked, waiters:2]>".
func (c *Condition) String() string {
	if c == nil {
		return "<nil>"
	}
	return describe("Condition", lockState(c.Locked()), &c.waiters)
}
