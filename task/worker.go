package task

import (
	"runtime"

	"github.com/goasyncio/asyncio/loop"
)

// worker is a resumable goroutine: it runs the coroutine of one task after the
// other. While its coroutine is suspended, or while it has none, it waits for the
// baton.
type worker struct {
	sched     *sched
	goroutine uintptr // fixed when it begins
	task      *base   // whose coroutine is on its stack; nil while idle
	visit     func()  // to be run in place of being resumed
	lent      bool    // the baton must go back, after an eager start or a visit
	begun     bool    // channels: it has a goroutine
	lending   bool    // it waits for the end of an eager start

	// What the handoff needs.
	wake   chan struct{} // channels: where the worker waits
	lender chan struct{} // channels: where the lender waits
	co     *coroutine    // coroutines
}

// run is called when the worker gets the baton for the first time.
func (w *worker) run() {
	w.goroutine = loop.Goroutine()
	defer w.ended()
	for w.task != nil && w.runTasks() {
		w.sched.handoff.wait(w)
	}
}

// runTasks runs the coroutine of w.task to its end, and goes on with tasks that
// have not been started as long as they are next: what never suspends needs no
// other goroutine. Then it gives the baton away. It reports whether the worker
// has been put among the idle; if not, there are enough of them.
func (w *worker) runTasks() bool {
	s := w.sched
	for b := w.task; ; {
		w.task, b.worker = b, w
		s.current.Store(b)
		b.self.execute()
		b.worker, w.task = nil, nil
		if w.lent {
			idle := s.retire(w)
			w.giveBack()
			return idle
		}
		next := s.next()
		if next == nil || next.worker != nil {
			idle := s.retire(w)
			s.pass(w, next)
			return idle
		}
		b = next
	}
}

// giveBack returns the baton to who has lent it. The worker must touch nothing of
// the loop until it has it again.
func (w *worker) giveBack() {
	w.lent = false
	w.sched.handoff.giveBack(w)
}

// ended runs when the goroutine ends: in order, or because its coroutine called
// runtime.Goexit, or is unwound by Close. In the latter cases it still holds the
// baton.
func (w *worker) ended() {
	s := w.sched
	defer s.workers.Done()
	b := w.task
	if b == nil {
		return
	}
	b.worker, w.task = nil, nil
	s.current.Store(nil)
	if w.lent {
		w.giveBack()
	} else {
		s.handoff.pass(w, nil)
	}
}

// sleep waits for the baton, receiving visits meanwhile.
func (w *worker) sleep() {
	w.sched.handoff.wait(w)
	for w.visit != nil {
		visit := w.visit
		w.visit = nil
		visit()
		w.giveBack()
		w.sched.handoff.wait(w)
	}
}

// run has a suspended task's goroutine call fn, on the stack of its coroutine,
// and waits until that is done. The caller is the worker from, or none.
func (b *base) run(from *worker, fn func()) {
	w := b.worker
	w.visit, w.lent = fn, true
	b.sched.handoff.lend(from, w)
}

// unwind ends a suspended coroutine for good: its deferred functions run, and
// nothing else. Unlike an error, runtime.Goexit cannot be ignored, and unlike a
// panic, it cannot be recovered.
func (b *base) unwind() {
	w := b.worker
	w.visit, w.lent = func() {
		b.sched.current.Store(b)
		runtime.Goexit()
	}, true
	b.sched.handoff.unwind(w)
}
