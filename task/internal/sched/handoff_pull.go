package sched

import "iter"

// pulls is the handoff on iter.Pull. Such a switch goes back to where it
// came from, so that a worker cannot hand over to another one: it leaves word
// who is next, gives the baton back to the loop's goroutine, and that hands it
// on.
type pulls struct {
	main  func() // Sched.main
	next  worker // that gets the baton next, if one does
	fresh *pull  // of the worker that is beginning
}

func newPulls(s *Sched) *pulls {
	return &pulls{main: s.main()}
}

// pull is the two ends of a worker's switch.
type pull struct {
	resume func() (struct{}, bool)
	yield  func(struct{}) bool
}

func (c *pulls) spawn() worker {
	p := new(pull)
	p.resume, _ = iter.Pull(func(yield func(struct{}) bool) {
		p.yield = yield
		c.fresh = p
		c.main()
	})
	return worker{pull: p}
}

func (c *pulls) begin() worker { return worker{pull: c.fresh} }

func (c *pulls) runStep(w worker) {
	for w.pull != nil {
		c.next = worker{}
		w.pull.resume()
		w = c.next
	}
}

func (*pulls) call(_, w worker) { w.pull.resume() }
func (*pulls) giveBack()        {} // wait does it, or the end of the goroutine

func (c *pulls) pass(next worker) { c.next = next } // likewise
func (c *pulls) passToLoop()      { c.next = worker{} }

func (*pulls) wait(w worker)    { w.pull.yield(struct{}{}) }
func (*pulls) dismiss(w worker) { w.pull.resume() }

// unwind switches on a goroutine of its own, since the end of a coroutine by
// runtime.Goexit ends the goroutine that resumed it too.
func (*pulls) unwind(w worker) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.pull.resume()
	}()
	<-done
}
