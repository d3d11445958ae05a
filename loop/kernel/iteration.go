package kernel

import (
	"math"
	"math/bits"
	"time"

	"github.com/goasyncio/asyncio/timers"
)

// largeRing is the capacity above which an empty ready queue gives its memory back.
const largeRing = 1 << 16

// Begin makes the calling goroutine the loop's goroutine. It reports false if the loop
// is running already or closed. Any goroutine may call it.
func (k *Kernel) Begin() bool {
	if !k.phase.CompareAndSwap(resting, running) {
		return false
	}
	k.loopGoroutine.Store(goroutine())
	k.owner.Store(goroutine())
	k.inbox.mu.Lock()
	k.inbox.enter(awake)
	k.inbox.mu.Unlock()
	return true
}

// End ends a run. The caller of Begin must call it.
func (k *Kernel) End() {
	k.todo = 0
	k.single = false
	k.publish()
	k.loopGoroutine.Store(0)
	k.owner.Store(0)
	k.raised = nil
	k.stopping.Store(false)
	k.phase.Store(resting)
}

// RunOnce runs one iteration without sleeping. Only the caller of Begin may call it. It
// returns as Run does.
func (k *Kernel) RunOnce() (raised error, goexit bool) {
	k.single = true
	return k.Run()
}

// Next returns when the loop has something to run again, by its clock, and false if
// nothing is scheduled.
func (k *Kernel) Next() (when time.Time, ok bool) {
	if !k.nothing() {
		return k.clock.Now(), true
	}
	if when, some := k.timers.Peek(); some {
		return k.epoch.Add(time.Duration(when)), true
	}
	return time.Time{}, false
}

// Run runs iterations until the loop is stopped, a fatal error ends the run, or a task
// calls runtime.Goexit. It returns the fatal error, and whether the caller must call
// runtime.Goexit. Only the caller of Begin may call it.
//
// The baton may leave this goroutine inside runReady. When it is back, tasks may have
// run the rest of the iteration and further ones. So no local variable may hold anything
// about the iteration.
//
// It must not be inlined: OnLoop looks for its frame.
//
//go:noinline
func (k *Kernel) Run() (raised error, goexit bool) {
	for {
		if !k.nothing() || k.single || k.stopping.Load() || k.raised != nil || !k.idle() {
			k.beginIteration()
		}
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

// idle sleeps until the first timer is due or a handle is posted. It reports whether others
// have run iterations meanwhile, and the loop is to go on in the middle of the latest one.
func (k *Kernel) idle() (lent bool) {
	if !k.reports.young.Empty() {
		if k.Age(); k.ready.Len() > 0 { // the text of an exception is the program's work
			return false
		}
	}
	k.rest()
	// A lower bound for the deadline is cheaper than the deadline. To wake up too early
	// does no harm, except that a clock that jumps would show a time at which nothing
	// is due.
	earliest := k.timers.Soonest
	if _, jumps := k.clock.(timers.Holder); jumps {
		earliest = k.timers.Peek
		if k.scheduler != nil {
			if k.scheduler.BeforeJump(); k.ready.Len() > 0 {
				return false
			}
		}
	}
	var until time.Time
	k.until = math.MaxInt64
	if when, ok := earliest(); ok {
		k.until = when
		until = k.epoch.Add(time.Duration(when))
	}
	if !k.fallAsleep() {
		return false
	}
	if !k.stopping.Load() { // a Stop from now on finds the loop asleep, and wakes it
		k.clock.Sleep(until, k.inbox.wake)
	}
	return k.inbox.wakeAgain()
}

// rest is what comes before a sleep.
func (k *Kernel) rest() {
	if k.network != nil {
		k.network.Idle()
	}
	if k.ready.Len() == 0 && k.ready.Cap() > largeRing {
		k.ready.Resize(0) // one burst must not keep its memory
	}
}

// nothing reports whether no handle is ready, put off or posted.
func (k *Kernel) nothing() bool { return k.nothingNew() && len(k.late) == 0 }

// nothingNew is nothing for a loop without an order, which puts nothing off.
func (k *Kernel) nothingNew() bool {
	return k.ready.Len() == 0 && !k.inbox.has(newPosted|newEvents)
}

// beginIteration adds the posted handles to the ready queue, then the I/O events, then the
// timers that are due, in the order of their deadlines. The handles that are ready then
// make up the iteration.
func (k *Kernel) beginIteration() {
	if k.order != nil {
		k.beginOrdered()
		return
	}
	if k.network != nil {
		k.network.Iteration()
	}
	if k.inbox.news.Load() != 0 {
		k.collectNews()
	}
	if k.timers.Len() > 0 {
		k.collectTimers()
	}
	k.beginBatch()
}

// beginBatch makes what is ready an iteration.
func (k *Kernel) beginBatch() {
	k.todo = k.ready.Len()
	k.counters.Batch[bits.Len32(uint32(k.todo)-1)&31]++ // &31: also if there is nothing
}

// collectNews empties the inbox, and has questions answered.
func (k *Kernel) collectNews() {
	if k.inbox.has(newPosted | newQuestion) {
		k.collect()
	}
	if k.inbox.has(newEvents) {
		k.collectEvents()
	}
}

func (k *Kernel) collectTimers() {
	now := k.now()
	for {
		item, ok := k.timers.PopDue(now)
		if !ok {
			break
		}
		if when := item.When(); when > k.looked { // or it was late when it was set
			k.counters.Lag.Add(time.Duration(now - when))
		}
		k.ready.Push(&item.Value.Handle)
	}
	k.looked = now
}

// runReady runs handles until the iteration is over or one of them panics. Since it
// returns after a panic and is called again, one deferred function serves all handles.
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
			return // a callback called runtime.Goexit, which ends this goroutine
		}
		k.host.CallbackFailed(h, describeJob(j), createdOf(j), value)
	}()
	for k.todo > 0 && k.raised == nil {
		h = k.ready.PopFront()
		k.todo--
		j = h.take()
		if j == nil { // cancelled
			k.counters.Dropped++
			continue
		}
		k.counters.Handles[h.kind&7]++
		if k.Attention() != 0 {
			k.runAttended(j)
		} else {
			j.Run()
		}
	}
	done = true
}

// runTimed runs j, and tells the host if it took long. It measures with the loop's clock,
// so that a program on a virtual clock does not depend on the speed of the machine.
func (k *Kernel) runTimed(j Job) {
	start := k.clock.Now()
	j.Run()
	d := k.clock.Now().Sub(start)
	k.counters.StepTimes.Add(d)
	if d >= k.slow {
		description := "<Handle " + describeJob(j) + createdAt(createdOf(j)) + ">"
		if step, ok := j.(interface{ DescribeStep() string }); ok {
			description = step.DescribeStep()
		}
		k.host.TookLong(description, d)
	}
}

// NextStep removes the next step of a task from the ready queue and returns it, so that
// its goroutine gets the baton directly. On the way it runs internal handles, and begins
// further iterations. It returns nil if the baton must go back to the loop's goroutine:
// to run a callback, to sleep, or to end the run.
func (k *Kernel) NextStep() Job {
	for {
		if k.raised != nil {
			return nil
		}
		if k.todo == 0 {
			switch {
			case k.single || k.stopping.Load():
				return nil
			case k.order == nil: // nothing else must be asked here: this is the fast path
				if k.nothingNew() {
					return nil
				}
			case k.nothing() || !k.order.Anywhere():
				return nil
			}
			k.beginIteration()
			continue
		}
		h := k.ready.Front()
		if h.kind <= OnLoopGoroutine && !h.Cancelled() || k.Debug() { // debug: see runTimed
			return nil
		}
		k.ready.PopFront()
		k.todo--
		if h.kind == Step && h.job != nil { // as take would find out
			k.counters.Handles[Step]++
			return h.job
		}
		j := h.take()
		if j == nil { // cancelled
			k.counters.Dropped++
			continue
		}
		k.counters.Handles[h.kind&7]++
		if k.Attention() != 0 {
			k.runAttended(j)
		} else {
			j.Run()
		}
	}
}
