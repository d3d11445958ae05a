package sync

import (
	"context"
	"fmt"
)

// A Lock is a mutex for the tasks of a loop: asyncio.Lock. The zero value is
// unlocked.
//
// It is not owned: a task may release what another one has acquired. It is not
// reentrant: a task that acquires it twice waits for itself.
//
// Fairness: the lock passes to its waiters in the order in which they began to
// wait, one for each Release. While one waits, or was woken and has not run yet,
// a newcomer queues up behind it, even though [Lock.Locked] says false.
//
// Cancellation: a waiter that is cancelled leaves the queue; if the lock was
// about to be its own, the next waiter gets it.
type Lock struct {
	bound
	waiters waiters
	locked  bool
}

// Acquire takes the lock, waiting until it is free.
//
// The error is that of a cancelled wait or of a misuse ([future.ErrOtherLoop]); the lock
// then is not taken.
func (l *Lock) Acquire(ctx context.Context) error {
	return l.acquire(ctx, l)
}

// acquire is Acquire for the object that the caller of the package knows.
func (l *Lock) acquire(ctx context.Context, object fmt.Stringer) error {
	if !l.locked && !l.waiters.live() {
		l.locked = true
		return nil
	}
	waiting, err := l.bind(ctx, object)
	if err != nil {
		return err
	}
	if _, err := l.waiters.wait(ctx, waiting); err != nil {
		// We may have been woken, or have stood at the head as a cancelled
		// waiter which Release would not pass over: if the lock is free, it is
		// on us to wake the one who is at the head now.
		if !l.locked {
			l.waiters.wakeFirst()
		}
		return err
	}
	l.locked = true
	return nil
}

// Release frees the lock and lets the first waiter go on. If the lock is not
// locked, it returns an error that matches [ErrNotAcquired].
func (l *Lock) Release() error {
	return l.release(l)
}

func (l *Lock) release(object fmt.Stringer) error {
	if !l.locked {
		return refuse(object, "cannot release", ErrNotAcquired)
	}
	l.unlock()
	return nil
}

func (l *Lock) unlock() {
	l.locked = false
	l.waiters.wakeFirst()
}

// Locked reports whether the lock is taken.
func (l *Lock) Locked() bool {
	return l.locked
}

// With calls fn while it holds the lock: async with lock. It returns the error of
// Acquire, or else that of Release, or else that of fn. The lock is released even
// if fn panics.
func (l *Lock) With(ctx context.Context, fn func() error) error {
	return with(ctx, l.Acquire, l.Release, fn)
}

// String shows the state and the number of waiters, as in
// "<Lock [locked, waiters:2]>".
func (l *Lock) String() string {
	return describe("Lock", lockState(l.locked), &l.waiters)
}

func lockState(locked bool) string {
	if locked {
		return "locked"
	}
	return "unlocked"
}

func describe(name, state string, ws *waiters) string {
	if ws.n > 0 {
		state = fmt.Sprintf("%s, waiters:%d", state, ws.n)
	}
	return fmt.Sprintf("<%s [%s]>", name, state)
}
