package kernel

import (
	"fmt"
	"strings"
	"time"
)

// patience is how long a loop on a virtual clock waits, in real time, before it says that
// it does.
const patience = 10 * time.Second

// watchedClock is a clock that jumps, and knows when its loop waits in real time.
type watchedClock interface {
	Watch(d time.Duration, stuck func())
	Holders() []string
}

// watchClock makes the loop say once what it waits for if its clock cannot jump for long.
// A real clock shows that the program waits. On a virtual one all waits should be short:
// somebody may have forgotten to release it, or nothing can happen any more.
func (k *Kernel) watchClock() {
	if c, ok := k.clock.(watchedClock); ok {
		k.stuck.Init(OnLoopGoroutine, (*stuckLoop)(k))
		c.Watch(patience, func() { k.Post(&k.stuck) }) // a closed loop is not stuck
	}
}

// Stranded reports whether the loop sleeps without a timer, so that nothing but another
// goroutine can wake it, and which of its sleeps that is. Any goroutine may call it.
func (k *Kernel) Stranded() (sleep uint64, stranded bool) {
	b := &k.inbox
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.sleeps, b.state.asleep() && k.timers.Len() == 0 && len(b.posted.handles) == 0 && len(b.events.handles) == 0
}

// Alone reports whether no other goroutine is going to wake the loop, by the contract of a
// virtual clock: whether it has one, and nobody holds it. Any goroutine may call it.
func (k *Kernel) Alone() bool {
	c, ok := k.clock.(watchedClock)
	return ok && len(c.Holders()) == 0
}

// stuckLoop is the job of looking what the loop waits for. Only the loop may look.
type stuckLoop Kernel

// Run logs what the loop waits for, if it still has nothing else to do.
func (s *stuckLoop) Run() {
	k := (*Kernel)(s)
	c := k.clock.(watchedClock)
	holders := c.Holders()
	switch {
	case k.ready.Len() > 0:
		return
	case len(holders) > 0:
		k.Warn(fmt.Sprintf("The virtual clock has been held for %v of real time, by %s", patience, strings.Join(holders, ", ")))
	case k.timers.Len() == 0 && k.scheduler != nil && k.scheduler.Pending() != "":
		k.Warn(fmt.Sprintf("The loop has waited for %v of real time, and its virtual clock has nothing to jump to. "+
			"Pending: %s. If another goroutine works for it, hold the clock: see Loop.Hold", patience, k.scheduler.Pending()))
	default:
		return
	}
	c.Watch(0, nil)
}
