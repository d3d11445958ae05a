package streams

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"testing"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/task"
)

// pipeFiles returns the two ends of a pipe, which the test closes if nobody else does.
func pipeFiles(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	return r, w
}

func TestReadPipeReadsUntilTheEnd(t *testing.T) {
	r, w := pipeFiles(t)
	run(t, func(ctx context.Context) error {
		reader, err := ReadPipe(ctx, r)
		if err != nil {
			return err
		}
		for _, text := range []string{"1", "2345"} {
			if _, err := w.Write([]byte(text)); err != nil {
				return err
			}
			if got, err := reader.ReadExactly(ctx, len(text)); err != nil || string(got) != text {
				t.Errorf("%q is read (%v), want %q", got, err, text)
			}
		}
		if !reader.IsReading() || reader.AtEOF() {
			t.Error("the pipe has ended too early")
		}
		if err := w.Close(); err != nil {
			return err
		}
		if got, err := reader.Read(ctx, 1); err != io.EOF {
			t.Errorf("after the end %q is read (%v)", got, err)
		}
		if reader.IsReading() {
			t.Error("the pipe is still read")
		}
		if err := r.Close(); !errors.Is(err, os.ErrClosed) {
			t.Errorf("the file was not closed: %v", err)
		}
		return nil
	})
}

// The reader pauses, because its limit is small, and must not be stopped by that.
func TestReadAllFromAPipeReaderWithASmallLimit(t *testing.T) {
	r, w := pipeFiles(t)
	run(t, func(ctx context.Context) error {
		reader, err := ReadPipe(ctx, r, Limit(1))
		if err != nil {
			return err
		}
		if _, err := w.Write([]byte("data")); err != nil {
			return err
		}
		w.Close()
		if got, err := reader.ReadAll(ctx); err != nil || string(got) != "data" {
			t.Errorf("%q is read (%v)", got, err)
		}
		return nil
	})
}

func TestCloseOfAPipeReader(t *testing.T) {
	r, w := pipeFiles(t)
	run(t, func(ctx context.Context) error {
		reader, err := ReadPipe(ctx, r)
		if err != nil {
			return err
		}
		if _, err := w.Write([]byte("kept")); err != nil {
			return err
		}
		if _, err := reader.ReadExactly(ctx, 1); err != nil {
			return err
		}
		waiting := task.Create(ctx, func(ctx context.Context) ([]byte, error) { return reader.ReadExactly(ctx, 4) })
		if err := task.Yield(ctx); err != nil {
			return err
		}
		if err := errors.Join(reader.Close(), reader.Close()); err != nil {
			t.Error(err)
		}
		var incomplete *IncompleteReadError
		if _, err := waiting.Await(ctx); !errors.As(err, &incomplete) || string(incomplete.Partial) != "ept" {
			t.Errorf("the read that waits fails with %v", err)
		}
		if _, err := w.Write([]byte("x")); !IsDisconnect(err) {
			t.Errorf("the other end is told %v", err)
		}
		return nil
	})
}

func TestCloseOfAReaderClosesItsConnection(t *testing.T) {
	run(t, func(ctx context.Context) error {
		left, right, _ := Pair(ctx)
		if err := left.R.Close(); err != nil {
			return err
		}
		if _, err := right.R.Read(ctx, 1); err != io.EOF {
			t.Errorf("the other side is told %v", err)
		}
		fed, err := NewReader(left.W.Loop(), 10)
		if err != nil {
			return err
		}
		if err := fed.Close(); err != nil {
			t.Error(err)
		}
		fed.FeedData([]byte("goes on"))
		return errors.Join(left.W.WaitClosed(ctx), right.W.Close())
	})
}

func TestWritePipeWrites(t *testing.T) {
	r, w := pipeFiles(t)
	run(t, func(ctx context.Context) error {
		writer, err := WritePipe(ctx, w)
		if err != nil {
			return err
		}
		p := make([]byte, 5)
		for _, text := range []string{"1", "2345"} {
			if err := writer.WriteAll(ctx, []byte(text)); err != nil {
				return err
			}
			if _, err := io.ReadFull(r, p[:len(text)]); err != nil || string(p[:len(text)]) != text {
				t.Errorf("%q is read (%v), want %q", p[:len(text)], err, text)
			}
		}
		if err := writer.Close(); err != nil {
			return err
		}
		if err := writer.WaitClosed(ctx); err != nil {
			t.Error(err)
		}
		if _, err := r.Read(p); err != io.EOF {
			t.Errorf("the other end is told %v", err)
		}
		return nil
	})
}

// All that is kept is sent before the end.
func TestWriteEOFOfAPipeIsClose(t *testing.T) {
	r, w := pipeFiles(t)
	run(t, func(ctx context.Context) error {
		reader, err := ReadPipe(ctx, r)
		if err != nil {
			return err
		}
		writer, err := WritePipe(ctx, w)
		if err != nil {
			return err
		}
		if !writer.CanWriteEOF() {
			t.Error("the pipe cannot be ended")
		}
		data := bytes.Repeat([]byte("x"), 1<<20)
		if _, err := writer.Write(data); err != nil {
			return err
		}
		if err := writer.WriteEOF(); err != nil {
			return err
		}
		if !writer.IsClosing() || writer.WriteBufferSize() == 0 {
			t.Errorf("closing: %v, kept: %d", writer.IsClosing(), writer.WriteBufferSize())
		}
		if _, err := writer.Write(data); !errors.Is(err, ErrWriteAfterEOF) {
			t.Errorf("Write fails with %v", err)
		}
		if got, err := reader.ReadAll(ctx); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%d bytes are read (%v)", len(got), err)
		}
		return writer.WaitClosed(ctx)
	})
}

// A socket would still take what is written after Close, while something is kept.
func TestWriteToAClosingPipeIsDropped(t *testing.T) {
	r, w := pipeFiles(t)
	run(t, func(ctx context.Context) error {
		reader, err := ReadPipe(ctx, r)
		if err != nil {
			return err
		}
		writer, err := WritePipe(ctx, w)
		if err != nil {
			return err
		}
		data := bytes.Repeat([]byte("x"), 1<<20)
		if _, err := writer.Write(data); err != nil {
			return err
		}
		writer.Close()
		if _, err := writer.Write([]byte("dropped")); !errors.Is(err, ErrConnectionLost) {
			t.Errorf("Write fails with %v", err)
		}
		if got, err := reader.ReadAll(ctx); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%d bytes are read (%v)", len(got), err)
		}
		return writer.WaitClosed(ctx)
	})
}

func TestPipesRefuseOtherFiles(t *testing.T) {
	regular := sendfileFile(t, nil)
	closed := sendfileFile(t, nil)
	closed.Close()
	run(t, func(ctx context.Context) error {
		for name, open := range pipeOpeners {
			for _, f := range []*os.File{nil, regular} {
				if err := open(ctx, f); !errors.Is(err, ErrInvalidArgument) {
					t.Errorf("%s(%v): %v", name, f, err)
				}
			}
			if err := open(ctx, closed); !errors.Is(err, os.ErrClosed) {
				t.Errorf("%s of a closed file: %v", name, err)
			}
			if err := open(ctx, regular, NoFallback()); !errors.Is(err, ErrInvalidArgument) {
				t.Errorf("%s with an option that does not apply: %v", name, err)
			}
		}
		return nil
	})
	if _, err := regular.Stat(); err != nil {
		t.Errorf("the file that was refused: %v", err)
	}
}

// pipeOpeners are ReadPipe and WritePipe, for what they have in common.
var pipeOpeners = map[string]func(ctx context.Context, f *os.File, opts ...Option) error{
	"ReadPipe": func(ctx context.Context, f *os.File, opts ...Option) error {
		_, err := ReadPipe(ctx, f, opts...)
		return err
	},
	"WritePipe": func(ctx context.Context, f *os.File, opts ...Option) error {
		_, err := WritePipe(ctx, f, opts...)
		return err
	},
}

func TestPipesAreClosedIfOpeningIsCancelled(t *testing.T) {
	for name, open := range pipeOpeners {
		r, w := pipeFiles(t)
		f := map[string]*os.File{"ReadPipe": r, "WritePipe": w}[name]
		run(t, func(ctx context.Context) error {
			opening := task.Go(ctx, func(ctx context.Context) error { return open(ctx, f) })
			if err := task.Yield(ctx); err != nil {
				return err
			}
			opening.Cancel()
			if err := opening.Join(ctx); !errors.Is(err, future.ErrCancelled) {
				t.Errorf("%s fails with %v", name, err)
			}
			return task.Yield(ctx)
		})
		if err := f.Close(); !errors.Is(err, os.ErrClosed) {
			t.Errorf("%s: the file was not closed: %v", name, err)
		}
	}
}

func TestPipesAreClosedWithTheirLoop(t *testing.T) {
	r, w := pipeFiles(t)
	r2, w2 := pipeFiles(t)
	l := newLoop()
	_, err := task.RunUntilComplete(l, task.CreateOn(l, func(ctx context.Context) (struct{}, error) {
		_, err := ReadPipe(ctx, r)
		if err != nil {
			return struct{}{}, err
		}
		writer, err := WritePipe(ctx, w2)
		if err != nil {
			return struct{}{}, err
		}
		_, err = writer.Write(make([]byte, 1<<20))
		return struct{}{}, err
	}))
	if err := errors.Join(err, l.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("x")); !IsDisconnect(err) {
		t.Errorf("the other end of the reader's pipe is told %v", err)
	}
	if _, err := io.Copy(io.Discard, r2); err != nil {
		t.Errorf("the other end of the writer's pipe is told %v", err)
	}
}

func TestSendfileToAPipe(t *testing.T) {
	r, w := pipeFiles(t)
	run(t, func(ctx context.Context) error {
		reader, err := ReadPipe(ctx, r)
		if err != nil {
			return err
		}
		writer, err := WritePipe(ctx, w)
		if err != nil {
			return err
		}
		f := sendfileFile(t, sendfileData)
		all := task.Create(ctx, reader.ReadAll)
		n, err := writer.Sendfile(ctx, f, 5, 1<<40)
		if err != nil || n != int64(len(sendfileData)-5) {
			t.Errorf("Sendfile returns %d, %v", n, err)
		}
		writer.Close()
		if got, err := all.Await(ctx); err != nil || !bytes.Equal(got, sendfileData[5:]) {
			t.Errorf("%d other bytes have arrived (%v)", len(got), err)
		}
		return nil
	})
}
