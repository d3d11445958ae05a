package streams

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
)

// sendfileEnds is a connection for a test: w sends, what arrives is in r.
type sendfileEnds struct {
	w, back *Writer
	r, ours *Reader
}

// sendfileLinks are kinds of connections, by name. Native ones let the system send files.
var sendfileLinks = []struct {
	name   string
	native bool
	open   func(t *testing.T, ctx context.Context) (sendfileEnds, error)
}{
	{"tcp", true, func(t *testing.T, ctx context.Context) (sendfileEnds, error) {
		c, s := tcpPair(t)
		sendfileSmallBuffers(t, c.(*net.TCPConn), s.(*net.TCPConn))
		return sendfileFromConns(ctx, c, s)
	}},
	{"unix", runtime.GOOS == "linux", func(t *testing.T, ctx context.Context) (sendfileEnds, error) {
		c, s := sendfileUnixPair(t)
		sendfileSmallBuffers(t, c.(*net.UnixConn), s.(*net.UnixConn))
		return sendfileFromConns(ctx, c, s)
	}},
	{"foreign", false, sendfileForeign},
	{"tls", false, func(t *testing.T, ctx context.Context) (sendfileEnds, error) {
		c, s := tcpPair(t)
		sendfileSmallBuffers(t, c.(*net.TCPConn), s.(*net.TCPConn))
		client, server, err := tlsEnds(ctx, c, s)
		return sendfileEnds{client.W, server.W, server.R, client.R}, err
	}},
	{"pair", false, func(t *testing.T, ctx context.Context) (sendfileEnds, error) {
		left, right, _ := Pair(ctx, Window(8<<10))
		return sendfileEnds{left.W, right.W, right.R, left.R}, nil
	}},
}

func sendfileForeign(t *testing.T, ctx context.Context) (sendfileEnds, error) {
	c, s := tcpPair(t)
	sendfileSmallBuffers(t, c.(*net.TCPConn), s.(*net.TCPConn))
	return sendfileFromConns(ctx, struct{ net.Conn }{c}, s)
}

func sendfileFromConns(ctx context.Context, client, server net.Conn) (e sendfileEnds, err error) {
	if e.ours, e.w, err = FromConn(ctx, client); err != nil {
		return e, err
	}
	e.r, e.back, err = FromConn(ctx, server, Limit(1024))
	return e, err
}

// sendfileSmallBuffers makes the system hold little of what is on its way.
func sendfileSmallBuffers(t *testing.T, client, server interface {
	SetReadBuffer(int) error
	SetWriteBuffer(int) error
}) {
	if err := errors.Join(client.SetWriteBuffer(64<<10), server.SetReadBuffer(64<<10)); err != nil {
		t.Fatal(err)
	}
}

func sendfileUnixPair(t *testing.T) (client, server net.Conn) {
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if client, err = net.Dial("unix", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if server, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	return client, server
}

var sendfileData = bytes.Repeat([]byte("12345abcde"), 100<<10) // 1 MB

// sendfileBig is more than a connection holds on its way.
var sendfileBig = bytes.Repeat([]byte("x"), 4<<20)

// sendfileFile returns a file that contains data.
func sendfileFile(t *testing.T, data []byte) *os.File {
	name := filepath.Join(t.TempDir(), "data")
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func sendfilePosition(t *testing.T, f *os.File, want int64) {
	t.Helper()
	if at, err := f.Seek(0, io.SeekCurrent); err != nil || at != want {
		t.Errorf("the file's position is %d (%v), want %d", at, err, want)
	}
}

// onSendfileLinks runs a test on each kind of connection.
func onSendfileLinks(t *testing.T, test func(t *testing.T, ctx context.Context, e sendfileEnds, native bool) error) {
	for _, link := range sendfileLinks {
		t.Run(link.name, func(t *testing.T) {
			run(t, func(ctx context.Context) error {
				e, err := link.open(t, ctx)
				if err != nil {
					return err
				}
				return test(t, ctx, e, link.native)
			})
		})
	}
}

// sendfileCase is a call of Sendfile, and what must come of it.
type sendfileCase struct {
	file          *os.File
	before, after []byte // written around it
	offset, count int64
	want          []byte // of the file
}

// check makes the call and reads everything at the other side.
func (s sendfileCase) check(t *testing.T, ctx context.Context, e sendfileEnds, opts ...Option) error {
	t.Helper()
	all := task.Create(ctx, e.r.ReadAll)
	if _, err := e.w.Write(s.before); err != nil {
		return err
	}
	n, err := e.w.Sendfile(ctx, s.file, s.offset, s.count, opts...)
	if err != nil {
		return err
	}
	if n != int64(len(s.want)) {
		t.Errorf("%d bytes are sent, want %d", n, len(s.want))
	}
	sendfilePosition(t, s.file, s.offset+n)
	if !e.ours.IsReading() {
		t.Error("the connection does not receive afterwards")
	}
	if _, err := e.w.Write(s.after); err != nil {
		return err
	}
	if err := e.w.Close(); err != nil {
		return err
	}
	got, err := all.Await(ctx)
	if err != nil {
		return err
	}
	if want := bytes.Join([][]byte{s.before, s.want, s.after}, nil); !bytes.Equal(got, want) {
		t.Errorf("%d other bytes have arrived than the %d that were sent", len(got), len(want))
	}
	return e.back.Close()
}

func TestSendfileSendsAFile(t *testing.T) {
	onSendfileLinks(t, func(t *testing.T, ctx context.Context, e sendfileEnds, _ bool) error {
		f := sendfileFile(t, sendfileData)
		return sendfileCase{file: f, count: math.MaxInt64, want: sendfileData}.check(t, ctx, e)
	})
}

func TestSendfileSendsAPartOfAFile(t *testing.T) {
	onSendfileLinks(t, func(t *testing.T, ctx context.Context, e sendfileEnds, _ bool) error {
		f := sendfileFile(t, sendfileData)
		return sendfileCase{file: f, offset: 1000, count: 100, want: sendfileData[1000:1100]}.check(t, ctx, e)
	})
}

func TestSendfileEndsWithTheFile(t *testing.T) {
	onSendfileLinks(t, func(t *testing.T, ctx context.Context, e sendfileEnds, _ bool) error {
		f := sendfileFile(t, sendfileData)
		offset := int64(len(sendfileData) - 10)
		return sendfileCase{file: f, offset: offset, count: 1000, want: sendfileData[offset:]}.check(t, ctx, e)
	})
}

func TestSendfileOfAnEmptyFile(t *testing.T) {
	onSendfileLinks(t, func(t *testing.T, ctx context.Context, e sendfileEnds, _ bool) error {
		return sendfileCase{file: sendfileFile(t, nil), count: math.MaxInt64}.check(t, ctx, e)
	})
}

func TestSendfileKeepsItsPlaceAmongWrites(t *testing.T) {
	for _, size := range []int{8 << 10, 1 << 20} { // the latter is kept at first
		onSendfileLinks(t, func(t *testing.T, ctx context.Context, e sendfileEnds, _ bool) error {
			return sendfileCase{
				file:   sendfileFile(t, sendfileData),
				before: bytes.Repeat([]byte("<"), size), after: bytes.Repeat([]byte(">"), size),
				count: math.MaxInt64, want: sendfileData,
			}.check(t, ctx, e)
		})
	}
}

// Even if the connection is used by the system's means alone.
func TestSendfileWithoutFallback(t *testing.T) {
	onSendfileLinks(t, func(t *testing.T, ctx context.Context, e sendfileEnds, native bool) error {
		f := sendfileFile(t, sendfileData)
		if native {
			return sendfileCase{file: f, count: math.MaxInt64, want: sendfileData}.check(t, ctx, e, NoFallback())
		}
		n, err := e.w.Sendfile(ctx, f, 0, math.MaxInt64, NoFallback())
		if n != 0 || !errors.Is(err, ErrSendfileNotAvailable) || !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("Sendfile returns %d, %v", n, err)
		}
		sendfilePosition(t, f, 0)
		if _, err := e.w.Write([]byte("usable")); err != nil {
			t.Error(err)
		}
		return errors.Join(e.w.Close(), e.back.Close())
	})
}

// A sendfileFailure is a wire on which the system fails to send, when so many bytes are
// sent.
type sendfileFailure struct {
	*socket
	sent int64
	err  error
}

func (s sendfileFailure) canSendFile() bool { return true }

func (s sendfileFailure) sendFile(f *os.File, offset, count int64) *transfer {
	t := s.socket.sendFile(f, offset, s.sent)
	<-t.ended
	t.err = s.err
	return t
}

func TestSendfileFallsBackWhenTheSystemFailsAtOnce(t *testing.T) {
	run(t, func(ctx context.Context) error {
		e, err := sendfileLinks[0].open(t, ctx)
		if err != nil {
			return err
		}
		e.w.conn.wire = sendfileFailure{socket: e.w.conn.wire.(*socket), err: syscall.EINVAL}
		f := sendfileFile(t, sendfileData)
		n, err := e.w.Sendfile(ctx, f, 10, math.MaxInt64, NoFallback())
		if n != 0 || !errors.Is(err, ErrSendfileNotAvailable) || !errors.Is(err, syscall.EINVAL) {
			t.Errorf("Sendfile without fallback returns %d, %v", n, err)
		}
		sendfilePosition(t, f, 10)
		return sendfileCase{file: f, offset: 10, count: math.MaxInt64, want: sendfileData[10:]}.check(t, ctx, e)
	})
}

func TestSendfileFailsWhenTheSystemFailsLater(t *testing.T) {
	run(t, func(ctx context.Context) error {
		e, err := sendfileLinks[0].open(t, ctx)
		if err != nil {
			return err
		}
		e.w.conn.wire = sendfileFailure{socket: e.w.conn.wire.(*socket), sent: 1000, err: syscall.EIO}
		f := sendfileFile(t, sendfileData)
		n, err := e.w.Sendfile(ctx, f, 10, math.MaxInt64)
		if n != 1000 || err != syscall.EIO {
			t.Errorf("Sendfile returns %d, %v", n, err)
		}
		sendfilePosition(t, f, 1010)
		return errors.Join(e.w.Close(), e.back.Close())
	})
}

func TestSendfileOfAClosingConnectionIsRefused(t *testing.T) {
	onSendfileLinks(t, func(t *testing.T, ctx context.Context, e sendfileEnds, _ bool) error {
		f := sendfileFile(t, sendfileData)
		e.w.Close()
		if n, err := e.w.Sendfile(ctx, f, 0, 1); n != 0 || !errors.Is(err, ErrConnectionLost) {
			t.Errorf("Sendfile returns %d, %v", n, err)
		}
		sendfilePosition(t, f, 0)
		return e.back.Close()
	})
}

func TestSendfileToAPeerThatClosesAfterwards(t *testing.T) {
	onSendfileLinks(t, func(t *testing.T, ctx context.Context, e sendfileEnds, _ bool) error {
		peer := task.Create(ctx, func(ctx context.Context) ([]byte, error) {
			defer e.back.Close()
			return e.r.ReadExactly(ctx, len(sendfileData))
		})
		f := sendfileFile(t, sendfileData)
		n, err := e.w.Sendfile(ctx, f, 0, math.MaxInt64)
		if err != nil || n != int64(len(sendfileData)) {
			t.Errorf("Sendfile returns %d, %v", n, err)
		}
		if got, err := peer.Await(ctx); err != nil || !bytes.Equal(got, sendfileData) {
			t.Errorf("%d other bytes have arrived (%v)", len(got), err)
		}
		return e.w.Close()
	})
}

func TestSendfileToAPeerThatClosesInTheMiddle(t *testing.T) {
	onSendfileLinks(t, func(t *testing.T, ctx context.Context, e sendfileEnds, _ bool) error {
		peer := task.Create(ctx, func(ctx context.Context) ([]byte, error) {
			defer e.back.Abort() // Close would take what comes until TLS has said goodbye
			return e.r.ReadExactly(ctx, 1024)
		})
		f := sendfileFile(t, sendfileBig)
		n, err := e.w.Sendfile(ctx, f, 0, math.MaxInt64)
		if !IsDisconnect(err) {
			t.Errorf("Sendfile fails with %v", err)
		}
		if n < 1024 || n >= int64(len(sendfileBig)) {
			t.Errorf("%d bytes are sent", n)
		}
		sendfilePosition(t, f, n)
		if !e.w.IsClosing() {
			t.Error("the connection is not closing")
		}
		_, err = peer.Await(ctx)
		return err
	})
}

// sendfileTask starts a Sendfile that the peer holds up: it has received one byte of sendfileBig.
func sendfileTask(t *testing.T, ctx context.Context, e sendfileEnds, f *os.File, sent *int64) (*task.Task[struct{}], error) {
	sending := task.Go(ctx, func(ctx context.Context) (err error) {
		*sent, err = e.w.Sendfile(ctx, f, 0, math.MaxInt64)
		return err
	})
	_, err := e.r.ReadExactly(ctx, 1)
	return sending, err
}

func TestSendfilePreventsOtherWrites(t *testing.T) {
	onSendfileLinks(t, func(t *testing.T, ctx context.Context, e sendfileEnds, _ bool) error {
		f := sendfileFile(t, sendfileBig)
		var sent int64
		sending, err := sendfileTask(t, ctx, e, f, &sent)
		if err != nil {
			return err
		}
		if _, err := e.w.Write([]byte("data")); !errors.Is(err, ErrSendfileInProgress) {
			t.Errorf("Write fails with %v", err)
		}
		if err := e.w.WriteEOF(); e.w.CanWriteEOF() && !errors.Is(err, ErrSendfileInProgress) {
			t.Errorf("WriteEOF fails with %v", err)
		}
		if _, err := e.w.Sendfile(ctx, f, 0, 1); !errors.Is(err, ErrSendfileInProgress) {
			t.Errorf("another Sendfile fails with %v", err)
		}
		if e.ours.IsReading() {
			t.Error("the connection receives meanwhile")
		}
		all := task.Create(ctx, e.r.ReadAll)
		if err := sending.Join(ctx); err != nil || sent != int64(len(sendfileBig)) {
			t.Errorf("Sendfile returns %d, %v", sent, err)
		}
		e.w.Close()
		if got, err := all.Await(ctx); err != nil || len(got) != len(sendfileBig)-1 {
			t.Errorf("%d bytes have arrived (%v)", len(got), err)
		}
		return e.back.Close()
	})
}

func TestSendfileThatIsCancelledLeavesAUsableConnection(t *testing.T) {
	onSendfileLinks(t, func(t *testing.T, ctx context.Context, e sendfileEnds, _ bool) error {
		f := sendfileFile(t, sendfileBig)
		var sent int64
		sending, err := sendfileTask(t, ctx, e, f, &sent)
		if err != nil {
			return err
		}
		sending.Cancel()
		if err := sending.Join(ctx); !errors.Is(err, future.ErrCancelled) {
			t.Errorf("Sendfile fails with %v", err)
		}
		if sent < 1 || sent >= int64(len(sendfileBig)) {
			t.Errorf("%d bytes are sent", sent)
		}
		sendfilePosition(t, f, sent)
		if !e.ours.IsReading() {
			t.Error("the connection does not receive afterwards")
		}
		all := task.Create(ctx, e.r.ReadAll)
		if err := e.w.WriteAll(ctx, []byte("end")); err != nil {
			t.Error(err)
		}
		e.w.Close()
		got, err := all.Await(ctx)
		if want := append(bytes.Repeat([]byte("x"), int(sent)-1), "end"...); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes have arrived (%v), want %d", len(got), err, len(want))
		}
		return e.back.Close()
	})
}

func TestSendfileIsCancelledWhileItWaitsForWrites(t *testing.T) {
	onSendfileLinks(t, func(t *testing.T, ctx context.Context, e sendfileEnds, native bool) error {
		f := sendfileFile(t, sendfileData)
		if _, err := e.w.Write(sendfileBig); err != nil {
			return err
		}
		sending := task.Create(ctx, func(ctx context.Context) (int64, error) {
			return e.w.Sendfile(ctx, f, 3, math.MaxInt64)
		})
		if err := task.Yield(ctx); err != nil {
			return err
		}
		sending.Cancel()
		if _, err := sending.Await(ctx); !errors.Is(err, future.ErrCancelled) {
			t.Errorf("Sendfile fails with %v", err)
		}
		sendfilePosition(t, f, 3)
		all := task.Create(ctx, e.r.ReadAll)
		if _, err := e.w.Sendfile(ctx, f, 0, 10); err != nil {
			return err
		}
		e.w.Close()
		got, err := all.Await(ctx)
		if want := string(sendfileBig) + string(sendfileData[:10]); err != nil || string(got) != want {
			t.Errorf("%d bytes have arrived (%v), want %d", len(got), err, len(want))
		}
		return e.back.Close()
	})
}

func TestSendfileEndsWithTheConnection(t *testing.T) {
	for name, end := range map[string]func(w *Writer){
		"Close": func(w *Writer) { w.Close() },
		"Abort": func(w *Writer) { w.Abort() },
	} {
		t.Run(name, func(t *testing.T) {
			onSendfileLinks(t, func(t *testing.T, ctx context.Context, e sendfileEnds, native bool) error {
				f := sendfileFile(t, sendfileBig)
				var sent int64
				sending, err := sendfileTask(t, ctx, e, f, &sent)
				if err != nil {
					return err
				}
				end(e.w)
				all := task.Create(ctx, e.r.ReadAll)
				if err := sending.Join(ctx); !errors.Is(err, ErrConnectionLost) {
					t.Errorf("Sendfile fails with %v", err)
				}
				sendfilePosition(t, f, sent)
				// An aborted TLS session may end inside a record.
				if _, err := all.Await(ctx); err != nil && !(name == "Abort" && errors.Is(err, io.ErrUnexpectedEOF)) {
					t.Error(err)
				}
				return errors.Join(e.w.WaitClosed(ctx), e.back.Close())
			})
		})
	}
}

func TestSendfileOfALoopThatIsClosed(t *testing.T) {
	for _, link := range sendfileLinks {
		t.Run(link.name, func(t *testing.T) {
			f := sendfileFile(t, sendfileBig)
			l := newLoop()
			l.SetExceptionHandler(func(*loop.Loop, loop.ExceptionContext) {}) // of a task that is pending
			var sent int64
			main := task.CreateOn(l, func(ctx context.Context) (*task.Task[struct{}], error) {
				e, err := link.open(t, ctx)
				if err != nil {
					return nil, err
				}
				return sendfileTask(t, ctx, e, f, &sent)
			})
			if _, err := task.RunUntilComplete(l, main); err != nil {
				t.Fatal(err)
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			if at, err := f.Seek(0, io.SeekCurrent); err != nil || at < 1 {
				t.Errorf("the file's position is %d (%v)", at, err)
			}
		})
	}
}

func TestSendfileRefusesBadArguments(t *testing.T) {
	run(t, func(ctx context.Context) error {
		left, right, _ := Pair(ctx)
		f := sendfileFile(t, sendfileData)
		directory, err := os.Open(t.TempDir())
		if err != nil {
			return err
		}
		defer directory.Close()
		for name, c := range map[string]struct {
			file          *os.File
			offset, count int64
			opts          []Option
		}{
			"nil":             {nil, 0, 1, nil},
			"directory":       {directory, 0, 1, nil},
			"negative offset": {f, -1, 1, nil},
			"negative count":  {f, 0, -1, nil},
			"no count":        {f, 0, 0, nil},
			"option":          {f, 0, 1, []Option{Limit(1)}},
		} {
			if n, err := left.W.Sendfile(ctx, c.file, c.offset, c.count, c.opts...); n != 0 || !errors.Is(err, ErrInvalidArgument) {
				t.Errorf("%s: Sendfile returns %d, %v", name, n, err)
			}
		}
		sendfilePosition(t, f, 0)
		closed := sendfileFile(t, nil)
		closed.Close()
		if _, err := left.W.Sendfile(ctx, closed, 0, 1); !errors.Is(err, os.ErrClosed) {
			t.Errorf("a closed file: %v", err)
		}
		if err := left.W.WriteEOF(); err != nil {
			return err
		}
		if _, err := left.W.Sendfile(ctx, f, 0, 1); !errors.Is(err, ErrWriteAfterEOF) {
			t.Errorf("after WriteEOF: %v", err)
		}
		return errors.Join(left.W.Close(), right.W.Close())
	})
}

func TestSendfileOfAFileThatCannotBeRead(t *testing.T) {
	onSendfileLinks(t, func(t *testing.T, ctx context.Context, e sendfileEnds, native bool) error {
		f, err := os.OpenFile(filepath.Join(t.TempDir(), "f"), os.O_WRONLY|os.O_CREATE, 0o600)
		if err != nil {
			return err
		}
		defer f.Close()
		if _, err := e.w.Sendfile(ctx, f, 0, 10); !errors.Is(err, syscall.EBADF) {
			t.Errorf("Sendfile fails with %v", err)
		}
		if _, err := e.w.Sendfile(ctx, f, 0, 10, NoFallback()); !errors.Is(err, ErrSendfileNotAvailable) {
			t.Errorf("Sendfile without fallback fails with %v", err)
		}
		return errors.Join(e.w.Close(), e.back.Close())
	})
}
