package monitor

import "time"

// tick notes what changes with time. The watchdog calls it while it watches. It waits for
// nothing.
func (w *watched) tick(now time.Time) {
	if w.ages.old(now) {
		if r := w.loop.Kernel().Read(0); !r.Taken.IsZero() {
			w.ages.note(r.Taken, r.TasksCreated)
		}
	}
	w.gauges.due(now)
}

// seen is told of each picture of the loop.
func (w *watched) seen(p *picture) {
	w.ages.note(p.taken, p.created)
	w.gauges.due(p.taken)
}
