package kernel

// frames stores where the calls that have led to the caller return to, the innermost first,
// and returns how many it has stored. It follows the frame pointers, which takes a
// nanosecond a frame where runtime.Callers takes forty. It reports false if these are not
// all: there are more than there is room for, or a frame is not where it could be, as
// behind a call from C.
//
//go:noescape
func frames(pcs []uintptr) (n int, whole bool)
