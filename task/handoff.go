package task

import (
	"errors"
	"fmt"

	"github.com/goasyncio/asyncio/loop"
)

// Handoff is a way in which control is handed from goroutine to goroutine. It
// changes no order, only costs; see [Channels] and [Coroutines].
type Handoff uint8

const (
	// Channels is the default: each goroutine waits on a channel of its own, and
	// a task that suspends wakes the next one itself.
	Channels Handoff = iota
	// Coroutines switches with iter.Pull, which makes a switch cost about half.
	//
	// It has a price. A switch kills the process, with an error that nothing can
	// catch, if the goroutine that runs the loop is locked to its OS thread
	// (runtime.LockOSThread) and the coroutine is not, or the other way round. So
	// it is for programs in which neither the goroutine that runs the loop nor
	// any coroutine locks its thread between one switch and the next: keep away
	// from it with GUI toolkits and some cgo libraries, and in a main goroutine
	// that locks its thread in an init function.
	Coroutines
)

func (h Handoff) String() string {
	return [...]string{"channels", "coroutines"}[h]
}

// ErrHandoffFixed: the loop has had tasks, so that its handoff cannot be changed.
var ErrHandoffFixed = errors.New("the handoff must be chosen before the loop's first task")

// SetHandoff chooses how the tasks of loop l hand over control. It panics with an
// error that matches [ErrHandoffFixed] if there have been tasks already.
func SetHandoff(l *loop.Loop, h Handoff) {
	s := schedOf(l)
	if s.used {
		panic(fmt.Errorf("task: SetHandoff(%v): %w", h, ErrHandoffFixed))
	}
	switch h {
	case Channels:
		s.handoff = newChannels()
	case Coroutines:
		s.handoff = new(coroutines)
	default:
		panic(fmt.Errorf("task: SetHandoff: there is no handoff %d", uint8(h)))
	}
}

// handoff moves the baton. There are two kinds of transfer. A loan comes back to
// the lender: when the loop's goroutine runs a step, when a task is started
// eagerly, when a suspended worker is visited. And a worker on a loan from the
// loop's goroutine may, in place of giving it back, pass it on to the task that
// is next.
type handoff interface {
	// spawn prepares the goroutine of a worker, which is to call w.run when it gets
	// the baton.
	spawn(w *worker)
	// runStep lends the baton of the loop's goroutine to w, and returns when it is
	// back, whoever brings it.
	runStep(w *worker)
	// lend lends the baton of the caller, which is the worker from or, if that is
	// nil, not a worker, to w, and returns when w gives it back.
	lend(from, w *worker)
	// giveBack returns a loan of lend, without waiting for anything.
	giveBack(w *worker)
	// pass hands the baton from w, which got it by runStep or pass, on to next, or
	// to the loop's goroutine if next is nil, without waiting for anything.
	pass(w, next *worker)
	// wait suspends w, which has given the baton away, until it gets it again.
	wait(w *worker)
	// dismiss ends an idle worker. The caller holds the baton.
	dismiss(w *worker)
	// unwind lends the baton to a worker that will end its goroutine.
	unwind(w *worker)
}

// channels is the default handoff. Whoever has not got the baton waits on a
// channel with room for one wake-up, so that nobody ever waits to send.
type channels struct {
	home chan struct{} // where the loop's goroutine waits
}

func newChannels() *channels {
	return &channels{home: make(chan struct{}, 1)}
}

func (*channels) spawn(w *worker) {
	w.wake = make(chan struct{}, 1)
}

// signal hands the baton to w. The first time, its goroutine begins.
func (*channels) signal(w *worker) {
	if w.begun {
		w.wake <- struct{}{}
	} else {
		w.begun = true
		go w.run()
	}
}

func (c *channels) runStep(w *worker) {
	c.signal(w)
	<-c.home
}

func (c *channels) lend(from, w *worker) {
	back := c.home
	if from != nil {
		back = from.wake
	}
	w.lender = back
	c.signal(w)
	<-back
}

func (*channels) giveBack(w *worker) {
	lender := w.lender
	w.lender = nil
	lender <- struct{}{}
}

func (c *channels) pass(_, next *worker) {
	if next == nil {
		c.home <- struct{}{}
	} else {
		c.signal(next)
	}
}

func (*channels) wait(w *worker)     { <-w.wake }
func (*channels) dismiss(w *worker)  { w.wake <- struct{}{} }
func (c *channels) unwind(w *worker) { c.lend(nil, w) }
