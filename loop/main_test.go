package loop_test

import (
	"errors"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task/tasktest"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

var errTest = errors.New("test error")

// start is when virtual clocks begin.
var start = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// newLoop returns a loop on a virtual clock, which is closed at the end of the test.
func newLoop(t testing.TB, opts ...loop.Option) (*loop.Loop, *tasktest.Clock) {
	t.Helper()
	patience := tasktest.Grace(20 * time.Second) // other goroutines may have news
	return tasktest.NewLoop(t, patience, tasktest.LoopOptions(opts...))
}

// newLoggingLoop returns a loop as newLoop does, which logs what is reported to it.
func newLoggingLoop(t testing.TB, opts ...loop.Option) (*loop.Loop, *tasktest.Clock) {
	t.Helper()
	l, c := newLoop(t, opts...)
	l.SetExceptionHandler(nil)
	return l, c
}

// run runs the loop until it is stopped.
func run(t testing.TB, l *loop.Loop) {
	t.Helper()
	check.NoError(t, l.RunForever())
}

// runOnce runs one iteration.
func runOnce(t testing.TB, l *loop.Loop) {
	t.Helper()
	l.Stop()
	run(t, l)
}

// pollError returns the error of Poll.
func pollError(l *loop.Loop) error {
	_, _, err := l.Poll()
	return err
}

// elsewhere calls fn on another goroutine and waits for it.
func elsewhere(fn func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		fn()
	}()
	<-done
}
