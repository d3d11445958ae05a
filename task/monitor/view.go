package monitor

import (
	"time"

	"github.com/goasyncio/asyncio/loop"
)

// newWatched returns a loop of the monitor.
func (m *Monitor) newWatched(number int, l *loop.Loop) *watched {
	w := &watched{number: number, loop: l}
	w.album = album{kernel: l.Kernel(), pace: m.settings.looks.pace, maxAge: m.settings.looks.maxAge, taken: w.seen}
	w.gauges.m, w.gauges.w = m, w
	if !l.Kernel().IsRunning() {
		w.ages.note(m.settings.looks.pace.now(), l.Kernel().Read(0).TasksCreated)
	}
	return w
}

// tick notes what changes with time. It is to be called about once a second while the loop
// is awake, and waits for nothing.
func (w *watched) tick(now time.Time) {
	if r := w.loop.Kernel().Read(0); !r.Taken.IsZero() {
		w.ages.note(r.Taken, r.TasksCreated)
	}
	w.gauges.due(now)
}

// seen is told of each picture of the loop.
func (w *watched) seen(p *picture) {
	w.ages.note(p.taken, p.created)
	w.gauges.due(p.taken)
}
