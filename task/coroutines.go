package task

import "iter"

// coroutines is the handoff on iter.Pull. Such a switch goes back to where it
// came from, so that a worker cannot hand over to another one: it leaves word
// who is next, gives the baton back to the loop's goroutine, and that lends it
// on.
type coroutines struct {
	next *worker // to whom a worker has passed the baton
}

// coroutine is the two ends of a worker's switch.
type coroutine struct {
	resume func() (struct{}, bool)
	yield  func(struct{}) bool
}

func (*coroutines) spawn(w *worker) {
	w.co = new(coroutine)
	w.co.resume, _ = iter.Pull(func(yield func(struct{}) bool) {
		w.co.yield = yield
		w.run()
	})
}

func (c *coroutines) runStep(w *worker) {
	for w != nil {
		c.next = nil
		w.co.resume()
		w = c.next
	}
}

func (*coroutines) lend(_, w *worker) {
	w.lent = true
	w.co.resume()
}

func (*coroutines) giveBack(w *worker) { w.lent = false } // wait does it

func (c *coroutines) pass(_, next *worker) { c.next = next } // wait does it

func (*coroutines) wait(w *worker)    { w.co.yield(struct{}{}) }
func (*coroutines) dismiss(w *worker) { w.co.resume() }

// unwind switches on a goroutine of its own, since the end of a coroutine by
// runtime.Goexit ends the goroutine that resumed it too.
func (*coroutines) unwind(w *worker) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.lent = true
		w.co.resume()
	}()
	<-done
}
