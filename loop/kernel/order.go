package kernel

import (
	"cmp"
	"iter"
	"slices"
	"time"
)

// An Arrival is the way in which a handle became ready.
type Arrival uint8

const (
	// Appended is a handle that was appended to the ready queue: by CallSoon, by a future
	// that is done, from another goroutine.
	Appended Arrival = iota
	// Event is a handle of an I/O event.
	Event
	// Due is a timer whose deadline has come.
	Due
)

// Ready is a handle that is ready when an iteration begins.
type Ready struct {
	*Handle
	Arrival Arrival
	When    time.Duration // the deadline of a timer, since the loop was made
}

// Kind returns the handle's kind.
func (h *Handle) Kind() Kind { return h.kind }

// An Order arranges the iterations of a loop. Its methods are called when an iteration
// begins and nothing runs.
type Order interface {
	// Anywhere reports whether the next iteration may begin on the goroutine of a task, as
	// it does in production. If not, it begins on the loop's own, which can look at all
	// tasks and call the program.
	Anywhere() bool
	// Begin comes first. It may post handles and move the clock. It is told whether
	// anything is ready.
	Begin(ready bool)
	// Arrange gets the handles that are ready, in asyncio's order: what was appended, then
	// I/O events, then timers by their deadlines. It returns them in the order in which they
	// are to run, and how many of them run in this iteration. The others are ready
	// again in the next one, with the same Arrival. Arrange may add handles. It must not
	// keep the slice.
	Arrange(batch []Ready) (arranged []Ready, run int)
}

// SetOrder makes o arrange all iterations. It is for tests, which look for orders that are
// possible and seldom happen. A nil o stands for asyncio's order. Call it while the loop is
// not running.
func (k *Kernel) SetOrder(o Order) { k.order = o }

// OnPost makes other goroutines call fn each time that they post a handle. If it returns
// false, the handle is dropped. Call OnPost before there are any.
func (k *Kernel) OnPost(fn func() (accept bool)) { k.onPost = fn }

// Deliverer is an executor that decides when the result of a function reaches the loop. A
// virtual clock is not held for its functions.
type Deliverer interface {
	// SubmitCall makes the executor call call on any goroutine, and then push the handle
	// to the loop.
	SubmitCall(call func(), result *Handle) error
}

// beginOrdered is beginIteration for a loop with an order.
func (k *Kernel) beginOrdered() {
	k.order.Begin(!k.nothing())
	if k.network != nil {
		k.network.Iteration()
	}
	if k.scheduler != nil {
		k.scheduler.BeforeJump() // ended contexts are found now, not when their news comes
	}
	k.collect()
	batch := k.takeLate(k.batch[:0], Appended)
	batch = k.take(batch, Appended)
	batch = k.takeLate(batch, Event)
	k.collectEvents()
	batch = k.take(batch, Event)
	due := len(batch)
	batch = k.takeLate(batch, Due)
	for item, ok := k.timers.PopDue(k.now()); ok; item, ok = k.timers.PopDue(k.now()) {
		if when := item.When(); when > k.looked {
			k.counters.Lag.Add(time.Duration(k.now() - when))
		}
		batch = append(batch, Ready{&item.Value.Handle, Due, time.Duration(item.When())})
	}
	slices.SortStableFunc(batch[due:], func(a, b Ready) int { return cmp.Compare(a.When, b.When) })
	k.late = k.late[:0]
	batch = slices.DeleteFunc(batch, func(r Ready) bool { return r.Cancelled() })
	arranged, run := k.order.Arrange(batch)
	for _, r := range arranged[:run] {
		k.ready.Push(r.Handle)
	}
	k.late = append(k.late, arranged[run:]...)
	k.batch = batch[:0]
	k.looked = k.now()
	k.beginBatch()
}

// take moves what is in the ready queue to batch.
func (k *Kernel) take(batch []Ready, a Arrival) []Ready {
	for k.ready.Len() > 0 {
		batch = append(batch, Ready{Handle: k.ready.PopFront(), Arrival: a})
	}
	return batch
}

// takeLate adds to batch what an earlier iteration has left of one kind.
func (k *Kernel) takeLate(batch []Ready, a Arrival) []Ready {
	for _, r := range k.late {
		if r.Arrival == a {
			batch = append(batch, r)
		}
	}
	return batch
}

// Timers yields the timers that are set, by their deadlines. They must not change
// meanwhile.
func (k *Kernel) Timers() iter.Seq[*Timer] { return k.timers.All() }
