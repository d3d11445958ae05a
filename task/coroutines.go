package task

import "iter"

// coroutines is the handoff on iter.Pull. Such a switch goes back to where it
// came from, so that a worker cannot hand over to another one: it leaves word
// who is next, gives the baton back to the loop's goroutine, and that lends it
// on.
type coroutines struct {
	main  func()     // sched.main
	next  worker     // to whom a worker has passed the baton, if to one
	fresh *coroutine // of the worker that is beginning
}

func newCoroutines(s *sched) *coroutines {
	return &coroutines{main: s.main()}
}

// coroutine is the two ends of a worker's switch.
type coroutine struct {
	resume func() (struct{}, bool)
	yield  func(struct{}) bool
}

func (c *coroutines) spawn() worker {
	co := new(coroutine)
	co.resume, _ = iter.Pull(func(yield func(struct{}) bool) {
		co.yield = yield
		c.fresh = co
		c.main()
	})
	return worker{co: co}
}

func (c *coroutines) begin() worker { return worker{co: c.fresh} }

func (c *coroutines) runStep(w worker) {
	for w.co != nil {
		c.next = worker{}
		w.co.resume()
		w = c.next
	}
}

func (*coroutines) lend(_, w worker) { w.co.resume() }
func (*coroutines) giveBack()        {} // wait does it, or the end of the goroutine

func (c *coroutines) pass(next worker) { c.next = next } // likewise
func (c *coroutines) passHome()        { c.next = worker{} }

func (*coroutines) wait(w worker)    { w.co.yield(struct{}{}) }
func (*coroutines) dismiss(w worker) { w.co.resume() }

// unwind switches on a goroutine of its own, since the end of a coroutine by
// runtime.Goexit ends the goroutine that resumed it too.
func (*coroutines) unwind(w worker) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.co.resume()
	}()
	<-done
}
