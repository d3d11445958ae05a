package task

import (
	"runtime"

	"github.com/goasyncio/asyncio/loop"
)

// worker is a resumable goroutine: it runs the coroutine of one task after the
// other. While its coroutine is suspended, or while it has none, it waits on its
// channel for the baton.
type worker struct {
	sched     *sched
	wake      chan struct{}
	goroutine uintptr // fixed when it begins
	task      *base   // whose coroutine is on its stack; nil while idle
	// lender is who waits for the baton to come back from this worker, after an
	// eager start or a visit; nil if it may pass the baton on.
	lender chan struct{}
	visit  func() // to be run in place of being resumed
}

func (w *worker) run() {
	w.goroutine = loop.Goroutine()
	defer w.ended()
	for w.task != nil {
		w.runTasks()
		<-w.wake
	}
}

// runTasks runs the coroutine of w.task to its end, and goes on with tasks that
// have not been started as long as they are next: what never suspends needs no
// other goroutine. Then it gives the baton away, with the worker among the idle.
func (w *worker) runTasks() {
	s := w.sched
	for b := w.task; ; {
		w.task, b.worker = b, w
		s.current.Store(b)
		b.self.execute()
		b.worker, w.task = nil, nil
		if lender := w.lender; lender != nil {
			w.lender = nil
			w.retire()
			lender <- struct{}{}
			return
		}
		next := s.next()
		if next == nil || next.worker != nil {
			w.retire()
			s.pass(next)
			return
		}
		b = next
	}
}

// retire puts the worker among the idle. If there are enough of them it ends,
// which a wake-up without a task tells it to do.
func (w *worker) retire() {
	if s := w.sched; len(s.idle) < maxIdle {
		s.idle = append(s.idle, w)
	} else {
		w.wake <- struct{}{}
	}
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
	if w.lender != nil {
		w.lender <- struct{}{}
	} else {
		s.home <- struct{}{}
	}
}

// lend has a suspended worker run fn in place, on the stack of its coroutine,
// and waits until it is suspended again, or gone.
func (w *worker) lend(fn func()) {
	back := make(chan struct{})
	w.visit, w.lender = fn, back
	w.wake <- struct{}{}
	<-back
}

// sleep waits for the baton, receiving visits meanwhile.
func (w *worker) sleep() {
	<-w.wake
	for w.visit != nil {
		visit := w.visit
		w.visit = nil
		visit()
		lender := w.lender
		w.lender = nil
		lender <- struct{}{}
		<-w.wake
	}
}

// unwind is the visit that ends a coroutine for good: its deferred functions run,
// and nothing else. Unlike an error, it cannot be ignored, and unlike a panic,
// it cannot be recovered.
func (b *base) unwind() {
	b.sched.current.Store(b)
	runtime.Goexit()
}
