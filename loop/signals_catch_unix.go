//go:build unix

package loop

import (
	"os"
	"syscall"
)

// uncatchable reports whether the system delivers the signal to no handler.
func uncatchable(sig os.Signal) bool { return sig == os.Kill || sig == syscall.SIGSTOP }
