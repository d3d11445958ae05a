package sched

import (
	"slices"

	"github.com/goasyncio/asyncio/loop/kernel"
)

// Observer is told what the tasks of a loop do, by the owner of the baton, in the middle
// of the engine. Its functions must not panic, await, or change a task; those that call the
// program see to it: see [Sched.EnterHook]. A nil function costs nothing.
//
// A task that is older than the observation is in the midst of its life: Created and Begin
// are not called for it, and if it is running, AfterStep may be the first call.
type Observer struct {
	Program    bool                     // its functions call the program
	Created    func(*Task)              // before it can begin
	Begin      func(*Task) (end func()) // on the goroutine of the coroutine, around it; end may be nil
	BeforeStep func(*Task)              // on the goroutine of the coroutine, as AfterStep
	AfterStep  func(*Task)
	Cancel     func(t *Task, message string) // each request, before it has an effect
	Delivered  func(*Task)                   // on the goroutine of the coroutine, in the await that is about to return the cancellation
	Renamed    func(*Task)
	Finished   func(*Task) // before it has its outcome, its callbacks are scheduled, and its last step ends
}

// Observe makes o be told of what happens from now on, until remove is called. Both belong
// to the owner of the baton.
func (s *Sched) Observe(o *Observer) (remove func()) {
	s.setObservers(append(slices.Clone(s.observers), o))
	return func() {
		s.setObservers(slices.DeleteFunc(slices.Clone(s.observers), func(other *Observer) bool { return other == o }))
	}
}

// setObservers replaces the observers. The slice is never changed in place, since one of
// them may be removed while the others are told something.
func (s *Sched) setObservers(observers []*Observer) {
	s.observers = observers
	var all kernel.Attention
	for _, o := range observers {
		all |= kernel.AttendTasks
		if o.Program {
			all |= kernel.AttendProgram
		}
		if o.BeforeStep != nil || o.AfterStep != nil {
			all |= kernel.AttendSteps
		}
		if o.Delivered != nil {
			all |= kernel.AttendDelivered
		}
	}
	s.kernel.Ignore((kernel.AttendTasks | kernel.AttendSteps | kernel.AttendDelivered | kernel.AttendProgram) &^ all)
	s.kernel.Attend(all)
}

// atStep is the attention to what happens when a task goes on.
const atStep = kernel.AttendVisit | kernel.AttendBeat | kernel.AttendSteps | kernel.AttendDelivered

// attend is what goes before a step if somebody pays attention: it receives the visits
// that come in its place, and tells those who want to know of steps.
func (s *Sched) attend(t *Task) {
	if s.visit != nil {
		s.receive(t)
	}
	a := s.kernel.Attention()
	if a&kernel.AttendBeat != 0 {
		s.kernel.Beat()
	}
	if a&kernel.AttendSteps != 0 {
		if s.current != t {
			s.setCurrent(t)
		}
		s.beforeStep(t)
	}
	if t.is(followed) {
		s.delivering(t)
	}
}

// delivering tells that a cancellation is delivered which was requested before, if the
// step that begins does so: what the task has awaited may have come to an end by itself.
func (s *Sched) delivering(t *Task) {
	if !t.mustCancel && (t.awaited == nil || !t.awaited.Cancelled()) {
		return
	}
	t.marks &^= followed
	for _, o := range s.observers {
		if o.Delivered != nil {
			o.Delivered(t)
		}
	}
}

func (s *Sched) beforeStep(t *Task) {
	for _, o := range s.observers {
		if o.BeforeStep != nil {
			o.BeforeStep(t)
		}
	}
}

func (s *Sched) afterStep(t *Task) {
	for _, o := range s.observers {
		if o.AfterStep != nil {
			o.AfterStep(t)
		}
	}
}

// executeAttended runs the coroutine of a task of which somebody wants to know. The end of
// a coroutine that was begun is told in any case: if it panics, calls runtime.Goexit, or is
// unwound by Close.
func (s *Sched) executeAttended(t *Task) {
	if s.kernel.Attention()&kernel.AttendBeat != 0 {
		s.kernel.Beat()
	}
	var few [4]func() // no allocation, as a rule
	ends, returned := few[:0], false
	defer func() {
		if !returned {
			t.didNotReturn(recover())
		}
		callBackward(ends)
	}()
	for _, o := range s.observers {
		if o.Begin != nil {
			if end := o.Begin(t); end != nil {
				ends = append(ends, end)
			}
		}
	}
	s.beforeStep(t)
	t.body().Execute(t)
	returned = true
}

// callBackward calls all of the functions, the last one first, even if one of them calls
// runtime.Goexit.
func callBackward(fns []func()) {
	if last := len(fns) - 1; last >= 0 {
		defer callBackward(fns[:last])
		fns[last]()
	}
}

func (s *Sched) created(t *Task) {
	if s.kernel.RecordsCreation() {
		t.ensureOrigin().created = s.kernel.Calls(0)
	}
	told := false
	defer func() {
		if !told { // runtime.Goexit was called, and whoever creates the task ends with it
			s.kernel.Push(t.wake.Handle())
		}
	}()
	for _, o := range s.observers {
		if o.Created != nil {
			o.Created(t)
		}
	}
	told = true
}

// finished tells that a task is about to end. It ends its last step too: whether somebody
// wants to know of that may have been decided after the coroutine began.
func (s *Sched) finished(t *Task) {
	for _, o := range s.observers {
		if o.Finished != nil {
			o.Finished(t)
		}
	}
	if t.worker.begun() && !s.closed {
		s.afterStep(t) // its last; at Close, the last one is over
	}
}

func (s *Sched) requested(t *Task, message string) {
	for _, o := range s.observers {
		if o.Cancel != nil {
			o.Cancel(t, message)
		}
		if o.Delivered != nil {
			t.marks |= followed
		}
	}
}

// Requester tells an observer's Cancel who requests the cancellation: a task, or a callback
// or job of the library. Both are nil if the loop is not running.
func (s *Sched) Requester() (*Task, kernel.Job) {
	j := s.kernel.Job()
	if s.inCall || j == nil || TaskOfStep(j) != nil { // a callback may be starting a task eagerly
		return s.current, nil
	}
	return nil, j
}

func (s *Sched) renamed(t *Task) {
	for _, o := range s.observers {
		if o.Renamed != nil {
			o.Renamed(t)
		}
	}
}

// Goroutine is the goroutine (see [kernel.Goroutine]) that runs the task's coroutine, 0 if
// that has not begun or is over.
func (t *Task) Goroutine() uintptr { return t.worker.goroutine }

// Visit has the goroutine of a task that has begun call fn, which must not await, and waits
// for it. It reports false if that is impossible: the task has not begun, or is just
// starting another one eagerly. It must not be called by a job of kind Internal, since it
// has to be known who gets the baton back.
func (s *Sched) Visit(t *Task, fn func()) bool {
	if !t.worker.begun() || t.is(calling) {
		return false
	}
	s.visiting(t, fn)
	return true
}

// EnterHook is to be called before the program is told of something. Until LeaveHook is
// called, no task may await, which would give the baton away in the middle of the engine, and tasks
// do not start eagerly.
func (s *Sched) EnterHook() (hidden *Task) {
	s.hooks++
	if hidden = s.current; hidden != nil {
		s.current, s.hidden = nil, hidden
	}
	return hidden
}

// LeaveHook takes what EnterHook returned.
func (s *Sched) LeaveHook(hidden *Task) {
	s.hooks--
	if hidden != nil {
		s.current, s.hidden = hidden, nil
	}
}
