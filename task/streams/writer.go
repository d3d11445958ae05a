package streams

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
)

// A Writer is the sending side of a connection, and what closes it.
//
// Write never waits: what cannot be sent at once is kept in memory and sent later. Who
// sends much must call [Writer.Drain] after Write, or [Writer.WriteAll], which does both:
// they wait while more than 64 KiB are kept. A connection must be closed, which the return
// of a server's handler does, and Close of the loop.
//
// Call its methods only from tasks and callbacks of its loop. It is asyncio's
// StreamWriter.
type Writer struct {
	_    noCopy
	conn *conn
}

// Write sends p, and keeps a copy of what cannot be sent at once. It does not wait, nor
// slow down the caller: see [Writer.Drain]. It returns len(p), or an error if p was
// dropped: one that matches [ErrConnectionLost] if the connection is lost, or closing with
// nothing left to send, [ErrWriteAfterEOF] or [ErrSendfileInProgress].
//
// Several dropped writes to the same connection are logged. It is asyncio's write.
func (w *Writer) Write(p []byte) (int, error) {
	if err := w.mayWrite("Write"); err != nil {
		return 0, err
	}
	if err := w.conn.write("Write", p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// WriteLines is [Writer.Write] of all that ps contain, one after the other. It adds no
// newlines. It is asyncio's writelines.
func (w *Writer) WriteLines(ps ...[]byte) error {
	if err := w.mayWrite("WriteLines"); err != nil {
		return err
	}
	return w.conn.write("WriteLines", bytes.Join(ps, nil))
}

func (w *Writer) mayWrite(operation string) error {
	if err := w.check(operation); err != nil {
		return err
	}
	switch {
	case w.conn.detached:
		return misuse(w, operation, ErrDetached)
	case w.conn.eof:
		return misuse(w, operation, ErrWriteAfterEOF)
	case w.conn.sending:
		return misuse(w, operation, ErrSendfileInProgress)
	}
	return nil
}

// Drain waits while more is kept than the high-water mark (see SetWriteBufferLimits),
// until no more than the low-water mark is left. If no more than the high-water mark is
// kept it returns at once, without letting other tasks run.
//
// If the connection is lost it returns its error, or one that matches
// [ErrConnectionLost]. But calls that are waiting when the connection is closed or aborted
// by the program return nil. Any number of tasks may wait. It is asyncio's drain.
func (w *Writer) Drain(ctx context.Context) error {
	if err := w.check("Drain"); err != nil {
		return err
	}
	c := w.conn
	if !c.oneWay && c.reader.err != nil {
		return c.reader.err
	}
	if c.closing {
		if err := task.Yield(ctx); err != nil {
			return err
		}
	}
	if c.gone {
		return c.lostError("Drain", c.err)
	}
	if !c.writePaused {
		return nil
	}
	waiting, err := waitingTask(ctx, c.kernel, w, "Drain")
	if err != nil {
		return err
	}
	return c.draining.wait(ctx, waiting)
}

// writeStep is how much WriteAll writes between two chances for other tasks.
const writeStep = 64 << 10

// WriteAll is [Writer.Write] and then [Writer.Drain]: what most callers want. What it has
// written when it is cancelled is sent all the same. So that a fast receiver does not keep
// other tasks from running, it lets them run after each 64 KiB. asyncio has nothing of the
// kind.
func (w *Writer) WriteAll(ctx context.Context, p []byte) error {
	for {
		step := p[:min(len(p), writeStep)]
		if _, err := w.Write(step); err != nil {
			return err
		}
		paused := w.conn.writePaused
		if err := w.Drain(ctx); err != nil {
			return err
		}
		if p = p[len(step):]; len(step) == writeStep && !paused {
			if err := task.Yield(ctx); err != nil {
				return err
			}
		}
		if len(p) == 0 {
			return nil
		}
	}
}

// WriteEOF ends the stream to the other side, once what is kept is sent. Reading goes on.
// The error matches errors.ErrUnsupported if the connection cannot do that: see
// CanWriteEOF; and [ErrSendfileInProgress]. For a pipe, it is Close. It is asyncio's
// write_eof.
func (w *Writer) WriteEOF() error {
	if err := w.check("WriteEOF"); err != nil {
		return err
	}
	if w.conn.detached {
		return misuse(w, "WriteEOF", ErrDetached)
	}
	if !w.CanWriteEOF() {
		return misuse(w, "WriteEOF", errors.ErrUnsupported)
	}
	if w.conn.sending {
		return misuse(w, "WriteEOF", ErrSendfileInProgress)
	}
	w.conn.writeEOF()
	return nil
}

// CanWriteEOF reports whether the connection can end one direction only: sockets and pipes
// can, TLS cannot. It is asyncio's can_write_eof.
func (w *Writer) CanWriteEOF() bool {
	c := w.must("CanWriteEOF")
	return c.oneWay || c.wire.canCloseWrite()
}

// Close closes the connection. What was written is still sent, also what is written until
// then; what has arrived can still be read. It does not wait: see [Writer.WaitClosed] and
// [Writer.CloseWithin]. It returns nil unless the caller is on another goroutine than the
// loop's. Further calls do nothing. It is asyncio's close.
func (w *Writer) Close() error {
	if err := w.check("Close"); err != nil {
		return err
	}
	w.conn.close()
	return nil
}

// Abort closes the connection at once. What is kept is dropped. It is asyncio's
// transport.abort.
func (w *Writer) Abort() {
	w.mustOwn("Abort")
	w.conn.forceClose(nil)
}

// IsClosing reports whether the connection is closed or being closed. It is asyncio's
// is_closing.
func (w *Writer) IsClosing() bool { return w.must("IsClosing").closing }

// WaitClosed waits until the connection is closed. It does not close it. If the
// connection failed, it returns that error, each time.
//
// Behind a receiver that takes nothing an orderly end never comes: see
// [Writer.CloseWithin]. It is asyncio's wait_closed.
func (w *Writer) WaitClosed(ctx context.Context) error {
	if err := w.check("WaitClosed"); err != nil {
		return err
	}
	c := w.conn
	if !c.gone {
		waiting, err := waitingTask(ctx, c.kernel, w, "WaitClosed")
		if err != nil {
			return err
		}
		if err := c.closed.wait(ctx, waiting); err != nil {
			return err
		}
	}
	return c.err
}

// CloseWithin closes the connection and waits for that. If it takes longer than d, by the
// loop's clock, or if the task is cancelled, the connection is aborted. asyncio has
// nothing of the kind.
func (w *Writer) CloseWithin(ctx context.Context, d time.Duration) error {
	if err := w.Close(); err != nil {
		return err
	}
	err := task.WithTimeout(ctx, d, w.WaitClosed)
	if w.conn.gone {
		return err
	}
	w.Abort()
	if _, late := err.(*future.TimeoutError); !late {
		return err
	}
	return w.WaitClosed(ctx)
}

// SetWriteBufferLimits sets the water marks: see Drain. A negative high stands for four
// times low, a negative low for a quarter of high, and both for the defaults: 64 KiB and
// 16 KiB, for TLS 512 KiB and 128 KiB. With 0 and 0, Drain waits until everything is sent.
//
// The error matches [ErrInvalidArgument] if low is greater than high. It is asyncio's
// transport.set_write_buffer_limits.
func (w *Writer) SetWriteBufferLimits(high, low int) error {
	if err := w.check("SetWriteBufferLimits"); err != nil {
		return err
	}
	c := w.conn
	if high < 0 {
		high = defaultHigh
		if c.isTLS() {
			high = tlsHigh
		}
		if low >= 0 {
			high = 4 * low
		}
	}
	if low < 0 {
		low = high / 4
	}
	if high < low {
		return invalid(w, "SetWriteBufferLimits", fmt.Sprintf("high (%d) must be >= low (%d)", high, low))
	}
	c.high, c.low = high, low
	c.pauseWriting()
	return nil
}

// WriteBufferLimits returns the water marks. It is asyncio's
// transport.get_write_buffer_limits.
func (w *Writer) WriteBufferLimits() (low, high int) {
	c := w.must("WriteBufferLimits")
	return c.low, c.high
}

// WriteBufferSize returns how many bytes are kept that the system has not taken. It is
// asyncio's transport.get_write_buffer_size.
func (w *Writer) WriteBufferSize() int { return w.must("WriteBufferSize").wire.kept() }

// LocalAddr returns the address of this side. It is asyncio's get_extra_info('sockname').
func (w *Writer) LocalAddr() net.Addr { return w.must("LocalAddr").wire.localAddr() }

// RemoteAddr returns the address of the other side. It is asyncio's
// get_extra_info('peername').
func (w *Writer) RemoteAddr() net.Addr { return w.must("RemoteAddr").wire.remoteAddr() }

// Loop returns the loop of the connection.
func (w *Writer) Loop() *loop.Loop { return w.must("Loop").kernel.Face().(*loop.Loop) }

// IO returns the writer as an io.Writer that waits as WriteAll does, for packages that
// want one. The caller of its Write must be the task of ctx.
func (w *Writer) IO(ctx context.Context) io.Writer { return ioWriter{ctx, w} }

type ioWriter struct {
	ctx    context.Context
	writer *Writer
}

func (w ioWriter) Write(p []byte) (int, error) {
	if err := w.writer.WriteAll(w.ctx, p); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (w *Writer) check(operation string) error {
	if w.conn == nil {
		return misuse(w, operation, loop.ErrNotRunning)
	}
	return w.conn.kernel.Check(operation, w)
}

// must returns the connection, for methods that only look at it. It panics if there is
// none.
func (w *Writer) must(operation string) *conn {
	if w.conn == nil {
		panic(misuse(w, operation, loop.ErrNotRunning))
	}
	return w.conn
}

func (w *Writer) mustOwn(operation string) {
	if err := w.check(operation); err != nil {
		panic(err)
	}
}

// String describes the writer as in
// "<Writer <Connection 127.0.0.1:5000 -> 127.0.0.1:80 closing>>".
func (w *Writer) String() string {
	switch {
	case w == nil:
		return "<nil>"
	case w.conn == nil:
		return "<Writer>"
	}
	return "<Writer " + w.conn.String() + ">"
}
