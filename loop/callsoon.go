package loop

import (
	"time"

	"github.com/goasyncio/asyncio/loop/kernel"
)

// CallSoon makes the loop call fn in its next iteration. Calls are made in the
// order in which they were scheduled.
//
// It panics if the loop is closed ([ErrClosed]), if fn is nil ([ErrNilFunc]), and on a
// goroutine that the loop is not running ([ErrWrongGoroutine]): from there, use
// CallSoonThreadsafe. It is asyncio's call_soon.
func (l *Loop) CallSoon(fn func()) *Handle {
	if fn == nil || !l.kernel.RunsCaller() { // which is rare
		l.check("CallSoon", fn)
	}
	h := l.newHandle()
	h.owner = l.kernel
	h.handle.InitCallback(fn)
	if l.kernel.RecordsCreation() {
		l.kernel.NoteCallback(&h.handle)
	}
	l.kernel.PushRunning(&h.handle)
	return h
}

// CallLater makes the loop call fn once the delay d has passed. Calls that are due
// at the same time are made in the order in which they were scheduled. With a d of
// zero or less, fn is called in the next iteration.
//
// It panics as CallSoon does. It is asyncio's call_later.
func (l *Loop) CallLater(d time.Duration, fn func()) *TimerHandle {
	l.check("CallLater", fn)
	t := new(kernel.Timer)
	t.InitCallback(fn)
	if l.kernel.RecordsCreation() {
		l.kernel.NoteCallback(&t.Handle)
	}
	l.kernel.PushTimer(t, d)
	return (*TimerHandle)(t)
}

// CallAt makes the loop call fn at the given time of its clock: see [Loop.Time].
// Otherwise it is like CallLater. It is asyncio's call_at.
func (l *Loop) CallAt(when time.Time, fn func()) *TimerHandle {
	l.check("CallAt", fn)
	t := new(kernel.Timer)
	t.InitCallback(fn)
	if l.kernel.RecordsCreation() {
		l.kernel.NoteCallback(&t.Handle)
	}
	l.kernel.PushTimerAt(t, when)
	return (*TimerHandle)(t)
}

// CallSoonThreadsafe makes the loop call fn in its next iteration, and wakes the
// loop if it sleeps. The calls of one goroutine keep their order. On the loop's own
// goroutine they also keep their order among those of CallSoon.
//
// An iteration makes all calls that were ready when it began, so a timer is late by one
// iteration at most. But goroutines that post faster than the loop can call make
// iterations long: let them wait for a result now and then. On a virtual clock such a
// stream keeps the time from moving.
//
// The error matches [ErrClosed] if the loop is closed, and [ErrNilFunc] if fn is nil.
// Any goroutine may call CallSoonThreadsafe, and any goroutine may cancel the handle.
// It is asyncio's call_soon_threadsafe.
func (l *Loop) CallSoonThreadsafe(fn func()) (*Handle, error) {
	if fn == nil {
		return nil, misuse("CallSoonThreadsafe", ErrNilFunc)
	}
	h := new(Handle)
	h.handle.InitShared(fn)
	if l.kernel.RecordsCreation() {
		l.kernel.NoteCallback(&h.handle)
	}
	if !l.kernel.Post(&h.handle) {
		return nil, misuse("CallSoonThreadsafe", ErrClosed)
	}
	return h, nil
}

// check panics if the caller must not schedule fn.
func (l *Loop) check(operation string, fn func()) {
	switch {
	case fn == nil:
		panic(misuse(operation, ErrNilFunc))
	case l.kernel.IsClosed():
		panic(misuse(operation, ErrClosed))
	}
	l.kernel.MustOwn(operation, l)
}

// newHandle takes a handle from the slab: one allocation serves 64 calls.
func (l *Loop) newHandle() *Handle {
	if len(l.slab) == 0 {
		l.slab = make([]Handle, 64)
	}
	h := &l.slab[0]
	l.slab = l.slab[1:]
	return h
}
