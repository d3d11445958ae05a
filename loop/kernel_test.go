package loop_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/loop"
)

// errand is a Runner that notes what becomes of it.
type errand struct {
	name string
	s    *steps
}

func (e *errand) Run()  { e.s.add("run " + e.name) }
func (e *errand) Drop() { e.s.add("drop " + e.name) }

func newErrand(s *steps, name string) *loop.Handle {
	h := new(loop.Handle)
	h.Init(loop.Internal, &errand{name, s})
	return h
}

func TestKernelPushesAPreparedHandleAgainAndAgain(t *testing.T) {
	l, _ := newLoop(t)
	var s steps
	h := newErrand(&s, "a")
	for range 3 {
		l.Kernel().Push(h)
		runOnce(t, l)
	}
	s.check(t, "run a", "run a", "run a")
}

func TestKernelTimerFiresInItsPlace(t *testing.T) {
	l, _ := newLoop(t)
	var s steps
	var timer, at loop.TimerHandle
	timer.Init(loop.Internal, &errand{"later", &s})
	at.Init(loop.Internal, &errand{"at", &s})
	l.Kernel().PushTimer(&timer, time.Second)
	l.Kernel().PushTimerAt(&at, start.Add(time.Millisecond))
	l.CallLater(time.Second, l.Stop)
	run(t, l)
	s.check(t, "run at", "run later")
}

func TestCloseTellsRunnersThatTheyAreDropped(t *testing.T) {
	l, _ := newLoop(t)
	k := l.Kernel()
	var s steps
	noError(t, k.Post(newErrand(&s, "collected")))
	l.CallSoon(func() {}) // collects what was posted
	k.Push(newErrand(&s, "ready"))
	cancelled := newErrand(&s, "cancelled")
	k.Push(cancelled)
	cancelled.Cancel()
	noError(t, k.Post(newErrand(&s, "posted")))
	noError(t, l.Close())
	slices.Sort(s) // in which order is nobody's business
	s.check(t, "drop collected", "drop posted", "drop ready")
}

func TestKernelOfAClosedLoopIgnoresWhatIsPushed(t *testing.T) {
	l, _ := newLoop(t)
	k := l.Kernel()
	noError(t, l.Close())
	var s steps
	k.Push(newErrand(&s, "late"))
	var timer loop.TimerHandle
	timer.Init(loop.Internal, &errand{"late", &s})
	k.PushTimer(&timer, 0)
	k.PushTimerAt(&timer, start)
	timer.Cancel()
	isError(t, k.Post(newErrand(&s, "late")), loop.ErrClosed, "loop: ")
	s.check(t)
}

func TestKernelHoldsTellsWhoMayTouchTheLoop(t *testing.T) {
	l, _ := newLoop(t)
	k := l.Kernel()
	elsewhere(func() { equal(t, "Holds while nothing runs", k.Holds(), true) })
	l.CallSoon(func() {
		equal(t, "Holds in a callback", k.Holds(), true)
		elsewhere(func() { equal(t, "Holds elsewhere", k.Holds(), false) })
	})
	runOnce(t, l)
}

func TestKernelRaiseEndsTheRunAfterTheCallback(t *testing.T) {
	l, _ := newLoop(t)
	var s steps
	l.CallSoon(func() {
		l.Kernel().Raise(loop.ErrKeyboardInterrupt)
		l.Kernel().Raise(fmt.Errorf("too late: %w", loop.ErrKeyboardInterrupt))
		s.add("ran to its end")
	})
	l.CallSoon(s.of("rest"))
	if err := l.RunForever(); err != loop.ErrKeyboardInterrupt {
		t.Errorf("the run ended with %v", err)
	}
	s.check(t, "ran to its end")
	runOnce(t, l)
	s.check(t, "ran to its end", "rest")
}
