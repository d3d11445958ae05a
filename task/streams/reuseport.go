//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package streams

import (
	"os"
	"syscall"
)

const canReusePort = true

// reusePort is the Control of a net.ListenConfig.
func reusePort(_, _ string, c syscall.RawConn) (err error) {
	failure := c.Control(func(fd uintptr) {
		err = os.NewSyscallError("setsockopt", syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, soReusePort, 1))
	})
	if failure != nil {
		return failure
	}
	return err
}
