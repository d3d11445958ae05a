package tasktest

import (
	"slices"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/timers"
)

// NewLoop returns a loop on a virtual clock, for tests that run it themselves. It is closed at
// the end of the test. A run in which nothing can happen any more fails the test and is
// stopped. So do reports to the loop's exception handler, unless the test sets one.
func NewLoop(t testing.TB, opts ...Option) (*loop.Loop, *Clock) {
	t.Helper()
	r := newRun(t, newSettings(opts))
	r.notes = true
	r.makeLoop()
	t.Cleanup(func() {
		if err := r.loop.Close(); err != nil {
			r.fail("close", "NewLoop: "+err.Error())
		}
		r.cleanUp()
	})
	return r.loop, &Clock{r.clock, r}
}

// Clock is the virtual clock of a loop that [NewLoop] has made.
type Clock struct {
	*timers.Virtual
	run *run
}

// Sleep is called by the loop when it has nothing to do: see [timers.Clock].
func (c *Clock) Sleep(until time.Time, wake <-chan struct{}) {
	r := c.run
	if r.until != nil && r.until() { // even if somebody holds the clock
		r.loop.Stop()
		return
	}
	if r.notes {
		r.noteSleep(until)
	}
	r.asleep.Store(true)
	c.Virtual.Sleep(until, wake)
	r.progress.Add(1)
	r.asleep.Store(false)
}

// Sleeps returns until when the loop slept each time that it had nothing to do, since the
// beginning. It is -1 where the loop waited for other goroutines only. Call it while the
// loop is not running, or from its callbacks.
func (c *Clock) Sleeps() []time.Duration { return slices.Clone(c.run.sleeps) }

func (r *run) noteSleep(until time.Time) {
	d := time.Duration(-1)
	if !until.IsZero() {
		d = until.Sub(r.settings.start)
	}
	r.sleeps = append(r.sleeps, d)
}
