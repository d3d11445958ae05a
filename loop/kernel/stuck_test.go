package kernel

import (
	"strings"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/timers"
)

// watchful is a clock that tells when its kernel watches it.
type watchful struct {
	*timers.Virtual
	holders  []string
	patience time.Duration
	stuck    func()
}

func (w *watchful) Watch(d time.Duration, stuck func()) { w.patience, w.stuck = d, stuck }
func (w *watchful) Holders() []string                   { return w.holders }

// pendingScheduler has tasks that are not finished, or none if it is empty.
type pendingScheduler struct {
	*testScheduler
	tasks string
}

func (s pendingScheduler) Pending() string { return s.tasks }

// plainClock is a clock that does not know when its loop waits in real time.
type plainClock struct{ timers.Clock }

func TestStuckLoopIsNotLookedForOnAClockThatCannotTell(t *testing.T) {
	h := &testHost{}
	k := New(plainClock{timers.NewVirtual(start)}, h, nil)
	runOnce(t, k)
	k.Close()
	h.steps.check(t)
}

func TestStuckLoopSaysOnceWhatItWaitsFor(t *testing.T) {
	const (
		held    = "The virtual clock has been held for 10s of real time, by a, b"
		nothing = "The loop has waited for 10s of real time, and its virtual clock has nothing to jump to. " +
			"Pending: <Task>. If another goroutine works for it, hold the clock: see Loop.Hold"
	)
	for name, test := range map[string]struct {
		holders           []string
		tasks             string
		noScheduler, busy bool
		timer             bool
		want              string
	}{
		"held":                    {holders: []string{"a", "b"}, tasks: "<Task>", want: held},
		"held, with a timer":      {holders: []string{"a", "b"}, timer: true, want: held},
		"held, without scheduler": {holders: []string{"a", "b"}, noScheduler: true, want: held},
		"held, but busy":          {holders: []string{"a", "b"}, busy: true},
		"pending":                 {tasks: "<Task>", want: nothing},
		"pending, but busy":       {tasks: "<Task>", busy: true},
		"pending, with a timer":   {tasks: "<Task>", timer: true},
		"no task":                 {},
		"no scheduler":            {noScheduler: true},
	} {
		t.Run(name, func(t *testing.T) {
			h := &testHost{}
			clock := &watchful{Virtual: timers.NewVirtual(start), holders: test.holders}
			k := New(clock, h, nil)
			defer k.Close()
			mustBe(t, "the patience", clock.patience, 10*time.Second)
			if !test.noScheduler {
				k.Scheduler(func(*Kernel) Scheduler { return pendingScheduler{&testScheduler{}, test.tasks} })
			}
			if test.timer {
				pushAfter(k, time.Hour, func() {})
			}
			clock.stuck()
			if test.busy {
				soon(k, func() {})
			}
			runOnce(t, k)
			mustBe(t, "what it says", strings.Join(h.steps, "; "), test.want)
			mustBe(t, "still watched", clock.stuck != nil, test.want == "")
		})
	}
}
