package monitor

import (
	"fmt"
	"path"
	"time"

	"github.com/goasyncio/asyncio/loop/kernel"
)

// block is something that holds a loop.
type block struct {
	Incident
	who    string // the beginning of a sentence
	stacks int    // how many there are in Stack, one after the other
}

// Blocked returns what holds a loop now: false if nothing does, as far as the monitor has
// found out, or it has no loop of that number.
func (m *Monitor) Blocked(loop int) (Incident, bool) {
	for _, w := range m.all() {
		if w.number == loop {
			if b := w.blockedBy(); b != nil {
				return b.Incident, true
			}
		}
	}
	return Incident{}, false
}

// blockedBy returns what holds the loop, nil if nothing does.
func (w *watched) blockedBy() *block {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.block == nil {
		return nil
	}
	b := *w.block
	return &b
}

// blockedError is the error of a question that the loop has not answered in time.
func (w *watched) blockedError(waited time.Duration) *BlockedError {
	if b := w.blockedBy(); b != nil {
		return &BlockedError{Loop: w.number, Incident: &b.Incident}
	}
	b := w.suspect(w.loop.Kernel().Pulse(), w.monitor.settings.now())
	b.Time, b.For = w.monitor.settings.now(), waited
	b.Text = fmt.Sprintf("%s has perhaps held %s for %s: it does not answer", b.who, w.monitor.nameOf(w), text(waited))
	b.Suspect = true
	return &BlockedError{Loop: w.number, Incident: &b.Incident}
}

// lasts notes how long the present incident lasts. It reports false if there is none.
func (w *watched) lasts(held time.Duration) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.block != nil {
		w.block.For = held
	}
	return w.block != nil
}

// over ends the present incident, if there is one.
func (w *watched) over(now time.Time) {
	w.mu.Lock()
	b := w.block
	w.block = nil
	w.mu.Unlock()
	if b != nil {
		w.monitor.tell(w, Incident{
			Kind: Unblocked, Time: now, Loop: w.number, Task: b.Task, For: b.For,
			Text: fmt.Sprintf("%s has given %s back after %s", b.who, w.monitor.nameOf(w), text(b.For)),
		})
	}
}

// suspect returns whatever has held a loop since that pulse, as far as that is known without
// a stack.
func (w *watched) suspect(p kernel.Pulse, now time.Time) *block {
	b := &block{Incident: Incident{Kind: Blocked, Loop: w.number}, who: "A callback"}
	if p.Holder != 0 {
		b.who = "The library itself" // between two tasks
		if t, id, _ := w.seats.occupant(p.Holder); t != nil {
			b.Task = w.described(t, id, now)
			b.who = fmt.Sprintf("%s (%s)", kernel.Plain(b.Task.Name), path.Base(b.Task.Coroutine.Func))
		}
	}
	return b
}

// find looks for the stack of what has held a loop since that pulse.
func (b *block) find(w *watched, p kernel.Pulse, records []record) {
	var found []*record
	switch {
	case b.Task != nil:
		_, _, label := w.seats.occupant(p.Holder)
		found = ofWorker(records, label, b.Task.Coroutine)
	case p.Holder == 0:
		found = matching(records, (*record).loopRuns)
	default:
		found = matching(records, func(r *record) bool { return r.calls(coroutineMain) && r.calls(between) })
	}
	b.stacks = len(found)
	for _, r := range found {
		b.Stack = append(b.Stack, r.program()...)
	}
	if len(found) != 1 {
		return
	}
	switch {
	case len(b.Stack) == 0 || found[0].calls(between):
		b.who, b.Task = "The library itself", nil
		return
	case p.Holder == 0:
		b.who = "The callback " + path.Base(b.Stack[len(b.Stack)-1].Func)
	case b.Task != nil:
		b.Task.Place = found[0].place()
	}
	b.Hint = hintFor(found[0].stack())
}
