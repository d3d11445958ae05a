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

// goexit is the panic that a coroutine's end by runtime.Goexit becomes. iter.Pull would
// otherwise end the goroutine that resumed it too, which is that of the loop or of
// another task.
type goexit struct{}

func (c *pulls) spawn() worker {
	p := new(pull)
	p.resume, _ = iter.Pull(func(yield func(struct{}) bool) {
		returned := false
		defer func() {
			if returned {
				return
			}
			if value := recover(); value != nil {
				panic(value)
			}
			panic(goexit{})
		}()
		p.yield = yield
		c.fresh = p
		c.main()
		returned = true
	})
	return worker{pull: p}
}

// caught is to be deferred by whoever resumes a worker.
func caught() {
	if value := recover(); value != nil && value != any(goexit{}) {
		panic(value)
	}
}

func (c *pulls) begin() worker { return worker{pull: c.fresh} }

func (c *pulls) runStep(w worker) {
	for c.next = w; c.next.pull != nil; {
		c.follow()
	}
}

// follow resumes one worker after the other until none is next, or until one ends by
// runtime.Goexit.
func (c *pulls) follow() {
	defer caught()
	for w := c.next; w.pull != nil; w = c.next {
		c.next = worker{}
		w.pull.resume()
	}
}

func (*pulls) call(_, w worker) {
	defer caught()
	w.pull.resume()
}

func (*pulls) giveBack() {} // wait does it, or the end of the goroutine

func (c *pulls) pass(next worker) { c.next = next } // likewise
func (*pulls) passToLoop()        {}                // nobody is next

func (*pulls) wait(w worker)    { w.pull.yield(struct{}{}) }
func (*pulls) dismiss(w worker) { w.pull.resume() }
func (*pulls) lends() bool      { return false } // whoever resumes a worker waits for it
