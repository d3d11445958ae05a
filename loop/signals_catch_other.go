//go:build !unix

package loop

import "os"

// uncatchable reports whether the system delivers the signal to no handler.
func uncatchable(sig os.Signal) bool { return sig == os.Kill }
