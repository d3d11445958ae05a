package loop_test

import (
	"testing"
	"time"

	"github.com/goasyncio/asyncio/loop"
)

func TestDebugModeIsOffAtFirst(t *testing.T) {
	l, _ := newLoop(t)
	equal(t, "Debug", l.Debug(), false)
	l.SetDebug(true)
	equal(t, "Debug", l.Debug(), true)
	l.SetDebug(false)
	equal(t, "Debug", l.Debug(), false)
	l, _ = newLoop(t, loop.WithDebug())
	equal(t, "Debug WithDebug", l.Debug(), true)
}

func TestCallsFromTheWrongGoroutineAreRefused(t *testing.T) {
	l, _ := newLoop(t)
	handle, timer := l.CallSoon(func() {}), l.CallLater(time.Hour, func() {})
	calls := map[string]func(){
		"CallSoon of <Loop 0x":            func() { l.CallSoon(func() {}) },
		"CallLater of <Loop 0x":           func() { l.CallLater(0, func() {}) },
		"CallAt of <Loop 0x":              func() { l.CallAt(start, func() {}) },
		"Cancel of <Handle 0x":            func() { handle.Cancel() },
		"Cancel of <TimerHandle 0x":       func() { timer.Cancel() },
		"SetDebug of <Loop 0x":            func() { l.SetDebug(false) },
		"SetSlowCallbackDuration of <":    func() { l.SetSlowCallbackDuration(time.Second) },
		"SetExceptionHandler of <Loop 0x": func() { l.SetExceptionHandler(nil) },
	}
	elsewhere(func() {
		for _, call := range calls { // nobody runs the loop: no harm
			call()
		}
	})
	l.CallSoon(func() {
		for name, call := range calls {
			call() // here it is allowed
			elsewhere(func() { isError(t, panicOf(t, call), loop.ErrWrongGoroutine, "loop: "+name) })
		}
		elsewhere(func() {
			_, err := l.CallSoonThreadsafe(func() {})
			noError(t, err)
		})
	})
	runOnce(t, l)
}

func TestSlowCallbackIsLoggedInDebugMode(t *testing.T) {
	log, text := logged()
	l, c := newLoop(t, loop.WithLogger(log), loop.WithDebug())
	take := func(d time.Duration) string {
		text.Reset()
		l.CallSoon(func() { c.Advance(d) })
		runOnce(t, l)
		return text.String()
	}
	equal(t, "log of a quick callback", take(99*time.Millisecond), "")
	says(t, take(100*time.Millisecond), "level=WARN", "Executing <Handle loop_test.TestSlowCallbackIsLoggedInDebugMode",
		"debug_test.go:", "took 0.100 seconds")
	l.SetSlowCallbackDuration(time.Second)
	equal(t, "log below the new limit", take(999*time.Millisecond), "")
	says(t, take(1500*time.Millisecond), "took 1.500 seconds")
	l.SetSlowCallbackDuration(0)
	says(t, take(0), "took 0.000 seconds")
	l.SetDebug(false)
	equal(t, "log without debug mode", take(time.Hour), "")
}

func TestDebugModeChangesNoOrder(t *testing.T) {
	l, _ := newLoop(t, loop.WithDebug())
	var s steps
	l.CallLater(0, s.of("timer"))
	l.CallSoon(s.of("a"))
	_, err := l.CallSoonThreadsafe(s.of("b"))
	noError(t, err)
	l.CallSoon(func() { l.CallSoon(s.of("next")) })
	l.CallSoon(s.of("cancelled")).Cancel()
	runOnce(t, l)
	runOnce(t, l)
	s.check(t, "a", "b", "timer", "next")
}
