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
// calls Sleep on one goroutine at a time.
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
func System() Clock {
	return &system{}
}

// system sleeps on one runtime timer, which it makes once: a loop sleeps often.
type system struct {
	timer *time.Timer
}

func (*system) Now() time.Time {
	return time.Now()
}

func (s *system) Sleep(until time.Time, wake <-chan struct{}) {
	if until.IsZero() {
		<-wake
		return
	}
	d := time.Until(until)
	if d <= 0 {
		return
	}
	if s.timer == nil {
		s.timer = time.NewTimer(d)
	} else {
		s.timer.Reset(d)
	}
	select {
	case <-s.timer.C:
	case <-wake:
		s.timer.Stop()
	}
}
