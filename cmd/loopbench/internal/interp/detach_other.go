//go:build !unix

package interp

import "os/exec"

// detach does nothing here: the script may see Ctrl+C before this program ends it.
func detach(*exec.Cmd) {}
