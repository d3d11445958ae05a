package loop

import (
	"time"

	"github.com/goasyncio/asyncio/loop/kernel"
)

// CallSoon arranges for fn to be called in the next iteration of the loop, in
// the order of scheduling: asyncio's call_soon. It panics if the loop is closed
// ([ErrClosed]) or fn is nil ([ErrNilFunc]).
func (l *Loop) CallSoon(fn func()) *Handle {
	l.check("CallSoon", fn)
	h := l.newHandle()
	h.InitCallback(fn)
	l.kernel.Push(h)
	return (*Handle)(h)
}

// CallLater arranges for fn to be called once the delay d has passed: asyncio's
// call_later. Callbacks that are due at the same time are called in the order
// in which they were scheduled; a delay that is not positive is over at the
// loop's next iteration. It panics as CallSoon does.
func (l *Loop) CallLater(d time.Duration, fn func()) *TimerHandle {
	l.check("CallLater", fn)
	t := new(kernel.Timer)
	t.InitCallback(fn)
	l.kernel.PushTimer(t, d)
	return (*TimerHandle)(t)
}

// CallAt arranges for fn to be called at the loop time when: asyncio's call_at.
// It is CallLater with an absolute time.
func (l *Loop) CallAt(when time.Time, fn func()) *TimerHandle {
	l.check("CallAt", fn)
	t := new(kernel.Timer)
	t.InitCallback(fn)
	l.kernel.PushTimerAt(t, when)
	return (*TimerHandle)(t)
}

// CallSoonThreadsafe is CallSoon for any goroutine: asyncio's
// call_soon_threadsafe. What one goroutine submits is called in that order; on
// the loop's own goroutine, in one order with CallSoon. The error matches
// [ErrClosed] if the loop is closed, and [ErrNilFunc] if fn is nil. The handle
// may be cancelled from any goroutine.
func (l *Loop) CallSoonThreadsafe(fn func()) (*Handle, error) {
	if fn == nil {
		return nil, misuse("CallSoonThreadsafe", ErrNilFunc)
	}
	h := new(kernel.Handle)
	h.InitShared(fn)
	if !l.kernel.Post(h) {
		return nil, misuse("CallSoonThreadsafe", ErrClosed)
	}
	return (*Handle)(h), nil
}

func (l *Loop) check(operation string, fn func()) {
	if fn == nil {
		panic(misuse(operation, ErrNilFunc))
	}
	if l.kernel.IsClosed() {
		panic(misuse(operation, ErrClosed))
	}
	if l.kernel.Debug() && !l.kernel.OwnsBaton() {
		panic(misuse(operation, ErrWrongGoroutine))
	}
}

// newHandle takes a handle from the slab: one allocation serves many.
func (l *Loop) newHandle() *kernel.Handle {
	if len(l.slab) == 0 {
		l.slab = make([]kernel.Handle, 64)
	}
	h := &l.slab[0]
	l.slab = l.slab[1:]
	return h
}
