package kernel

import "runtime"

// Coroutine returns a function that calls main, for a go statement: the bottom of
// the stack of a goroutine that runs tasks. Its frame marks the stack: see OnLoop.
// It is not inlined, so that there is one such function to look for.
//
//go:noinline
func Coroutine(main func()) func() {
	return func() { main() }
}

// Where the functions begin whose frames mark a goroutine that a loop runs.
var (
	runEntry       = EntryOf((*Kernel).Run)
	coroutineEntry = EntryOf(Coroutine(nil))
	goexitEntry    = EntryOf(runtime.Goexit)
)

// OnLoop reports whether the calling goroutine is run by a loop: whether it is
// inside of Run, or of a task. Such a goroutine must not wait for what a loop does.
// It looks through the whole stack, so it is for slow paths. Any goroutine may call
// it.
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
			switch frame.Entry {
			case coroutineEntry:
				return true
			case runEntry:
				return !exiting
			case goexitEntry:
				exiting = true
			}
			if !more {
				break
			}
		}
	}
}
