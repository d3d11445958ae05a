package loop_test

import (
	"errors"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task/tasktest/check"
	"github.com/goasyncio/asyncio/timers"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

var errTest = errors.New("test error")

// start is when virtual clocks begin.
var start = time.Date(2024, 10, 7, 0, 0, 0, 0, time.UTC)

// testClock is a virtual clock that notes what the loop sleeps for, and ends a
// run in which nothing can happen any more. It gives other goroutines, which may
// still have news, some time first.
type testClock struct {
	*timers.Virtual
	sleeps   []time.Duration // since the start; -1 without a deadline
	deadlock func()
}

func (c *testClock) Sleep(until time.Time, wake <-chan struct{}) {
	if !until.IsZero() {
		c.sleeps = append(c.sleeps, until.Sub(start))
		c.Virtual.Sleep(until, wake)
		return
	}
	c.sleeps = append(c.sleeps, -1)
	guard := time.NewTimer(20 * time.Second)
	defer guard.Stop()
	select {
	case <-wake:
	case <-guard.C:
		c.deadlock()
	}
}

// newLoop returns a loop on a virtual clock, which is closed at the end of the
// test.
func newLoop(t testing.TB, opts ...loop.Option) (*loop.Loop, *testClock) {
	t.Helper()
	c := &testClock{Virtual: timers.NewVirtual(start)}
	l := loop.New(append([]loop.Option{loop.WithClock(c)}, opts...)...)
	c.deadlock = func() {
		t.Error("deadlock")
		l.Stop()
	}
	t.Cleanup(func() { check.NoError(t, l.Close()) })
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
