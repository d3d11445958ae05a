//go:build !darwin && !dragonfly && !freebsd && !linux && !netbsd && !openbsd

package streams

import "syscall"

const canReusePort = false

func reusePort(string, string, syscall.RawConn) error { return nil }
