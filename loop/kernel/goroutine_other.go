//go:build !amd64 && !arm64

package kernel

import (
	"bytes"
	"runtime"
	"strconv"
)

// goroutine returns the number in the first line of the stack trace, which is like
// "goroutine 123 [running]:".
func goroutine() uintptr {
	var buffer [64]byte
	trace := buffer[:runtime.Stack(buffer[:], false)]
	trace = bytes.TrimPrefix(trace, []byte("goroutine "))
	digits, _, _ := bytes.Cut(trace, []byte(" "))
	id, err := strconv.ParseUint(string(digits), 10, 64)
	if err != nil {
		panic("kernel: a stack trace does not begin with the goroutine's number: " + string(trace))
	}
	return uintptr(id)
}

// identityIsCheap says that goroutine costs next to nothing. Here it does not.
const identityIsCheap = false
