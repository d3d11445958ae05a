package loop

import "time"

// SetDebug switches the debug mode: asyncio's set_debug. In debug mode the loop
//   - refuses, by a panic with [ErrWrongGoroutine], calls of methods that belong
//     to its goroutine from another one,
//   - logs a warning about each callback and each step of a task that takes
//     [Loop.SetSlowCallbackDuration] or longer, by its own clock.
//
// It also makes tasks take turns through the loop's goroutine, which is slower
// than handing over directly, and changes no order.
func (l *Loop) SetDebug(on bool) {
	l.kernel.SetDebug(on)
}

// Debug reports whether the debug mode is on: asyncio's get_debug.
func (l *Loop) Debug() bool {
	return l.kernel.Debug()
}

// SetSlowCallbackDuration sets how long a callback or a step of a task may take
// before the debug mode reports it: asyncio's slow_callback_duration. It is
// 100 ms at first.
func (l *Loop) SetSlowCallbackDuration(d time.Duration) {
	l.kernel.SetSlow(d)
}
