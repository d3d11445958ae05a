//go:build unix

package interp

import (
	"os/exec"
	"syscall"
)

// detach keeps the terminal's Ctrl+C from the script: it is this program's to act on.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
