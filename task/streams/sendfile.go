package streams

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task"
)

// Sendfile sends count bytes of a regular file, from the offset on, or up to its end if
// that comes earlier: a count of math.MaxInt64 means all. It returns how many bytes it has
// sent. TCP and Unix sockets are given the file by the system, which is fast, and then
// everything has been passed to the system when Sendfile returns. Otherwise the bytes are
// read and written: see [NoFallback]. Then the last of them may still be kept, as after
// Write.
//
// What was written before is sent first. Meanwhile the connection does not receive, other
// writes are refused with [ErrSendfileInProgress], and the program must leave the file
// alone. Close of the connection does not wait for Sendfile but ends it.
//
// Afterwards the file's position is offset plus the returned number, also if Sendfile
// fails or is cancelled. The connection can still be used after a cancellation: the other
// side must be able to cope with a part of the file.
//
// The error matches [ErrConnectionLost] if the connection is closing or lost. It matches
// [ErrInvalidArgument] if the offset is negative, the count not positive, or the file not
// a regular one. It is asyncio's loop.sendfile.
func (w *Writer) Sendfile(ctx context.Context, f *os.File, offset, count int64, opts ...Option) (int64, error) {
	if err := w.mayWrite("Sendfile"); err != nil {
		return 0, err
	}
	o, err := settingsOf("Sendfile", sendingFile, opts)
	if err != nil {
		return 0, err
	}
	if err := w.checkFile(f, offset, count); err != nil {
		return 0, err
	}
	c := w.conn
	if c.closing {
		return 0, c.lostError("Sendfile", c.err)
	}
	waiting, err := waitingTask(ctx, c.kernel, w, "Sendfile")
	if err != nil {
		return 0, err
	}
	s := sending{conn: c, task: waiting, file: f, offset: offset, count: count}
	err = s.send(ctx, !o.noFallback)
	return s.sent, err
}

// NoFallback makes [Writer.Sendfile] fail if the system cannot send the file on its own:
// with an error that matches [ErrSendfileNotAvailable], and before anything is sent. It is
// asyncio's fallback=False.
func NoFallback() Option {
	return option("NoFallback", sendingFile, func(s *settings) error {
		s.noFallback = true
		return nil
	})
}

func (w *Writer) checkFile(f *os.File, offset, count int64) error {
	switch {
	case f == nil:
		return invalid(w, "Sendfile", "the file is nil")
	case offset < 0:
		return invalid(w, "Sendfile", fmt.Sprintf("the offset must not be negative, it is %d", offset))
	case count <= 0:
		return invalid(w, "Sendfile", fmt.Sprintf("the count must be positive, it is %d", count))
	}
	info, err := f.Stat()
	if err != nil {
		return misuse(w, "Sendfile", err)
	}
	if !info.Mode().IsRegular() {
		return invalid(w, "Sendfile", f.Name()+" is not a regular file")
	}
	return nil
}

// The blocks in which a file is copied. Those of TLS are one record each.
const (
	copyBlock       = 16 << 10
	socketCopyBlock = 256 << 10
)

// A sending is a call of Sendfile.
type sending struct {
	conn          *conn
	task          kernel.Awaiter
	file          *os.File
	offset, count int64
	sent          int64
}

func (s *sending) send(ctx context.Context, fallback bool) error {
	c := s.conn
	c.sending = true
	wasReading := c.isReading()
	c.pauseReading()
	defer func() {
		c.sending = false
		if wasReading && !c.reader.paused {
			c.resumeReading()
		}
		_, _ = s.file.Seek(s.offset+s.sent, io.SeekStart)
	}()

	block := copyBlock
	err := misuse(&c.writer, "Sendfile", ErrSendfileNotAvailable)
	if w, ok := c.wire.(fileWire); ok && w.canSendFile() {
		block = socketCopyBlock
		err = s.native(ctx, w)
	}
	if fallback && errors.Is(err, ErrSendfileNotAvailable) {
		err = s.copy(ctx, block)
	}
	return err
}

// native lets the system send the file. The error matches ErrSendfileNotAvailable if that
// was not possible, and nothing is sent.
func (s *sending) native(ctx context.Context, w fileWire) error {
	c := s.conn
	for c.wire.kept() > 0 && !c.closing {
		if err := c.emptied.wait(ctx, s.task); err != nil {
			return err
		}
	}
	if c.closing {
		return c.lostError("Sendfile", c.err)
	}
	t := w.sendFile(s.file, s.offset, s.count)
	c.transfer = t
	defer func() {
		s.sent = t.stop()
		c.transfer = nil
		if s.sent > 0 {
			c.active()
		}
	}()
	if err := s.task.Await(ctx, &t.future.Future); err != nil {
		return err
	}
	switch {
	case t.err == nil:
		return nil
	case c.closing:
		return c.lostError("Sendfile", c.err)
	case IsDisconnect(t.err):
		c.fail(t.err, "Fatal write error on socket transport")
		return t.err
	case t.sent > 0:
		return t.err
	}
	return misuse(&c.writer, "Sendfile", fmt.Errorf("%w: %w", ErrSendfileNotAvailable, t.err))
}

// copy reads the file and writes what it has read. The file is read elsewhere, because
// that may take time.
func (s *sending) copy(ctx context.Context, block int) error {
	c := s.conn
	p := make([]byte, min(int64(block), s.count))
	for s.sent < s.count {
		n, err := task.ToThread(ctx, func(context.Context) (int, error) {
			n, err := s.file.ReadAt(p[:min(int64(len(p)), s.count-s.sent)], s.offset+s.sent)
			if err == io.EOF || n > 0 {
				err = nil
			}
			return n, err
		})
		if err != nil || n == 0 {
			return err
		}
		for c.writePaused && !c.closing {
			if err := c.draining.wait(ctx, s.task); err != nil {
				return err
			}
		}
		if c.closing {
			return c.lostError("Sendfile", c.err)
		}
		if err := c.write("Sendfile", p[:n]); err != nil {
			return err
		}
		s.sent += int64(n)
	}
	return nil
}

// A fileWire is a wire by which the system may be able to send a file.
type fileWire interface {
	canSendFile() bool
	// sendFile starts to send a file. Nothing is kept then.
	sendFile(f *os.File, offset, count int64) *transfer
}

// A transfer is a file that the system sends. A goroutine waits for that.
type transfer struct {
	socket   *socket
	future   kernel.Promise // completed when it has ended
	handle   kernel.Handle  // does that
	stopped  atomic.Bool
	progress atomic.Bool // bytes were sent since IdleTimeout has looked
	ended    chan struct{}

	// Until it has ended, for the goroutine.
	sent int64
	err  error
}

func (s *socket) sendFile(f *os.File, offset, count int64) *transfer {
	t := &transfer{socket: s, ended: make(chan struct{})}
	t.future.Init(s.conn.kernel, nil)
	t.handle.Init(kernel.Internal, t)
	s.goroutines.Add(1)
	go t.run(f, offset, count)
	return t
}

// Run tells the task.
func (t *transfer) Run() { t.future.Wake() }

// Drop is for a loop that is closed: see [kernel.Dropper].
func (t *transfer) Drop() {}

func (*transfer) String() string { return "sendfile" }

// transferStep is the most that the system is asked to send at once, so that the transfer
// can be stopped even if the receiver is fast.
const transferStep = 4 << 20

func (t *transfer) run(f *os.File, offset, count int64) {
	defer t.socket.goroutines.Done()
	for t.sent < count && !t.stopped.Load() {
		n, err := t.socket.sendFileStep(f, offset+t.sent, int(min(count-t.sent, transferStep)))
		t.sent += int64(n)
		if n > 0 {
			t.progress.Store(true)
		}
		if err != nil || n == 0 {
			t.err = err
			break
		}
	}
	close(t.ended)
	t.socket.conn.kernel.PostIO(&t.handle)
}

// stop ends the transfer, if it has not ended, and returns how much was sent. It waits for
// the goroutine, which does not wait any more for the socket.
func (t *transfer) stop() int64 {
	select {
	case <-t.ended:
		return t.sent
	default:
	}
	t.stopped.Store(true)
	deadline := t.socket.file.(interface{ SetWriteDeadline(time.Time) error })
	_ = deadline.SetWriteDeadline(time.Unix(1, 0))
	<-t.ended
	_ = deadline.SetWriteDeadline(time.Time{})
	return t.sent
}
