package future_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// defaultLog makes the default logger write to the buffer until the test is over.
func defaultLog(t *testing.T) *bytes.Buffer {
	log := new(bytes.Buffer)
	before := slog.Default()
	t.Cleanup(func() { slog.SetDefault(before) })
	slog.SetDefault(slog.New(slog.NewTextHandler(log, nil)))
	return log
}

func breaks() { panic("broken") }

func TestConcurrentLogsThePanicOfACallback(t *testing.T) {
	log := defaultLog(t)
	c := future.NewConcurrent[int]()
	var calls []string
	c.AddDoneCallback(func() { calls = append(calls, "first") })
	c.AddDoneCallback(breaks)
	c.AddDoneCallback(func() { calls = append(calls, "third") })
	check.NoError(t, c.SetResult(1))
	check.Equal(t, "calls", calls, []string{"first", "third"})
	for _, want := range []string{"Exception in callback future_test.breaks at panic_test.go:", "of <Concurrent at ", "panic: broken"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log does not say %q: %s", want, log)
		}
	}
	check.Equal(t, "messages", strings.Count(log.String(), "\n"), 1)
}

func TestConcurrentThatNobodyStopsOwesNothing(t *testing.T) {
	check.Equal(t, "calls", len(future.NewConcurrent[int]().Settle(0, nil, true)), 0)
}

func TestConcurrentResultThatIsThereNeedsNoContext(t *testing.T) {
	c := future.NewConcurrent[int]()
	l := newLoop(t)
	l.CallSoon(func() {
		_, err := c.Result(context.Background())
		check.Is(t, err, future.ErrDeadlock, "Result of <Concurrent")
		check.NoError(t, c.SetResult(3))
		v, err := c.Result(context.Background())
		check.NoError(t, err)
		check.Equal(t, "result on the loop", v, 3)
	})
	iterate(l, 1)
	//lint:ignore SA1012 what is over does not look at it
	v, err := c.Result(nil)
	check.NoError(t, err)
	check.Equal(t, "result", v, 3)
}

func TestConcurrentStringOfNil(t *testing.T) {
	check.Equal(t, "String", (*future.Concurrent[int])(nil).String(), "<nil>")
}

// All that has an effect on the loop is refused elsewhere, and changes nothing.
func TestFutureIsRefusedOnOtherGoroutines(t *testing.T) {
	l := check.ForeignCalls(newLoop(t))
	f := future.New[int](l)
	cb := f.AddDoneCallback(func() {})
	p := future.NewPromise[int](l)
	l.CallSoon(func() {
		before := f.String()
		over := make(chan struct{})
		go func() {
			defer close(over)
			check.Is(t, f.SetResult(1), loop.ErrWrongGoroutine, "SetResult of <Future")
			check.Is(t, f.SetException(errTest), loop.ErrWrongGoroutine, "SetException of <Future")
			check.Is(t, p.SetResult(1), loop.ErrWrongGoroutine, "SetResult of <")
			check.Is(t, p.SetException(errTest), loop.ErrWrongGoroutine, "SetException of <")
			check.Is(t, check.Panics(t, func() { f.Cancel() }), loop.ErrWrongGoroutine, "Cancel of <Future")
			check.Is(t, check.Panics(t, func() { f.AddDoneCallback(func() {}) }), loop.ErrWrongGoroutine, "AddDoneCallback of <Future")
			check.Is(t, check.Panics(t, func() { f.RemoveDoneCallback(cb) }), loop.ErrWrongGoroutine, "RemoveDoneCallback of <Future")
		}()
		<-over
		check.Equal(t, "the promise's future is done", p.Future().Done(), false)
		check.Equal(t, "the future", f.String(), before)
	})
	iterate(l, 1)
}
