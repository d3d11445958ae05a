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

// main returns what runs on the goroutine of a worker: the coroutine of the task
// that is to start, and of tasks that have not been started as long as they are
// next: what never suspends needs no other goroutine. Then the worker gives the
// baton away, and waits for another task.
//
// It is one function value for all workers, so that a go statement with it
// allocates nothing. It is not inlined, so that the goroutine can be told by the
// name of the function: see loop.OnLoop.
//
//go:noinline
func (s *sched) main() func() {
	return func() {
		w := s.handoff.begin()
		w.goroutine = loop.Goroutine()
		holds := true // the baton
		defer func() {
			if holds { // a coroutine called runtime.Goexit, or is unwound by Close
				s.setCurrent(nil)
				s.leave(nil)
			}
			s.workers.Done()
		}()
		for holds {
			next, returned := s.runTasks(&w)
			if !returned {
				next = s.follow()
			}
			if s.starting == nil {
				holds = s.rest(&w, next)
			}
		}
	}
}

// rest gives the baton away, and waits until there is another task for the worker.
// It reports false if the worker is to end.
//
// It is apart from main, which is at the bottom of every coroutine's stack.
//
//go:noinline
func (s *sched) rest(w *worker, next *base) bool {
	idle := s.retire(*w)
	s.leave(next)
	if !idle {
		return false
	}
	s.handoff.wait(*w)
	return s.starting != nil
}

// runTasks runs the coroutine of the task that is to start, and of those that
// follow and have not begun, until something else follows or one does not
// return.
func (s *sched) runTasks(w *worker) (next *base, returned bool) {
	defer func() {
		if !returned {
			b := s.current
			b.worker = worker{}
			b.body().broken(recover())
		}
	}()
	for s.starting != nil {
		b := s.starting
		s.starting = nil
		b.worker = *w
		s.setCurrent(b)
		b.body().execute()
		b.worker = worker{}
		next = s.follow()
	}
	return next, true
}

// follow decides what follows the end of a coroutine: the first step of a task,
// which is to be run in its place, or the step of another task, nil if the baton
// must go back or home.
func (s *sched) follow() (next *base) {
	if s.lent {
		return nil
	}
	next = s.next()
	if next != nil && !next.worker.begun() {
		s.starting = next
		return nil
	}
	return next
}

// leave gives the baton back if it was lent, and otherwise passes it on to next.
func (s *sched) leave(next *base) {
	if s.lent {
		s.handoff.giveBack()
	} else {
		s.pass(next)
	}
}
