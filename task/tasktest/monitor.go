package tasktest

import (
	"fmt"
	"time"
)

// monitor is a predicate that is looked at between iterations.
type monitor struct {
	name       string
	pred       func() bool
	eventually bool
	over       bool
}

// Always fails the test if pred is false between two iterations of the loop, from now on.
// The function pred must not wait.
func (t *T) Always(name string, pred func() bool) {
	t.run.monitors = append(t.run.monitors, monitor{name: name, pred: pred})
}

// Eventually fails the test if pred is not true between two iterations of the loop at some
// time within that time of the loop's clock. The end of the test waits for it. The function
// pred must not wait.
func (t *T) Eventually(name string, within time.Duration, pred func() bool) {
	r := t.run
	i := len(r.monitors)
	r.monitors = append(r.monitors, monitor{name: name, pred: pred, eventually: true})
	r.loop.CallLater(within, func() {
		m := &r.monitors[i]
		if !m.over && !m.pred() {
			r.fail("eventually", fmt.Sprintf("%s: not true within %v", name, within))
		}
		m.over = true
	})
}

// lookAround looks at all monitors.
func (r *run) lookAround() {
	for i := range r.monitors {
		m := &r.monitors[i]
		switch {
		case m.over:
		case m.eventually:
			m.over = m.pred()
		case !m.pred():
			m.over = true
			r.fail("always", fmt.Sprintf("%s: not true at %v", m.name, r.elapsed()))
		}
	}
}

// waitsForMonitors reports whether something has yet to become true.
func (r *run) waitsForMonitors() bool {
	for _, m := range r.monitors {
		if m.eventually && !m.over {
			return true
		}
	}
	return false
}
