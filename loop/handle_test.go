package loop_test

import (
	"regexp"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/task/tasktest/check"
)

func tea() {}

func matches(t testing.TB, text, pattern string) {
	t.Helper()
	if !regexp.MustCompile("^" + pattern + "$").MatchString(text) {
		t.Errorf("%q does not match %s", text, pattern)
	}
}

func TestHandleStringShowsFunctionAndState(t *testing.T) {
	l, _ := newLoop(t)
	h := l.CallSoon(tea)
	matches(t, h.String(), `<Handle loop_test\.tea at handle_test\.go:\d+>`)
	check.Equal(t, "Cancelled", h.Cancelled(), false)
	h.Cancel()
	check.Equal(t, "Cancelled", h.Cancelled(), true)
	check.Equal(t, "String of a cancelled handle", h.String(), "<Handle cancelled>")

	matches(t, l.CallSoon(func() {}).String(), `<Handle loop_test\.TestHandleString\w+\.func1 at handle_test\.go:\d+>`)

	h, err := l.CallSoonThreadsafe(tea)
	check.NoError(t, err)
	elsewhere(func() {
		check.Equal(t, "String of a threadsafe handle", h.String(), "<Handle threadsafe>")
		h.Cancel()
		check.Equal(t, "String of a cancelled handle", h.String(), "<Handle cancelled>")
	})
}

func TestHandleStringAfterTheRun(t *testing.T) {
	l, _ := newLoop(t)
	h := l.CallSoon(tea)
	runOnce(t, l)
	check.Equal(t, "String", h.String(), "<Handle done>")
	check.Equal(t, "Cancelled", h.Cancelled(), false)
}

func TestTimerHandleStringShowsDeadline(t *testing.T) {
	l, _ := newLoop(t)
	h := l.CallLater(1500*time.Millisecond, tea)
	matches(t, h.String(), `<TimerHandle when=00:00:01\.500000 loop_test\.tea at handle_test\.go:\d+>`)
	h.Cancel()
	check.Equal(t, "String of a cancelled timer", h.String(), "<TimerHandle cancelled when=00:00:01.500000>")
}
