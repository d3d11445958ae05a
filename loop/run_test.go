package loop_test

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

func TestStopBeforeRunDoesOneIterationWithoutSleeping(t *testing.T) {
	l, c := newLoop(t)
	var s check.Steps
	l.CallSoon(func() {
		s.Add("a")
		l.CallSoon(s.Of("b"))
	})
	l.CallLater(time.Second, s.Of("timer"))
	l.Stop()
	run(t, l)
	s.Check(t, "a")
	check.Equal(t, "sleeps", len(c.Sleeps()), 0)
	// The wish to stop is used up: this run goes on until it is stopped.
	l.CallLater(2*time.Second, l.Stop)
	run(t, l)
	s.Check(t, "a", "b", "timer")
}

func TestStopOnAnEmptyLoopReturns(t *testing.T) {
	l, c := newLoop(t)
	l.Stop()
	run(t, l)
	check.Equal(t, "sleeps", len(c.Sleeps()), 0)
}

func TestStopLetsTheIterationFinish(t *testing.T) {
	l, _ := newLoop(t)
	var s check.Steps
	l.CallSoon(s.Of("a"))
	l.CallSoon(l.Stop)
	l.CallSoon(func() {
		s.Add("b")
		l.CallSoon(s.Of("c"))
	})
	run(t, l)
	s.Check(t, "a", "b")
	runOnce(t, l)
	s.Check(t, "a", "b", "c")
}

func TestStopTwiceStopsOneRun(t *testing.T) {
	l, _ := newLoop(t)
	var s check.Steps
	l.CallSoon(l.Stop)
	l.CallSoon(l.Stop)
	run(t, l)
	l.CallSoon(func() { l.CallSoon(s.Of("second iteration")) })
	l.CallLater(0, func() { l.CallSoon(l.Stop) })
	run(t, l)
	s.Check(t, "second iteration")
}

func TestStopFromAnotherGoroutineWakesAnIdleLoop(t *testing.T) {
	t.Run("system clock", func(t *testing.T) {
		l := loop.New()
		defer l.Close()
		stopFromElsewhere(t, l)
	})
	t.Run("virtual clock", func(t *testing.T) {
		l, _ := newLoop(t)
		stopFromElsewhere(t, l)
	})
}

func stopFromElsewhere(t *testing.T, l *loop.Loop) {
	t.Helper()
	for range 100 {
		begun := make(chan struct{})
		done := make(chan struct{})
		l.CallSoon(func() { close(begun) })
		go func() {
			defer close(done)
			<-begun
			l.Stop()
			l.Stop()
		}()
		run(t, l)
		<-done
	}
}

func TestIsRunningInsideOfARunOnly(t *testing.T) {
	l, _ := newLoop(t)
	check.Equal(t, "IsRunning before", l.IsRunning(), false)
	l.CallSoon(func() {
		check.Equal(t, "IsRunning inside", l.IsRunning(), true)
		elsewhere(func() { check.Equal(t, "IsRunning elsewhere", l.IsRunning(), true) })
	})
	runOnce(t, l)
	check.Equal(t, "IsRunning after", l.IsRunning(), false)
}

func TestIsRunningWhileTheLoopSleeps(t *testing.T) {
	c := &busyClock{}
	l := loop.New(loop.WithClock(c))
	defer l.Close()
	c.sleep = func() {
		check.Equal(t, "IsRunning asleep", l.IsRunning(), true)
		l.Stop()
	}
	run(t, l)
	check.Equal(t, "sleeps", c.slept, 1)
}

// busyClock calls a function in place of sleeping.
type busyClock struct {
	sleep func()
	slept int
}

func (*busyClock) Now() time.Time { return start }

func (c *busyClock) Sleep(time.Time, <-chan struct{}) {
	c.slept++
	c.sleep()
}

// wakingClock sleeps until the deadline at once, without being a clock that jumps.
type wakingClock struct {
	now    time.Time
	sleeps []time.Duration
}

func (c *wakingClock) Now() time.Time { return c.now }

func (c *wakingClock) Sleep(until time.Time, _ <-chan struct{}) {
	c.sleeps = append(c.sleeps, until.Sub(start))
	c.now = until
}

// To look for the next deadline each time would cost more than to wake up in vain.
func TestTimerThatIsCancelledWakesTheLoopOnceAtMost(t *testing.T) {
	c := &wakingClock{now: start}
	l := loop.New(loop.WithClock(c))
	defer l.Close()
	var ran []time.Duration
	cancelled := l.CallLater(time.Second, func() { t.Error("a cancelled timer fired") })
	l.CallLater(3*time.Second, func() { ran = append(ran, l.Time().Sub(start)) })
	l.CallLater(5*time.Second, l.Stop)
	l.CallSoon(func() { cancelled.Cancel() })
	run(t, l)
	check.Equal(t, "ran", ran, []time.Duration{3 * time.Second})
	check.Equal(t, "sleeps", c.sleeps, []time.Duration{time.Second, 3 * time.Second, 5 * time.Second})
}

func TestRunOfARunningLoopIsRefused(t *testing.T) {
	l, _ := newLoop(t)
	var s check.Steps
	l.CallSoon(func() {
		check.IsFrom(t, l.RunForever(), loop.ErrRunning, "loop: RunForever: ")
		check.IsFrom(t, pollError(l), loop.ErrRunning, "loop: Poll: ")
		elsewhere(func() { check.IsFrom(t, l.RunForever(), loop.ErrRunning, "loop: RunForever: ") })
		check.Equal(t, "IsRunning", l.IsRunning(), true)
		l.CallSoon(func() {
			s.Add("goes on")
			l.Stop()
		})
	})
	run(t, l)
	s.Check(t, "goes on")
}

func TestRunInsideOfAnotherRunIsRefused(t *testing.T) {
	outer, _ := newLoop(t)
	inner, _ := newLoop(t)
	var s check.Steps
	inner.CallSoon(s.Of("inner"))
	outer.CallSoon(func() {
		check.IsFrom(t, inner.RunForever(), loop.ErrRunning, "loop: RunForever: another loop")
		check.IsFrom(t, pollError(inner), loop.ErrRunning, "loop: Poll: another loop")
		check.Equal(t, "inner.IsRunning", inner.IsRunning(), false)
		check.Equal(t, "outer.IsRunning", outer.IsRunning(), true)
		s.Add("outer")
		elsewhere(func() { runOnce(t, inner) }) // on a goroutine of its own it may
		outer.CallSoon(func() {
			s.Add("outer again")
			outer.Stop()
		})
	})
	run(t, outer)
	s.Check(t, "outer", "inner", "outer again")
}

func TestLoopsRunSideBySideOnTwoGoroutines(t *testing.T) {
	a, _ := newLoop(t)
	b, _ := newLoop(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		check.NoError(t, b.RunForever())
	}()
	var s check.Steps
	a.CallSoon(func() {
		_, err := b.CallSoonThreadsafe(func() {
			_, err := a.CallSoonThreadsafe(func() {
				s.Add("back")
				a.Stop()
			})
			check.NoError(t, err)
			b.Stop()
		})
		check.NoError(t, err)
	})
	run(t, a)
	<-done
	s.Check(t, "back")
}

// fatals are the errors that end a run.
var fatals = []struct {
	name string
	err  error
}{
	{"interrupt", loop.ErrKeyboardInterrupt},
	{"exit", &loop.SystemExit{Code: 3}},
	{"wrapped interrupt", fmt.Errorf("while testing: %w", loop.ErrKeyboardInterrupt)},
	{"wrapped exit", fmt.Errorf("while testing: %w", &loop.SystemExit{})},
}

func TestFatalErrorEndsTheRunAndLeavesTheRestForTheNext(t *testing.T) {
	for _, fatal := range fatals {
		t.Run(fatal.name, func(t *testing.T) {
			l, _ := newLoop(t)
			l.SetExceptionHandler(func(_ *loop.Loop, e loop.ExceptionContext) { t.Errorf("reported: %v", e) })
			var s check.Steps
			l.CallSoon(s.Of("a"))
			l.CallSoon(func() {
				l.CallSoon(s.Of("d"))
				panic(fatal.err)
			})
			l.CallSoon(s.Of("b"))
			l.CallLater(0, s.Of("c"))
			if err := l.RunForever(); err != fatal.err {
				t.Errorf("the run ended with %v, want %v", err, fatal.err)
			}
			s.Check(t, "a")
			check.Equal(t, "IsRunning", l.IsRunning(), false)
			runOnce(t, l)
			s.Check(t, "a", "b", "c", "d")
		})
	}
}

func TestStopBesideAFatalErrorIsForgotten(t *testing.T) {
	l, _ := newLoop(t)
	l.CallSoon(l.Stop)
	l.CallSoon(func() { panic(loop.ErrKeyboardInterrupt) })
	if err := l.RunForever(); err != loop.ErrKeyboardInterrupt {
		t.Errorf("the run ended with %v", err)
	}
	var s check.Steps
	l.CallSoon(func() { l.CallSoon(func() { s.Add("second iteration"); l.Stop() }) })
	run(t, l)
	s.Check(t, "second iteration")
}

func TestIsFatalLooksThroughSingleWrappingOnly(t *testing.T) {
	for _, fatal := range fatals {
		check.Equal(t, fatal.name, loop.IsFatal(fatal.err), true)
		check.Equal(t, "a panic with "+fatal.name, loop.IsFatal(&loop.PanicError{Value: fatal.err}), true)
		check.Equal(t, "joined "+fatal.name, loop.IsFatal(errors.Join(fatal.err, errTest)), false)
	}
	check.Equal(t, "nil", loop.IsFatal(nil), false)
	check.Equal(t, "another error", loop.IsFatal(errTest), false)
	check.Equal(t, "text", (&loop.SystemExit{Code: 3}).Error(), "system exit 3")
}

func TestGoexitInACallbackEndsTheGoroutineAndLeavesTheLoopUsable(t *testing.T) {
	for _, debug := range []bool{false, true} {
		l, _ := newLoop(t)
		l.SetDebug(debug)
		var s check.Steps
		l.CallSoon(runtime.Goexit)
		l.CallSoon(s.Of("rest"))
		elsewhere(func() {
			err := l.RunForever()
			t.Errorf("RunForever returned %v", err)
		})
		check.Equal(t, "IsRunning", l.IsRunning(), false)
		s.Check(t)
		runOnce(t, l)
		s.Check(t, "rest")
		check.NoError(t, l.Close())
	}
}

func TestGoexitInACallbackOfPoll(t *testing.T) {
	l, _ := newLoop(t)
	l.CallSoon(runtime.Goexit)
	elsewhere(func() {
		l.Poll()
		t.Error("Poll returned")
	})
	check.Equal(t, "IsRunning", l.IsRunning(), false)
	var s check.Steps
	l.CallSoon(func() { l.CallSoon(func() { s.Add("second iteration"); l.Stop() }) })
	run(t, l) // and it is no Poll any more
	s.Check(t, "second iteration")
}

func TestPollRunsOneIteration(t *testing.T) {
	l, c := newLoop(t)
	var s check.Steps
	count := 0
	l.CallSoon(func() {
		count++
		l.CallSoon(s.Of("next"))
	})
	for i := range 10 {
		l.Poll()
		if i == 0 {
			s.Check(t)
		}
	}
	check.Equal(t, "calls", count, 1)
	s.Check(t, "next")
	check.Equal(t, "sleeps", len(c.Sleeps()), 0)
	check.Equal(t, "IsRunning", l.IsRunning(), false)
}

func TestPollTellsWhenTheNextIterationIsDue(t *testing.T) {
	l, c := newLoop(t)
	expect := func(want time.Time, wantOK bool) {
		t.Helper()
		next, ok, _ := l.Poll()
		if ok != wantOK || !next.Equal(want) {
			t.Errorf("Poll = %v, %t; want %v, %t", next, ok, want, wantOK)
		}
	}
	expect(time.Time{}, false)
	l.CallLater(time.Minute, func() {
		l.CallSoon(func() {
			_, err := l.CallSoonThreadsafe(func() {})
			check.NoError(t, err)
		})
	})
	expect(start.Add(time.Minute), true)
	check.Equal(t, "time", c.Now(), start)
	c.Advance(30 * time.Second)
	expect(start.Add(time.Minute), true)
	c.Advance(40 * time.Second)
	expect(start.Add(70*time.Second), true) // CallSoon: now
	expect(start.Add(70*time.Second), true) // CallSoonThreadsafe: now
	expect(time.Time{}, false)
}

func TestPollCollectsWhatWasPostedElsewhere(t *testing.T) {
	l, _ := newLoop(t)
	var s check.Steps
	elsewhere(func() {
		_, err := l.CallSoonThreadsafe(s.Of("posted"))
		check.NoError(t, err)
	})
	l.Poll()
	s.Check(t, "posted")
}

func TestPollReturnsAFatalError(t *testing.T) {
	l, _ := newLoop(t)
	var s check.Steps
	l.CallSoon(func() { panic(loop.ErrKeyboardInterrupt) })
	l.CallSoon(s.Of("rest"))
	if err := pollError(l); err != loop.ErrKeyboardInterrupt {
		t.Errorf("Poll failed with %v", err)
	}
	l.Poll()
	s.Check(t, "rest")
}

func TestStopEndsThePollThatIsRunning(t *testing.T) {
	l, _ := newLoop(t)
	l.CallSoon(l.Stop)
	l.Poll()
	var s check.Steps
	l.CallSoon(func() { l.CallSoon(func() { s.Add("second iteration"); l.Stop() }) })
	run(t, l)
	s.Check(t, "second iteration")
}

func TestCloseIsIdempotentAndFinal(t *testing.T) {
	l, _ := newLoop(t)
	check.Equal(t, "IsClosed before", l.IsClosed(), false)
	check.NoError(t, l.Close())
	check.Equal(t, "IsClosed after", l.IsClosed(), true)
	check.NoError(t, l.Close())
	check.IsFrom(t, l.RunForever(), loop.ErrClosed, "loop: RunForever: the event loop is closed")
	check.IsFrom(t, pollError(l), loop.ErrClosed, "loop: Poll: ")
}

func TestCloseRefusesWhatComesAfterIt(t *testing.T) {
	l, _ := newLoop(t)
	check.NoError(t, l.Close())
	fn := func() { t.Error("called") }
	check.IsFrom(t, check.Panics(t, func() { l.CallSoon(fn) }), loop.ErrClosed, "loop: CallSoon: ")
	check.IsFrom(t, check.Panics(t, func() { l.CallLater(0, fn) }), loop.ErrClosed, "loop: CallLater: ")
	check.IsFrom(t, check.Panics(t, func() { l.CallAt(start, fn) }), loop.ErrClosed, "loop: CallAt: ")
	_, err := l.CallSoonThreadsafe(fn)
	check.IsFrom(t, err, loop.ErrClosed, "loop: CallSoonThreadsafe: ")
	check.IsFrom(t, l.AddSignalHandler(os.Interrupt, fn), loop.ErrClosed, "loop: AddSignalHandler: ")
	_, err = l.DefaultExecutor()
	check.IsFrom(t, err, loop.ErrExecutorShutdown, "loop: default executor: ")
	l.Stop() // does nothing
}

func TestCloseForgetsWhatWasScheduled(t *testing.T) {
	l, _ := newLoop(t)
	fn := func() { t.Error("called") }
	l.CallSoon(fn)
	l.CallLater(0, fn)
	_, err := l.CallSoonThreadsafe(fn)
	check.NoError(t, err)
	check.NoError(t, l.Close())
}

func TestCloseOfARunningLoopIsRefused(t *testing.T) {
	l, _ := newLoop(t)
	var s check.Steps
	l.CallSoon(func() {
		check.IsFrom(t, l.Close(), loop.ErrRunning, "loop: Close: ")
		elsewhere(func() { check.IsFrom(t, l.Close(), loop.ErrRunning, "loop: Close: ") })
		check.Equal(t, "IsClosed", l.IsClosed(), false)
		l.CallSoon(func() {
			s.Add("goes on")
			l.Stop()
		})
	})
	run(t, l)
	s.Check(t, "goes on")
}

func TestLoopStringShowsItsState(t *testing.T) {
	l, _ := newLoop(t)
	expect := func(want string) {
		t.Helper()
		if got := l.String(); !strings.HasPrefix(got, "<Loop 0x") || !strings.HasSuffix(got, want) {
			t.Errorf("String is %s, want it to end with %s", got, want)
		}
	}
	expect(" running=false closed=false>")
	l.CallSoon(func() { expect(" running=true closed=false>") })
	runOnce(t, l)
	check.NoError(t, l.Close())
	expect(" running=false closed=true>")
}

func TestCloseFromSeveralGoroutines(t *testing.T) {
	for range 100 {
		l := loop.New()
		var closing sync.WaitGroup
		for range 4 {
			closing.Go(func() {
				if err := l.Close(); err != nil {
					t.Errorf("Close: %v", err)
				}
			})
		}
		closing.Wait()
	}
}

func TestCloseWhileARunBegins(t *testing.T) {
	for range 500 {
		l := loop.New()
		l.CallSoon(l.Stop)
		ran := make(chan error)
		go func() { ran <- l.RunForever() }()
		closed := l.Close()
		run := <-ran
		switch {
		case closed == nil && run == nil: // one after the other
		case errors.Is(closed, loop.ErrRunning) && run == nil:
			if err := l.Close(); err != nil {
				t.Fatalf("Close after the run: %v", err)
			}
		case closed == nil && errors.Is(run, loop.ErrClosed):
		default:
			t.Fatalf("Close: %v, RunForever: %v", closed, run)
		}
	}
}
