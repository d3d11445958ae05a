// Package timers is the floor an event loop stands on: a clock that it can
// sleep on, and a heap of deadlines.
//
// There are two clocks. [System] is the machine's own. A [Virtual] clock moves
// only when its loop has nothing to do, and then jumps to the next deadline: a
// program that sleeps for an hour takes no time, and always does the same.
package timers

import (
	"time"
)

// A Clock tells the time and sleeps. Each loop calls Sleep from one goroutine
// at a time; Now may be called from any goroutine.
type Clock interface {
	// Now is the current time. It never goes back.
	Now() time.Time

	// Sleep returns when the clock has reached until, or earlier, as soon as
	// something can be received from wake. The zero until means that there is
	// no deadline. Returning too early is harmless.
	Sleep(until time.Time, wake <-chan struct{})
}

// A Holder is a clock that can be kept from moving on by itself.
type Holder interface {
	// Hold keeps the clock from jumping until release is called. Calling
	// release again does nothing. Any goroutine may call either.
	Hold() (release func())
}

// System returns the machine's clock, with its monotonic reading. The zero
// deadline apart, it sleeps on one runtime timer that it arms again each time.
func System() Clock {
	return &system{}
}

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
