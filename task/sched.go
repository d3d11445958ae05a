package task

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
)

// sched is what this package keeps with a loop: its tasks, in the order of their
// creation, and the goroutines that their coroutines run on.
//
// Control is a baton. Exactly one of {the loop's goroutine, one worker} holds it;
// whoever does not waits until it is handed over; see handoff. All fields belong to the
// holder, except for current, which is also read by goroutines that are about to
// be told that they do not hold the baton.
type sched struct {
	loop    *loop.Loop
	kernel  *loop.Kernel
	current atomic.Pointer[base] // the task whose step is being run
	handoff handoff
	idle    []*worker // finished coroutines leave them behind
	workers sync.WaitGroup
	first   *base // unfinished tasks
	last    *base
	unnamed int // tasks that got a default name
	factory Factory
	watches *watch // on contexts of package context
	used    bool   // there has been a task
	closed  bool   // the loop is: coroutines are being unwound

	outside outsideWork
}

// maxIdle bounds the goroutines that are kept for the next tasks.
const maxIdle = 1024

// schedOf returns the loop's sched.
func schedOf(l *loop.Loop) *sched {
	return l.Kernel().Coroutines(func() loop.Coroutines {
		return &sched{loop: l, kernel: l.Kernel(), handoff: newChannels()}
	}).(*sched)
}

// Holder is the goroutine of the task that is being run.
func (s *sched) Holder() uintptr {
	if b := s.current.Load(); b != nil && b.worker != nil {
		return b.worker.goroutine
	}
	return 0
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

// pass hands the baton from w to the task b, or home if b is nil. The worker goes
// on to wait, and must touch nothing of the loop meanwhile.
func (s *sched) pass(w *worker, b *base) {
	if b == nil {
		s.current.Store(nil)
		s.handoff.pass(w, nil)
		return
	}
	s.handoff.pass(w, s.workerOf(b))
}

// workerOf returns the worker of a task; one that has not begun gets one.
func (s *sched) workerOf(b *base) *worker {
	if b.worker != nil {
		return b.worker
	}
	var w *worker
	if n := len(s.idle); n > 0 {
		w = s.idle[n-1]
		s.idle[n-1] = nil
		s.idle = s.idle[:n-1]
	} else {
		w = &worker{sched: s}
		s.workers.Add(1)
		s.handoff.spawn(w)
	}
	w.task = b
	return w
}

// retire puts a worker among the idle, unless there are enough of them.
func (s *sched) retire(w *worker) bool {
	if len(s.idle) == maxIdle {
		return false
	}
	s.idle = append(s.idle, w)
	return true
}

// startEagerly runs the first stretch of b inside the present step or callback.
func (s *sched) startEagerly(b *base) {
	creator := s.current.Load()
	var from *worker
	if creator != nil {
		from = creator.worker
	}
	w := s.workerOf(b)
	w.lent = true
	if from != nil {
		from.lending = true
	}
	s.handoff.lend(from, w)
	if from != nil {
		from.lending = false
	}
	s.current.Store(creator)
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
				Task:    b.self,
			})
		}
		if b.worker != nil {
			b.unwind()
		}
		b.ctx.life.end(context.Canceled)
		b.stopWatching()
	}
	for _, w := range s.idle {
		s.handoff.dismiss(w) // without a task it ends
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
