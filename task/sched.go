package task

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
)

// sched is what this package keeps with a loop: its tasks, in the order of their
// creation, and the goroutines that their coroutines run on.
//
// Control is a baton. Exactly one of {the loop's goroutine, one worker} holds it;
// whoever does not waits until it is handed over; see handoff. All fields belong to
// the holder.
type sched struct {
	loop     *loop.Loop
	kernel   *loop.Kernel
	handoff  handoff
	current  *base  // the task whose step is being run
	starting *base  // the task that the worker now getting the baton is to begin with
	visit    func() // what the task now getting the baton is to run in place of going on
	lent     bool   // the baton must go back to who lent it
	used     bool   // there has been a task
	closed   bool   // the loop is: coroutines are being unwound

	idle    []worker // finished coroutines leave them behind
	workers sync.WaitGroup
	first   *base // unfinished tasks
	last    *base
	unnamed int // tasks that got a default name
	factory Factory
	watches *watch // on contexts of package context

	outside outsideWork
}

// maxIdle bounds the goroutines that are kept for the next tasks.
const maxIdle = 1024

// schedOf returns the loop's sched.
func schedOf(l *loop.Loop) *sched {
	return l.Kernel().Coroutines(newSched).(*sched)
}

func newSched(l *loop.Loop) loop.Coroutines {
	s := &sched{loop: l, kernel: l.Kernel()}
	s.handoff = newChannels(s)
	return s
}

// setCurrent notes whose step is being run; nil if nobody's is.
func (s *sched) setCurrent(b *base) {
	s.current = b
	if b == nil {
		s.kernel.SetHolder(0)
	} else {
		s.kernel.SetHolder(b.worker.goroutine)
	}
}

// BeforeJump interrupts those whose context has ended: the news of it comes from
// a goroutine of package context, which a clock that jumps would not wait for.
func (s *sched) BeforeJump() {
	for w := s.watches; w != nil; {
		next := w.next
		if w.ctx.Err() != nil {
			w.Run()
		}
		w = next
	}
}

func (s *sched) add(b *base) {
	b.prev = s.last
	if s.last == nil {
		s.first = b
	} else {
		s.last.next = b
	}
	s.last = b
}

func (s *sched) remove(b *base) {
	if b.prev == nil {
		s.first = b.next
	} else {
		b.prev.next = b.next
	}
	if b.next == nil {
		s.last = b.prev
	} else {
		b.next.prev = b.prev
	}
	b.prev, b.next = nil, nil
}

// next takes the next step off the ready queue: nil if the baton must go home.
func (s *sched) next() *base {
	for {
		r := s.kernel.Next()
		if r == nil {
			return nil
		}
		b := r.(*base)
		if !b.cancelledBeforeStart() {
			return b
		}
	}
}

// pass hands the baton to the task b, or home if b is nil. The caller goes on to
// wait, and must touch nothing of the loop meanwhile.
func (s *sched) pass(b *base) {
	switch {
	case b == nil:
		s.setCurrent(nil)
		s.handoff.passHome()
	case b.worker.wake != nil:
		b.worker.wake <- struct{}{} // what the default handoff would do
	default:
		s.handoff.pass(s.workerOf(b))
	}
}

// workerOf returns the worker that goes on with b, or is to begin with it.
func (s *sched) workerOf(b *base) worker {
	if b.worker.begun() {
		return b.worker
	}
	s.starting = b
	if n := len(s.idle); n > 0 {
		w := s.idle[n-1]
		s.idle[n-1] = worker{}
		s.idle = s.idle[:n-1]
		return w
	}
	s.workers.Add(1)
	return s.handoff.spawn()
}

// retire puts a worker among the idle, unless there are enough of them.
func (s *sched) retire(w worker) bool {
	if len(s.idle) == maxIdle {
		return false
	}
	s.idle = append(s.idle, w)
	return true
}

// lend lends the baton to a worker until it gives it back.
func (s *sched) lend(w worker) {
	lender, lent := s.current, s.lent
	var from worker
	if lender != nil {
		from = lender.worker
		lender.lending = true
	}
	s.lent = true
	s.handoff.lend(from, w)
	s.lent = lent
	if lender != nil {
		lender.lending = false
	}
	s.setCurrent(lender)
}

// visiting has a suspended task's goroutine call fn, on the stack of its coroutine,
// and waits until that is done.
func (s *sched) visiting(b *base, fn func()) {
	s.visit = fn
	s.lend(b.worker)
}

// receive runs visits to the task b, and waits again after each.
func (s *sched) receive(b *base) {
	w := b.worker
	for s.visit != nil {
		visit := s.visit
		s.visit = nil
		visit()
		s.handoff.giveBack()
		s.handoff.wait(w)
	}
}

// unwind ends a suspended coroutine for good: its deferred functions run, and
// nothing else. Unlike an error, runtime.Goexit cannot be ignored, and unlike a
// panic, it cannot be recovered.
func (s *sched) unwind(b *base) {
	s.visit = func() {
		s.setCurrent(b)
		runtime.Goexit()
	}
	s.lent = true
	s.handoff.unwind(b.worker)
	s.lent = false
}

// Unwind ends the coroutines that are suspended, one after the other, and then
// the idle goroutines. The loop is closed.
func (s *sched) Unwind() {
	s.closed = true
	for s.first != nil {
		b := s.first
		s.remove(b)
		if !b.quiet {
			s.loop.CallExceptionHandler(loop.ExceptionContext{
				Message: "Task was destroyed but it is pending!",
				Task:    b.any(),
			})
		}
		if b.worker.begun() {
			s.unwind(b)
		}
		b.life.end(context.Canceled)
		b.stopWatching()
	}
	s.starting = nil
	for _, w := range s.idle {
		s.handoff.dismiss(w) // having nothing to begin with, it ends
	}
	s.idle = nil
	s.workers.Wait()
	s.outside.fail()
}

// outsideWork is the concurrent futures of RunCoroutineThreadsafe that the loop
// still owes an outcome. Whoever waits for one learns that the loop was closed.
type outsideWork struct {
	first *owed
}

type owed struct {
	fail       func(error)
	prev, next *owed
}

func (w *outsideWork) add(o *owed) {
	o.next = w.first
	if w.first != nil {
		w.first.prev = o
	}
	w.first = o
}

func (w *outsideWork) remove(o *owed) {
	if o.prev == nil {
		w.first = o.next
	} else {
		o.prev.next = o.next
	}
	if o.next != nil {
		o.next.prev = o.prev
	}
}

func (w *outsideWork) fail() {
	for o := w.first; o != nil; o = o.next {
		o.fail(fmt.Errorf("task: RunCoroutineThreadsafe: %w", loop.ErrClosed))
	}
	w.first = nil
}

var _ future.Awaiter = (*base)(nil)
