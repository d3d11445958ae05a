package streams

import (
	"errors"
	"syscall"
)

// IsDisconnect reports whether err says that the other side has ended the connection, or
// that it was lost: reset, aborted, or a broken pipe. It knows the numbers of Windows too,
// which syscall.ECONNRESET does not match there. The end of a stream in good order,
// io.EOF, is no disconnect. Any goroutine may call it.
func IsDisconnect(err error) bool {
	for _, number := range disconnects {
		if errors.Is(err, number) {
			return true
		}
	}
	return errors.Is(err, ErrConnectionLost)
}

var disconnects = [...]syscall.Errno{
	syscall.ECONNRESET, syscall.ECONNABORTED, syscall.EPIPE,
	wsaConnAborted, wsaConnReset,
}

// The numbers of Windows' sockets. No other system has numbers as large.
const (
	wsaConnAborted syscall.Errno = 10053
	wsaConnReset   syscall.Errno = 10054
)
