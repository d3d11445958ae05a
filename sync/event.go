package sync

import "context"

// An Event is a flag that tasks can wait for: asyncio.Event. The zero value is
// not set.
//
// Fairness: Set wakes all waiters, which go on in the order in which they began
// to wait. A task that calls Wait between Set and their turn does not wait, and so
// goes on before them.
//
// Cancellation: a waiter that is cancelled leaves the others alone.
type Event struct {
	bound
	waiters waiters
	set     bool
}

// IsSet reports whether the flag is set.
func (e *Event) IsSet() bool {
	return e.set
}

// Set sets the flag and wakes all waiters.
func (e *Event) Set() {
	if !e.set {
		e.set = true
		e.waiters.wakeAll()
	}
}

// Clear resets the flag, so that Wait waits again. Waiters that Set has woken go
// on all the same.
func (e *Event) Clear() {
	e.set = false
}

// Wait waits until the flag is set. When it returns nil the flag was set at some
// time since the call, but may have been cleared again.
//
// The error is that of a cancelled wait or of a misuse ([future.ErrOtherLoop]).
func (e *Event) Wait(ctx context.Context) error {
	if e.set {
		return nil
	}
	waiting, err := e.bind(ctx, e)
	if err != nil {
		return err
	}
	_, err = e.waiters.wait(ctx, waiting)
	return err
}

// String shows the state and the number of waiters, as in
// "<Event [unset, waiters:1]>".
func (e *Event) String() string {
	state := "unset"
	if e.set {
		state = "set"
	}
	return describe("Event", state, &e.waiters)
}
