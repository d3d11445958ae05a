//go:build unix

package interp

import (
	"os/exec"
	"syscall"
)

// detach keeps Ctrl+C from the script: this program ends it.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
