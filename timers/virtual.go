package timers

import (
	"fmt"
	"sync"
	"time"
)

// Virtual is a clock for tests and simulations. It stands still while its loop has
// something to do. When the loop has nothing to do, the clock jumps to the next
// deadline.
//
// A clock that is held does not jump: see [Virtual.Hold].
//
// Use a Virtual clock for one loop. The zero Virtual begins at the Unix epoch. Any
// goroutine may call its methods.
type Virtual struct {
	mu    sync.Mutex
	now   time.Time
	holds int
	freed chan struct{} // closed when the last hold is released; nil if there is none
}

// NewVirtual returns a clock that begins at start. The zero start stands for the Unix
// epoch, since the zero time means "no deadline" to [Clock.Sleep].
func NewVirtual(start time.Time) *Virtual {
	return &Virtual{now: start}
}

// lock locks the clock. It begins at the Unix epoch if no other time was given.
func (v *Virtual) lock() {
	v.mu.Lock()
	if v.now.IsZero() {
		v.now = time.Unix(0, 0).UTC()
	}
}

// Now returns the virtual time.
func (v *Virtual) Now() time.Time {
	v.lock()
	defer v.mu.Unlock()
	return v.now
}

// Advance moves the clock on by d. It does not wake a sleeping loop, so it is for
// callbacks, and for programs that run their loop with Poll. It panics if d is negative
// ([ErrInvalidArgument]).
func (v *Virtual) Advance(d time.Duration) {
	if d < 0 {
		panic(fmt.Errorf("timers: virtual clock: Advance by %v: time does not go back: %w", d, ErrInvalidArgument))
	}
	v.lock()
	defer v.mu.Unlock()
	v.now = v.now.Add(d)
}

// Hold keeps the clock from jumping until release is called. Hold the clock while
// another goroutine works on something that the loop waits for. An idle loop then waits,
// in real time, until it is woken or the last hold is released. Calling release again
// does nothing.
func (v *Virtual) Hold() (release func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.holds == 0 {
		v.freed = make(chan struct{})
	}
	v.holds++
	return sync.OnceFunc(func() {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.holds--
		if v.holds == 0 {
			close(v.freed)
			v.freed = nil
		}
	})
}

// Sleep jumps to until, or returns at once if it can receive from wake. If until is zero
// it waits for wake. If the clock is held it waits for wake or the end of the last hold,
// and does not jump.
func (v *Virtual) Sleep(until time.Time, wake <-chan struct{}) {
	if until.IsZero() {
		<-wake
		return
	}
	v.lock()
	freed := v.freed
	if freed == nil {
		select {
		case <-wake: // a holder has passed something to the loop, and released the clock
		default:
			if until.After(v.now) {
				v.now = until
			}
		}
	}
	v.mu.Unlock()
	if freed != nil {
		select {
		case <-wake:
		case <-freed:
			// No jump yet: the holder may have passed something to the loop. The loop
			// looks for it, and calls Sleep again if there is nothing.
		}
	}
}
