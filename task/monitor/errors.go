package monitor

import (
	"fmt"
	"time"

	"github.com/goasyncio/asyncio/loop"
)

// BlockedError means that a loop has not answered in time. What comes with it is older.
type BlockedError struct {
	Loop     int
	Since    time.Time // when the latest answer was given, zero if there was none
	Stopped  bool      // the loop does not run
	Incident *Incident // what holds it, nil if that is not known yet
}

// Error says which loop it is, and what holds it.
func (e *BlockedError) Error() string {
	switch {
	case e.Stopped:
		return fmt.Sprintf("monitor: loop %d is not running", e.Loop)
	case e.Incident != nil:
		return fmt.Sprintf("monitor: loop %d does not answer: %s", e.Loop, e.Incident.Text)
	}
	return fmt.Sprintf("monitor: loop %d does not answer", e.Loop)
}

// Is makes the error of a loop that does not run match [loop.ErrNotRunning].
func (e *BlockedError) Is(target error) bool { return e.Stopped && target == loop.ErrNotRunning }

// blocked is the error that the loop has not answered, with a picture that may be nil.
func (w *watched) blocked(latest *picture) error {
	e := &BlockedError{Loop: w.number, Stopped: true}
	if w.loop.Kernel().IsRunning() {
		e = w.blockedError(w.monitor.settings.looks.patience)
	}
	if latest != nil {
		e.Since = latest.taken
	}
	return e
}
