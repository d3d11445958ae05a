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
		s.handoff = newChannels(s)
	case Coroutines:
		s.handoff = newCoroutines(s)
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
	// spawn prepares the goroutine of a worker, which begins with sched.main when it
	// gets the baton.
	spawn() worker
	// begin is called by a new worker.
	begin() worker
	// runStep lends the baton of the loop's goroutine to w, and returns when it is
	// back, whoever brings it.
	runStep(w worker)
	// lend lends the baton of the caller, which is the worker from or, if there is
	// none, the loop's goroutine, to w, and returns when it is given back.
	lend(from, w worker)
	// giveBack returns a loan of lend, without waiting for anything.
	giveBack()
	// pass hands the baton, which the caller got by runStep or pass, on to next,
	// without waiting for anything.
	pass(next worker)
	// passHome is pass to the loop's goroutine.
	passHome()
	// wait suspends w, which has given the baton away, until it gets it again.
	wait(w worker)
	// dismiss ends an idle worker. The caller holds the baton.
	dismiss(w worker)
	// unwind lends the baton to a worker that will end its goroutine.
	unwind(w worker)
}

// channels is the default handoff. Whoever has not got the baton waits on a
// channel with room for one wake-up, so that nobody ever waits to send.
type channels struct {
	home   chan struct{} // where the loop's goroutine waits
	lender chan struct{} // where the latest lender waits
	main   func()        // sched.main
}

func newChannels(s *sched) *channels {
	return &channels{home: make(chan struct{}, 1), main: s.main()}
}

// spawn returns a worker without a channel. Its goroutine begins when it gets the
// baton for the first time.
func (*channels) spawn() worker { return worker{} }

func (*channels) begin() worker { return worker{wake: make(chan struct{}, 1)} }

func (c *channels) pass(w worker) {
	if w.wake != nil {
		w.wake <- struct{}{}
	} else {
		go c.main()
	}
}

func (c *channels) passHome() { c.home <- struct{}{} }

func (c *channels) runStep(w worker) {
	c.pass(w)
	<-c.home
}

func (c *channels) lend(from, w worker) {
	back, lender := c.home, c.lender
	if from.wake != nil {
		back = from.wake
	}
	c.lender = back
	c.pass(w)
	<-back
	c.lender = lender
}

func (c *channels) giveBack()       { c.lender <- struct{}{} }
func (*channels) wait(w worker)     { <-w.wake }
func (*channels) dismiss(w worker)  { w.wake <- struct{}{} }
func (c *channels) unwind(w worker) { c.lend(worker{}, w) }
