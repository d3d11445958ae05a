package kernel

import (
	"time"

	"github.com/goasyncio/asyncio/timers"
)

// A Timer is a handle with a deadline. It is asyncio's TimerHandle.
type Timer struct {
	Handle
	kernel *Kernel // nil until it is scheduled
	item   timers.Item[*Timer]
}

// Kernel returns the kernel of the loop that the timer is scheduled on, or nil.
func (t *Timer) Kernel() *Kernel { return t.kernel }

// When returns the time at which the timer is due, by the loop's clock. It is zero if the
// timer was never scheduled.
func (t *Timer) When() time.Time {
	if t.kernel == nil {
		return time.Time{}
	}
	return t.kernel.epoch.Add(time.Duration(t.item.When()))
}

// Cancel drops the job and removes the timer from the loop's heap.
func (t *Timer) Cancel() {
	if t.kernel != nil {
		t.kernel.timers.Remove(&t.item)
	}
	t.Handle.Cancel()
}

// String returns the deadline, and the function or the state.
func (t *Timer) String() string {
	if t == nil {
		return "<nil>"
	}
	when := "when=" + t.When().Format("15:04:05.000000")
	if t.Cancelled() {
		return "<TimerHandle cancelled " + when + ">"
	}
	return "<TimerHandle " + when + " " + t.Handle.describe() + ">"
}

// PushTimer makes t due after d. On a closed loop it does nothing.
func (k *Kernel) PushTimer(t *Timer, d time.Duration) {
	if !k.IsClosed() {
		k.schedule(t, later(k.now(), d))
	}
}

// PushTimerAt makes t due at the given time of the loop's clock. On a closed loop it
// does nothing.
func (k *Kernel) PushTimerAt(t *Timer, when time.Time) {
	if !k.IsClosed() {
		k.schedule(t, int64(when.Sub(k.epoch)))
	}
}

func (k *Kernel) schedule(t *Timer, when int64) {
	k.counters.TimersSet++
	t.kernel = k
	t.item.Value = t
	k.timers.Push(&t.item, when)
}

// now returns the time by the loop's clock, in nanoseconds since the kernel's epoch.
func (k *Kernel) now() int64 { return int64(k.clock.Now().Sub(k.epoch)) }

// later adds a delay to a time. It returns the largest time if the sum overflows.
func later(now int64, d time.Duration) int64 {
	when := now + int64(d)
	if d > 0 && when < now {
		return 1<<63 - 1
	}
	return when
}
