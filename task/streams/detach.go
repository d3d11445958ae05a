package streams

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/goasyncio/asyncio/loop/kernel"
)

// Detach gives the connection back: what was written is sent first, and then the program
// has the net.Conn to itself, for goroutines that read and write it as they like. The bytes
// that have arrived and were not read come with it: they are the next of the stream. Of a
// TLS connection it is the *tls.Conn; its time limits do not apply any more.
//
// Afterwards the reader and the writer do nothing: reads, writes and Drain fail with an
// error that matches [ErrDetached], also a read that is waiting; Close does nothing and
// WaitClosed returns nil. A server counts the connection no more.
//
// The error matches errors.ErrUnsupported if there is no net.Conn, as for [Pair] and pipes,
// [ErrConnectionLost] if the connection is closed or closing, [ErrWriteAfterEOF] after
// WriteEOF, and [ErrBusy] if another task is in Detach or StartTLS. A Detach that is
// cancelled closes the connection. It is what net/http calls Hijack; asyncio has nothing of
// the kind.
func (w *Writer) Detach(ctx context.Context) (net.Conn, []byte, error) {
	c := w.conn
	change, err := w.beginChange(ctx, "Detach")
	if err != nil {
		return nil, nil, err
	}
	defer change.end()
	change.socket.read(false)
	if err := change.stop(ctx); err != nil {
		return nil, nil, err
	}
	if err := change.flush(ctx); err != nil { // the last, so that nothing is written meanwhile
		return nil, nil, err
	}
	if err := change.socket.takeError(); err != nil && err != io.EOF {
		c.forceClose(err)
		return nil, nil, err
	}
	unread := change.unread()
	change.done = true
	c.giveAway(misuse(w, "Detach", ErrDetached))
	if t, ok := c.wire.(*tlsWire); ok {
		t.carrier.patient = true
		return t.session, unread, nil
	}
	return change.nc, unread, nil
}

// giveAway ends a connection without closing anything.
func (c *conn) giveAway(err error) {
	c.detached, c.closing, c.writePaused = true, true, false
	c.dropped++
	c.reader.fail(err)
	if t, ok := c.wire.(*tlsWire); ok {
		t.socket.release()
	} else {
		c.wire.(*socket).release()
	}
	c.lose()
}

// release makes the socket forget its file.
func (s *socket) release() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
}

// A change is what StartTLS and Detach do to a connection.
type change struct {
	conn      *conn
	operation string
	task      kernel.Awaiter
	socket    *socket  // of the connection as it was
	nc        net.Conn // of that socket
	done      bool
}

// beginChange checks whether the connection can be changed, and keeps others from doing so.
func (w *Writer) beginChange(ctx context.Context, operation string) (*change, error) {
	if err := w.mayWrite(operation); err != nil {
		return nil, err
	}
	c := w.conn
	switch {
	case c.closing:
		return nil, c.lostError(operation, c.err)
	case c.changing:
		return nil, misuse(w, operation, fmt.Errorf("%w: it is in StartTLS or Detach", ErrBusy))
	}
	ch := &change{conn: c, operation: operation}
	switch wire := c.wire.(type) {
	case *socket:
		ch.socket = wire
	case *tlsWire:
		ch.socket = &wire.socket
	}
	if ch.socket != nil {
		ch.nc, _ = ch.socket.file.(net.Conn)
	}
	if ch.nc == nil {
		return nil, misuse(w, operation, errors.ErrUnsupported)
	}
	task, err := waitingTask(ctx, c.kernel, w, operation)
	if err != nil {
		return nil, err
	}
	ch.task = task
	c.changing = true
	return ch, nil
}

// end is deferred: if the change is not done, the connection cannot be used any more.
func (ch *change) end() {
	ch.conn.changing = false
	if !ch.done {
		ch.conn.forceClose(nil)
	}
}

// flush waits until nothing is kept.
func (ch *change) flush(ctx context.Context) error {
	for c := ch.conn; c.wire.kept() > 0; {
		if err := c.emptied.wait(ctx, ch.task); err != nil {
			return err
		}
		if err := ch.closed(); err != nil {
			return err
		}
	}
	return nil
}

// closed returns an error if the connection was closed meanwhile.
func (ch *change) closed() error {
	switch c := ch.conn; {
	case c.reader.err != nil:
		return c.reader.err
	case c.closing:
		return c.lostError(ch.operation, c.err)
	}
	return nil
}

// stop ends the pump of the socket, and waits for that. What has arrived, and the error
// that came behind it, is left in the socket.
func (ch *change) stop(ctx context.Context) error {
	s := ch.socket
	h := new(halt)
	h.future.Init(ch.conn.kernel, nil)
	h.handle.Init(kernel.Internal, h)
	s.mu.Lock()
	s.halt = h
	running := s.reads
	s.change.Signal()
	s.mu.Unlock()
	if !running {
		return nil
	}
	if err := s.file.SetReadDeadline(time.Unix(1, 0)); err != nil {
		return err
	}
	if err := ch.task.Await(ctx, &h.future.Future); err != nil {
		return err
	}
	if err := ch.closed(); err != nil {
		return err
	}
	return s.file.SetReadDeadline(time.Time{})
}

// A halt is the job that a pump has ended because it was told to.
type halt struct {
	future kernel.Promise
	handle kernel.Handle
}

func (h *halt) Run() { h.future.Wake() }

func (*halt) String() string { return "reading stopped" }

// pumped is called when the pump has ended.
func (s *socket) pumped() {
	s.mu.Lock()
	s.reads = false
	h := s.halt
	s.mu.Unlock()
	if h != nil {
		s.conn.kernel.PostIO(&h.handle)
	}
}

// takeError returns the error that the pump has met and the connection was not told of.
func (s *socket) takeError() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.readErr
	s.readErr = nil
	return err
}

// unread takes the bytes that have arrived and were not read.
func (ch *change) unread() []byte {
	r, s := &ch.conn.reader, ch.socket
	p := r.take(r.buffer.len())
	s.mu.Lock()
	defer s.mu.Unlock()
	p = append(p, s.arrived.bytes()...)
	s.arrived.clear()
	return p
}
