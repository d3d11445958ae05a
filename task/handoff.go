package task

import (
	"fmt"

	"github.com/goasyncio/asyncio/loop"
)

// Handoff is a way in which control is handed from goroutine to goroutine. It
// changes no order, only costs; see [Channels] and [IterPull].
type Handoff uint8

const (
	// Channels is the default: each goroutine waits on a channel of its own, and
	// a task that suspends wakes the next one itself.
	Channels Handoff = iota
	// IterPull switches with iter.Pull, which makes a switch cost about half.
	//
	// It has a price. A switch kills the process, with an error that nothing can
	// catch, if the goroutine that runs the loop is locked to its OS thread
	// (runtime.LockOSThread) and the coroutine is not, or the other way round. So
	// it is for programs in which neither the goroutine that runs the loop nor
	// any coroutine locks its thread between one switch and the next: keep away
	// from it with GUI toolkits and some cgo libraries, and in a main goroutine
	// that locks its thread in an init function. And under the race detector the
	// runtime of Go 1.26 keeps 5 KB of memory for each goroutine of iter.Pull that
	// has ended, which adds up where loops come and go.
	IterPull
)

// String returns the name, such as "channels".
func (h Handoff) String() string {
	if h > IterPull {
		return fmt.Sprintf("Handoff(%d)", uint8(h))
	}
	return [...]string{"channels", "iterpull"}[h]
}

// SetHandoff chooses how the tasks of loop l hand over control. It panics with an
// error that matches [ErrHandoffFixed] if there have been tasks already, and
// [loop.ErrInvalidArgument] if there is no such handoff. See also [WithHandoff].
func SetHandoff(l *loop.Loop, h Handoff) {
	checkHandoff("SetHandoff", h)
	ownSched(l, "SetHandoff")
	if !useHandoff(l, h) {
		panic(fmt.Errorf("task: SetHandoff(%v): %w", h, ErrHandoffFixed))
	}
}

// WithHandoff chooses how the tasks of a run hand over control: see [SetHandoff]. If
// the loop is that of a [WithLoopFactory] and has had tasks already, the run fails with
// an error that matches [ErrHandoffFixed].
func WithHandoff(h Handoff) RunOption {
	checkHandoff("WithHandoff", h)
	return func(s *runSettings) { s.handoff = &h }
}

func checkHandoff(operation string, h Handoff) {
	if h > IterPull {
		panic(fmt.Errorf("task: %s: there is no %v: %w", operation, h, loop.ErrInvalidArgument))
	}
}

// useHandoff reports false if it is too late.
func useHandoff(l *loop.Loop, h Handoff) bool {
	if h == IterPull {
		return schedOf(l).UsePull()
	}
	return schedOf(l).UseChannels()
}
