//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package main

import (
	"os"
	"syscall"
	"unsafe"
)

// windowSize asks the system for the size of a terminal. It is 0 if file is none.
func windowSize(file *os.File) (cols, rows int) {
	conn, err := file.SyscallConn() // Fd would make reads of the file block
	if err != nil {
		return 0, 0
	}
	var size struct{ rows, cols, width, height uint16 }
	var errno syscall.Errno
	err = conn.Control(func(fd uintptr) {
		_, _, errno = syscall.Syscall(syscall.SYS_IOCTL, fd, syscall.TIOCGWINSZ, uintptr(unsafe.Pointer(&size)))
	})
	if err != nil || errno != 0 {
		return 0, 0
	}
	return int(size.cols), int(size.rows)
}
