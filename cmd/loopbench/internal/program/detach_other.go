//go:build !unix

package program

import "os/exec"

// detach does nothing: Ctrl+C may reach the program before this program ends it.
func detach(*exec.Cmd) {}
