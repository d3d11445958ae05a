package task

import "github.com/goasyncio/asyncio/loop"

// worker is what it takes to hand the baton to a resumable goroutine, which runs
// the coroutine of one task after the other. While its coroutine is suspended, or
// while it has none, it waits for the baton.
//
// A task that has begun holds its worker; sched holds the idle ones.
type worker struct {
	goroutine uintptr
	wake      chan struct{} // where it waits, on channels
	co        *coroutine    // how it waits, on coroutines
}

// begun reports whether there is one.
func (w worker) begun() bool { return w.goroutine != 0 }

// work is the goroutine of a worker. It runs the coroutine of the task that is to
// start to its end, and goes on with tasks that have not been started as long as
// they are next: what never suspends needs no other goroutine. Then it gives the
// baton away, and waits for another task.
func (s *sched) work(w worker) {
	w.goroutine = loop.Goroutine()
	var b *base // whose coroutine is on the stack
	defer func() {
		// The end is in order, or the coroutine called runtime.Goexit, or is unwound
		// by Close. In the latter cases the worker still holds the baton.
		defer s.workers.Done()
		if b != nil {
			b.worker = worker{}
			s.setCurrent(nil)
			s.leave(nil)
		}
	}()
	for s.starting != nil {
		b, s.starting = s.starting, nil
		var next *base
		for {
			b.worker = w
			s.setCurrent(b)
			b.body().execute()
			b.worker = worker{}
			if s.lent {
				break
			}
			if next = s.next(); next == nil || next.worker.begun() {
				break
			}
			b = next
		}
		b = nil
		idle := s.retire(w)
		s.leave(next)
		if !idle {
			return
		}
		s.handoff.wait(w)
	}
}

// leave gives the baton back if it was lent, and otherwise passes it on to next.
func (s *sched) leave(next *base) {
	if s.lent {
		s.handoff.giveBack()
	} else {
		s.pass(next)
	}
}
