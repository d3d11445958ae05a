//go:build !unix

package interp

import "os/exec"

// detach does nothing: Ctrl+C may reach the script before this program ends it.
func detach(*exec.Cmd) {}
