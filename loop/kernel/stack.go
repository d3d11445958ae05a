package kernel

import (
	"runtime"
	"sort"
)

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

// The code of the functions that OnLoop looks for on a stack.
var (
	runCode       = codeOf((*Kernel).Run)
	coroutineCode = codeOf(Coroutine(nil))
	goexitCode    = codeOf(runtime.Goexit)
)

// code is where the instructions of a function are. To ask the runtime for the function of
// each frame would take longer than the walk to it.
type code struct{ begin, end uintptr }

func codeOf(fn any) code {
	begin := EntryOf(fn)
	size := sort.Search(largestFunction, func(n int) bool {
		f := runtime.FuncForPC(begin + uintptr(n))
		return f == nil || f.Entry() != begin
	})
	return code{begin, begin + uintptr(size)}
}

const largestFunction = 1 << 20 // bytes

func (c code) has(pc uintptr) bool { return c.begin <= pc && pc < c.end }

// OnLoop reports whether a loop is running the calling goroutine: whether the call comes
// from a callback or a task. Such a call must not block until a loop has done something.
// OnLoop looks through the whole stack, so it is for slow paths. Any goroutine may call
// it.
//
// If a task calls runtime.Goexit, the goroutine that runs its loop ends too, and its
// deferred functions run while the frames of the loop are still on the stack. The loop
// does not run these functions: for them, OnLoop returns false.
func OnLoop() bool {
	var few [64]uintptr
	if n, whole := frames(few[:]); whole {
		on, _ := onLoop(few[:n])
		return on
	}
	// Each call of runtime.Callers walks the stack from its top, so the places for its
	// frames grow fast.
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
		switch call := pc - 1; { // pc is where the call returns to
		case coroutineCode.has(call):
			return true, true
		case runCode.has(call):
			return !exiting, true
		case goexitCode.has(call):
			exiting = true
		}
	}
	return false, false
}
