package tasktest

import (
	"fmt"
	"time"
)

// watchdog ends the process when one step takes too long. Nobody can make a goroutine give
// the loop back, so the test cannot go on.
type watchdog struct {
	run      *run
	patience time.Duration
	timer    *time.Timer
	progress uint64 // when it looked last
}

// look is called each time that its patience is over.
func (w *watchdog) look() {
	progress := w.run.progress.Load()
	if progress == w.progress && progress > 0 && !w.run.asleep.Load() {
		panic(fmt.Sprintf("tasktest: %s: one step has held the loop for %v", w.run.outer.Name(), w.patience))
	}
	w.progress = progress
	w.timer.Reset(w.patience)
}
