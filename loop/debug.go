package loop

import "time"

// SetDebug switches debug mode on or off. In debug mode the loop
//   - logs a warning about each callback, and each step of a task, that takes as long
//     as [Loop.SetSlowCallbackDuration] says, or longer, by the loop's clock; it names
//     the task and its coroutine, and does not show its result,
//   - notes where tasks and futures are created, says so in their descriptions, and tells
//     the exception handler: see [WithCreationStacks].
//
// Debug mode makes tasks slower, since the loop's goroutine runs between any two
// steps. It does not change their order.
//
// Call SetDebug only from the loop's tasks and callbacks. It is asyncio's set_debug.
func (l *Loop) SetDebug(on bool) {
	l.kernel.MustOwn("SetDebug", l)
	l.kernel.SetDebug(on)
}

// Debug reports whether debug mode is on. Any goroutine may call it. It is asyncio's
// get_debug.
func (l *Loop) Debug() bool {
	return l.kernel.Debug()
}

// SetSlowCallbackDuration sets how long a callback or a step of a task must take for
// debug mode to report it. The default is 100 ms.
//
// Call it only from the loop's tasks and callbacks. It is asyncio's
// slow_callback_duration.
func (l *Loop) SetSlowCallbackDuration(d time.Duration) {
	l.kernel.MustOwn("SetSlowCallbackDuration", l)
	l.kernel.SetSlow(d)
}
