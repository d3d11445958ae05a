package loop_test

import (
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

func TestThreadsafeBeforeTheRunComesFirst(t *testing.T) {
	l, _ := newLoop(t)
	var s check.Steps
	elsewhere(func() {
		_, err := l.CallSoonThreadsafe(s.Of("hello"))
		check.NoError(t, err)
	})
	l.CallSoon(func() {
		s.Add("world")
		l.Stop()
	})
	run(t, l)
	s.Check(t, "hello", "world")
}

func TestThreadsafeAndCallSoonAreOneOrderOnTheLoop(t *testing.T) {
	l, _ := newLoop(t)
	var s check.Steps
	submit := func(names ...string) {
		for i, name := range names {
			if i%2 == 0 {
				l.CallSoon(s.Of(name))
				continue
			}
			_, err := l.CallSoonThreadsafe(s.Of(name))
			check.NoError(t, err)
		}
	}
	submit("a", "b", "c", "d")
	l.CallSoon(func() { submit("e", "f", "g", "h") })
	runOnce(t, l)
	s.Check(t, "a", "b", "c", "d")
	runOnce(t, l)
	s.Check(t, "a", "b", "c", "d", "e", "f", "g", "h")
}

func TestThreadsafeCallDuringAnIterationRunsInTheNext(t *testing.T) {
	l, _ := newLoop(t)
	var s check.Steps
	l.CallSoon(func() {
		elsewhere(func() {
			_, err := l.CallSoonThreadsafe(s.Of("posted"))
			check.NoError(t, err)
		})
	})
	l.CallLater(0, s.Of("timer"))
	runOnce(t, l)
	s.Check(t, "timer")
	l.CallLater(0, s.Of("timer"))
	runOnce(t, l)
	s.Check(t, "timer", "posted", "timer")
}

func TestThreadsafeWakesAnIdleLoop(t *testing.T) {
	l := loop.New() // on a clock that really sleeps
	defer l.Close()
	const n = 1000
	calls := 0
	step := make(chan struct{})
	go func() {
		for range n {
			<-step
			_, err := l.CallSoonThreadsafe(func() {
				if calls++; calls == n {
					l.Stop()
					return
				}
				step <- struct{}{}
			})
			check.NoError(t, err)
		}
	}()
	l.CallSoon(func() { step <- struct{}{} })
	run(t, l)
	check.Equal(t, "calls", calls, n)
}

func TestThreadsafeKeepsTheOrderOfEachGoroutine(t *testing.T) {
	l := loop.New()
	defer l.Close()
	const goroutines, each = 8, 2000
	last := make([]int, goroutines)
	left := goroutines * each
	var submitters sync.WaitGroup
	for g := range goroutines {
		submitters.Go(func() {
			for i := 1; i <= each; i++ {
				_, err := l.CallSoonThreadsafe(func() {
					if last[g] != i-1 {
						t.Errorf("goroutine %d: call %d came after %d", g, i, last[g])
					}
					last[g] = i
					if left--; left == 0 {
						l.Stop()
					}
				})
				check.NoError(t, err)
			}
		})
	}
	run(t, l)
	submitters.Wait()
	check.Equal(t, "calls left", left, 0)
}

func TestThreadsafeRacingCloseIsRefusedOrForgotten(t *testing.T) {
	for range 50 {
		l := loop.New()
		const goroutines = 4
		var accepted, called atomic.Int64
		var submitters sync.WaitGroup
		for range goroutines {
			submitters.Go(func() {
				for {
					_, err := l.CallSoonThreadsafe(func() {
						if called.Add(1) == 100 {
							l.Stop()
						}
					})
					if err != nil {
						if !errors.Is(err, loop.ErrClosed) {
							t.Errorf("refused with %v", err)
						}
						return
					}
					accepted.Add(1)
					runtime.Gosched() // so that the loop has its turn on a single processor
				}
			})
		}
		run(t, l)
		check.NoError(t, l.Close())
		atClose := called.Load()
		submitters.Wait() // each of them is refused in the end
		if called.Load() != atClose {
			t.Fatalf("%d calls came after Close", called.Load()-atClose)
		}
		if accepted.Load() < atClose {
			t.Fatalf("%d calls were accepted, %d were made", accepted.Load(), atClose)
		}
	}
}

func TestThreadsafeCallCancelledElsewhereNeverRuns(t *testing.T) {
	l, _ := newLoop(t)
	var s check.Steps
	h, err := l.CallSoonThreadsafe(s.Of("cancelled"))
	check.NoError(t, err)
	elsewhere(func() {
		h.Cancel()
		check.Equal(t, "Cancelled", h.Cancelled(), true)
	})
	l.CallSoon(s.Of("end"))
	runOnce(t, l)
	s.Check(t, "end")
}

func TestThreadsafeCallIsCancelledOrRuns(t *testing.T) {
	l := loop.New()
	defer l.Close()
	for range 2000 {
		var runs atomic.Int32
		h, err := l.CallSoonThreadsafe(func() { runs.Add(1) })
		check.NoError(t, err)
		cancelled := make(chan struct{})
		for range 2 {
			go func() {
				h.Cancel()
				cancelled <- struct{}{}
			}()
		}
		runtime.Gosched()
		runOnce(t, l)
		<-cancelled
		<-cancelled
		ran := runs.Load()
		runOnce(t, l)
		if runs.Load() != ran || ran > 1 {
			t.Fatalf("the call ran %d times, then %d", ran, runs.Load())
		}
		check.Equal(t, "Cancelled", h.Cancelled(), true)
	}
}

func TestThreadsafeCancelDoesNotWaitForARunningCall(t *testing.T) {
	l, _ := newLoop(t)
	var s check.Steps
	begun := make(chan struct{})
	cancelled := make(chan struct{})
	h, err := l.CallSoonThreadsafe(func() {
		close(begun)
		<-cancelled
		s.Add("ran to its end")
	})
	check.NoError(t, err)
	go func() {
		defer close(cancelled)
		<-begun
		check.Equal(t, "Cancelled while it runs", h.Cancelled(), false)
		h.Cancel()
	}()
	runOnce(t, l)
	s.Check(t, "ran to its end")
}

func TestThreadsafeCallCancelsItself(t *testing.T) {
	l, _ := newLoop(t)
	var s check.Steps
	var h *loop.Handle
	h, err := l.CallSoonThreadsafe(func() {
		h.Cancel()
		s.Add("ran to its end")
	})
	check.NoError(t, err)
	runOnce(t, l)
	s.Check(t, "ran to its end")
	check.Equal(t, "Cancelled", h.Cancelled(), true)
}
