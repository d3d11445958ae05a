package sync

import "context"

// An Event is a flag that tasks can wait for. The zero value is not set.
//
// Set wakes all waiters, which go on in the order in which they came. A task that
// calls Wait while the event is set goes on at once, even before them.
//
// Use an Event only from tasks and callbacks of one loop; from elsewhere, go
// through [loop.Loop.CallSoonThreadsafe]. It is asyncio.Event.
type Event struct {
	bound
	waiters waiters
	set     bool
}

// IsSet reports whether the event is set.
func (e *Event) IsSet() bool {
	return e.set
}

// Set sets the event and wakes all waiters. It does nothing if the event is set
// already.
func (e *Event) Set() {
	e.mustOwn("Set", e)
	if !e.set {
		e.set = true
		e.waiters.wakeAll()
	}
}

// Clear resets the event, so that Wait waits again. Waiters that Set has woken go
// on all the same.
func (e *Event) Clear() {
	e.mustOwn("Clear", e)
	e.set = false
}

// Wait waits until the event is set. By the time it returns, the event may have
// been cleared again.
//
// It returns an error if the task is cancelled, the context ends, or the event
// belongs to another loop ([future.ErrOtherLoop]).
func (e *Event) Wait(ctx context.Context) error {
	if e.set {
		return nil
	}
	waiting, err := e.bind(ctx, e)
	if err != nil {
		return err
	}
	_, err = e.waiters.wait(ctx, waiting, nil)
	return err
}

// String shows the state and the number of waiters, as in
// "<Event [unset, waiters:1]>".
func (e *Event) String() string {
	if e == nil {
		return "<nil>"
	}
	state := "unset"
	if e.set {
		state = "set"
	}
	return describe("Event", state, &e.waiters)
}
