package tasktest

import (
	"fmt"
	"slices"

	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task/tasktest/internal/choice"
)

// An event from outside is a handle that another thread passes to call_soon_threadsafe. Its
// cause has been; when it arrives is free. The handle may take any place in the ready queue
// behind what was there at the time of its cause, in this iteration or in a later one. That
// is all the freedom there is: where it runs says everything about when it arrived.

// arrival is an event that has not arrived.
type arrival struct {
	handle *kernel.Handle
	id     int
	what   string
	cause  kernel.Handle // keeps the place of its cause in the ready queue
	after  int           // how many handles of the batch were ready before its cause
}

// Run is that of cause, which is taken out of the batch before.
func (*arrival) Run() {}

// expect makes a handle arrive, at some time from now on. Asyncio's order is that of an event
// that takes no time: it arrives when the present iteration is over.
func (e *explorer) expect(what string, h *kernel.Handle) {
	e.events++
	a := &arrival{handle: h, id: e.events, what: what}
	a.cause.Init(kernel.Internal, a)
	e.run.kernel.Push(&a.cause)
	e.arrivals = append(e.arrivals, a)
}

// findCauses takes the causes of events out of a batch.
func findCauses(batch []kernel.Ready) []kernel.Ready {
	rest := batch[:0]
	for _, h := range batch {
		if a, ok := h.Job().(*arrival); ok {
			a.after = len(rest)
		} else {
			rest = append(rest, h)
		}
	}
	return rest
}

// arriveBefore lets events arrive before the timers of an iteration are noticed. They may
// stay away, unless the loop sleeps until something happens.
func (e *explorer) arriveBefore(batch []kernel.Ready, due bool) []kernel.Ready {
	awaited := e.awaited
	e.awaited = false
	if len(batch) == 0 && !due && !awaited {
		return batch // it goes to sleep, and then they arrive
	}
	for i := 0; i < len(e.arrivals); {
		a := e.arrivals[i]
		places := len(batch) - a.after + 1
		must := awaited && len(batch) == 0 && i == len(e.arrivals)-1 // nothing else can wake the loop
		n := places
		if !must {
			n++
		}
		v := 0
		if n > 1 && !e.run.cancelOnly {
			v = e.decide(choice.Point{Kind: choice.Arrive, N: n, Subject: a.id, Must: must})
		}
		at := len(batch)
		switch v {
		case 0:
		case places:
			if !due {
				e.deviates(choice.Arrive, "%s does not arrive yet", a.what)
			}
			a.after = 0
			i++
			continue
		default:
			at = a.after + v - 1
			e.deviates(choice.Arrive, "%s arrives before the turn of %s", a.what, e.subject(batch[at]))
		}
		batch = e.arrive(i, batch, at)
	}
	return batch
}

// arriveAmong lets events arrive while the loop appends the timers that it has noticed: all
// handles of the batch from first on.
func (e *explorer) arriveAmong(batch []kernel.Ready, first int) []kernel.Ready {
	if first == len(batch) || e.run.cancelOnly {
		return batch
	}
	for i := 0; i < len(e.arrivals); {
		a := e.arrivals[i]
		v := e.decide(choice.Point{Kind: choice.Among, N: len(batch) - first + 1, Subject: a.id})
		if v == 0 {
			e.deviates(choice.Arrive, "%s does not arrive yet", a.what)
			i++
			continue
		}
		e.deviates(choice.Among, "%s arrives after %s", a.what, e.subject(batch[first+v-1]))
		batch = e.arrive(i, batch, first+v)
	}
	return batch
}

// arrive puts event i at a place in the batch.
func (e *explorer) arrive(i int, batch []kernel.Ready, at int) []kernel.Ready {
	batch = slices.Insert(batch, at, kernel.Ready{Handle: e.arrivals[i].handle})
	e.arrivals = slices.Delete(e.arrivals, i, i+1)
	for _, a := range e.arrivals[i:] {
		if at < a.after {
			a.after++
		}
	}
	return batch
}

// idle reports whether there is something to do before the clock jumps, if it can.
func (e *explorer) idle(canJump bool) bool {
	e.crept = 0
	if e.run.cancel && e.cancelWaiting() {
		return true
	}
	if len(e.arrivals) == 0 {
		return false
	}
	if canJump && !e.run.cancelOnly && e.decide(choice.Point{Kind: choice.Arrive, N: 2, Subject: e.arrivals[0].id}) == 1 {
		e.deviates(choice.Arrive, "nothing arrives before the clock goes on")
		return false
	}
	e.awaited = true
	return true
}

// creep lets the clock go on to the next deadline while the loop works.
func (e *explorer) creep() {
	if e.run.slow == 0 || e.run.cancelOnly {
		return
	}
	for t := range e.run.kernel.Timers() {
		d := t.When().Sub(e.run.clock.Now())
		if d <= 0 {
			continue
		}
		if e.crept+d <= e.run.slow && e.decide(choice.Point{Kind: choice.Creep, N: 2}) == 1 {
			e.crept += d
			e.run.clock.Advance(d)
			e.run.moved()
			e.deviates(choice.Creep, "the loop is slow: it is %v now", e.run.elapsed())
		}
		return
	}
}

// outsidePost is called by goroutines that reach the loop while schedules are explored.
func (e *explorer) outsidePost() (accept bool) {
	if fromContext() {
		return false // the loop looks for ended contexts by itself, when an iteration begins
	}
	if e.run.allowPosts {
		return true
	}
	e.run.fail("post", fmt.Sprintf("another goroutine has reached the loop, at %s: such a run cannot be repeated. "+
		"Use NewExecutor, or AllowPosts", programSite()))
	return true
}
