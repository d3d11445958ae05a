package sched

import "github.com/goasyncio/asyncio/loop/kernel"

// worker is what it takes to hand the baton to a resumable goroutine, which runs
// the coroutine of one task after the other. While its coroutine is suspended, or
// while it has none, it waits for the baton.
//
// A task that has begun has its worker; Sched has the idle ones.
type worker struct {
	goroutine uintptr
	wake      chan struct{} // where it waits, on channels
	pull      *pull         // how it waits, on iter.Pull
}

// begun reports whether there is one.
func (w worker) begun() bool { return w.goroutine != 0 }

// main returns what runs on the goroutine of a worker: the coroutine of the task
// that is to start, and of tasks that have not been started as long as they are
// next: what never suspends needs no other goroutine. Then the worker gives the
// baton away, and waits for another task.
//
// It is one function value for all workers, so that a go statement with it
// allocates nothing.
func (s *Sched) main() func() {
	return kernel.Coroutine(func() {
		w := s.handoff.begin()
		w.goroutine = kernel.Goroutine()
		owns := true // the baton
		defer func() {
			if owns { // a coroutine called runtime.Goexit, or is unwound by Close
				s.current.worker = worker{}
				s.kernel.Counters().WorkersEnded++
				s.setCurrent(nil)
				s.leave(nil)
			}
			s.workers.Done()
		}()
		for owns {
			next, returned := s.runTasks(&w)
			if !returned {
				next = s.follow()
			}
			if s.starting == nil {
				owns = s.rest(&w, next)
			}
		}
	})
}

// rest gives the baton away, and waits until there is another task for the worker.
// It reports false if the worker is to end.
//
// It is apart from main, which is at the bottom of every coroutine's stack.
//
//go:noinline
func (s *Sched) rest(w *worker, next *Task) bool {
	idle := s.retire(*w)
	if !idle {
		s.kernel.Counters().WorkersEnded++
		s.setCurrent(nil) // the goroutine ends, and its identity may be another's soon
	}
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
func (s *Sched) runTasks(w *worker) (next *Task, returned bool) {
	defer func() {
		if !returned {
			s.current.didNotReturn(recover())
		}
	}()
	for s.starting != nil {
		t := s.starting
		s.starting = nil
		t.worker = *w
		s.setCurrent(t)
		if s.kernel.Attention() != 0 {
			s.executeAttended(t)
		} else {
			t.body().Execute(t)
		}
		next = s.follow()
	}
	return next, true
}

// follow decides what follows the end of a coroutine: the first step of a task,
// to run in its place, or the step of another task, nil if the baton
// must go back, to the caller of call or to the loop's goroutine.
//
// The task that has ended keeps its worker until then: what runs on the way may be a visit
// to another task, which has to come back here.
func (s *Sched) follow() (next *Task) {
	ended := s.current
	if !s.inCall {
		next = s.next()
	}
	ended.worker = worker{}
	if next != nil && !next.worker.begun() {
		s.starting = next
		return nil
	}
	return next
}

// leave gives the baton back in a call, and otherwise passes it on to next.
func (s *Sched) leave(next *Task) {
	if s.inCall {
		s.handoff.giveBack()
	} else {
		s.pass(next)
	}
}
