package loop_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task/tasktest/check"
	"github.com/goasyncio/asyncio/timers"
)

func TestCallSoonDoesNotCallInline(t *testing.T) {
	l, _ := newLoop(t)
	var s check.Steps
	h := l.CallSoon(s.Of("call"))
	s.Add("scheduled")
	check.Equal(t, "Cancelled", h.Cancelled(), false)
	if next, ok, _ := l.Poll(); ok { // a call, and no timer
		t.Errorf("something is left, due at %v", next)
	}
	s.Check(t, "scheduled", "call")
}

func TestCallSoonKeepsTheOrder(t *testing.T) {
	l, _ := newLoop(t)
	const n = 10_000 // the ready queue grows several times
	var got []int
	for i := range n {
		l.CallSoon(func() { got = append(got, i) })
	}
	runOnce(t, l)
	check.Equal(t, "calls", len(got), n)
	for i, v := range got {
		if i != v {
			t.Fatalf("call %d came at place %d", v, i)
		}
	}
}

func TestCallSoonInACallbackRunsInTheNextIteration(t *testing.T) {
	l, _ := newLoop(t)
	var s check.Steps
	l.CallSoon(func() {
		s.Add("a")
		l.CallSoon(s.Of("c"))
	})
	l.CallSoon(s.Of("b"))
	runOnce(t, l)
	s.Check(t, "a", "b")
	runOnce(t, l)
	s.Check(t, "a", "b", "c")
}

func TestReadyQueueWrapsAroundWhileTheLoopRuns(t *testing.T) {
	l, _ := newLoop(t)
	const chains, rounds = 50, 200
	var calls int
	for chain := range chains {
		var next func(round int)
		next = func(round int) {
			// Everybody has had as many turns as the others.
			if want := round*chains + chain; calls != want {
				t.Errorf("chain %d, round %d: %d calls came before, want %d", chain, round, calls, want)
			}
			calls++
			if round+1 < rounds {
				l.CallSoon(func() { next(round + 1) })
			} else if chain == chains-1 {
				l.Stop()
			}
		}
		l.CallSoon(func() { next(0) })
	}
	run(t, l)
	check.Equal(t, "calls", calls, chains*rounds)
}

func TestCallSoonSkipsACancelledCall(t *testing.T) {
	l, _ := newLoop(t)
	var s check.Steps
	l.CallSoon(s.Of("a"))
	h := l.CallSoon(s.Of("cancelled"))
	l.CallSoon(s.Of("b"))
	h.Cancel()
	h.Cancel() // again: nothing
	check.Equal(t, "Cancelled", h.Cancelled(), true)
	runOnce(t, l)
	s.Check(t, "a", "b")
}

func TestCallSoonSkipsACallCancelledByOneBeforeIt(t *testing.T) {
	l, _ := newLoop(t)
	var s check.Steps
	var h *loop.Handle
	l.CallSoon(func() { h.Cancel() })
	h = l.CallSoon(s.Of("cancelled"))
	l.CallSoon(s.Of("end"))
	runOnce(t, l)
	s.Check(t, "end")
}

func TestCallLaterFiresOnAnIdleLoop(t *testing.T) {
	l, c := newLoop(t)
	var at time.Duration
	l.CallLater(2*time.Second, func() {
		at = l.Time().Sub(start)
		l.Stop()
	})
	run(t, l)
	check.Equal(t, "time of the call", at, 2*time.Second)
	check.Equal(t, "sleeps", c.Sleeps(), []time.Duration{2 * time.Second})
}

func TestCallLaterFiresOnASystemClock(t *testing.T) {
	l := loop.New()
	defer l.Close()
	when := l.Time().Add(time.Microsecond)
	h := l.CallAt(when, func() {
		if now := l.Time(); now.Before(when) {
			t.Errorf("called at %v, before %v", now, when)
		}
		l.Stop()
	})
	if !h.When().Equal(when) {
		t.Errorf("When is %v, want %v", h.When(), when)
	}
	run(t, l)
}

func TestTimersFireInTheOrderOfDeadlines(t *testing.T) {
	l, _ := newLoop(t)
	var s check.Steps
	for _, d := range []int{3, 1, 2, 5, 4} {
		l.CallLater(time.Duration(d)*time.Second, func() {
			s.Add(fmt.Sprintf("%d@%v", d, l.Time().Sub(start)))
		})
	}
	l.CallLater(6*time.Second, l.Stop)
	run(t, l)
	s.Check(t, "1@1s", "2@2s", "3@3s", "4@4s", "5@5s")
}

func TestTimersOfOneDeadlineFireInTheOrderOfScheduling(t *testing.T) {
	l, _ := newLoop(t)
	const n = 500
	var got []int
	for i := range n {
		if i%2 == 0 {
			l.CallLater(time.Second, func() { got = append(got, i) })
		} else {
			l.CallAt(start.Add(time.Second), func() { got = append(got, i) })
		}
	}
	l.CallLater(time.Second, l.Stop)
	run(t, l)
	check.Equal(t, "calls", len(got), n)
	for i, v := range got {
		if i != v {
			t.Fatalf("timer %d fired at place %d", v, i)
		}
	}
}

func TestTimersOfNegativeDelayAreDueAtOnceInTheirOrder(t *testing.T) {
	l, c := newLoop(t)
	var s check.Steps
	l.CallLater(-1*time.Second, s.Of("-1"))
	l.CallLater(-2*time.Second, s.Of("-2"))
	l.CallLater(0, s.Of("0"))
	l.CallSoon(s.Of("soon"))
	runOnce(t, l)
	s.Check(t, "soon", "-2", "-1", "0")
	check.Equal(t, "time", c.Now(), start)
}

func TestTimersRunAfterWhatIsReady(t *testing.T) {
	l, _ := newLoop(t)
	var s check.Steps
	l.CallSoon(s.Of("a"))
	l.CallLater(0, s.Of("timer"))
	l.CallSoon(s.Of("b"))
	runOnce(t, l)
	s.Check(t, "a", "b", "timer")
}

func TestTimerThatIsOverdueRunsNowAndWhatItSchedulesNext(t *testing.T) {
	l, c := newLoop(t)
	var s check.Steps
	l.CallLater(time.Second, func() {
		s.Add("timer")
		l.CallSoon(s.Of("soon"))
		l.CallLater(0, s.Of("later"))
	})
	c.Advance(time.Minute)
	runOnce(t, l)
	s.Check(t, "timer")
	runOnce(t, l)
	s.Check(t, "timer", "soon", "later")
}

func TestTimerThatBecomesDueDuringAnIterationWaits(t *testing.T) {
	l, c := newLoop(t)
	var s check.Steps
	l.CallLater(time.Second, s.Of("timer"))
	l.CallSoon(func() { c.Advance(time.Minute) })
	l.CallSoon(s.Of("soon"))
	runOnce(t, l)
	s.Check(t, "soon")
	runOnce(t, l)
	s.Check(t, "soon", "timer")
}

func TestTimerThatIsCancelledLeavesAtOnce(t *testing.T) {
	l, c := newLoop(t)
	var s check.Steps
	var timers []*loop.TimerHandle
	for i := range 200 {
		timers = append(timers, l.CallLater(time.Duration(i)*time.Second, s.Of("cancelled")))
	}
	for _, h := range timers {
		h.Cancel()
		h.Cancel() // again: nothing
		check.Equal(t, "Cancelled", h.Cancelled(), true)
	}
	if next, ok, _ := l.Poll(); ok {
		t.Errorf("a cancelled timer keeps the loop waiting until %v", next)
	}
	s.Check(t)
	check.Equal(t, "time", c.Now(), start)
}

func TestTimerThatIsCancelledDoesNotEndTheSleep(t *testing.T) {
	l, c := newLoop(t)
	early := l.CallLater(5*time.Second, func() { t.Error("the cancelled timer fired") })
	l.CallLater(10*time.Second, l.Stop)
	late := l.CallLater(15*time.Second, func() { t.Error("the cancelled timer fired") })
	early.Cancel()
	late.Cancel()
	run(t, l)
	check.Equal(t, "sleeps", c.Sleeps(), []time.Duration{10 * time.Second})
}

func TestTimerCancelledAfterItFiredOrAfterClose(t *testing.T) {
	l, _ := newLoop(t)
	fired := l.CallLater(0, func() {})
	runOnce(t, l)
	fired.Cancel()
	pending := l.CallLater(time.Hour, func() {})
	l.Poll() // finds its place
	fresh := l.CallLater(time.Hour, func() {})
	check.NoError(t, l.Close())
	for _, h := range []*loop.TimerHandle{fired, pending, fresh} {
		h.Cancel()
		check.Equal(t, "Cancelled", h.Cancelled(), true)
	}
}

func TestTimerThatIsDueIsCancelledByOneBeforeIt(t *testing.T) {
	l, _ := newLoop(t)
	var h *loop.TimerHandle
	l.CallLater(0, func() { h.Cancel() })
	h = l.CallLater(0, func() { t.Error("the cancelled timer fired") })
	runOnce(t, l)
}

func TestTimerHandleWhenIsTheDeadline(t *testing.T) {
	l, c := newLoop(t)
	c.Advance(time.Second)
	check.Equal(t, "When after CallLater", l.CallLater(time.Minute, func() {}).When(), start.Add(61*time.Second))
	check.Equal(t, "When after CallAt", l.CallAt(start.Add(time.Hour), func() {}).When(), start.Add(time.Hour))
}

func TestCallLaterWithAVeryLongDelayIsNotOverAtOnce(t *testing.T) {
	l, c := newLoop(t)
	c.Advance(time.Hour)
	var s check.Steps
	l.CallLater(math.MaxInt64, s.Of("for ever"))
	l.CallLater(time.Second, s.Of("a second"))
	runOnce(t, l)
	s.Check(t)
	c.Advance(time.Second)
	runOnce(t, l)
	s.Check(t, "a second")
}

func TestCallsOfNilFunctionsAreRefused(t *testing.T) {
	l, _ := newLoop(t)
	check.IsFrom(t, check.Panics(t, func() { l.CallSoon(nil) }), loop.ErrNilFunc, "loop: CallSoon: ")
	check.IsFrom(t, check.Panics(t, func() { l.CallLater(0, nil) }), loop.ErrNilFunc, "loop: CallLater: ")
	check.IsFrom(t, check.Panics(t, func() { l.CallAt(start, nil) }), loop.ErrNilFunc, "loop: CallAt: ")
	_, err := l.CallSoonThreadsafe(nil)
	check.IsFrom(t, err, loop.ErrNilFunc, "loop: CallSoonThreadsafe: ")
	if _, ok, _ := l.Poll(); ok {
		t.Error("something was scheduled all the same")
	}
}

func TestHoldStopsTheClockUntilItsRelease(t *testing.T) {
	l, _ := newLoop(t)
	var s check.Steps
	l.CallLater(time.Hour, func() {
		s.Add("timer")
		l.Stop()
	})
	release := l.Hold()
	begun := make(chan struct{})
	l.CallSoon(func() { close(begun) })
	go func() {
		<-begun
		_, err := l.CallSoonThreadsafe(func() {
			s.Add("posted at " + l.Time().Sub(start).String())
		})
		check.NoError(t, err)
		release()
		release() // again: nothing
	}()
	run(t, l)
	s.Check(t, "posted at 0s", "timer")
}

func TestHoldOfASystemClockDoesNothing(t *testing.T) {
	l := loop.New(loop.WithClock(timers.System()))
	defer l.Close()
	release := l.Hold()
	l.CallLater(0, l.Stop)
	run(t, l)
	release()
	release()
}

func TestWithClockRefusesNil(t *testing.T) {
	const want = "loop: WithClock: the clock is nil: invalid argument"
	if err := check.Panics(t, func() { loop.WithClock(nil) }); err.Error() != want {
		t.Errorf("the panic is %q, want %q", err, want)
	}
}
