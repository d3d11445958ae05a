package task

import (
	"fmt"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task/internal/sched"
)

// An Instrument is told what the tasks of a loop do. [AddInstrument] gives it to a loop. It is
// modelled on that of Trio; asyncio has none. A nil field costs nothing.
//
// The life of a task is told in this order: Created, Begin, then BeforeStep and AfterStep in
// turn, with the last AfterStep after Finished, and at last the end that Begin has returned.
// A step is what a task does between two awaits that suspend. Steps of two tasks are never
// told one inside the other, except that an [Eager] task has its first step inside a step of
// the task that creates it. A task cancelled before its first step is Created and Finished. If
// a task is pending when its loop is closed, it is Finished, and its coroutine ends without
// a further step. Of a task that is older than the instrument only the rest is told, from
// the next step on.
//
// All fields are called by the loop, on its goroutine or on that of a task. They look, and
// leave the loop alone: an await in them fails ([ErrNotCurrent]), and a task that they
// create is never eager, and told of like any other. They must not block.
//
// If one of them panics, the instrument is removed, and the panic goes to the loop's
// exception handler as a [*PanicError], once; a fatal error ([loop.IsFatal]) ends the run.
type Instrument struct {
	// Created is called before the task can begin.
	Created func(t Any)
	// Begin is called on the goroutine of the task's coroutine before its first line, and
	// the end that it returns, unless that is nil, on the same goroutine after its last one,
	// also if the coroutine panics, calls runtime.Goexit, or is ended because the loop is
	// closed, and if the instrument has been removed meanwhile.
	Begin func(t Any) (end func())
	// BeforeStep and AfterStep are called around each step, on the goroutine of the
	// coroutine. Only they cost something at each step.
	BeforeStep, AfterStep func(t Any)
	// Cancel is called when the cancellation of the unfinished task is requested, before
	// the request has an effect. The end of a context of package context is no request.
	Cancel func(t Any, message string)
	// Finished is called when the task has come to its end, before it is done and its
	// callbacks are scheduled.
	Finished func(t Any)
}

// AddInstrument makes i be told what the tasks of loop l do from now on, until remove is
// called. Several instruments are called in the order in which they were added. Later
// changes to i have no effect. An instrument may remove itself and others, and add others,
// which are first told of what happens next. Once remove has been called, nothing but the
// ends that Begin has returned is; further calls of remove do nothing.
//
// Call AddInstrument and remove only from the loop's tasks and callbacks, or while the loop
// is not running. AddInstrument panics if l is nil ([loop.ErrNotRunning]), and if i is nil
// ([loop.ErrInvalidArgument]).
func AddInstrument(l *loop.Loop, i *Instrument) (remove func()) {
	s := ownSched(l, "AddInstrument")
	if i == nil {
		panic(fmt.Errorf("task: AddInstrument: the instrument is nil: %w", loop.ErrInvalidArgument))
	}
	p := &player{hooks: *i, loop: l, sched: s}
	p.forget = s.Observe(p.observer())
	return p.remove
}

// player is an instrument that was given to a loop.
type player struct {
	hooks   Instrument
	loop    *loop.Loop
	sched   *sched.Sched
	forget  func()
	removed bool
	failed  bool
	open    int // steps that it was told of, one inside the other
}

func (p *player) remove() {
	p.loop.Kernel().MustOwn("remove of an instrument", p.loop)
	p.takeAway()
}

func (p *player) takeAway() {
	if !p.removed {
		p.removed = true
		p.forget()
	}
}

// observer is what the engine calls.
func (p *player) observer() *sched.Observer {
	o := &sched.Observer{Program: true, Created: p.teller("Created", p.hooks.Created), Finished: p.teller("Finished", p.hooks.Finished)}
	if p.hooks.Begin != nil {
		o.Begin = p.begin
	}
	if p.hooks.Cancel != nil {
		o.Cancel = func(t *sched.Task, message string) {
			p.tell("Cancel", func(t Any) { p.hooks.Cancel(t, message) }, t)
		}
	}
	if p.hooks.BeforeStep != nil || p.hooks.AfterStep != nil {
		before, after := p.teller("BeforeStep", p.hooks.BeforeStep), p.teller("AfterStep", p.hooks.AfterStep)
		o.BeforeStep = func(t *sched.Task) {
			p.open++
			if before != nil {
				before(t)
			}
		}
		o.AfterStep = func(t *sched.Task) {
			if p.open == 0 {
				return // the end of a step in which it was added
			}
			p.open--
			if after != nil {
				after(t)
			}
		}
	}
	return o
}

// teller makes the engine's form of a hook, nil if there is none.
func (p *player) teller(name string, hook func(Any)) func(*sched.Task) {
	if hook == nil {
		return nil
	}
	return func(t *sched.Task) { p.tell(name, hook, t) }
}

// tell calls a hook, unless the instrument was removed by another one in the midst of what
// all are told.
func (p *player) tell(name string, hook func(Any), t *sched.Task) {
	if !p.removed {
		p.call(name, hook, t)
	}
}

// begin calls Begin, and returns what calls the end that this returns.
func (p *player) begin(t *sched.Task) func() {
	var end func()
	p.tell("Begin", func(t Any) { end = p.hooks.Begin(t) }, t)
	if end == nil {
		return nil
	}
	return func() { p.call("the end of Begin", func(Any) { end() }, t) }
}

// call calls a hook, and takes the instrument away if it does not return.
func (p *player) call(name string, hook func(Any), t *sched.Task) {
	returned := false
	defer p.sched.LeaveHook(p.sched.EnterHook())
	defer func() {
		if !returned { // or it calls runtime.Goexit, as a test does that fails
			p.fail(name, t, recover())
		}
	}()
	hook(anyOf(t))
	returned = true
}

// fail is called if a hook panicked with value, or else has called runtime.Goexit.
func (p *player) fail(name string, t *sched.Task, value any) {
	p.takeAway()
	if value == nil || p.failed {
		return
	}
	p.failed = true
	if err, ok := value.(error); ok && loop.IsFatal(err) && p.loop.IsRunning() {
		p.loop.Kernel().Raise(err)
		return
	}
	p.loop.Kernel().Report(kernel.Report{
		Message: "Exception in " + name + " of an instrument, which is removed",
		Err:     loop.NewPanicError(value),
		Task:    t.Public(),
	})
}
