package sync

import (
	"context"

	"github.com/goasyncio/asyncio/loop/kernel"
)

// waiters is a list of blocked calls, in the order in which they came. A waiter
// is a future that its task awaits; to complete it is to wake the task, which
// goes on in the loop's next iteration. Between the two the waiter still is in
// the list, and may still be cancelled: its task then finds it done, knows that
// it was woken and must pass the wake-up on. asyncio keeps such lists in deques,
// which it searches from the left for a waiter to wake and through which it
// removes one in linear time. Here both take constant time.
//
// Invariant: all waiters before next are done (woken or cancelled).
type waiters struct {
	list kernel.List[waiter]
	next *waiterNode // where to look for one to wake; nil if there is none
	n    int

	spare  kernel.List[waiter] // to be used again: who leaves often comes back
	spares int
}

// maxSpares bounds the waiters that are kept: as many as often are on their way at
// once.
const maxSpares = 16

type waiter struct {
	future kernel.Promise
	listed bool
}

type waiterNode = kernel.Node[waiter]

// waiterOwner makes itself the owner of a waiter's future: see holders.go.
type waiterOwner interface{ own(p *kernel.Promise) }

// wait blocks the task, which must be the current one, until it is woken or the
// wait ends with an error. Either way the waiter has left the list then, even if
// the loop is closed meanwhile and unwinds the coroutine. A woken waiter that
// returns an error must pass the wake-up on. The waiter belongs to owner, which may be nil.
func (ws *waiters) wait(ctx context.Context, task kernel.Awaiter, owner waiterOwner) (woken bool, err error) {
	w := ws.get()
	w.Value.future.Init(task.Kernel(), nil)
	if owner != nil {
		owner.own(&w.Value.future)
	}
	ws.push(w)
	defer ws.remove(w)
	err = task.Await(ctx, &w.Value.future.Future)
	woken = w.Value.future.State() == kernel.Finished
	ws.put(w)
	return woken, err
}

func (ws *waiters) get() *waiterNode {
	w := ws.spare.First()
	if w == nil {
		return new(waiterNode)
	}
	ws.spare.Remove(w)
	ws.spares--
	return w
}

// put keeps w, to which nobody else refers by now.
func (ws *waiters) put(w *waiterNode) {
	ws.remove(w)
	if ws.spares == maxSpares {
		return
	}
	w.Value.future = kernel.Promise{}
	ws.spare.PushBack(w)
	ws.spares++
}

func (ws *waiters) push(w *waiterNode) {
	w.Value.listed = true
	ws.list.PushBack(w)
	if ws.next == nil {
		ws.next = w
	}
	ws.n++
}

// remove takes w out, if it is still in the list.
func (ws *waiters) remove(w *waiterNode) {
	if !w.Value.listed {
		return
	}
	w.Value.listed = false
	if ws.next == w {
		ws.next = w.Next()
	}
	ws.list.Remove(w)
	ws.n--
}

// live reports whether anybody is waiting, or is woken and has not run yet:
// newcomers must queue up behind them.
func (ws *waiters) live() bool {
	for w := ws.list.First(); w != nil; w = w.Next() {
		if !w.Value.future.Cancelled() {
			return true
		}
	}
	return false
}

// wakeFirst wakes the waiter at the head and no other one. If the head is done
// already it will see to it, when it runs, that the next one gets its turn.
func (ws *waiters) wakeFirst() {
	if head := ws.list.First(); head != nil && head.Value.future.Wake() {
		ws.next = head.Next()
	}
}

// wakeNext wakes the first waiter that is not done, and reports whether there
// was one.
func (ws *waiters) wakeNext() bool {
	for w := ws.next; w != nil; w = w.Next() {
		if w.Value.future.Wake() {
			ws.next = w.Next()
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

// popNext is wakeNext for queues: the waiters that it wakes and passes over leave the
// list now, and not when they run.
func (ws *waiters) popNext() bool {
	for w := ws.list.First(); w != nil; w = ws.list.First() {
		ws.remove(w)
		if w.Value.future.Wake() {
			return true
		}
	}
	return false
}
