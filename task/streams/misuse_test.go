package streams_test

import (
	"context"
	"errors"
	"regexp"
	"testing"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/streams"
)

// mustRun is run for a test.
func mustRun(t *testing.T, main func(ctx context.Context) error) {
	t.Helper()
	if err := task.Main(context.Background(), main); err != nil {
		t.Error(err)
	}
}

// panicIn returns what fn panics with.
func panicIn(fn func()) (err error) {
	defer func() { err, _ = recover().(error) }()
	fn()
	return nil
}

// Calls that return an error, in all ways, and calls that panic.
func misuses(ctx context.Context, r *streams.Reader, w *streams.Writer) (returning map[string]func() error, panicking map[string]func()) {
	returning = map[string]func() error{
		"Read":                 func() error { _, err := r.Read(ctx, 1); return err },
		"ReadInto":             func() error { _, err := r.ReadInto(ctx, make([]byte, 1)); return err },
		"ReadAll":              func() error { _, err := r.ReadAll(ctx); return err },
		"ReadExactly":          func() error { _, err := r.ReadExactly(ctx, 1); return err },
		"ReadUntil":            func() error { _, err := r.ReadUntil(ctx, []byte("x")); return err },
		"ReadLine":             func() error { _, err := r.ReadLine(ctx); return err },
		"Discard":              func() error { _, err := r.Discard(1); return err },
		"Write":                func() error { _, err := w.Write([]byte("x")); return err },
		"WriteLines":           func() error { return w.WriteLines([]byte("x")) },
		"Drain":                func() error { return w.Drain(ctx) },
		"WriteEOF":             func() error { return w.WriteEOF() },
		"SetWriteBufferLimits": func() error { return w.SetWriteBufferLimits(1, 0) },
		"WaitClosed":           func() error { return w.WaitClosed(ctx) },
		"Close":                func() error { return w.Close() },
	}
	panicking = map[string]func(){
		"FeedData":     func() { r.FeedData([]byte("x")) },
		"FeedEOF":      r.FeedEOF,
		"SetException": func() { r.SetException(errors.New("x")) },
		"Pause":        r.Pause,
		"Resume":       r.Resume,
		"Abort":        w.Abort,
	}
	return returning, panicking
}

var refusal = regexp.MustCompile(`^streams: [A-Z]\w+ of <(Reader|Writer|Link) 0x[0-9a-f]+>: called from a goroutine outside`)

// Nothing has happened to the streams afterwards.
func TestForeignGoroutineIsRefused(t *testing.T) {
	mustRun(t, func(ctx context.Context) error {
		left, right, link := streams.Pair(ctx)
		defer left.W.Close()
		defer right.W.Close()
		expect := func(name string, err error) {
			t.Helper()
			if !errors.Is(err, loop.ErrWrongGoroutine) || !refusal.MatchString(err.Error()) {
				t.Errorf("%s: %v", name, err)
			}
		}
		tried := make(chan struct{})
		go func() {
			defer close(tried)
			returning, panicking := misuses(ctx, left.R, left.W)
			for name, call := range returning {
				expect(name, call())
			}
			panicking["Stall"] = func() { link.Stall(streams.LeftToRight) }
			panicking["Resume of the link"] = func() { link.Resume(streams.LeftToRight) }
			panicking["CloseWrite"] = func() { link.CloseWrite(streams.LeftToRight) }
			panicking["Reset"] = func() { link.Reset(errors.New("x")) }
			for name, call := range panicking {
				expect(name, panicIn(call))
			}
			_, err := left.R.IO(ctx).Read(make([]byte, 1))
			expect("Read of IO", err)
			_, err = left.W.IO(ctx).Write([]byte("x"))
			expect("Write of IO", err)
			if err := panicIn(func() { streams.Pair(ctx) }); !errors.Is(err, loop.ErrWrongGoroutine) {
				t.Errorf("Pair: %v", err)
			}
		}()
		<-tried // and blocks the loop until then
		if err := left.W.WriteAll(ctx, []byte("hello\n")); err != nil {
			return err
		}
		line, err := right.R.ReadLine(ctx)
		if string(line) != "hello\n" || left.W.IsClosing() || !left.R.IsReading() {
			t.Errorf("%q, %v, %v", line, left.R, left.W)
		}
		return err
	})
}

func TestAwaitThroughTheContextOfAnotherTaskIsRefused(t *testing.T) {
	mustRun(t, func(outer context.Context) error {
		left, right, _ := streams.Pair(outer)
		defer left.W.Close()
		defer right.W.Close()
		return task.Go(outer, func(context.Context) error {
			for name, err := range map[string]error{
				"ReadLine":   second(left.R.ReadLine(outer)),
				"ReadAll":    second(left.R.ReadAll(outer)),
				"WaitClosed": left.W.WaitClosed(outer),
			} {
				if !errors.Is(err, task.ErrNotCurrent) {
					t.Errorf("%s: %v", name, err)
				}
			}
			if left.R.Err() != nil || left.W.IsClosing() {
				t.Errorf("%v, %v", left.R, left.W)
			}
			return nil
		}).Join(outer)
	})
}

func second(_ []byte, err error) error { return err }

func TestAwaitWithoutATaskIsRefused(t *testing.T) {
	mustRun(t, func(ctx context.Context) error {
		left, right, _ := streams.Pair(ctx)
		defer left.W.Close()
		defer right.W.Close()
		var nobody context.Context
		for _, row := range []struct {
			ctx  context.Context
			want error
		}{
			{nobody, loop.ErrNotRunning},
			{context.Background(), loop.ErrNotRunning},
			{loop.NewContext(context.Background(), loop.Running(ctx)), future.ErrNoTask},
		} {
			for name, err := range map[string]error{
				"ReadLine":   second(left.R.ReadLine(row.ctx)),
				"WaitClosed": left.W.WaitClosed(row.ctx),
			} {
				if !errors.Is(err, row.want) {
					t.Errorf("%s: %v, not %v", name, err, row.want)
				}
			}
		}
		return nil
	})
}

func TestAwaitOfAnotherLoopIsRefused(t *testing.T) {
	other := loop.New()
	var left, right streams.End
	_, err := task.RunUntilComplete(other, task.Void(func(ctx context.Context) error {
		left, right, _ = streams.Pair(ctx)
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	mustRun(t, func(ctx context.Context) error {
		for name, err := range map[string]error{
			"ReadLine":   second(left.R.ReadLine(ctx)),
			"WaitClosed": right.W.WaitClosed(ctx),
		} {
			if !errors.Is(err, future.ErrOtherLoop) {
				t.Errorf("%s: %v", name, err)
			}
		}
		return nil
	})
	if err := other.Close(); err != nil {
		t.Error(err)
	}
}

func TestNilAndZeroArguments(t *testing.T) {
	mustRun(t, func(ctx context.Context) error {
		returning, panicking := misuses(ctx, new(streams.Reader), new(streams.Writer))
		for name, call := range returning {
			if err := call(); !errors.Is(err, loop.ErrNotRunning) {
				t.Errorf("%s of a zero value: %v", name, err)
			}
		}
		for name, call := range panicking {
			if err := panicIn(call); !errors.Is(err, loop.ErrNotRunning) {
				t.Errorf("%s of a zero value: %v", name, err)
			}
		}
		for name, row := range map[string]struct {
			call func()
			want error
		}{
			"Pair without a loop":  {func() { streams.Pair(context.Background()) }, loop.ErrNotRunning},
			"Window":               {func() { streams.Window(0) }, streams.ErrInvalidArgument},
			"Chunk":                {func() { streams.Chunk(-1) }, streams.ErrInvalidArgument},
			"PairLimit":            {func() { streams.PairLimit(0) }, streams.ErrInvalidArgument},
			"NewReader of no loop": {func() { _, _ = streams.NewReader(nil, 1) }, loop.ErrNotRunning},
		} {
			if err := panicIn(row.call); !errors.Is(err, row.want) {
				t.Errorf("%s: %v, not %v", name, err, row.want)
			}
		}
		return nil
	})
}
