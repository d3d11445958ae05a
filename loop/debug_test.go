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
