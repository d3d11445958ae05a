package streams

import (
	"fmt"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop/kernel"
)

// IdleTimeout ends a connection on which no byte was read or written for d, by the loop's
// clock: it is aborted. What is read is what the loop has taken from the system: not while
// the reader is paused or full. What is written is what the system has taken, so a receiver
// that takes nothing ends the connection, however much is kept for it. While the system sends
// a file by [Writer.Sendfile] it may take twice as long.
//
// All reads, Drain and WaitClosed return an error that matches future.ErrTimeout then. 0 is
// no limit. The error of the option matches [ErrInvalidArgument] if d is negative. asyncio
// has nothing of the kind.
func IdleTimeout(d time.Duration) Option {
	return option("IdleTimeout", connecting|serving|wrapping, func(s *settings) error {
		if d < 0 {
			return s.invalid("IdleTimeout: the time must not be negative")
		}
		s.idleTimeout = d
		return nil
	})
}

// idleWatch is the timer of a connection. It looks again when the connection could be idle
// for long enough; reads and writes only note the time.
type idleWatch struct {
	conn  *conn
	timer kernel.Timer
	limit time.Duration
	last  time.Time // when a byte was read or written
}

// watchIdle begins to watch the connection. Without a limit it does nothing.
func (c *conn) watchIdle(limit time.Duration) {
	if limit <= 0 || c.gone {
		return
	}
	w := &idleWatch{conn: c, limit: limit}
	w.timer.Init(kernel.Internal, w)
	c.idle = w
	c.active()
	c.kernel.PushTimer(&w.timer, limit)
}

// unwatchIdle ends the watch.
func (c *conn) unwatchIdle() {
	if c.idle != nil {
		c.idle.timer.Cancel()
		c.idle = nil
	}
}

// active notes that a byte was read or written.
func (c *conn) active() {
	if c.idle != nil {
		c.idle.last = c.kernel.Clock().Now()
	}
}

// Run looks whether the connection is idle.
func (w *idleWatch) Run() {
	k := w.conn.kernel
	if t := w.conn.transfer; t != nil && t.progress.Swap(false) {
		w.last = k.Clock().Now()
	}
	if rest := w.limit - k.Clock().Now().Sub(w.last); rest > 0 {
		k.PushTimer(&w.timer, rest)
		return
	}
	w.conn.forceClose(&idleError{w.limit})
}

func (*idleWatch) String() string { return "idle timeout" }

type idleError struct{ limit time.Duration }

func (e *idleError) Error() string {
	return fmt.Sprintf("streams: no byte was read or written for %v, the connection's IdleTimeout", e.limit)
}

func (*idleError) Timeout() bool { return true }

// Unwrap makes the error match future.ErrTimeout.
func (e *idleError) Unwrap() error { return &future.TimeoutError{After: e.limit} }
