package streams

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// A fakeWire takes as much as the test lets it.
type fakeWire struct {
	conn   *conn
	room   int // how much it takes at once; -1: all
	err    error
	taken  []byte
	unsent []byte
	calls  []string // but those of kept and write
}

func (w *fakeWire) note(call string) { w.calls = append(w.calls, call) }

func (w *fakeWire) read(on bool) { w.note(fmt.Sprintf("read(%v)", on)) }

func (w *fakeWire) take(p []byte) int {
	n := len(p)
	if w.room >= 0 {
		n = min(n, w.room)
		w.room -= n
	}
	w.taken = append(w.taken, p[:n]...)
	return n
}

func (w *fakeWire) write(p []byte) error {
	if w.err != nil {
		return w.err
	}
	if len(w.unsent) == 0 {
		p = p[w.take(p):]
	}
	w.unsent = append(w.unsent, p...)
	return nil
}

// flush lets n more bytes be sent.
func (w *fakeWire) flush(n int) {
	w.room = n
	w.unsent = w.unsent[w.take(w.unsent):]
	w.conn.sent()
}

func (w *fakeWire) kept() int           { return len(w.unsent) }
func (w *fakeWire) discard()            { w.note("discard"); w.unsent = nil }
func (w *fakeWire) closeWrite() error   { w.note("closeWrite"); return w.err }
func (w *fakeWire) canCloseWrite() bool { return true }
func (w *fakeWire) close()              { w.note("close") }
func (w *fakeWire) shut()               { w.close() }
func (w *fakeWire) localAddr() net.Addr { return pairAddr(0) }
func (w *fakeWire) remoteAddr() net.Addr {
	return pairAddr(1)
}
func (w *fakeWire) String() string { return "fake" }

// called returns the calls since the last time.
func (w *fakeWire) called() string {
	text := strings.Join(w.calls, " ")
	w.calls = nil
	return text
}

// arrive delivers text as a wire does.
func (w *fakeWire) arrive(text string) {
	p := buffer{blocks: &w.conn.hub.blocks}
	p.append([]byte(text))
	w.conn.received(&p)
}

// withFake runs a test of a connection over a fake wire that takes room bytes.
func withFake(t *testing.T, room int, main func(ctx context.Context, c *conn, w *fakeWire), opts ...loop.Option) {
	t.Helper()
	onVirtual(t, func(ctx context.Context) {
		c := newConn(hubFor(ctx, "test"), DefaultLimit)
		w := &fakeWire{conn: c, room: room}
		c.wire = w
		c.start()
		turns(t, ctx, 1)
		check.Equal(t, "calls at the start", w.called(), "read(true)")
		main(ctx, c, w)
		c.writer.Abort()
		turns(t, ctx, 2)
	}, opts...)
}

// writes checks a write that succeeds.
func writes(t *testing.T, w *Writer, text string) {
	t.Helper()
	n, err := w.Write([]byte(text))
	check.NoError(t, err)
	check.Equal(t, "written", n, len(text))
}

func TestPauseAndResumeReading(t *testing.T) {
	withFake(t, -1, func(ctx context.Context, c *conn, w *fakeWire) {
		r := &c.reader
		check.Equal(t, "reading", r.IsReading(), true)
		r.Pause()
		r.Pause()
		check.Equal(t, "reading", r.IsReading(), false)
		check.Equal(t, "calls", w.called(), "read(false)")
		r.Resume()
		r.Resume()
		check.Equal(t, "reading", r.IsReading(), true)
		check.Equal(t, "calls", w.called(), "read(true)")
		_ = c.writer.Close()
		check.Equal(t, "reading", r.IsReading(), false)
		check.Equal(t, "calls", w.called(), "read(false)")
		r.Pause()
		r.Resume()
		check.Equal(t, "calls", w.called(), "")
	})
}

// A connection that is paused before it was made does not begin to receive.
func TestPauseOfANewConnection(t *testing.T) {
	onVirtual(t, func(ctx context.Context) {
		c := newConn(hubFor(ctx, "test"), DefaultLimit)
		w := &fakeWire{conn: c, room: -1}
		c.wire = w
		c.start()
		c.reader.Pause()
		check.Equal(t, "calls", w.called(), "read(false)")
		turns(t, ctx, 2)
		check.Equal(t, "calls", w.called(), "")
		c.reader.Resume()
		check.Equal(t, "calls", w.called(), "read(true)")
		c.writer.Abort()
		turns(t, ctx, 1)
	})
}

func TestReaderPausesAboveTwiceItsLimit(t *testing.T) {
	withFake(t, -1, func(ctx context.Context, c *conn, w *fakeWire) {
		r := &c.reader
		r.limit = 4
		w.arrive("12345678")
		check.Equal(t, "calls", w.called(), "")
		w.arrive("9")
		check.Equal(t, "calls", w.called(), "read(false)")
		check.Equal(t, "reading", r.IsReading(), false)
		check.Says(t, errors.New(r.String()), "paused>")
		gives(t, "1234")(r.Read(ctx, 4))
		check.Equal(t, "calls", w.called(), "")
		gives(t, "5")(r.Read(ctx, 1))
		check.Equal(t, "calls", w.called(), "read(true)")
		left(t, r, "6789")
		// It is not bounded by that when a task waits for more.
		w.arrive("abcdef")
		check.Equal(t, "calls", w.called(), "read(false)")
		read := startRead(ctx, func(ctx context.Context) ([]byte, error) { return r.ReadExactly(ctx, 20) })
		turns(t, ctx, 1)
		check.Equal(t, "calls", w.called(), "read(true)")
		w.arrive("ghij")
		check.Equal(t, "calls", w.called(), "read(false)")
		turns(t, ctx, 1)
		check.Equal(t, "calls", w.called(), "read(true)")
		w.arrive("klmnop")
		gives(t, "6789abcdefghijklmnop")(read.Await(ctx))
		check.Equal(t, "reading", r.IsReading(), true)
	})
}

// Each way to take something lets the connection go on.
func TestReaderResumesItsConnection(t *testing.T) {
	for name, take := range map[string]func(ctx context.Context, r *Reader) error{
		"ReadInto":    func(ctx context.Context, r *Reader) error { _, err := r.ReadInto(ctx, make([]byte, 9)); return err },
		"ReadExactly": func(ctx context.Context, r *Reader) error { _, err := r.ReadExactly(ctx, 5); return err },
		"ReadUntil":   func(ctx context.Context, r *Reader) error { _, err := r.ReadUntil(ctx, []byte("\n")); return err },
		"ReadLine":    func(ctx context.Context, r *Reader) error { _, err := r.ReadLine(ctx); return err },
		"Discard":     func(_ context.Context, r *Reader) error { _, err := r.Discard(5); return err },
		"a long line": func(ctx context.Context, r *Reader) error {
			r.limit = 1
			_, err := r.ReadLine(ctx)
			check.Is(t, err, ErrLimitOverrun)
			_, err = r.Discard(3)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			withFake(t, -1, func(ctx context.Context, c *conn, w *fakeWire) {
				c.reader.limit = 4
				w.arrive("1234\n6789")
				check.Equal(t, "calls", w.called(), "read(false)")
				check.NoError(t, take(ctx, &c.reader))
				check.Equal(t, "calls", w.called(), "read(true)")
			})
		})
	}
}

// What the program has paused the reader does not resume, except that a read that finds
// the reader full had paused it itself.
func TestReaderLeavesThePauseOfTheProgram(t *testing.T) {
	withFake(t, -1, func(ctx context.Context, c *conn, w *fakeWire) {
		r := &c.reader
		r.limit = 4
		w.arrive("12345")
		r.Pause()
		gives(t, "12345")(r.Read(ctx, 9))
		read := startRead(ctx, func(ctx context.Context) ([]byte, error) { return r.Read(ctx, 9) })
		turns(t, ctx, 2)
		check.Equal(t, "calls", w.called(), "read(false)")
		check.Equal(t, "reading", r.IsReading(), false)
		r.Resume()
		w.arrive("x")
		gives(t, "x")(read.Await(ctx))
	})
}

// Nor does it pause again what the program has resumed.
func TestReaderLeavesTheResumeOfTheProgram(t *testing.T) {
	withFake(t, -1, func(ctx context.Context, c *conn, w *fakeWire) {
		c.reader.limit = 4
		w.arrive("123456789")
		c.reader.Resume()
		check.Equal(t, "calls", w.called(), "read(false) read(true)")
		w.arrive("more")
		check.Equal(t, "calls", w.called(), "")
	})
}

// What ReadAll puts back counts as if it had arrived.
func TestReaderPausesWhenReadAllPutsBackTooMuch(t *testing.T) {
	withFake(t, -1, func(ctx context.Context, c *conn, w *fakeWire) {
		c.reader.limit = 4
		read := startRead(ctx, c.reader.ReadAll)
		for range 3 {
			turns(t, ctx, 1)
			w.arrive("12345")
		}
		turns(t, ctx, 1)
		check.Equal(t, "calls", w.called(), "")
		read.Cancel()
		turns(t, ctx, 1)
		left(t, &c.reader, "123451234512345")
		check.Equal(t, "calls", w.called(), "read(false)")
		gives(t, "12345123451234")(c.reader.ReadExactly(ctx, 14))
		check.Equal(t, "calls", w.called(), "read(true)")
	})
}

func TestConnectionStaysOpenForWritingAtEOF(t *testing.T) {
	withFake(t, -1, func(ctx context.Context, c *conn, w *fakeWire) {
		w.arrive("rest")
		c.receivedEOF()
		turns(t, ctx, 3)
		check.Equal(t, "closing", c.writer.IsClosing(), false)
		check.Equal(t, "reading", c.reader.IsReading(), true)
		writes(t, &c.writer, "answer")
		check.Equal(t, "taken", string(w.taken), "answer")
		gives(t, "rest")(c.reader.ReadAll(ctx))
		c.receivedEOF()
		w.arrive("what comes behind the end is dropped")
		left(t, &c.reader, "")
	})
}

// A connection that cannot be read any more is lost in the next iteration.
func TestConnectionThatFailsToRead(t *testing.T) {
	log := new(coreLog)
	withFake(t, 2, func(ctx context.Context, c *conn, w *fakeWire) {
		reported := 0
		loop.Running(ctx).SetExceptionHandler(func(*loop.Loop, loop.ExceptionContext) { reported++ })
		read := startReadLine(ctx, &c.reader)
		w.arrive("buffered")
		writes(t, &c.writer, "hello")
		turns(t, ctx, 1)
		reset := &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
		c.failed(reset)
		check.Equal(t, "calls", w.called(), "discard read(false)")
		check.Equal(t, "closing", c.writer.IsClosing(), true)
		check.Equal(t, "kept", c.writer.WriteBufferSize(), 0)
		check.Equal(t, "error", c.reader.Err(), nil)
		c.failed(errCore) // too late
		turns(t, ctx, 1)
		check.Equal(t, "calls", w.called(), "close")
		_, err := read.Await(ctx)
		check.Equal[error](t, "error of the read", err, reset)
		check.Equal[error](t, "error", c.reader.Err(), reset)
		for range 3 {
			check.Equal[error](t, "WaitClosed", c.writer.WaitClosed(ctx), reset)
			check.Equal[error](t, "Drain", c.writer.Drain(ctx), reset)
		}
		left(t, &c.reader, "buffered")
		check.Equal(t, "disconnect", IsDisconnect(err), true)
		check.Equal(t, "reported", reported, 0)
	}, loop.WithLogger(log.logger()))
	check.Equal(t, "logged", log.count("msg="), 0)
}

func TestConnectionThatFailsIsLoggedInDebugMode(t *testing.T) {
	log := new(coreLog)
	withFake(t, -1, func(ctx context.Context, c *conn, w *fakeWire) {
		c.failed(errCore)
		turns(t, ctx, 2)
	}, loop.WithLogger(log.logger()), loop.WithDebug())
	check.Equal(t, "logged", log.count("<Connection fake>: Fatal read error on socket transport: test error"), 1)
}

func TestPanicOfAConnectionIsReported(t *testing.T) {
	withFake(t, -1, func(ctx context.Context, c *conn, w *fakeWire) {
		var reports []loop.ExceptionContext
		loop.Running(ctx).SetExceptionHandler(func(_ *loop.Loop, e loop.ExceptionContext) { reports = append(reports, e) })
		c.failed(loop.NewPanicError("oops"))
		turns(t, ctx, 2)
		check.Equal(t, "reports", len(reports), 1)
		check.Equal(t, "message", reports[0].Message, "Fatal read error on socket transport")
		check.Equal(t, "transport", reports[0].Transport, fmt.Stringer(c))
	})
}

func TestWriteSendsAtOnce(t *testing.T) {
	withFake(t, -1, func(ctx context.Context, c *conn, w *fakeWire) {
		writes(t, &c.writer, "data")
		writes(t, &c.writer, "")
		check.Equal(t, "taken", string(w.taken), "data")
		check.Equal(t, "kept", c.writer.WriteBufferSize(), 0)
		_, err := fmt.Fprintf(&c.writer, "%d", 17)
		check.NoError(t, err)
		check.Equal(t, "taken", string(w.taken), "data17")
	})
}

// What is kept is a copy: the program may use its memory again.
func TestWriteKeepsACopy(t *testing.T) {
	for _, pair := range []bool{false, true} {
		onVirtual(t, func(ctx context.Context) {
			left, right, _ := Pair(ctx, Window(2))
			if !pair {
				var err error
				c, s := net.Pipe()
				_, left.W, err = FromConn(ctx, c)
				check.NoError(t, err)
				right.R, right.W, err = FromConn(ctx, s)
				check.NoError(t, err)
			}
			p := []byte("data")
			_, err := left.W.Write(p)
			check.NoError(t, err)
			check.Equal(t, "the caller's bytes", string(p), "data")
			copy(p, "XXXX")
			gives(t, "data")(right.R.ReadExactly(ctx, 4))
			_ = left.W.Close()
			_ = right.W.Close()
			check.NoError(t, left.W.WaitClosed(ctx))
			check.NoError(t, right.W.WaitClosed(ctx))
		})
	}
}

func TestWriteKeepsWhatIsNotTaken(t *testing.T) {
	for room, kept := range map[int]string{0: "data", 2: "ta", 4: ""} {
		withFake(t, room, func(ctx context.Context, c *conn, w *fakeWire) {
			writes(t, &c.writer, "data")
			check.Equal(t, "kept", string(w.unsent), kept)
			w.room = 100
			writes(t, &c.writer, "more")
			if kept != "" {
				check.Equal(t, "kept", string(w.unsent), kept+"more") // it does not overtake
			}
			check.Equal(t, "size", c.writer.WriteBufferSize(), len(w.unsent))
			w.flush(100)
			check.Equal(t, "taken", string(w.taken), "datamore")
		})
	}
}

func TestWriteLines(t *testing.T) {
	for room, kept := range map[int]string{-1: "", 0: "onetwothree", 4: "wothree"} {
		withFake(t, room, func(ctx context.Context, c *conn, w *fakeWire) {
			check.NoError(t, c.writer.WriteLines([]byte("one"), nil, []byte("two"), []byte{}, []byte("three")))
			check.Equal(t, "kept", string(w.unsent), kept)
			check.NoError(t, c.writer.WriteLines())
			check.NoError(t, c.writer.WriteLines(nil, []byte{}))
			check.Equal(t, "kept", string(w.unsent), kept)
			// gh-155888: an empty chunk does not keep the connection from closing.
			_ = c.writer.Close()
			w.flush(100)
			check.NoError(t, c.writer.WaitClosed(ctx))
			check.Equal(t, "taken", string(w.taken), "onetwothree")
			check.Is(t, c.writer.WriteLines([]byte("four")), ErrConnectionLost)
		})
	}
}

// gh-127655: it pauses.
func TestWriteLinesPauses(t *testing.T) {
	withFake(t, 0, func(ctx context.Context, c *conn, w *fakeWire) {
		big := make([]byte, 40<<10)
		check.NoError(t, c.writer.WriteLines(big, big))
		drain := task.Go(ctx, c.writer.Drain)
		turns(t, ctx, 2)
		check.Equal(t, "drained", drain.Done(), false)
		w.flush(80 << 10)
		check.NoError(t, drain.Join(ctx))
	})
}

// From the fifth dropped write on there are warnings.
func TestWriteThatFails(t *testing.T) {
	log := new(coreLog)
	withFake(t, -1, func(ctx context.Context, c *conn, w *fakeWire) {
		w.err = &net.OpError{Op: "write", Net: "tcp", Err: syscall.EPIPE}
		_, err := c.writer.Write([]byte("data"))
		check.Is(t, err, ErrConnectionLost)
		check.Is(t, err, syscall.EPIPE)
		check.Is(t, err, syscall.ECONNRESET)
		check.Is(t, err, net.ErrClosed)
		check.Says(t, err, "streams: Write of <Connection fake closing>: connection lost: write tcp: broken pipe")
		check.Equal(t, "calls", w.called(), "discard read(false)")
		for i := 1; i <= 7; i++ {
			n, err := c.writer.Write([]byte("data"))
			check.Equal(t, "written", n, 0)
			check.Is(t, err, ErrConnectionLost)
			check.Is(t, err, syscall.EPIPE)
			check.Equal(t, "warnings", log.count("a write was dropped"), max(0, i-4))
			writes(t, &c.writer, "") // counts as none
		}
		turns(t, ctx, 1)
		check.Equal(t, "calls", w.called(), "close")
		check.Is(t, c.writer.WaitClosed(ctx), syscall.EPIPE)
		_, err = c.writer.Write([]byte("data"))
		check.Is(t, err, ErrConnectionLost)
		check.Is(t, err, syscall.EPIPE)
	}, loop.WithLogger(log.logger()))
}

func TestWriteAfterCloseIsDropped(t *testing.T) {
	withFake(t, -1, func(ctx context.Context, c *conn, w *fakeWire) {
		_ = c.writer.Close()
		for range 2 {
			_, err := c.writer.Write([]byte("data"))
			check.Is(t, err, ErrConnectionLost)
			check.Is(t, c.writer.WriteLines([]byte("data")), ErrConnectionLost)
			turns(t, ctx, 2)
		}
		check.Equal(t, "taken", string(w.taken), "")
		check.NoError(t, c.writer.WaitClosed(ctx))
	})
}

// While something is kept, a connection that is closed still takes more.
func TestWriteAfterCloseWithPendingData(t *testing.T) {
	withFake(t, 2, func(ctx context.Context, c *conn, w *fakeWire) {
		writes(t, &c.writer, "data")
		_ = c.writer.Close()
		check.Equal(t, "calls", w.called(), "read(false)")
		writes(t, &c.writer, "TAIL")
		turns(t, ctx, 3)
		w.flush(3)
		turns(t, ctx, 1)
		check.Equal(t, "calls", w.called(), "")
		w.flush(3)
		check.Equal(t, "calls", w.called(), "close") // at once, when the last is sent
		check.Equal(t, "taken", string(w.taken), "dataTAIL")
		check.NoError(t, c.writer.WaitClosed(ctx))
		check.Equal(t, "error", c.reader.Err(), nil)
		check.Equal(t, "at the end", c.reader.AtEOF(), true)
		_, err := c.writer.Write([]byte("late"))
		check.Is(t, err, ErrConnectionLost)
	})
}

func TestFlushThatFails(t *testing.T) {
	withFake(t, 0, func(ctx context.Context, c *conn, w *fakeWire) {
		check.NoError(t, c.writer.SetWriteBufferLimits(0, 0))
		writes(t, &c.writer, "data")
		drain := task.Go(ctx, c.writer.Drain)
		turns(t, ctx, 1)
		c.fail(errCore, "Fatal write error on socket transport")
		turns(t, ctx, 2)
		check.Equal(t, "calls", w.called(), "discard read(false) close")
		check.Equal(t, "Drain", drain.Join(ctx), errCore)
		check.Equal(t, "WaitClosed", c.writer.WaitClosed(ctx), errCore)
		check.Equal(t, "Err", c.reader.Err(), errCore)
	})
}

func TestWriteEOF(t *testing.T) {
	withFake(t, -1, func(ctx context.Context, c *conn, w *fakeWire) {
		check.Equal(t, "can", c.writer.CanWriteEOF(), true)
		check.NoError(t, c.writer.WriteEOF())
		check.Equal(t, "calls", w.called(), "closeWrite")
		check.NoError(t, c.writer.WriteEOF())
		check.Equal(t, "calls", w.called(), "")
		for _, p := range []string{"data", ""} {
			_, err := c.writer.Write([]byte(p))
			check.Is(t, err, ErrWriteAfterEOF)
			check.Is(t, c.writer.WriteLines([]byte(p)), ErrWriteAfterEOF)
		}
		check.Equal(t, "closing", c.writer.IsClosing(), false)
		w.arrive("answer")
		gives(t, "answer")(c.reader.Read(ctx, 100))
	})
}

func TestWriteEOFWithPendingData(t *testing.T) {
	withFake(t, 0, func(ctx context.Context, c *conn, w *fakeWire) {
		writes(t, &c.writer, "data")
		check.NoError(t, c.writer.WriteEOF())
		w.flush(3)
		check.Equal(t, "calls", w.called(), "")
		w.flush(1)
		check.Equal(t, "calls", w.called(), "closeWrite")
		check.Equal(t, "taken", string(w.taken), "data")
	})
}

func TestWriteEOFAfterClose(t *testing.T) {
	withFake(t, -1, func(ctx context.Context, c *conn, w *fakeWire) {
		_ = c.writer.Close()
		check.Equal(t, "calls", w.called(), "read(false)")
		check.NoError(t, c.writer.WriteEOF())
		check.Equal(t, "calls", w.called(), "")
	})
}

func TestWriteEOFThatFails(t *testing.T) {
	withFake(t, -1, func(ctx context.Context, c *conn, w *fakeWire) {
		w.err = errCore
		check.NoError(t, c.writer.WriteEOF())
		check.Equal(t, "WaitClosed", c.writer.WaitClosed(ctx), errCore)
	})
}

func TestCloseTwice(t *testing.T) {
	withFake(t, -1, func(ctx context.Context, c *conn, w *fakeWire) {
		for range 2 {
			check.NoError(t, c.writer.Close())
			check.Equal(t, "closing", c.writer.IsClosing(), true)
		}
		c.writer.Abort()
		check.Equal(t, "calls", w.called(), "read(false)")
		check.NoError(t, c.writer.WaitClosed(ctx))
		check.NoError(t, c.writer.Close())
		c.writer.Abort()
		turns(t, ctx, 2)
		check.Equal(t, "calls", w.called(), "close")
	})
}

// Without anything kept a close takes two iterations: one until the connection is lost, one
// until those who wait go on.
func TestCloseTakesTwoIterations(t *testing.T) {
	withFake(t, -1, func(ctx context.Context, c *conn, w *fakeWire) {
		check.Equal(t, "ticks", ticksOf(t, ctx, func() {
			_ = c.writer.Close()
			check.NoError(t, c.writer.WaitClosed(ctx))
		}), 2)
		check.Equal(t, "ticks", ticksOf(t, ctx, func() { check.NoError(t, c.writer.WaitClosed(ctx)) }), 0)
	})
}

func TestAbortDropsWhatIsKept(t *testing.T) {
	withFake(t, 2, func(ctx context.Context, c *conn, w *fakeWire) {
		check.NoError(t, c.writer.SetWriteBufferLimits(0, 0))
		writes(t, &c.writer, "data")
		drain := task.Go(ctx, c.writer.Drain)
		turns(t, ctx, 1)
		c.writer.Abort()
		check.Equal(t, "calls", w.called(), "discard read(false)")
		c.writer.Abort()
		check.Equal(t, "calls", w.called(), "")
		check.NoError(t, drain.Join(ctx)) // as in asyncio
		check.NoError(t, c.writer.WaitClosed(ctx))
		check.Equal(t, "taken", string(w.taken), "da")
		check.Is(t, c.writer.Drain(ctx), ErrConnectionLost)
	})
}

// An abort ends a close that waits for a receiver.
func TestAbortAfterClose(t *testing.T) {
	withFake(t, 2, func(ctx context.Context, c *conn, w *fakeWire) {
		writes(t, &c.writer, "data")
		_ = c.writer.Close()
		waiting := task.Go(ctx, c.writer.WaitClosed)
		turns(t, ctx, 2)
		check.Equal(t, "done", waiting.Done(), false)
		c.writer.Abort()
		check.NoError(t, waiting.Join(ctx))
	})
}

func TestCloseWithin(t *testing.T) {
	withFake(t, 2, func(ctx context.Context, c *conn, w *fakeWire) {
		clock := loop.Running(ctx).Kernel().Clock()
		writes(t, &c.writer, "data")
		begin := clock.Now()
		check.NoError(t, c.writer.CloseWithin(ctx, time.Minute))
		check.Equal(t, "took", clock.Now().Sub(begin), time.Minute)
		check.Equal(t, "calls", w.called(), "read(false) discard close")
		check.NoError(t, c.writer.CloseWithin(ctx, time.Minute))
	})
	withFake(t, 2, func(ctx context.Context, c *conn, w *fakeWire) {
		writes(t, &c.writer, "data")
		closing := task.Go(ctx, func(ctx context.Context) error { return c.writer.CloseWithin(ctx, time.Minute) })
		turns(t, ctx, 1)
		closing.Cancel()
		check.Equal(t, "cancelled", future.IsCancelled(closing.Join(ctx)), true)
		check.NoError(t, c.writer.WaitClosed(ctx))
	})
	withFake(t, 2, func(ctx context.Context, c *conn, w *fakeWire) {
		writes(t, &c.writer, "data")
		loop.Running(ctx).CallLater(time.Second, func() { w.flush(9) })
		check.NoError(t, c.writer.CloseWithin(ctx, time.Minute))
		check.Equal(t, "taken", string(w.taken), "data")
	})
}

// The order in which all learn of the end: readers, those in WaitClosed, those in Drain.
func TestConnectionLostWakesInOrder(t *testing.T) {
	for _, cause := range []error{nil, errCore} {
		withFake(t, 0, func(ctx context.Context, c *conn, w *fakeWire) {
			check.NoError(t, c.writer.SetWriteBufferLimits(0, 0))
			writes(t, &c.writer, "data")
			var order []string
			start := func(name string, want error, fn func(ctx context.Context) error) {
				task.Go(ctx, func(ctx context.Context) error {
					err := fn(ctx)
					order = append(order, name)
					check.Equal(t, "error of "+name, err, want)
					return nil
				})
			}
			atEnd := cause
			if atEnd == nil {
				atEnd = io.EOF
			}
			start("drain 1", cause, c.writer.Drain)
			start("closed 1", cause, c.writer.WaitClosed)
			start("drain 2", cause, c.writer.Drain)
			start("read", atEnd, func(ctx context.Context) error { _, err := c.reader.ReadLine(ctx); return err })
			start("closed 2", cause, c.writer.WaitClosed)
			turns(t, ctx, 1)
			c.forceClose(cause)
			turns(t, ctx, 2)
			check.Equal(t, "order", strings.Join(order, ", "), "read, closed 1, closed 2, drain 1, drain 2")
		})
	}
}

func TestSetWriteBufferLimits(t *testing.T) {
	withFake(t, 0, func(ctx context.Context, c *conn, w *fakeWire) {
		limits := func(wantLow, wantHigh int) {
			t.Helper()
			low, high := c.writer.WriteBufferLimits()
			check.Equal(t, "low", low, wantLow)
			check.Equal(t, "high", high, wantHigh)
		}
		limits(16<<10, 64<<10)
		writes(t, &c.writer, strings.Repeat("x", 512))
		err := c.writer.SetWriteBufferLimits(0, 1)
		check.Is(t, err, ErrInvalidArgument)
		check.Says(t, err, "high (0) must be >= low (1)")
		limits(16<<10, 64<<10)
		check.NoError(t, c.writer.SetWriteBufferLimits(1024, 128))
		check.Equal(t, "paused", c.writePaused, false)
		limits(128, 1024)
		check.NoError(t, c.writer.SetWriteBufferLimits(512, 128)) // not more than that
		check.Equal(t, "paused", c.writePaused, false)
		check.NoError(t, c.writer.SetWriteBufferLimits(256, 128))
		check.Equal(t, "paused", c.writePaused, true)
		limits(128, 256)
		check.NoError(t, c.writer.SetWriteBufferLimits(-1, 200))
		limits(200, 800)
		check.Equal(t, "paused", c.writePaused, true) // it never resumes
		check.NoError(t, c.writer.SetWriteBufferLimits(100, -1))
		limits(25, 100)
		check.NoError(t, c.writer.SetWriteBufferLimits(-1, -1))
		limits(16<<10, 64<<10)
		check.NoError(t, c.writer.SetWriteBufferLimits(0, -1))
		limits(0, 0)
		check.Is(t, c.writer.SetWriteBufferLimits(10, 11), ErrInvalidArgument)
		limits(0, 0)
	})
}

func TestDrainWaitsFromTheHighToTheLowWaterMark(t *testing.T) {
	withFake(t, 0, func(ctx context.Context, c *conn, w *fakeWire) {
		check.NoError(t, c.writer.SetWriteBufferLimits(8, 2))
		writes(t, &c.writer, "12345678")
		check.Equal(t, "ticks", ticksOf(t, ctx, func() { check.NoError(t, c.writer.Drain(ctx)) }), 0)
		writes(t, &c.writer, "9")
		drain := task.Go(ctx, c.writer.Drain)
		turns(t, ctx, 2)
		w.flush(6)
		turns(t, ctx, 2)
		check.Equal(t, "drained", drain.Done(), false)
		w.flush(1)
		turns(t, ctx, 2)
		check.Equal(t, "drained", drain.Done(), true)
		check.NoError(t, drain.Join(ctx))
		check.Equal(t, "kept", c.writer.WriteBufferSize(), 2)
	})
}

func TestDrainOfSeveralTasks(t *testing.T) {
	withFake(t, 0, func(ctx context.Context, c *conn, w *fakeWire) {
		check.NoError(t, c.writer.SetWriteBufferLimits(0, 0))
		writes(t, &c.writer, "x")
		var order []int
		var all []*task.Task[struct{}]
		for i := range 10 {
			all = append(all, task.Go(ctx, func(ctx context.Context) error {
				err := c.writer.Drain(ctx)
				order = append(order, i)
				return err
			}))
		}
		turns(t, ctx, 1)
		all[3].Cancel()
		loop.Running(ctx).CallLater(100*time.Millisecond, func() { w.flush(1) })
		for i, one := range all {
			if err := one.Join(ctx); err != nil && (i != 3 || !future.IsCancelled(err)) {
				t.Errorf("%d: %v", i, err)
			}
		}
		check.Equal(t, "order", fmt.Sprint(order), "[3 0 1 2 4 5 6 7 8 9]")
		check.Equal(t, "waiting", c.draining.list.Empty(), true)
	})
}

// Cancelled, it has taken back nothing.
func TestDrainThatIsCancelled(t *testing.T) {
	withFake(t, 0, func(ctx context.Context, c *conn, w *fakeWire) {
		for _, call := range []func(ctx context.Context) error{
			func(ctx context.Context) error { return c.writer.WriteAll(ctx, make([]byte, 100<<10)) },
			c.writer.Drain,
		} {
			call := task.Go(ctx, call)
			turns(t, ctx, 2)
			call.Cancel()
			check.Equal(t, "cancelled", future.IsCancelled(call.Join(ctx)), true)
		}
		check.Equal(t, "kept", c.writer.WriteBufferSize(), 100<<10)
		w.flush(1 << 20)
		check.Equal(t, "taken", len(w.taken), 100<<10)
	})
}

func TestDrainOnAClosingConnection(t *testing.T) {
	withFake(t, -1, func(ctx context.Context, c *conn, w *fakeWire) {
		check.Equal(t, "ticks", ticksOf(t, ctx, func() {
			_ = c.writer.Close()
			err := c.writer.Drain(ctx)
			check.Is(t, err, ErrConnectionLost)
			check.Is(t, err, syscall.ECONNRESET)
			check.Says(t, err, "streams: Drain of <Connection fake closed>: connection lost")
		}), 1)
		check.Equal(t, "ticks", ticksOf(t, ctx, func() { check.Is(t, c.writer.Drain(ctx), ErrConnectionLost) }), 1)
	})
}

func TestDrainFailsWithTheErrorOfTheReader(t *testing.T) {
	withFake(t, -1, func(ctx context.Context, c *conn, w *fakeWire) {
		c.reader.SetException(errCore)
		check.Equal(t, "ticks", ticksOf(t, ctx, func() { check.Equal(t, "Drain", c.writer.Drain(ctx), errCore) }), 0)
		check.Equal(t, "WriteAll", c.writer.WriteAll(ctx, []byte("data")), errCore)
		check.Equal(t, "taken", string(w.taken), "data")
	})
}

// WriteAll lets other tasks run after each 64 KiB, also if it never has to wait.
func TestWriteAllLetsOthersRun(t *testing.T) {
	for size, ticks := range map[int]int{0: 0, 1: 0, 64<<10 - 1: 0, 64 << 10: 1, 200 << 10: 3} {
		withFake(t, -1, func(ctx context.Context, c *conn, w *fakeWire) {
			check.Equal(t, "ticks", ticksOf(t, ctx, func() { check.NoError(t, c.writer.WriteAll(ctx, make([]byte, size))) }), ticks)
			check.Equal(t, "taken", len(w.taken), size)
			n, err := c.writer.IO(ctx).Write(make([]byte, size))
			check.NoError(t, err)
			check.Equal(t, "n", n, size)
		})
	}
}

// Each who waits for the end has a wait of its own: in CPython, one that is cancelled takes
// all others, and later ones, with it.
func TestWaitClosedOfSeveralTasks(t *testing.T) {
	withFake(t, 0, func(ctx context.Context, c *conn, w *fakeWire) {
		writes(t, &c.writer, "x")
		var all []*task.Task[struct{}]
		for range 3 {
			all = append(all, task.Go(ctx, c.writer.WaitClosed))
		}
		turns(t, ctx, 1)
		all[1].Cancel()
		err := task.WithTimeout(ctx, time.Second, c.writer.WaitClosed)
		check.Is(t, err, context.DeadlineExceeded)
		_ = c.writer.Close()
		w.flush(1)
		check.NoError(t, all[0].Join(ctx))
		check.Equal(t, "cancelled", future.IsCancelled(all[1].Join(ctx)), true)
		check.NoError(t, all[2].Join(ctx))
		check.NoError(t, c.writer.WaitClosed(ctx))
	})
}

// The reader of a connection that the program has closed is at its end, not failed.
func TestReaderIsAtEOFAfterClose(t *testing.T) {
	withFake(t, -1, func(ctx context.Context, c *conn, w *fakeWire) {
		w.arrive("rest")
		_ = c.writer.Close()
		w.arrive("too late")
		check.NoError(t, c.writer.WaitClosed(ctx))
		check.Equal(t, "AtEOF", c.reader.AtEOF(), false)
		gives(t, "rest")(c.reader.ReadAll(ctx))
		check.Equal(t, "AtEOF", c.reader.AtEOF(), true)
		gives(t, "")(c.reader.ReadAll(ctx))
	})
}

// In debug mode, Close of the loop tells of what the program has not closed.
func TestUnclosedConnectionsAreLoggedInDebugMode(t *testing.T) {
	for _, debug := range []bool{false, true} {
		log := new(coreLog)
		opts := []loop.Option{loop.WithLogger(log.logger())}
		if debug {
			opts = append(opts, loop.WithDebug())
		}
		on, _ := tasktest.NewLoop(t, tasktest.LoopOptions(opts...))
		got := check.Collect(on)
		check.RunOn(t, on, func(ctx context.Context) {
			l, _, _ := Pair(ctx)
			turns(t, ctx, 1)
			_ = l.W.Close()
			l, r, _ := Pair(ctx)
			turns(t, ctx, 1)
			task.Go(ctx, func(ctx context.Context) error {
				defer r.W.Close() // runs when the loop is closed
				_, err := r.R.ReadLine(ctx)
				return err
			})
			turns(t, ctx, 1)
			check.Equal(t, "closing", l.W.IsClosing(), false)
		})
		check.NoError(t, on.Close())
		check.Equal(t, "reports", got.Messages(), []string{"Task was destroyed but it is pending!"})
		want := 0
		if debug {
			want = 2
		}
		check.Equal(t, "warnings", log.count("unclosed <Connection pair "), want)
	}
}

// exitingHandler ends the goroutine that logs something.
type exitingHandler struct {
	slog.Handler
	warned *int
}

func (h exitingHandler) Handle(context.Context, slog.Record) error {
	*h.warned++
	runtime.Goexit()
	return nil
}

// A logger that ends the goroutine does not keep the loop from closing the others.
func TestUnclosedConnectionsAreClosedAllTheSame(t *testing.T) {
	warned := 0
	handler := exitingHandler{slog.NewTextHandler(io.Discard, nil), &warned}
	l := newLoop(loop.WithDebug(), loop.WithLogger(slog.New(handler)))
	var wires []wire
	_, err := task.RunUntilComplete(l, task.Void(func(ctx context.Context) error {
		for range 3 {
			left, right, _ := Pair(ctx)
			wires = append(wires, left.W.conn.wire, right.W.conn.wire)
		}
		return nil
	}))
	check.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = l.Close()
	}()
	<-done
	check.Equal(t, "warnings", warned, 6)
	for _, w := range wires {
		check.Equal(t, "closed", w.(*pairEnd).closed, true)
	}
}

func TestConnectionString(t *testing.T) {
	withFake(t, 0, func(ctx context.Context, c *conn, w *fakeWire) {
		check.Equal(t, "text", c.writer.String(), "<Writer <Connection fake>>")
		writes(t, &c.writer, "data")
		check.Equal(t, "text", c.writer.String(), "<Writer <Connection fake unsent=4>>")
		_ = c.writer.Close()
		check.Equal(t, "text", c.writer.String(), "<Writer <Connection fake closing unsent=4>>")
		c.writer.Abort()
		turns(t, ctx, 1)
		check.Equal(t, "text", c.writer.String(), "<Writer <Connection fake closed>>")
		check.Equal(t, "text", (*Writer)(nil).String(), "<nil>")
		check.Equal(t, "text", new(Writer).String(), "<Writer>")
	})
}
