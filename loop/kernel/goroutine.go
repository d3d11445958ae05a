package kernel

// Goroutine identifies the calling goroutine among those that are alive; the
// value means nothing else, and is never 0. It is how a loop and its tasks
// notice that they are used from a goroutine that is not theirs, before any
// harm is done: asyncio compares thread ids for the same purpose.
//
// Go offers no such thing. On the common processors it is the address of the
// runtime's record of the goroutine, which is one instruction to read, cheap
// enough for every await; elsewhere (goroutine_other.go) it is read off a stack
// trace, which is slow and right.
func Goroutine() uintptr {
	return goroutine()
}
