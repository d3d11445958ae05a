package sync

import (
	"context"

	"github.com/goasyncio/asyncio/future"
)

// waiters is a list of blocked calls, in the order in which they came. A waiter
// is a future that its task awaits; to complete it is to wake the task, which
// goes on in the loop's next iteration. Between the two the waiter still is in
// the list, and may still be cancelled: its task then finds it done, knows that
// it was chosen and must choose another one. asyncio keeps such lists in deques,
// which it searches from the left for a waiter to wake and through which it
// removes one in linear time. Here both take constant time.
//
// Invariant: all waiters before next are done (woken or cancelled).
type waiters struct {
	head, tail *waiter
	next       *waiter // where to look for one to wake; nil if there is none
	n          int

	spare  *waiter // those to be used again: who leaves often comes back
	spares int
}

// maxSpares bounds the waiters that are kept: as many as often are on their way at
// once.
const maxSpares = 16

type waiter struct {
	future        future.Core
	before, after *waiter
	listed        bool
}

// wait blocks the task, which must be the current one, until it is woken or the
// wait ends with an error. Either way the waiter has left the list then, even if
// the loop is closed meanwhile and unwinds the coroutine. Whoever was woken and gets
// an error all the same was chosen in vain.
func (ws *waiters) wait(ctx context.Context, task future.Awaiter) (woken bool, err error) {
	w := ws.get()
	w.future.Init(task.Loop(), nil)
	ws.push(w)
	defer ws.remove(w)
	err = task.Await(ctx, &w.future)
	woken = w.future.State() == future.Finished
	ws.put(w)
	return woken, err
}

func (ws *waiters) get() *waiter {
	w := ws.spare
	if w == nil {
		return new(waiter)
	}
	ws.spare, w.after = w.after, nil
	ws.spares--
	return w
}

// put keeps w, to which nobody else refers by now.
func (ws *waiters) put(w *waiter) {
	ws.remove(w)
	if ws.spares == maxSpares {
		return
	}
	w.future = future.Core{}
	w.after = ws.spare
	ws.spare = w
	ws.spares++
}

func (ws *waiters) push(w *waiter) {
	w.listed = true
	w.before = ws.tail
	if ws.tail == nil {
		ws.head = w
	} else {
		ws.tail.after = w
	}
	ws.tail = w
	if ws.next == nil {
		ws.next = w
	}
	ws.n++
}

// remove takes w out, if it is still in the list.
func (ws *waiters) remove(w *waiter) {
	if !w.listed {
		return
	}
	w.listed = false
	if ws.next == w {
		ws.next = w.after
	}
	if w.before == nil {
		ws.head = w.after
	} else {
		w.before.after = w.after
	}
	if w.after == nil {
		ws.tail = w.before
	} else {
		w.after.before = w.before
	}
	w.before, w.after = nil, nil
	ws.n--
}

// wake wakes the waiter, unless it is done already.
func (w *waiter) wake() bool {
	if w.future.Done() {
		return false
	}
	w.future.Finish(nil)
	return true
}

// live reports whether anybody is waiting, or is woken and has not run yet:
// whoever comes now must queue up behind them.
func (ws *waiters) live() bool {
	for w := ws.head; w != nil; w = w.after {
		if w.future.State() != future.Cancelled {
			return true
		}
	}
	return false
}

// wakeFirst wakes the waiter at the head and no other one. If the head is done
// already it will see to it, when it runs, that the next one gets its turn.
func (ws *waiters) wakeFirst() {
	if ws.head != nil && ws.head.wake() {
		ws.next = ws.head.after
	}
}

// wakeNext wakes the first waiter that is not done, and reports whether there
// was one.
func (ws *waiters) wakeNext() bool {
	for w := ws.next; w != nil; w = w.after {
		if w.wake() {
			ws.next = w.after
			return true
		}
	}
	ws.next = nil
	return false
}

// wakeAll wakes all that are waiting now.
func (ws *waiters) wakeAll() {
	for ws.wakeNext() {
	}
}

// popNext is wakeNext for queues: whom it wakes, and whom it passes over, leaves
// the list now and not when it runs.
func (ws *waiters) popNext() bool {
	for w := ws.head; w != nil; w = ws.head {
		ws.remove(w)
		if w.wake() {
			return true
		}
	}
	return false
}
