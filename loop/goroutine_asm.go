//go:build amd64 || arm64

package loop

// goroutine returns the address of the running goroutine's record.
func goroutine() uintptr
