//go:build amd64 || arm64

package kernel

// goroutine returns the address of the running goroutine's record.
func goroutine() uintptr
