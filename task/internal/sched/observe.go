package sched

import (
	"slices"

	"github.com/goasyncio/asyncio/loop/kernel"
)

// Observer is told what the tasks of a loop do, by the owner of the baton, in the middle
// of the engine. Its functions must not panic, await, or change a task. A nil function
// costs nothing.
type Observer struct {
	Created    func(*Task)
	Begin      func(*Task) (end func()) // on the goroutine of the coroutine, around it; end may be nil
	BeforeStep func(*Task)              // on the goroutine of the coroutine, as AfterStep
	AfterStep  func(*Task)
	Cancel     func(t *Task, message string) // each request, before it has an effect
	Renamed    func(*Task)
	Finished   func(*Task) // before it has its outcome, and before its callbacks are scheduled
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
		if o.BeforeStep != nil || o.AfterStep != nil {
			all |= kernel.AttendSteps
		}
	}
	s.kernel.Ignore((kernel.AttendTasks | kernel.AttendSteps) &^ all)
	s.kernel.Attend(all)
}

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

// executeAttended runs the coroutine of a task of which somebody wants to know.
func (s *Sched) executeAttended(t *Task) {
	if s.kernel.Attention()&kernel.AttendBeat != 0 {
		s.kernel.Beat()
	}
	var ends []func()
	for _, o := range s.observers {
		if o.Begin != nil {
			if end := o.Begin(t); end != nil {
				ends = append(ends, end)
			}
		}
	}
	s.beforeStep(t)
	defer func() { // also if the coroutine panics or is unwound
		if !s.closed {
			s.afterStep(t)
		}
		for _, end := range slices.Backward(ends) {
			end()
		}
	}()
	t.body().Execute(t)
}

func (s *Sched) created(t *Task) {
	if s.kernel.RecordsCreation() {
		t.ensureExtra().created = s.kernel.Calls()
	}
	for _, o := range s.observers {
		if o.Created != nil {
			o.Created(t)
		}
	}
}

func (s *Sched) finished(t *Task) {
	for _, o := range s.observers {
		if o.Finished != nil {
			o.Finished(t)
		}
	}
}

func (s *Sched) requested(t *Task, message string) {
	for _, o := range s.observers {
		if o.Cancel != nil {
			o.Cancel(t, message)
		}
	}
}

func (s *Sched) renamed(t *Task) {
	for _, o := range s.observers {
		if o.Renamed != nil {
			o.Renamed(t)
		}
	}
}
