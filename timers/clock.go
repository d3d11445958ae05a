// Package timers has the clocks that event loops live by, and the heap that keeps their
// deadlines.
//
// There are two clocks. [System] is the machine's clock. A [Virtual] clock stands still
// while its loop has something to do, and then jumps to the next deadline. On a virtual
// clock a program that sleeps for an hour takes no time, and does the same in every run.
package timers

import (
	"errors"
	"time"
)

// ErrInvalidArgument means that an argument is nil or out of range. It comes wrapped in an
// error that names the function and the argument.
var ErrInvalidArgument = errors.New("invalid argument")

// A Clock tells the time and lets a loop sleep. Any goroutine may call Now. Each loop
// calls Sleep on one goroutine at a time. A loop that is closed closes its clock, if that
// is an io.Closer.
type Clock interface {
	// Now returns the current time. It never goes back.
	Now() time.Time

	// Sleep returns when the clock has reached until, or as soon as it can receive
	// from wake. The zero until means no deadline. To return too early does no harm.
	Sleep(until time.Time, wake <-chan struct{})
}

// A Holder is a clock that jumps, and can be kept from jumping.
type Holder interface {
	// Hold keeps the clock from jumping until release is called. Calling release
	// again does nothing. Any goroutine may call Hold and release.
	Hold() (release func())
}

// System returns the machine's clock. Its times have a monotonic reading. Each call
// returns a new Clock, for one loop.
//
// On an idle machine a sleep ends about a tenth of a millisecond late, one of less than
// half a millisecond up to a millisecond. On Linux, where all of Go's own timers are as late
// as that, the clock has a timer of the system's: one file descriptor, from its first sleep
// with a deadline that is near until the loop is closed. If there is no descriptor left, it
// goes without. In a bubble of testing/synctest its time is that of the bubble.
func System() Clock {
	return &system{}
}

// system sleeps on one runtime timer, which it makes once: a loop sleeps often. For the end
// of a sleep it sets an alarm besides. Each is more exact at times: the alarm when the
// runtime has nothing to do, the timer when it has so much that it seldom looks at
// descriptors.
type system struct {
	timer   *time.Timer
	alarm   *alarm // nil until it is needed
	noAlarm bool   // there can be none
}

const (
	// near is how far away a deadline may be for the alarm to be set. Most sleeps that
	// are longer are those of a timeout, and end before.
	near = 50 * time.Millisecond
	// soon is how far away a deadline must be. The runtime's timer wakes up once a
	// millisecond, for all that is due by then. Where timers are as dense as that, an
	// alarm for each of them would cost four times the processor time.
	soon = 500 * time.Microsecond
)

func (*system) Now() time.Time {
	return time.Now()
}

func (s *system) Sleep(until time.Time, wake <-chan struct{}) {
	if until.IsZero() {
		<-wake
		return
	}
	for {
		now := time.Now()
		d := until.Sub(now)
		if d <= 0 {
			return
		}
		var rung <-chan struct{}
		switch {
		case s.noAlarm || !isReal(now):
		case d > near:
			d -= near
		default:
			rung = s.setAlarm(until, d)
		}
		if s.timer == nil {
			s.timer = time.NewTimer(d)
		} else {
			s.timer.Reset(d)
		}
		select {
		case <-s.timer.C:
		case <-rung:
			s.timer.Stop()
			s.alarm.off()
		case <-wake:
			s.timer.Stop()
			return
		}
	}
}

// isReal reports whether now, which time.Now has returned, is not the time of a bubble of
// testing/synctest. There only timers let time go on. That time has no monotonic reading.
func isReal(now time.Time) bool { return now != now.Round(0) }

// setAlarm makes the alarm ring when until is reached, which is in d, or earlier. It returns
// nil if the timer must do.
func (s *system) setAlarm(until time.Time, d time.Duration) (rung <-chan struct{}) {
	if d < soon && (s.alarm == nil || !s.alarm.covers(until)) {
		return nil
	}
	if s.alarm == nil {
		if s.alarm = newAlarm(); s.alarm == nil {
			s.noAlarm = true
			return nil
		}
	}
	rung = s.alarm.at(until)
	s.noAlarm = rung == nil
	return rung
}

// Close ends the alarm. If the clock is used again it goes without.
func (s *system) Close() error {
	s.noAlarm = true
	if s.alarm != nil {
		s.alarm.close()
	}
	return nil
}
