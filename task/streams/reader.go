package streams

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"strings"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
)

// DefaultLimit is the limit of readers for which [Limit] sets no other: 64 KiB.
const DefaultLimit = 64 << 10

// A Reader is the receiving side of a connection. Its methods wait until there is enough
// to read; a call that is cancelled has taken nothing.
//
// The end of the stream is io.EOF, and only that is: a loop that reads until the first
// error ends. Once the connection has failed, every read fails with its error, even if
// bytes are left, which Peek still shows.
//
// One task at a time may wait in a read. The reader stops the connection when it holds
// more than twice its limit, and lets it go on when it holds no more than the limit.
//
// Call its methods only from tasks and callbacks of its loop. It is asyncio's
// StreamReader.
type Reader struct {
	_       noCopy
	kernel  *kernel.Kernel
	conn    *conn // nil if the program feeds the reader
	limit   int
	buffer  buffer
	removed int // bytes that have left the buffer, ever
	err     error
	eof     bool
	paused  bool // the reader has paused the connection
	waiting bool
	waiter  kernel.Promise
}

// NewReader returns a reader that the program feeds, by FeedData and FeedEOF. Readers of
// connections come with them. The error matches [ErrInvalidArgument] if the limit is not
// positive. It panics if l is nil. It is asyncio's StreamReader(limit).
func NewReader(l *loop.Loop, limit int) (*Reader, error) {
	if l == nil {
		panic(fmt.Errorf("streams: NewReader: the loop is nil: %w", loop.ErrNotRunning))
	}
	if limit <= 0 {
		return nil, badLimit("NewReader", limit)
	}
	l.Kernel().MustOwn("NewReader", l)
	r := new(Reader)
	r.init(hubOf(l.Kernel()), nil, limit)
	return r, nil
}

func badLimit(operation string, limit int) error {
	return fmt.Errorf("streams: %s: the limit cannot be %d, it must be > 0: %w", operation, limit, ErrInvalidArgument)
}

func (r *Reader) init(h *hub, c *conn, limit int) {
	r.kernel, r.conn, r.limit = h.kernel, c, limit
	r.buffer.blocks = &h.blocks
}

// Read waits until there are bytes, and returns at most n of them. At the end of the
// stream it returns io.EOF. For an n of 0 it returns nothing, at once.
//
// The error matches [ErrInvalidArgument] if n is negative (see [Reader.ReadAll]), and
// [ErrBusy] if it would have to wait while another task does. It is asyncio's read(n).
func (r *Reader) Read(ctx context.Context, n int) ([]byte, error) {
	if n < 0 {
		return nil, invalid(r, "Read", "the size must not be negative")
	}
	if err := r.some(ctx, "Read", n); err != nil || n == 0 {
		return nil, err
	}
	return r.take(min(n, r.buffer.len())), nil
}

// ReadInto is [Reader.Read] of at most len(p) bytes, into p. It returns their number.
// asyncio has nothing of the kind.
func (r *Reader) ReadInto(ctx context.Context, p []byte) (int, error) {
	if err := r.some(ctx, "ReadInto", len(p)); err != nil || len(p) == 0 {
		return 0, err
	}
	n := copy(p, r.buffer.bytes())
	r.remove(n)
	return n, nil
}

// some waits until there are bytes, if at least one is wanted.
func (r *Reader) some(ctx context.Context, operation string, wanted int) error {
	if err := r.begin(ctx, operation); err != nil || wanted == 0 {
		return err
	}
	for r.buffer.len() == 0 {
		if r.eof {
			return io.EOF
		}
		if err := r.wait(ctx, operation); err != nil {
			return err
		}
	}
	return nil
}

// ReadAll reads until the end of the stream, which is no error. If it fails or is
// cancelled, what it has read is the next to be read again. It is asyncio's read().
func (r *Reader) ReadAll(ctx context.Context) (all []byte, err error) {
	if err := r.begin(ctx, "ReadAll"); err != nil {
		return nil, err
	}
	complete := false
	defer func() {
		if !complete && len(all) > 0 {
			r.putBack(all)
			all = nil
		}
	}()
	for {
		switch err := r.some(ctx, "ReadAll", 1); err {
		case nil:
			all = append(all, r.buffer.bytes()[:min(r.limit, r.buffer.len())]...)
			r.remove(min(r.limit, r.buffer.len()))
		case io.EOF:
			complete = true
			return all, nil
		default:
			return all, err
		}
	}
}

// putBack inserts p at the front of the buffer.
func (r *Reader) putBack(p []byte) {
	rest := append([]byte(nil), r.buffer.bytes()...)
	r.buffer.clear()
	r.buffer.append(p)
	r.buffer.append(rest)
	r.removed -= len(p)
	r.pauseIfFull()
}

// ReadExactly reads n bytes. If the stream ends before that, it returns an
// [*IncompleteReadError] that has what was left. The reader's limit does not apply.
//
// The error matches [ErrInvalidArgument] if n is negative, and [ErrBusy] if it would have
// to wait while another task does. It is asyncio's readexactly.
func (r *Reader) ReadExactly(ctx context.Context, n int) ([]byte, error) {
	if n < 0 {
		return nil, invalid(r, "ReadExactly", "the size must not be negative")
	}
	if err := r.begin(ctx, "ReadExactly"); err != nil || n == 0 {
		return nil, err
	}
	for r.buffer.len() < n {
		if r.eof {
			return nil, r.incomplete(n)
		}
		if err := r.wait(ctx, "ReadExactly"); err != nil {
			return nil, err
		}
	}
	return r.take(n), nil
}

// incomplete empties the buffer, and returns the error of a read that wanted more.
func (r *Reader) incomplete(expected int) error {
	return &IncompleteReadError{Partial: r.take(r.buffer.len()), Expected: expected}
}

// ReadUntil reads up to the first separator, which is part of the result. Of several
// separators counts the one whose end comes first, and the shorter one if two end there.
//
// If more than the reader's limit comes before the separator, it returns a
// [*LimitOverrunError] and leaves everything in the buffer: it will fail again, unless
// [Reader.Discard] removes something. If the stream ends before there is a separator, it
// returns an [*IncompleteReadError] that has what was left.
//
// The error matches [ErrInvalidArgument] if there is no separator or an empty one, and
// [ErrBusy] if it would have to wait while another task does. It is asyncio's readuntil.
func (r *Reader) ReadUntil(ctx context.Context, separators ...[]byte) ([]byte, error) {
	return r.readUntil(ctx, "ReadUntil", separators)
}

func (r *Reader) readUntil(ctx context.Context, operation string, separators [][]byte) ([]byte, error) {
	if len(separators) == 0 {
		return nil, invalid(r, operation, "there must be at least one separator")
	}
	longest := 0
	for _, s := range separators {
		if len(s) == 0 {
			return nil, invalid(r, operation, "a separator must have at least one byte")
		}
		longest = max(longest, len(s))
	}
	if err := r.begin(ctx, operation); err != nil {
		return nil, err
	}
	searched, removed := 0, r.removed
	for {
		if r.removed != removed { // a task that need not wait has read meanwhile
			searched, removed = 0, r.removed
		}
		start, end := find(r.buffer.bytes(), searched, separators)
		if end > 0 {
			if start > r.limit {
				return nil, &LimitOverrunError{Consumed: start, Found: true, Limit: r.limit}
			}
			return r.take(end), nil
		}
		searched = max(0, r.buffer.len()+1-longest)
		if searched > r.limit {
			return nil, &LimitOverrunError{Consumed: searched, Limit: r.limit}
		}
		if r.eof {
			return nil, r.incomplete(-1)
		}
		if err := r.wait(ctx, operation); err != nil {
			return nil, err
		}
	}
}

// find looks for the first separator in p, from the given offset. The end is 0 if there
// is none.
func find(p []byte, offset int, separators [][]byte) (start, end int) {
	for _, s := range separators {
		i := bytes.Index(p[min(offset, len(p)):], s)
		if i < 0 {
			continue
		}
		i += offset
		if e := i + len(s); end == 0 || e < end || e == end && i > start {
			start, end = i, e
		}
	}
	return start, end
}

var newline = [][]byte{{'\n'}}

// ReadLine reads a line, with its "\n". The last line of a stream may have none. At the
// end of the stream it returns io.EOF.
//
// If the line is longer than the reader's limit, it returns a [*LimitOverrunError], and
// the line is dropped, or what has arrived of it. The error matches [ErrBusy] if it would
// have to wait while another task does. It is asyncio's readline.
func (r *Reader) ReadLine(ctx context.Context) ([]byte, error) {
	line, err := r.readUntil(ctx, "ReadLine", newline)
	switch e := err.(type) {
	case *IncompleteReadError:
		if len(e.Partial) == 0 {
			return nil, io.EOF
		}
		return e.Partial, nil
	case *LimitOverrunError:
		e.dropped = true
		if e.Found {
			r.remove(e.Consumed + 1)
		} else {
			r.remove(r.buffer.len())
		}
	}
	return line, err
}

// Lines returns an iterator over the lines that are still to come: see ReadLine. It ends
// with the stream. An error is yielded, and ends it too, except that after a
// [*LimitOverrunError] it goes on with what follows. It is asyncio's async iteration over
// a StreamReader.
func (r *Reader) Lines(ctx context.Context) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for {
			line, err := r.ReadLine(ctx)
			if err == io.EOF {
				return
			}
			_, long := err.(*LimitOverrunError)
			if !yield(line, err) || err != nil && !long {
				return
			}
		}
	}
}

// begin is the beginning of every read: it checks the caller and the stream.
func (r *Reader) begin(ctx context.Context, operation string) error {
	if err := r.check(operation); err != nil {
		return err
	}
	return r.err
}

// check refuses a zero Reader, and callers outside of the loop.
func (r *Reader) check(operation string) error {
	if r.kernel == nil {
		return misuse(r, operation, loop.ErrNotRunning)
	}
	return r.kernel.Check(operation, r)
}

// wait waits until something arrives, or the stream ends. It returns the error of the
// stream.
func (r *Reader) wait(ctx context.Context, operation string) error {
	if r.err != nil { // it came together with bytes, which were not enough
		return r.err
	}
	if r.waiting {
		return misuse(r, operation, ErrBusy)
	}
	task, err := waitingTask(ctx, r.kernel, r, operation)
	if err != nil {
		return err
	}
	if r.paused {
		r.paused = false
		r.conn.resumeReading()
	}
	r.waiting = true
	r.waiter = kernel.Promise{}
	r.waiter.Init(r.kernel, nil)
	defer r.endWait()
	return task.Await(ctx, &r.waiter.Future)
}

func (r *Reader) endWait() { r.waiting = false }

// wake lets the task that waits go on.
func (r *Reader) wake() {
	if r.waiting {
		r.waiter.Wake()
	}
}

// take removes n bytes and returns them.
func (r *Reader) take(n int) []byte {
	p := make([]byte, n)
	copy(p, r.buffer.bytes())
	r.remove(n)
	return p
}

// remove removes n bytes, and lets the connection go on if there is room again.
func (r *Reader) remove(n int) {
	r.removed += n
	r.buffer.discard(n)
	if r.paused && r.buffer.len() <= r.limit {
		r.paused = false
		r.conn.resumeReading()
	}
}

// FeedData appends p to what can be read. It panics after FeedEOF
// ([ErrInvalidArgument]). It is asyncio's feed_data.
func (r *Reader) FeedData(p []byte) {
	r.mustOwn("FeedData")
	if r.eof {
		panic(invalid(r, "FeedData", "it comes after FeedEOF"))
	}
	if len(p) > 0 {
		r.buffer.append(p)
		r.fed()
	}
}

// feed is FeedData for what the connection has received. It takes the memory of p.
func (r *Reader) feed(p *buffer) {
	r.buffer.move(p)
	r.fed()
}

func (r *Reader) fed() {
	r.wake()
	r.pauseIfFull()
}

func (r *Reader) pauseIfFull() {
	if r.conn != nil && !r.paused && r.buffer.len() > 2*r.limit {
		r.paused = true
		r.conn.pauseReading()
	}
}

// FeedEOF ends the stream. What is in the buffer can still be read. It is asyncio's
// feed_eof.
func (r *Reader) FeedEOF() {
	r.mustOwn("FeedEOF")
	r.end()
}

func (r *Reader) end() {
	r.eof = true
	r.wake()
}

// SetException makes the present and all later reads fail with err. It panics if err is
// nil ([ErrInvalidArgument]). It is asyncio's set_exception.
func (r *Reader) SetException(err error) {
	r.mustOwn("SetException")
	if err == nil {
		panic(invalid(r, "SetException", "the error is nil"))
	}
	r.fail(err)
}

func (r *Reader) fail(err error) {
	r.err = err
	if r.waiting && !r.waiter.Done() {
		r.waiter.Finish(err) // so it fails whatever comes before it goes on
		r.waiter.Forget()    // should it never go on, the next read fails too
	}
}

// Err returns the error with which all reads fail, or nil. The end of the stream is none.
// It is asyncio's exception.
func (r *Reader) Err() error { return r.err }

// AtEOF reports whether the stream has ended and everything was read. It is asyncio's
// at_eof.
func (r *Reader) AtEOF() bool { return r.eof && r.buffer.len() == 0 }

// Buffered returns how many bytes can be read without waiting.
func (r *Reader) Buffered() int { return r.buffer.len() }

// Peek returns what can be read without waiting, and leaves it there. The slice is valid
// until the next call of another method, or the next await: it must not be kept.
func (r *Reader) Peek() []byte { return r.buffer.bytes() }

// Discard removes at most n bytes that can be read without waiting, even if the
// connection has failed, and returns how many. The error matches [ErrInvalidArgument] if n
// is negative.
func (r *Reader) Discard(n int) (int, error) {
	if n < 0 {
		return 0, invalid(r, "Discard", "the size must not be negative")
	}
	if err := r.check("Discard"); err != nil {
		return 0, err
	}
	n = min(n, r.buffer.len())
	if n > 0 {
		r.remove(n)
	}
	return n, nil
}

// Pause makes the connection stop receiving, so that the other side must wait once the
// system's buffers are full. What has arrived already can be read. It is asyncio's
// transport.pause_reading.
func (r *Reader) Pause() {
	r.mustOwn("Pause")
	if r.conn != nil {
		r.conn.pauseReading()
	}
}

// Resume undoes Pause. It is asyncio's transport.resume_reading.
func (r *Reader) Resume() {
	r.mustOwn("Resume")
	if r.conn != nil {
		r.conn.resumeReading()
	}
}

// IsReading reports whether the connection receives: it is neither paused nor closing. It
// is asyncio's transport.is_reading.
func (r *Reader) IsReading() bool { return r.conn != nil && r.conn.isReading() }

// Close closes the connection, with its writer if it has one: the reader of a pipe has
// none. What has arrived can still be read; then comes the end of the stream. Further
// calls do nothing, and so does Close of a reader that the program feeds. It returns nil
// unless the caller is on another goroutine than the loop's. It is asyncio's
// transport.close.
func (r *Reader) Close() error {
	if err := r.check("Close"); err != nil {
		return err
	}
	if r.conn != nil {
		r.conn.close()
	}
	return nil
}

// IO returns the reader as an io.Reader, for packages that want one. It waits with ctx, so
// the caller of Read must be the task of ctx: a package that reads on a goroutine of its
// own gets an error that matches [loop.ErrWrongGoroutine].
func (r *Reader) IO(ctx context.Context) io.Reader { return ioReader{ctx, r} }

type ioReader struct {
	ctx    context.Context
	reader *Reader
}

func (r ioReader) Read(p []byte) (int, error) { return r.reader.ReadInto(r.ctx, p) }

func (r *Reader) mustOwn(operation string) {
	if err := r.check(operation); err != nil {
		panic(err)
	}
}

// String describes the reader as in "<Reader 4 bytes eof limit=123 paused>".
func (r *Reader) String() string {
	if r == nil {
		return "<nil>"
	}
	parts := []string{"<Reader"}
	add := func(is bool, text string) {
		if is {
			parts = append(parts, text)
		}
	}
	n := r.buffer.len()
	add(n > 0, fmt.Sprintf("%d bytes", n))
	add(r.eof, "eof")
	add(r.limit != DefaultLimit && r.limit != 0, fmt.Sprintf("limit=%d", r.limit))
	add(r.waiting, "waiting")
	add(r.err != nil, fmt.Sprintf("exception=%v", r.err))
	add(r.conn != nil, fmt.Sprintf("transport=%v", r.conn))
	add(r.paused, "paused")
	return strings.Join(parts, " ") + ">"
}
