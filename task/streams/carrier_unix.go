//go:build unix

package streams

import (
	"io"
	"syscall"
)

// readRaw reads what is there. It returns false if there is nothing: then it waits, and
// holds no memory meanwhile.
func (c *carrier) readRaw(fd uintptr) bool {
	block := c.input.blocks.get(largeBlock)
	n, err := ignoringEINTR(syscall.Read, int(fd), block)
	switch {
	case err == syscall.EAGAIN:
		c.keep(block, 0, nil)
		return false
	case err != nil:
		c.keep(block, 0, netError(c.Conn, "read", err))
	case n == 0:
		c.keep(block, 0, io.EOF)
	default:
		c.keep(block, n, nil)
	}
	return true
}
