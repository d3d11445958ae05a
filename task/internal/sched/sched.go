package sched

import (
	"context"
	"fmt"
	"iter"
	"runtime"
	"sync"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
)

// Sched is what runs the tasks of a loop: the unfinished ones, in the order of
// their creation, and the goroutines that their coroutines run on. See [Of].
//
// Exactly one of {the loop's goroutine, one worker} owns the baton; the others wait
// until it is handed over; see handoff. All fields belong to the owner.
type Sched struct {
	// Factory is package task's factory, in a type of that package; nil if there is
	// none.
	Factory any
	// Labels is package labels' record of the loop, in a type of that package, and Tracer
	// that of package tracing; nil if there is none.
	Labels, Tracer any
	// AtClose are told when the loop is closed and all tasks are unwound, unless they are
	// removed before. Those that have a method BeforeJump are also told when the scheduler
	// is: see kernel.Scheduler.
	AtClose kernel.List[kernel.Dropper]

	// patience is how long Close waits for a coroutine's deferred functions before it
	// says which ones it waits for.
	patience time.Duration

	kernel   *kernel.Kernel
	address  string // of the loop
	handoff  handoff
	current  *Task  // the task whose step is being run
	starting *Task  // the task that the worker now getting the baton is to begin with
	visit    func() // what the task now getting the baton is to run in place of going on
	inCall   bool   // the baton must go back to the caller of call
	eager    int    // the calls that there are for eager starts, one inside the other
	used     bool   // there has been a task
	closed   bool   // the loop is: coroutines are being unwound

	idle    []worker // finished coroutines leave them behind
	workers sync.WaitGroup
	tasks   kernel.List[Task] // unfinished
	unnamed int64             // tasks that got a default name
	watches kernel.List[watch]

	observers []*Observer
	hooks     int   // of instruments that are being called, one inside the other
	hidden    *Task // the current task, in a hook
}

// maxIdle bounds the goroutines that are kept for the next tasks.
const maxIdle = 1024

// Of returns what runs the tasks of a loop.
func Of(k *kernel.Kernel) *Sched {
	return k.Scheduler(newSched).(*Sched)
}

func newSched(k *kernel.Kernel) kernel.Scheduler {
	s := &Sched{kernel: k, address: fmt.Sprintf("%p", k.Face()), patience: 10 * time.Second}
	s.handoff = newChannels(s)
	return s
}

func (s *Sched) loop() *loop.Loop { return s.kernel.Face().(*loop.Loop) }

// Address is the address of the loop, as its String has it. Any goroutine may call it.
func (s *Sched) Address() string { return s.address }

// Closed reports whether the loop is closed, and coroutines are being unwound.
func (s *Sched) Closed() bool { return s.closed }

// Current is the task whose step is being run, nil if none is.
func (s *Sched) Current() *Task {
	if s.hidden != nil {
		return s.hidden
	}
	return s.current
}

// Tasks yields the unfinished tasks in the order of their creation. They must not
// change meanwhile.
func (s *Sched) Tasks() iter.Seq[*Task] {
	return func(yield func(*Task) bool) {
		for e := s.tasks.First(); e != nil; e = e.Next() {
			if !yield(&e.Value) {
				return
			}
		}
	}
}

// Created is how many tasks the loop has created.
func (s *Sched) Created() uint64 { return s.kernel.Counters().TasksCreated }

// Unfinished is how many tasks are not finished.
func (s *Sched) Unfinished() int {
	c := s.kernel.Counters()
	return int(c.TasksCreated - c.TasksReturned - c.TasksFailed - c.TasksCancelled - c.TasksDestroyed)
}

// First is the first of the unfinished tasks, in the order of their creation, nil if there
// is none.
func (s *Sched) First() *Entry { return s.tasks.First() }

// UseChannels makes tasks hand over by channels, UsePull by iter.Pull. They report
// false if there have been tasks already.
func (s *Sched) UseChannels() bool { return s.use(newChannels(s)) }

// UsePull makes tasks hand over by iter.Pull: see UseChannels.
func (s *Sched) UsePull() bool { return s.use(newPulls(s)) }

func (s *Sched) use(h handoff) bool {
	if s.used {
		return false
	}
	s.handoff = h
	return true
}

// setCurrent notes the task whose step is being run; nil if none is.
func (s *Sched) setCurrent(t *Task) {
	s.current = t
	if t == nil {
		s.kernel.EndStep()
	} else {
		s.kernel.SetStepOwner(t.worker.goroutine)
	}
}

// next takes the next step off the ready queue: nil if the baton must go to the
// loop's goroutine.
func (s *Sched) next() *Task {
	for {
		j := s.kernel.NextStep()
		if j == nil {
			return nil
		}
		t := (*Task)(j.(*step))
		if !t.mustCancel || !t.cancelledBeforeStart() {
			return t
		}
	}
}

// pass hands the baton to the task t, or to the loop's goroutine if t is nil. The
// caller goes on to wait, and must touch nothing of the loop meanwhile.
func (s *Sched) pass(t *Task) {
	switch {
	case t == nil:
		s.setCurrent(nil)
		if !s.kernel.Lent() {
			s.handoff.passToLoop()
		} else if !s.kernel.GiveBack() {
			s.Errand()
		}
	case t.worker.wake != nil:
		t.worker.wake <- struct{}{} // what the default handoff would do
	default:
		s.handoff.pass(s.workerOf(t))
	}
}

// Lends reports whether any goroutine can pass the baton to a task without waiting.
func (s *Sched) Lends() bool { return s.handoff.lends() }

// Errand runs what is ready on a goroutine that has the baton of the sleeping loop, until
// that goes to a task or back. It starts no worker, which would inherit the profiler's labels
// of whatever goroutine this is.
func (s *Sched) Errand() {
	for {
		s.kernel.SetStepOwner(kernel.Goroutine())
		t := s.next()
		if t != nil && !t.worker.begun() && len(s.idle) == 0 {
			s.kernel.NotNow(t.wake.Handle())
			t = nil
		}
		s.kernel.EndStep()
		if t != nil {
			s.pass(t)
			return
		}
		if s.kernel.GiveBack() {
			return
		}
	}
}

// workerOf returns the worker that goes on with t, or is to begin with it.
func (s *Sched) workerOf(t *Task) worker {
	if t.worker.begun() {
		return t.worker
	}
	s.starting = t
	if n := len(s.idle); n > 0 {
		w := s.idle[n-1]
		s.idle[n-1] = worker{}
		s.idle = s.idle[:n-1]
		return w
	}
	s.workers.Add(1)
	s.kernel.Counters().WorkersStarted++
	return s.handoff.spawn()
}

// retire puts a worker among the idle, unless there are enough of them.
func (s *Sched) retire(w worker) bool {
	if len(s.idle) == maxIdle {
		return false
	}
	s.idle = append(s.idle, w)
	return true
}

// IdleWorkers is the number of workers without a task.
func (s *Sched) IdleWorkers() int { return len(s.idle) }

// call hands the baton to a worker and waits until it gives it back. Calls nest.
func (s *Sched) call(w worker) {
	caller, nested, hidden := s.Current(), s.inCall, s.hidden
	s.hidden = nil
	var from worker
	if caller != nil {
		from = caller.worker
		caller.marks |= calling
	}
	s.inCall = true
	s.handoff.call(from, w)
	s.inCall = nested
	if caller != nil {
		caller.marks &^= calling
	}
	s.setCurrent(caller)
	if hidden != nil {
		s.current, s.hidden = nil, hidden
	}
}

// visiting has a suspended task's goroutine call fn, on the stack of its coroutine,
// and waits until that is done.
func (s *Sched) visiting(t *Task, fn func()) {
	s.visit = fn
	s.kernel.Attend(kernel.AttendVisit)
	s.call(t.worker)
}

// receive runs visits to the task t, and waits again after each.
func (s *Sched) receive(t *Task) {
	w := t.worker
	for s.visit != nil {
		visit := s.visit
		s.visit = nil
		s.kernel.Ignore(kernel.AttendVisit)
		visit()
		s.handoff.giveBack()
		s.handoff.wait(w)
	}
}

// unwind ends a suspended coroutine for good: its deferred functions run, and
// nothing else. Unlike an error, runtime.Goexit cannot be ignored, and unlike a
// panic, it cannot be recovered.
func (s *Sched) unwind(t *Task) {
	s.visit = func() {
		s.current = t // but nothing runs it: awaits in deferred functions are refused
		runtime.Goexit()
	}
	s.kernel.Attend(kernel.AttendVisit)
	s.inCall = true
	s.handoff.call(worker{}, t.worker)
	s.inCall = false
}

// keepsCloseWaiting says that the deferred functions of the task's coroutine take long.
// It is called on a goroutine of its own, and so does not look at what they may change.
func (t *Task) keepsCloseWaiting() {
	t.sched.kernel.Warn(fmt.Sprintf("Close has waited %v for the deferred functions of task %q (%s), and waits on",
		t.sched.patience, t.Name(), t.body().Origin()))
}

// Pending describes the unfinished tasks: the first, and how many there are.
func (s *Sched) Pending() string {
	first := s.tasks.First()
	if first == nil {
		return ""
	}
	text, others := first.Value.Public().String(), 0
	for e := first.Next(); e != nil; e = e.Next() {
		others++
	}
	if others > 0 {
		text += fmt.Sprintf(" and %d more", others)
	}
	return text
}

// Unwind ends the coroutines that are suspended, one after the other, and then
// the idle goroutines. The loop is closed. What is dealt with has been taken off its
// list before, so that Unwind can be called again if the exception handler has
// interrupted it by runtime.Goexit.
func (s *Sched) Unwind() {
	s.closed = true
	for e := s.tasks.First(); e != nil; e = s.tasks.First() {
		s.tasks.Remove(e)
		s.destroy(&e.Value)
	}
	for n := len(s.idle); n > 0; n = len(s.idle) {
		w := s.idle[n-1]
		s.idle = s.idle[:n-1]
		s.handoff.dismiss(w) // having nothing to begin with, it ends
		s.kernel.Counters().WorkersEnded++
	}
	s.idle = nil
	s.workers.Wait()
	for n := s.AtClose.First(); n != nil; n = s.AtClose.First() {
		s.AtClose.Remove(n)
		n.Value.Drop()
	}
}

// destroy ends a task that is pending when the loop is closed.
func (s *Sched) destroy(t *Task) {
	defer func() { // also if the exception handler calls runtime.Goexit
		if t.worker.begun() {
			impatient := time.AfterFunc(s.patience, t.keepsCloseWaiting)
			s.unwind(t)
			impatient.Stop()
		}
		t.life.end(context.Canceled)
		t.stopWatching()
	}()
	if s.kernel.Attention()&kernel.AttendTasks != 0 {
		s.finished(t)
	}
	s.kernel.Counters().TasksDestroyed++
	if !t.is(quiet) {
		s.kernel.Report(kernel.Report{
			Message: "Task was destroyed but it is pending!",
			Task:    t.Public(),
			Created: t.Created(),
		})
	}
}
