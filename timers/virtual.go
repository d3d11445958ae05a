package timers

import (
	"fmt"
	"sync"
	"time"
)

// Virtual is a clock for tests and simulations. It stands still while its loop
// works, and jumps to the next deadline when the loop idles. It is safe for
// use by several goroutines; it is meant to drive one loop.
//
// While somebody holds the clock (see [Virtual.Hold]) an idle loop waits, in
// real time, for what the holder is about to submit.
type Virtual struct {
	mu    sync.Mutex
	now   time.Time
	holds int
	freed chan struct{} // closed when the last hold is released; nil without holds
}

// NewVirtual returns a clock that shows start. The zero start is replaced by
// the Unix epoch, because the zero time means "no deadline" to a loop.
func NewVirtual(start time.Time) *Virtual {
	if start.IsZero() {
		start = time.Unix(0, 0).UTC()
	}
	return &Virtual{now: start}
}

// Now is the virtual time.
func (v *Virtual) Now() time.Time {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.now
}

// Advance moves the clock on by d. A loop notices at its next iteration: it
// suits a host that calls its loop's Poll. It panics if d is negative.
func (v *Virtual) Advance(d time.Duration) {
	if d < 0 {
		panic(fmt.Errorf("timers: virtual clock: Advance by %v: time does not go back", d))
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.now = v.now.Add(d)
}

// Hold keeps the clock from jumping until release is called: work whose result
// the loop waits for is going on elsewhere.
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

// Sleep jumps to until, unless wake is ready. It waits for wake instead if until
// is zero, and for wake or the end of the last hold while the clock is held.
func (v *Virtual) Sleep(until time.Time, wake <-chan struct{}) {
	if until.IsZero() {
		<-wake
		return
	}
	v.mu.Lock()
	freed := v.freed
	if freed == nil {
		select {
		case <-wake: // by a holder that has submitted something and let go since
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
			// Whatever the holder submitted comes before the jump: the loop
			// looks for it, and sleeps again if there is nothing.
		}
	}
}
