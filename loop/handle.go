package loop

import (
	"time"

	"github.com/goasyncio/asyncio/loop/kernel"
)

// A Handle is a call that was scheduled with [Loop.CallSoon] or
// [Loop.CallSoonThreadsafe]: asyncio's Handle.
//
// A handle that CallSoonThreadsafe returned may be used from any goroutine, any
// other one only by what its loop runs.
type Handle kernel.Handle

// Cancel drops the call and what its function refers to. It has no effect on a
// call that has begun.
func (h *Handle) Cancel() { h.kernel().Cancel() }

// Cancelled reports whether the call was cancelled.
func (h *Handle) Cancelled() bool { return h.kernel().Cancelled() }

// String shows the function and the state, as in "<Handle main.tick>".
func (h *Handle) String() string { return h.kernel().String() }

// A TimerHandle is a call that was scheduled for later with [Loop.CallLater] or
// [Loop.CallAt]: asyncio's TimerHandle.
type TimerHandle kernel.Timer

// When is the loop time at which the call is due.
func (t *TimerHandle) When() time.Time { return t.kernel().When() }

// Cancel drops the call; the timer leaves the loop's heap at once. It has no
// effect on a call that has begun.
func (t *TimerHandle) Cancel() { t.kernel().Cancel() }

// Cancelled reports whether the call was cancelled.
func (t *TimerHandle) Cancelled() bool { return t.kernel().Cancelled() }

// String shows the function, the deadline and the state.
func (t *TimerHandle) String() string { return t.kernel().String() }

func (h *Handle) kernel() *kernel.Handle     { return (*kernel.Handle)(h) }
func (t *TimerHandle) kernel() *kernel.Timer { return (*kernel.Timer)(t) }
