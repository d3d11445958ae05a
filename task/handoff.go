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
	// that locks its thread in an init function.
	IterPull
)

func (h Handoff) String() string {
	switch h {
	case Channels:
		return "channels"
	case IterPull:
		return "iterpull"
	}
	return fmt.Sprintf("Handoff(%d)", uint8(h))
}

// SetHandoff chooses how the tasks of loop l hand over control. It panics with an
// error that matches [ErrHandoffFixed] if there have been tasks already, and
// [loop.ErrInvalidArgument] if there is no such handoff.
func SetHandoff(l *loop.Loop, h Handoff) {
	s := schedOf(l)
	use := s.UseChannels
	switch h {
	case Channels:
	case IterPull:
		use = s.UsePull
	default:
		panic(fmt.Errorf("task: SetHandoff: there is no %v: %w", h, loop.ErrInvalidArgument))
	}
	if !use() {
		panic(fmt.Errorf("task: SetHandoff(%v): %w", h, ErrHandoffFixed))
	}
}
