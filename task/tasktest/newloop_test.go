package tasktest_test

import (
	"slices"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task/tasktest"
)

func TestNewLoopIsClosedAtTheEnd(t *testing.T) {
	var l *loop.Loop
	f := fake(t, func(t testing.TB) {
		l, _ = tasktest.NewLoop(t, tasktest.At(time.Unix(0, 0)))
		if !l.Time().Equal(time.Unix(0, 0)) || l.IsClosed() {
			t.Errorf("it is %v, closed=%t", l.Time(), l.IsClosed())
		}
	})
	f.passes(t)
	if !l.IsClosed() {
		t.Error("the loop is open")
	}
}

func TestNewLoopNotesItsSleeps(t *testing.T) {
	l, c := tasktest.NewLoop(t)
	l.CallLater(time.Second, func() {
		release := l.Hold()
		go func() {
			defer release()
			_, _ = l.CallSoonThreadsafe(l.Stop)
		}()
	})
	l.CallLater(time.Hour, passed).Cancel()
	if err := l.RunForever(); err != nil {
		t.Error(err)
	}
	if got := c.Sleeps(); !slices.Equal(got[:1], []time.Duration{time.Second}) || c.Now() != l.Time() {
		t.Errorf("it slept until %v, and it is %v", got, c.Now())
	}
	for _, d := range c.Sleeps()[1:] { // depends on the goroutine
		if d != -1 {
			t.Errorf("it slept until %v", d)
		}
	}
}

func TestNewLoopInDeadlockIsStopped(t *testing.T) {
	f := fake(t, func(t testing.TB) {
		l, _ := tasktest.NewLoop(t, tasktest.Grace(time.Millisecond))
		if err := l.RunForever(); err != nil {
			t.Error(err)
		}
	})
	f.fails(t, `
newloop_test.go:N: deadlock at 0s: nothing is ready, no timer is set, nobody holds the clock
      (there is no unfinished task)
`)
}

// Another goroutine may come late.
func TestNewLoopWaitsForOtherGoroutines(t *testing.T) {
	l, _ := tasktest.NewLoop(t, tasktest.Grace(time.Minute))
	go func() { _, _ = l.CallSoonThreadsafe(l.Stop) }()
	if err := l.RunForever(); err != nil {
		t.Error(err)
	}
}

func TestNewLoopReportsFailTheTest(t *testing.T) {
	f := fake(t, func(t testing.TB) {
		l, _ := tasktest.NewLoop(t)
		l.CallSoon(func() { panic("surprise") })
		l.CallSoon(l.Stop)
		_ = l.RunForever()
	})
	f.contains(t, "newloop_test.go:", "Exception in callback", "surprise")
	if !f.Failed() {
		t.Error("the test passed")
	}
}

func BenchmarkNewLoop(b *testing.B) {
	l, _ := tasktest.NewLoop(b)
	for b.Loop() {
		l.CallSoon(l.Stop)
		if err := l.RunForever(); err != nil {
			b.Fatal(err)
		}
	}
}
