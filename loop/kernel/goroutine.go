package kernel

// Goroutine returns a number that no other living goroutine has, and that is never 0. A
// loop and its tasks use it to refuse calls from the wrong goroutine before these do
// harm, as asyncio compares thread ids. Any goroutine may call it.
//
// Go has no such function. On amd64 and arm64 the number is the address of the runtime's
// record of the goroutine. It takes one instruction to read, so that every await can
// check it. On other processors (goroutine_other.go) it comes from a stack trace, which
// is slow.
func Goroutine() uintptr {
	return goroutine()
}
