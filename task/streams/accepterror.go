package streams

import (
	"errors"
	"slices"
	"syscall"
)

// isExhaustion reports whether err says that the system has no more descriptors or memory.
// It will say so again until something is closed.
func isExhaustion(err error) bool { return isOneOf(err, exhaustions[:]) }

// isPassing reports whether err says that a connection was lost before it was accepted, or
// nothing at all.
func isPassing(err error) bool { return isOneOf(err, passing[:]) }

func isOneOf(err error, numbers []syscall.Errno) bool {
	return slices.ContainsFunc(numbers, func(n syscall.Errno) bool { return errors.Is(err, n) })
}

var exhaustions = [...]syscall.Errno{
	syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM,
	wsaTooManyOpenFiles, wsaNoBuffers,
}

// Linux passes network errors of the new connection to accept, and wants them to be
// treated like EAGAIN.
var passing = [...]syscall.Errno{
	syscall.EAGAIN, syscall.EINTR, syscall.ECONNABORTED, syscall.ECONNRESET, syscall.EPROTO,
	syscall.ENETDOWN, syscall.ENETUNREACH, syscall.EHOSTUNREACH, syscall.ENOPROTOOPT, syscall.EOPNOTSUPP,
	wsaInterrupted, wsaWouldBlock, wsaConnAborted, wsaConnReset,
}

// The numbers of Windows' sockets: see disconnects.
const (
	wsaInterrupted      syscall.Errno = 10004
	wsaTooManyOpenFiles syscall.Errno = 10024
	wsaWouldBlock       syscall.Errno = 10035
	wsaNoBuffers        syscall.Errno = 10055
)
