package loop

import "runtime"

// OnLoop reports whether the calling goroutine is run by a loop: whether it is
// inside of RunForever or Poll, or of a coroutine. Such a goroutine must not
// wait for what a loop does. It looks through the whole stack, so it is for
// slow paths. Any goroutine may call it.
//
// Deferred functions that runtime.Goexit calls on a loop's own goroutine are not
// run by the loop, although its frames still lie below them.
func OnLoop() bool {
	var pcs [64]uintptr
	exiting := false
	for skip := 2; ; skip += len(pcs) {
		n := runtime.Callers(skip, pcs[:])
		if n == 0 {
			return false
		}
		frames := runtime.CallersFrames(pcs[:n])
		for {
			frame, more := frames.Next()
			switch frame.Function {
			case coroutineFunction:
				return true
			case runFunction:
				return !exiting
			case "runtime.Goexit":
				exiting = true
			}
			if !more {
				break
			}
		}
	}
}

// The functions at the bottom of such goroutines. Tests compare the names with
// the functions.
const (
	runFunction       = "github.com/goasyncio/asyncio/loop.(*Loop).run"
	coroutineFunction = "github.com/goasyncio/asyncio/task.(*sched).main.func1"
)

// Busy reports whether the loop is running and not asleep. Any goroutine may
// call it.
func (l *Loop) Busy() bool {
	return l.running.Load() && !l.asleep.Load()
}
