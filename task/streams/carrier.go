package streams

import (
	"net"
	"syscall"
)

// A carrier is the connection below a TLS session. The pump fills it, and the session takes
// what is there: it never waits in a read, which would mean to hold a buffer meanwhile, and
// to ask the system twice for each record.
//
// One goroutine at a time reads. Writes go straight to the connection.
type carrier struct {
	net.Conn
	raw     syscall.RawConn // nil if the connection cannot be read without waiting
	try     func(fd uintptr) bool
	input   buffer
	err     error // what comes behind it
	patient bool  // reads wait: in handshakes, and for those that do not know of the carrier
	full    bool  // the last read filled the block
}

func newCarrier(nc net.Conn, b *blocks) *carrier {
	c := &carrier{Conn: nc, patient: true}
	c.input.blocks = b
	if c.raw = rawOf(nc); c.raw != nil {
		c.try = c.readRaw
	}
	return c
}

// Read returns what is there. If nothing is it waits, or fails with errNothingYet.
func (c *carrier) Read(p []byte) (int, error) {
	switch {
	case c.input.len() > 0:
		n := copy(p, c.input.bytes())
		c.input.discard(n)
		return n, nil
	case c.err != nil:
		return 0, c.err
	case c.patient:
		return c.Conn.Read(p)
	}
	return 0, errNothingYet
}

// wait waits until Read has something to tell. Its error is one that passes: the wait was
// interrupted.
func (c *carrier) wait() error {
	if c.input.len() > 0 || c.err != nil {
		return nil
	}
	if c.try != nil {
		return c.raw.Read(c.try)
	}
	size := smallBlock
	if c.full {
		size = largeBlock
	}
	block := c.input.blocks.get(size)
	n, err := c.Conn.Read(block)
	c.full = n == len(block)
	if isTimeout(err) {
		c.keep(block, n, nil)
		return err
	}
	c.keep(block, n, err)
	return nil
}

// keep notes what was read into a block.
func (c *carrier) keep(block []byte, n int, err error) {
	if n > 0 {
		c.input.block, c.input.start, c.input.end = block, 0, n
	} else {
		c.input.blocks.put(block)
	}
	c.err = err
}

// errNothingYet ends a read of the session when the carrier is empty. It is temporary, as
// the end of a deadline is, so that crypto/tls goes on where it was.
var errNothingYet error = nothingYet{}

type nothingYet struct{}

func (nothingYet) Error() string   { return "nothing to read yet" }
func (nothingYet) Timeout() bool   { return true }
func (nothingYet) Temporary() bool { return true }
