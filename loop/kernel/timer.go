package kernel

import (
	"fmt"
	"time"

	"github.com/goasyncio/asyncio/timers"
)

// A Timer is a handle with a deadline: asyncio's TimerHandle.
type Timer struct {
	Handle
	kernel *Kernel // nil until it is scheduled
	item   timers.Item[*Timer]
}

// When is the loop time at which the timer is due.
func (t *Timer) When() time.Time {
	return t.kernel.epoch.Add(time.Duration(t.item.When()))
}

// Cancel drops the job; the timer leaves the loop's heap at once.
func (t *Timer) Cancel() {
	if t.kernel != nil {
		t.kernel.timers.Remove(&t.item)
	}
	t.Handle.Cancel()
}

// String shows the function, the deadline and the state.
func (t *Timer) String() string {
	return fmt.Sprintf("<TimerHandle when=%s %s>", t.When().Format("15:04:05.000000"), t.Describe())
}

// PushTimer makes t due after d. On a closed loop it does nothing.
func (k *Kernel) PushTimer(t *Timer, d time.Duration) {
	if !k.closed {
		k.schedule(t, later(k.now(), d))
	}
}

// PushTimerAt makes t due at the loop time when. On a closed loop it does nothing.
func (k *Kernel) PushTimerAt(t *Timer, when time.Time) {
	if !k.closed {
		k.schedule(t, int64(when.Sub(k.epoch)))
	}
}

func (k *Kernel) schedule(t *Timer, when int64) {
	t.kernel = k
	t.item.Value = t
	k.timers.Push(&t.item, when)
}

// now is the loop's time in nanoseconds since the epoch.
func (k *Kernel) now() int64 { return int64(k.clock.Now().Sub(k.epoch)) }

// later adds a delay to a time, without overflow.
func later(now int64, d time.Duration) int64 {
	when := now + int64(d)
	if d > 0 && when < now {
		return 1<<63 - 1
	}
	return when
}
