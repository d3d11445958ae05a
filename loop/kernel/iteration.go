package kernel

import (
	"time"

	"github.com/goasyncio/asyncio/timers"
)

// largeRing is the capacity from which on an empty ready queue gives its memory
// back.
const largeRing = 1 << 16

// Begin makes the calling goroutine the loop's. It reports false if another one is.
func (k *Kernel) Begin() bool {
	if !k.running.CompareAndSwap(false, true) {
		return false
	}
	k.loopGoroutine.Store(goroutine())
	return true
}

// End ends what Begin began.
func (k *Kernel) End() {
	k.todo = 0
	k.single = false
	k.loopGoroutine.Store(0)
	k.raised = nil
	k.stopping.Store(false)
	k.running.Store(false)
}

// RunOnce runs one iteration, without sleeping. It is for Begin's caller, and
// returns as Run does.
func (k *Kernel) RunOnce() (raised error, goexit bool) {
	k.single = true
	return k.Run()
}

// Next returns when the next iteration has something to run, and false if nothing
// is scheduled.
func (k *Kernel) Next() (when time.Time, ok bool) {
	if !k.inbox.empty() {
		k.collect()
	}
	if k.ready.Len() > 0 {
		return k.clock.Now(), true
	}
	if when, some := k.timers.Peek(); some {
		return k.epoch.Add(time.Duration(when)), true
	}
	return time.Time{}, false
}

// Run is the loop. It is for Begin's caller, and returns when the loop is stopped
// or the run is interrupted: by a fatal error, or because a task called
// runtime.Goexit.
//
// The baton may leave this goroutine inside of runReady: when it is back, tasks may
// have run the rest of the iteration and further ones, so that nothing about the
// iteration is kept in local variables.
//
// Its frame marks the stack of the loop's goroutine: see OnLoop.
//
//go:noinline
func (k *Kernel) Run() (raised error, goexit bool) {
	for {
		if k.ready.Len() == 0 && k.inbox.empty() && !k.single && !k.stopping.Load() && k.raised == nil {
			k.idle()
		}
		k.beginIteration()
		for k.todo > 0 && k.raised == nil {
			k.runReady()
		}
		switch {
		case k.raised != nil:
			if k.raised == errGoexit {
				return nil, true
			}
			return k.raised, false
		case k.single || k.stopping.Load():
			return nil, false
		}
	}
}

// idle sleeps until the first timer is due or something is posted.
func (k *Kernel) idle() {
	if k.ready.Cap() > largeRing {
		k.ready.Resize(0) // one burst must not keep its memory
	}
	// To wake up for a timer that was cancelled does no harm, but a clock that
	// jumps must not stop there.
	earliest := k.timers.Soonest
	if _, jumps := k.clock.(timers.Holder); jumps {
		earliest = k.timers.Peek
		if k.scheduler != nil {
			if k.scheduler.BeforeJump(); k.ready.Len() > 0 {
				return
			}
		}
	}
	var until time.Time
	if when, ok := earliest(); ok {
		until = k.epoch.Add(time.Duration(when))
	}
	if k.inbox.fallAsleep() {
		if !k.stopping.Load() { // Stop looks at the sleeper after it has set the flag
			k.asleep.Store(true)
			k.clock.Sleep(until, k.inbox.wake)
			k.asleep.Store(false)
		}
		k.inbox.wakeAgain()
	}
}

// beginIteration makes ready what is due, and fixes what the iteration runs: first
// what others posted, then timers, in the order of their deadlines.
func (k *Kernel) beginIteration() {
	if !k.inbox.empty() {
		k.collect()
	}
	if k.timers.Len() > 0 {
		k.collectTimers()
	}
	k.todo = k.ready.Len()
}

func (k *Kernel) collectTimers() {
	now := k.now()
	for {
		item, ok := k.timers.PopDue(now)
		if !ok {
			return
		}
		k.ready.Push(&item.Value.Handle)
	}
}

// runReady runs handles until the iteration is over or one of them panics. That it
// returns then, and is called again, saves a deferred call for each handle.
func (k *Kernel) runReady() {
	var h *Handle
	var j Job
	done := false
	defer func() {
		if done {
			return
		}
		value := recover()
		if value == nil {
			return // runtime.Goexit: it ends this goroutine
		}
		k.host.CallbackFailed(h, describeJob(j), value)
	}()
	for k.todo > 0 && k.raised == nil {
		h = k.ready.PopFront()
		k.todo--
		j = h.take()
		if j == nil {
			continue // cancelled
		}
		if k.debug {
			k.runTimed(j)
		} else {
			j.Run()
		}
	}
	done = true
}

// runTimed runs j and reports it if it took long. Only the loop's own time counts,
// so that a virtual clock is not disturbed by a slow machine.
func (k *Kernel) runTimed(j Job) {
	start := k.clock.Now()
	j.Run()
	if d := k.clock.Now().Sub(start); d >= k.slow {
		description := describeJob(j)
		if step, ok := j.(interface{ DescribeFuture() string }); ok {
			description = step.DescribeFuture()
		}
		k.host.TookLong(description, d)
	}
}

// NextStep takes the next handle that is a task's step off the ready queue and
// returns its job, having run the internal handles before it, across the end of the
// iteration if need be. It returns nil if the baton must go back to the loop's
// goroutine first: for a callback, to sleep, to stop.
func (k *Kernel) NextStep() Job {
	for {
		if k.raised != nil {
			return nil
		}
		if k.todo == 0 {
			if k.single || k.stopping.Load() || k.ready.Len() == 0 && k.inbox.empty() {
				return nil
			}
			k.beginIteration()
			continue
		}
		h := k.ready.Front()
		if h.kind <= OnLoopGoroutine && !h.Cancelled() || k.debug {
			return nil
		}
		k.ready.PopFront()
		k.todo--
		j := h.take()
		switch {
		case j == nil: // cancelled
		case h.kind == Step:
			return j
		default:
			j.Run()
		}
	}
}
