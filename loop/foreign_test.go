package loop_test

import (
	"sync"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// wrongCalls are the operations that the loop's tasks and callbacks may call and nobody
// else, each with how its refusal begins, up to the address.
func wrongCalls(l *loop.Loop, never func()) map[string]func() {
	handle, timer := l.CallSoon(func() {}), l.CallLater(time.Hour, func() {})
	return map[string]func(){
		"CallSoon of <Loop":                func() { l.CallSoon(never) },
		"CallLater of <Loop":               func() { l.CallLater(0, never) },
		"CallAt of <Loop":                  func() { l.CallAt(start, never) },
		"Cancel of <Handle":                func() { handle.Cancel() },
		"Cancel of <TimerHandle":           func() { timer.Cancel() },
		"SetDebug of <Loop":                func() { l.SetDebug(false) },
		"SetSlowCallbackDuration of <Loop": func() { l.SetSlowCallbackDuration(time.Second) },
		"SetExceptionHandler of <Loop":     func() { l.SetExceptionHandler(nil) },
		"CallExceptionHandler of <Loop":    func() { l.CallExceptionHandler(loop.ExceptionContext{}) },
	}
}

// What has an effect on a loop is refused on a goroutine outside of it, whether the loop
// is running a callback or asleep, and the loop goes on.
func TestCallsFromTheWrongGoroutineAreRefused(t *testing.T) {
	log, text := logged()
	l, c := newLoop(t, loop.WithLogger(log))
	check.ForeignCalls(l)
	calls := wrongCalls(l, func() { t.Error("called") })
	tryAll := func() {
		for name, call := range calls {
			check.IsFrom(t, check.Panics(t, call), loop.ErrWrongGoroutine, "loop: "+name+" 0x")
		}
		check.IsFrom(t, l.RunForever(), loop.ErrRunning, "loop: RunForever")
		check.IsFrom(t, pollError(l), loop.ErrRunning, "loop: Poll")
		check.IsFrom(t, l.Close(), loop.ErrRunning, "loop: Close")
		h, err := l.CallSoonThreadsafe(func() { t.Error("called") })
		check.NoError(t, err)
		h.Cancel()
		check.Equal(t, "Cancelled", h.Cancelled(), true)
	}
	var s check.Steps
	l.CallLater(time.Second, s.Of("timer"))
	l.CallLater(2*time.Second, l.Stop)
	l.CallSoon(func() { elsewhere(tryAll) }) // the callback waits for it
	asleep := sync.OnceFunc(func() {
		elsewhere(func() {
			tryAll()
			_, err := l.CallSoonThreadsafe(s.Of("posted"))
			check.NoError(t, err)
		})
	})
	c.SetIdle(func(time.Time, <-chan struct{}) (jump bool) {
		asleep()
		return true
	})
	run(t, l)
	s.Check(t, "posted", "timer")
	check.Equal(t, "log", text.String(), "")
	check.NoError(t, l.Close())
}

// The loop's own callbacks may call all that, and while nobody runs the loop so may any
// goroutine.
func TestCallsFromTheRightGoroutineAreNotRefused(t *testing.T) {
	log, _ := logged()
	l, _ := newLoggingLoop(t, loop.WithLogger(log))
	called := 0
	calls := wrongCalls(l, func() { called++ })
	callAll := func() {
		for _, call := range calls {
			call()
		}
	}
	elsewhere(callAll)
	l.CallSoon(callAll)
	runOnce(t, l)
	runOnce(t, l)
	check.Equal(t, "calls of CallSoon, CallLater and CallAt", called, 6)
}
