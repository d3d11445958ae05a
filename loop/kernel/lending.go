package kernel

import "github.com/goasyncio/asyncio/timers"

// While a loop sleeps, nobody has its baton. Whoever brings something may take it: run the
// jobs of the library that are ready, begin iterations, pass the baton to a task, and leave.
// So a task goes on without its loop's goroutine, which sleeps on. Who has the baton then
// and finds nothing more to run lays it down again; but the loop's goroutine gets it if
// there is something that only that may do, or if it has woken up by itself.
//
// All of it happens under the lock of the inbox, in these steps.

// loopState says what a loop does, and where its baton is.
type loopState uint8

const (
	// stopped is a loop that does not run.
	stopped loopState = iota
	// awake: the loop's goroutine has the baton, or a task that passes it back.
	awake
	// asleep: nobody has it. While a loop sleeps, nobody writes what its owner writes.
	asleep
	// woken: nobody has it, and the loop's goroutine has been woken to take it.
	woken
	// lent: somebody else has taken it, and the loop's goroutine sleeps on.
	lent
	// wanted: as lent, but the loop's goroutine has woken up and waits for it.
	wanted
)

func (s loopState) awake() bool { return s == awake || s == lent || s == wanted }

func (s loopState) asleep() bool { return s == asleep || s == woken }

// admit appends a handle to one of the piles. If the loop sleeps, the caller is to wake it, or
// gets the baton: then the handle, which would be the only one, is to go straight to the
// ready queue.
func (b *inbox) admit(p *pile, h *Handle) (accepted, taken, wake bool) {
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		return false, false, false
	}
	b.submitted++
	switch {
	case b.state != asleep:
		b.put(p, h)
	case b.lends && h.kind == Internal:
		b.enter(lent)
		taken = true
	default:
		b.put(p, h)
		b.enter(woken)
		wake = true
	}
	b.mu.Unlock()
	return true, taken, wake
}

// rouse reports whether the loop sleeps, and the caller is to wake it.
func (b *inbox) rouse() (wake bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.state == asleep {
		b.enter(woken)
		wake = true
	}
	return wake
}

// fallAsleep makes the next post wake the loop, or take the baton. It reports false if
// something was posted before: then the loop must not sleep.
func (k *Kernel) fallAsleep() bool {
	k.inbox.mu.Lock()
	defer k.inbox.mu.Unlock()
	return k.inbox.layDown(k.lends())
}

// layDown puts the loop to sleep unless something was posted. The inbox is locked.
func (b *inbox) layDown(lends bool) bool {
	if len(b.posted.handles) > 0 || len(b.events.handles) > 0 {
		return false
	}
	if b.asked != nil {
		b.answer()
	}
	b.lends = lends
	b.sleeps++
	b.enter(asleep)
	return true
}

// lends reports whether others may take the baton of the sleeping loop. Not if its clock
// would jump meanwhile; not if functions of the program are told of tasks and steps, which
// would be called on a goroutine that may hold any lock of the program; not for tests that
// arrange iterations.
func (k *Kernel) lends() bool {
	_, jumps := k.clock.(timers.Holder)
	return !jumps && k.order == nil && k.onPost == nil && k.Attention()&(AttendDebug|AttendProgram) == 0 &&
		k.scheduler != nil && k.scheduler.Lends()
}

// wakeAgain is the end of the sleep of the loop's goroutine, which may have ended by itself.
// It waits for the baton, and reports whether somebody else has had it last.
func (b *inbox) wakeAgain() (lent bool) {
	for {
		mine, lent := b.claim()
		if mine {
			return lent
		}
		<-b.wake
	}
}

// claim takes the baton for the loop's goroutine. If somebody else has it, that is told to
// hand it over, which comes with a signal. If it has been handed over, claim reports that.
func (b *inbox) claim() (mine, handed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch b.state {
	case lent:
		b.enter(wanted)
		return false, false
	case wanted: // an old signal
		return false, false
	case awake:
		return true, true
	default:
		b.enter(awake)
		return true, false
	}
}

// bring posts a handle to one of the piles of the inbox, and runs an errand if that has
// taken the baton.
func (k *Kernel) bring(p *pile, h *Handle) bool {
	accepted, taken := k.inbox.post(p, h)
	if taken {
		k.receive(h)
		k.scheduler.Errand()
	}
	return accepted
}

// receive is the beginning of an errand for h.
func (k *Kernel) receive(h *Handle) {
	k.lent = true
	k.counters.Lent++
	k.ready.Push(h)
}

// Lent reports whether the baton was taken from the sleeping loop. Whoever is about to pass
// it to the loop's goroutine must call GiveBack then. Only the owner of the baton may call
// it.
func (k *Kernel) Lent() bool { return k.lent }

// GiveBack gives the baton back: lays it down, or hands it over to the loop's goroutine. It
// reports false if something was posted meanwhile that the caller is to run. Only the owner
// of a baton that is lent may call it, after EndStep.
func (k *Kernel) GiveBack() bool {
	k.rest()
	given, wake := k.yield()
	if wake {
		k.inbox.signal()
	}
	return given
}

// yield is GiveBack without the signal to the loop's goroutine.
func (k *Kernel) yield() (given, wake bool) {
	b := &k.inbox
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.state == wanted || k.needsLoop():
		k.lent = false
		b.enter(awake)
		return true, true
	case b.layDown(k.lends()):
		k.lent = false
		return true, false
	}
	return false, false
}

// needsLoop reports whether there is something that only the loop's goroutine may do: run
// callbacks, end the run, or sleep until a timer that is earlier than those before. The
// inbox is locked, since Stop looks at the state after it has said that it wants the end.
func (k *Kernel) needsLoop() bool {
	if k.todo > 0 || k.ready.Len() > 0 || k.raised != nil || k.stopping.Load() || !k.reports.young.Empty() || k.Debug() {
		return true
	}
	when, ok := k.timers.Soonest()
	return ok && when < k.until
}

// NotNow puts back a step that NextStep has returned, so that the loop's goroutine runs it.
func (k *Kernel) NotNow(h *Handle) {
	k.RunNext(h)
	k.counters.Handles[Step]--
}
