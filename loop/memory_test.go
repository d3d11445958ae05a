package loop

import (
	"testing"
	"time"
)

func TestTimersThatAreCancelledAreGoneAtOnce(t *testing.T) {
	l := New()
	defer l.Close()
	var timers []*TimerHandle
	for i := range 300 {
		timers = append(timers, l.CallLater(time.Hour+time.Duration(i), func() {}))
		if i == 200 {
			l.Poll() // finds a place for those so far
		}
	}
	for i, h := range timers {
		h.Cancel()
		if got, want := l.timers.Len(), len(timers)-i-1; got != want {
			t.Fatalf("%d timers are left after %d of %d were cancelled", got, i+1, len(timers))
		}
	}
}

func TestCloseEmptiesTheLoop(t *testing.T) {
	l := New()
	l.CallSoon(func() {})
	l.CallLater(time.Hour, func() {})
	if _, err := l.CallSoonThreadsafe(func() {}); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if l.ready.n != 0 || l.timers.Len() != 0 || !l.inbox.empty() {
		t.Errorf("after Close there are %d handles, %d timers, an empty inbox: %t", l.ready.n, l.timers.Len(), l.inbox.empty())
	}
}
