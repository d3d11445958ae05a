package sync

import (
	"context"
	"fmt"

	"github.com/goasyncio/asyncio/loop/kernel"
)

// A Lock is a mutex for tasks. The zero value is unlocked.
//
// A Lock has no owner: a task may release what another task has acquired. It is
// not reentrant: a task that acquires it twice waits for itself.
//
// Waiters get the lock in the order in which they came, one for each Release.
// Newcomers queue up behind them, even while the lock is free because the waiter
// that Release has woken has not run yet. If that waiter is cancelled, the next one
// gets the lock.
//
// Use a Lock only from tasks and callbacks of one loop; from elsewhere, go through
// [loop.Loop.CallSoonThreadsafe]. It is asyncio.Lock.
type Lock struct {
	bound
	waiters waiters
	locked  bool
	holder  kernel.Awaiter // who has it, if the loop keeps track: see TrackHolders
}

// Acquire takes the lock, waiting until it is free.
//
// It returns an error, and does not take the lock, if the task is cancelled, the
// context ends, or the lock belongs to another loop ([future.ErrOtherLoop]).
func (l *Lock) Acquire(ctx context.Context) error {
	return l.acquire(ctx, l)
}

// acquire is Acquire for object, which is what the user knows: the lock itself or
// a condition that uses it.
func (l *Lock) acquire(ctx context.Context, object fmt.Stringer) error {
	if !l.locked && !l.waiters.live() {
		k, err := l.checkTask(ctx, "Acquire", object)
		if err != nil {
			return err
		}
		l.locked = true
		if k != nil && tracked(k) {
			l.holder, _ = ctx.Value(kernel.AwaiterKey{}).(kernel.Awaiter)
		}
		return nil
	}
	waiting, err := l.bind(ctx, object)
	if err != nil {
		return err
	}
	var owner waiterOwner
	if tracked(l.kernel) {
		owner = &heldLock{lock: l, object: object}
	}
	if _, err := l.waiters.wait(ctx, waiting, owner); err != nil {
		// A Release may have woken this waiter, or, finding it cancelled at the
		// head of the list, have woken nobody. If the lock is free, the next
		// waiter must be woken here.
		if !l.locked {
			l.waiters.wakeFirst()
		}
		return err
	}
	l.locked = true
	if tracked(l.kernel) {
		l.holder = waiting
	}
	return nil
}

// Release frees the lock and wakes the first waiter. It returns an error that
// matches [ErrNotAcquired] if the lock is not locked.
func (l *Lock) Release() error {
	return l.release(l)
}

// release is Release for object. See acquire.
func (l *Lock) release(object fmt.Stringer) error {
	if err := l.check("Release", object); err != nil {
		return err
	}
	if !l.locked {
		return misuse(object, "cannot release", ErrNotAcquired)
	}
	l.unlock()
	return nil
}

func (l *Lock) unlock() {
	l.locked = false
	if l.holder != nil {
		l.holder = nil
	}
	l.waiters.wakeFirst()
}

// Locked reports whether the lock is locked.
func (l *Lock) Locked() bool {
	return l.locked
}

// With calls fn while it holds the lock, and releases it even if fn panics.
//
// It returns the error of Acquire, of Release or of fn, in this order of
// precedence. It is Python's "async with lock".
func (l *Lock) With(ctx context.Context, fn func() error) error {
	return with(ctx, l.Acquire, l.Release, fn)
}

// String shows the state and the number of waiters, as in
// "<Lock [locked, waiters:2]>".
func (l *Lock) String() string {
	if l == nil {
		return "<nil>"
	}
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
