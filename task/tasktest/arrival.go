package tasktest

import (
	"fmt"
	"slices"

	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task/tasktest/internal/choice"
)

// arrival is an event from outside that has not arrived: its cause has been, and when it
// arrives is free.
type arrival struct {
	handle  kernel.Handle
	id      int
	what    string
	deliver func() // on the loop
	over    bool
}

// Run delivers it, in the middle of an iteration.
func (a *arrival) Run() {
	if !a.over {
		a.over = true
		a.deliver()
	}
}

func (a *arrival) String() string { return a.what }

// expect makes an event arrive, at some time from now on. Asyncio's order is that of an event
// that takes no time: it arrives when the present iteration is over.
func (e *explorer) expect(what string, deliver func()) {
	e.events++
	a := &arrival{id: e.events, what: what, deliver: deliver}
	a.handle.Init(kernel.Internal, a)
	left := e.run.kernel.Remaining()
	v := 0
	if !e.run.cancelOnly {
		v = e.decide(choice.Point{Kind: choice.Among, N: left + 2, Subject: a.id})
	}
	switch {
	case v == 0:
		e.arrivals = append(e.arrivals, a)
		return
	case v <= left:
		e.run.kernel.Insert(&a.handle, v-1)
	default:
		a.Run()
	}
	e.deviates(choice.Among, "%s at once", a.what)
}

// arriveBefore lets events arrive before an iteration begins.
func (e *explorer) arriveBefore() {
	for len(e.arrivals) > 0 {
		if !e.arriveNext(true) {
			return
		}
	}
}

// arriveNext lets one of the events arrive, or reports false: that is a decision if they
// may stay away.
func (e *explorer) arriveNext(optional bool) bool {
	n := len(e.arrivals)
	if optional {
		n++
	}
	v := 0
	if n > 1 && !e.run.cancelOnly {
		v = e.decide(choice.Point{Kind: choice.Arrive, N: n, Must: !optional})
	}
	if v == len(e.arrivals) {
		e.deviates(choice.Arrive, "%s: not yet", e.arrivals[0].what)
		return false
	}
	if v > 0 {
		e.deviates(choice.Arrive, "%s before others", e.arrivals[v].what)
	}
	a := e.arrivals[v]
	e.arrivals = slices.Delete(e.arrivals, v, v+1)
	a.Run()
	return true
}

// arriveAmong lets events arrive between the handles of an iteration.
func (e *explorer) arriveAmong(batch []kernel.Ready) []kernel.Ready {
	if len(batch) == 0 || e.run.cancelOnly {
		return batch
	}
	for i := 0; i < len(e.arrivals); {
		a := e.arrivals[i]
		v := e.decide(choice.Point{Kind: choice.Among, N: len(batch) + 1, Subject: a.id})
		if v == 0 {
			i++
			continue
		}
		e.deviates(choice.Among, "%s before %s", a.what, e.subject(batch[v-1]))
		batch = slices.Insert(batch, v-1, kernel.Ready{Handle: &a.handle})
		e.arrivals = slices.Delete(e.arrivals, i, i+1)
	}
	return batch
}

// idle reports whether there is something to do before the clock jumps, if it can.
func (e *explorer) idle(canJump bool) bool {
	e.crept = 0
	if e.run.cancel && e.cancelWaiting() {
		return true
	}
	return len(e.arrivals) > 0 && e.arriveNext(canJump)
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

// outsidePost is called by goroutines that reach the loop while schedules are explored. News
// of a context that has ended is not wanted: the loop looks itself when an iteration
// begins, and an iteration more or less would make it another run.
func (e *explorer) outsidePost() (wanted bool) {
	if fromContext() {
		return false
	}
	e.run.fail("post", fmt.Sprintf("another goroutine has reached the loop, at %s: such a run cannot be repeated. "+
		"Use NewExecutor, or AllowPosts", place()))
	return true
}
