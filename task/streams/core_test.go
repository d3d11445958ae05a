package streams

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

var errCore = errors.New("test error")

// coreLog collects the messages of a loop's logger.
type coreLog struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *coreLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *coreLog) count(part string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), part)
}

func (l *coreLog) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// onVirtual runs main on a loop with a virtual clock, for tests without sockets.
func onVirtual(t *testing.T, main func(ctx context.Context), opts ...loop.Option) {
	t.Helper()
	runVirtually(t, func(ctx context.Context) error { main(ctx); return nil }, tasktest.LoopOptions(opts...))
}

// runVirtually runs main on a loop with a virtual clock.
func runVirtually(t *testing.T, main func(ctx context.Context) error, opts ...tasktest.Option) {
	t.Helper()
	patience := tasktest.Grace(20 * time.Second) // other goroutines may have news
	tasktest.Run(t, func(ctx context.Context, t *tasktest.T) { check.NoError(t, main(ctx)) }, append(opts, patience)...)
}

// turns lets the other tasks run for n iterations.
func turns(t *testing.T, ctx context.Context, n int) {
	t.Helper()
	for range n {
		check.NoError(t, task.Yield(ctx))
	}
}

// ticksOf returns how many iterations fn takes.
func ticksOf(t *testing.T, ctx context.Context, fn func()) int {
	l, n, on := loop.Running(ctx), 0, true
	var tick func()
	tick = func() {
		n++
		if on {
			l.CallSoon(tick)
		}
	}
	l.CallSoon(tick)
	turns(t, ctx, 1)
	before := n
	fn()
	on = false
	taken := n - before
	turns(t, ctx, 2)
	return taken
}

// gives checks the result of a read.
func gives(t *testing.T, want string) func(got []byte, err error) {
	return func(got []byte, err error) {
		t.Helper()
		if err != nil || string(got) != want {
			t.Errorf("read %q, %v, want %q", got, err, want)
		}
	}
}

// left checks what a reader holds.
func left(t *testing.T, r *Reader, want string) {
	t.Helper()
	check.Equal(t, "buffer", string(r.Peek()), want)
	check.Equal(t, "buffered", r.Buffered(), len(want))
}

// reading is a read in a task.
type reading = task.Task[[]byte]

func startRead(ctx context.Context, fn func(ctx context.Context) ([]byte, error)) *reading {
	return task.Create(ctx, fn)
}

func startReadLine(ctx context.Context, r *Reader) *reading { return startRead(ctx, r.ReadLine) }

// newReader returns a reader that is fed by the test.
func newReader(t *testing.T, ctx context.Context, limit int) *Reader {
	t.Helper()
	r, err := NewReader(loop.Running(ctx), limit)
	check.NoError(t, err)
	return r
}

func feed(r *Reader, texts ...string) {
	for _, text := range texts {
		r.FeedData([]byte(text))
	}
}

// quiet keeps the warnings of a test out of its output.
var quiet = loop.WithLogger(slog.New(slog.DiscardHandler))
