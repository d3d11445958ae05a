package kernel

import "runtime"

// Coroutine returns a function that calls main, for a go statement. It is at the bottom
// of the stack of each goroutine that runs tasks, where OnLoop recognizes it.
//
// It must not be inlined: the compiler would make a copy of the returned function for
// each caller, and OnLoop knows one only.
//
//go:noinline
func Coroutine(main func()) func() {
	return func() { main() }
}

// The entry points of the functions that OnLoop looks for on a stack.
var (
	runEntry       = EntryOf((*Kernel).Run)
	coroutineEntry = EntryOf(Coroutine(nil))
	goexitEntry    = EntryOf(runtime.Goexit)
)

// OnLoop reports whether a loop is running the calling goroutine: whether the call comes
// from a callback or a task. Such a call must not block until a loop has done something.
// OnLoop looks through the whole stack, so it is for slow paths. Any goroutine may call
// it.
//
// If a task calls runtime.Goexit, the goroutine that runs its loop ends too, and its
// deferred functions run while the frames of the loop are still on the stack. The loop
// does not run these functions: for them, OnLoop returns false.
func OnLoop() bool {
	// Each call of runtime.Callers walks the stack from its top, so the places for its
	// frames grow fast.
	var few [64]uintptr
	for pcs := few[:]; ; pcs = make([]uintptr, 8*len(pcs)) {
		n := runtime.Callers(2, pcs)
		if on, known := onLoop(pcs[:n]); known || n < len(pcs) {
			return on
		}
	}
}

// onLoop is OnLoop for the innermost frames of a stack. It reports whether they tell.
func onLoop(pcs []uintptr) (on, known bool) {
	exiting := false
	for _, pc := range pcs {
		f := runtime.FuncForPC(pc - 1) // two thirds cheaper than runtime.CallersFrames
		if f == nil {
			continue // not of Go
		}
		switch f.Entry() {
		case coroutineEntry:
			return true, true
		case runEntry:
			return !exiting, true
		case goexitEntry:
			exiting = true
		}
	}
	return false, false
}
