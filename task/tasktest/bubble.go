package tasktest

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goasyncio/asyncio/loop"
)

// Bubble is [Run] in a bubble of testing/synctest: the loop lives on the bubble's clock, as
// package time and all goroutines of the test do. It is for programs that mix tasks with
// goroutines which sleep, and contexts that have deadlines. The clock begins at the
// beginning of the year 2000, and goes on when all goroutines of the bubble wait, in the way
// that synctest defines. The test fails if all of them wait and no timer is set, be it a
// task's or a goroutine's. A goroutine that is left at the end ends the process: that is
// synctest's rule.
//
// The clock cannot be stopped: [T.Autojump] panics. [T.Advance] waits, and [T.WaitAllBlocked]
// waits for all goroutines of the bubble. In the bubble the methods Run, Parallel and
// Deadline of the test must not be called; call Parallel before.
func Bubble(t *testing.T, fn func(ctx context.Context, t *T), opts ...Option) {
	t.Helper()
	s := newSettings(opts)
	s.site = callSite()
	mayRun(t, "Bubble", fn)
	r := newRun(t, s)
	r.bubble = true
	defer r.startWatchdog()() // in real time
	synctest.Test(t, func(t *testing.T) {
		r.outer, r.t.TB = t, t
		if ahead := time.Until(s.start); ahead < 0 {
			panic(fmt.Errorf("tasktest: Bubble: it cannot begin at %v: the clock of a bubble begins in the year 2000: %w", s.start, loop.ErrInvalidArgument))
		} else if ahead > 0 {
			time.Sleep(ahead)
		}
		labelled(t, s, func() { r.do(fn) })
	})
}

// bubbleClock is the clock of a bubble. A loop that has no deadline waits for one that is so
// far away that every other timer of the bubble comes first: if it comes, nobody can do
// anything any more.
type bubbleClock struct{ run *run }

// never is farther away than the timers of tests. It takes several of them to reach the end
// of the bubble's clock, in the year 2262.
const never = 20 * 365 * 24 * time.Hour

func (c *bubbleClock) Now() time.Time { return time.Now() }

func (c *bubbleClock) Sleep(until time.Time, wake <-chan struct{}) {
	r := c.run
	if r.until != nil && r.until() {
		r.loop.Stop()
		return
	}
	if r.looksAround() { // before the clock moves
		return
	}
	r.asleep.Store(true)
	defer r.asleep.Store(false)
	defer r.progress.Add(1)
	if len(r.blocked) > 0 {
		synctest.Wait()
		select {
		case <-wake:
		default:
			r.unblock()
		}
		return
	}
	at := r.elapsed()
	d := never
	if !until.IsZero() {
		d = time.Until(until)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-wake:
	case <-timer.C:
		r.moved()
		if until.IsZero() && len(wake) == 0 {
			r.deadlock(at, until, goroutines(r.label, true))
		}
	}
}
