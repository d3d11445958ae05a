//go:build unix

package program

import (
	"os/exec"
	"syscall"
)

// detach keeps Ctrl+C from the program: this one ends it.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
