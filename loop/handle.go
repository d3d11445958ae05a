package loop

import (
	"time"

	"github.com/goasyncio/asyncio/loop/kernel"
)

// A Handle is a call scheduled with [Loop.CallSoon] or [Loop.CallSoonThreadsafe].
//
// Any goroutine may call the methods of a handle that CallSoonThreadsafe returned. Call
// those of other handles only from the loop's tasks and callbacks. It is asyncio's
// Handle.
type Handle struct {
	handle kernel.Handle
	owner  *kernel.Kernel // nil if any goroutine may cancel it
}

// Cancel keeps the call from being made, and lets go of its function. It has no effect
// on a call that has begun. It panics on a goroutine that may not call it
// ([ErrWrongGoroutine]). It is asyncio's cancel.
func (h *Handle) Cancel() {
	if h.owner != nil {
		h.owner.MustOwn("Cancel", h)
	}
	h.handle.Cancel()
}

// Cancelled reports whether Cancel was called, even if that was too late. It is
// asyncio's cancelled.
func (h *Handle) Cancelled() bool { return h.handle.Cancelled() }

// String returns the function and where it is, or the state, as in
// "<Handle main.tick at main.go:12>" and "<Handle cancelled>".
func (h *Handle) String() string {
	if h == nil {
		return "<nil>"
	}
	return h.handle.String()
}

// A TimerHandle is a call scheduled with [Loop.CallLater] or [Loop.CallAt]. Call its
// methods only from the loop's tasks and callbacks. It is asyncio's TimerHandle.
type TimerHandle kernel.Timer

// When returns the time at which the call is due, by the loop's clock. It is asyncio's
// when.
func (t *TimerHandle) When() time.Time { return t.kernel().When() }

// Cancel keeps the call from being made, and lets go of its function and its timer. It
// has no effect on a call that has begun. It panics on a goroutine that may not call it
// ([ErrWrongGoroutine]). It is asyncio's cancel.
func (t *TimerHandle) Cancel() {
	if k := t.kernel().Kernel(); k != nil {
		k.MustOwn("Cancel", t)
	}
	t.kernel().Cancel()
}

// Cancelled reports whether Cancel was called, even if that was too late. It is
// asyncio's cancelled.
func (t *TimerHandle) Cancelled() bool { return t.kernel().Cancelled() }

// String returns the deadline, and the function or the state, as in
// "<TimerHandle when=12:00:01.000000 main.tick at main.go:12>" and
// "<TimerHandle cancelled when=12:00:01.000000>".
func (t *TimerHandle) String() string { return t.kernel().String() }

func (t *TimerHandle) kernel() *kernel.Timer { return (*kernel.Timer)(t) }
