package tasktest

import (
	"fmt"
	"strings"
	"time"
)

// watchdog ends the process when one step takes too long. Nobody can make a goroutine give
// the loop back, so the test cannot go on.
type watchdog struct {
	run      *run
	patience time.Duration
	deadline time.Time // of the test, less some time; zero if there is none
	timer    *time.Timer
	progress uint64    // when it looked last
	since    time.Time // there has been no progress
}

// beforeDeadline is how long before the test's deadline the watchdog speaks: afterwards go
// test ends the process, and cannot say why.
const beforeDeadline = 5 * time.Second

// startWatchdog watches that no step takes too long. The result ends that.
func (r *run) startWatchdog() (end func()) {
	w := &watchdog{run: r, patience: r.watchdog, since: time.Now()}
	if t, ok := r.outer.(interface{ Deadline() (time.Time, bool) }); ok {
		if d, some := t.Deadline(); some {
			w.deadline = d.Add(-beforeDeadline)
		}
	}
	w.timer = time.AfterFunc(w.pause(), w.look)
	return func() { w.timer.Stop() }
}

// pause is how long it is until the watchdog looks again.
func (w *watchdog) pause() time.Duration { return min(w.patience/8, time.Second) }

// look ends the process if a step has taken too long.
func (w *watchdog) look() {
	if d, tooLong := w.step(time.Now()); tooLong {
		panic(w.run.describeStep(d))
	}
	w.timer.Reset(w.pause())
}

// step returns how long the present step has taken, as far as the watchdog knows, and whether
// that is too long.
func (w *watchdog) step(now time.Time) (d time.Duration, tooLong bool) {
	progress := w.run.progress.Load()
	if progress != w.progress || w.run.asleep.Load() {
		w.progress, w.since = progress, now
	}
	d = now.Sub(w.since)
	return d, d >= w.patience || !w.deadline.IsZero() && !now.Before(w.deadline) && d >= time.Second
}

// describeStep says who has held the loop for d.
func (r *run) describeStep(d time.Duration) string {
	var holders []stack
	for _, s := range profile(r.label) {
		if (s.isWorker() || s.calls("(*run).do")) && s.holds() {
			holders = append(holders, s)
		}
	}
	who := "a callback"
	if e := r.engine.Load(); e != nil {
		if name, ok := e.StuckIn(); ok {
			who = "a step of task " + name
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "tasktest: %s: %s has held the loop for %v", r.outer.Name(), who, d.Round(time.Millisecond))
	for _, s := range holders {
		fmt.Fprintf(&b, "\nin %s:\n%v", s.program(), s)
	}
	return b.String()
}
