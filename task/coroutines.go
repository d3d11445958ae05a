package task

import "iter"

// coroutines is the handoff on iter.Pull. Such a switch goes back to where it
// came from, so that a worker cannot hand over to another one: it leaves word
// who is next, gives the baton back to the loop's goroutine, and that lends it
// on.
type coroutines struct {
	next *worker // to whom a worker has passed the baton
}

func (*coroutines) spawn(w *worker) {
	w.resume, _ = iter.Pull(func(yield func(struct{}) bool) {
		w.yield = yield
		w.run()
	})
}

func (c *coroutines) runStep(w *worker) {
	for w != nil {
		c.next = nil
		w.resume()
		w = c.next
	}
}

func (*coroutines) lend(_, w *worker) {
	w.lent = true
	w.resume()
}

func (*coroutines) giveBack(w *worker) { w.lent = false } // wait does it

func (c *coroutines) pass(_, next *worker) { c.next = next } // wait does it

func (*coroutines) wait(w *worker)    { w.yield(struct{}{}) }
func (*coroutines) dismiss(w *worker) { w.resume() }

// unwind switches on a goroutine of its own, since the end of a coroutine by
// runtime.Goexit ends the goroutine that resumed it too.
func (*coroutines) unwind(w *worker) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.lent = true
		w.resume()
	}()
	<-done
}
