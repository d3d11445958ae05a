package loop

import (
	"fmt"
	"time"
)

// SetDebug switches the debug mode: asyncio's set_debug. In debug mode the loop
//   - refuses, by a panic with [ErrWrongGoroutine], calls of methods that belong
//     to its goroutine from another one,
//   - logs a warning about each callback and each step of a task that takes
//     [Loop.SetSlowCallbackDuration] or longer, by its own clock.
//
// It also makes tasks take turns through the loop's goroutine, which is slower
// than handing over directly, and changes no order.
func (l *Loop) SetDebug(on bool) {
	l.debug = on
}

// Debug reports whether the debug mode is on: asyncio's get_debug.
func (l *Loop) Debug() bool {
	return l.debug
}

// SetSlowCallbackDuration sets how long a callback or a step of a task may take
// before the debug mode reports it: asyncio's slow_callback_duration. It is
// 100 ms at first.
func (l *Loop) SetSlowCallbackDuration(d time.Duration) {
	l.slow = d
}

// checkGoroutine panics if the loop is running and not running the caller.
func (l *Loop) checkGoroutine(operation string) {
	if !l.Kernel().Holds() {
		panic(misuse(operation, ErrWrongGoroutine))
	}
}

// runTimed runs r and reports it if it took long. Only the loop's own time
// counts, so that a virtual clock is not disturbed by a slow machine.
func (l *Loop) runTimed(r Runner) {
	start := l.Time()
	r.Run()
	if d := l.Time().Sub(start); d >= l.slow {
		description := describe(r)
		if step, ok := r.(interface{ DescribeFuture() string }); ok {
			description = step.DescribeFuture()
		}
		l.logger().Warn(fmt.Sprintf("Executing %s took %.3f seconds", description, d.Seconds()))
	}
}
