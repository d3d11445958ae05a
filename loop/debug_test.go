package loop_test

import (
	"testing"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

func TestDebugModeIsOffAtFirst(t *testing.T) {
	l, _ := newLoop(t)
	check.Equal(t, "Debug", l.Debug(), false)
	l.SetDebug(true)
	check.Equal(t, "Debug", l.Debug(), true)
	l.SetDebug(false)
	check.Equal(t, "Debug", l.Debug(), false)
	l, _ = newLoop(t, loop.WithDebug())
	check.Equal(t, "Debug WithDebug", l.Debug(), true)
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
	check.Equal(t, "log of a quick callback", take(99*time.Millisecond), "")
	check.Contains(t, take(100*time.Millisecond), "level=WARN", "Executing <Handle loop_test.TestSlowCallbackIsLoggedInDebugMode",
		"debug_test.go:", "took 0.100 seconds")
	l.SetSlowCallbackDuration(time.Second)
	check.Equal(t, "log below the new limit", take(999*time.Millisecond), "")
	check.Contains(t, take(1500*time.Millisecond), "took 1.500 seconds")
	l.SetSlowCallbackDuration(0)
	check.Contains(t, take(0), "took 0.000 seconds")
	l.SetDebug(false)
	check.Equal(t, "log without debug mode", take(time.Hour), "")
}

func TestDebugModeChangesNoOrder(t *testing.T) {
	l, _ := newLoop(t, loop.WithDebug())
	var s check.Steps
	l.CallLater(0, s.Of("timer"))
	l.CallSoon(s.Of("a"))
	_, err := l.CallSoonThreadsafe(s.Of("b"))
	check.NoError(t, err)
	l.CallSoon(func() { l.CallSoon(s.Of("next")) })
	l.CallSoon(s.Of("cancelled")).Cancel()
	runOnce(t, l)
	runOnce(t, l)
	s.Check(t, "a", "b", "timer", "next")
}
