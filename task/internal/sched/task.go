// Package sched is the engine of tasks: the untyped task, its steps, its awaits and
// its cancellation, and the goroutines that coroutines run on. Package task gives
// it types and names.
//
// Everything here belongs to the owner of the loop's baton (see package kernel),
// except the contexts.
package sched

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
)

// Task is the part of a task that does not depend on the type of its result.
//
// An unfinished task is in one of three states:
//
//	waiting    awaited is a pending future, and wake one of its callbacks
//	runnable   wake is in the ready queue; awaited is nil or done
//	running    its step is being run, or it is about to suspend; awaited is nil
//
// The fields that every step uses come first, and share a cache line: with many
// tasks, a step costs about as much as the memory that it touches.
type Task struct {
	sched       *Sched
	worker      worker // from its first step to its end
	mustCancel  bool   // cancel at the next opportunity
	interrupted bool   // what it awaits was cancelled by the end of a context
	late        bool   // mustCancel is what CancelLater has put off
	marks       marks
	requests    int32           // for cancellation, that were not taken back
	wake        kernel.Callback // its steps, all of them

	awaited *kernel.Future
	promise kernel.Promise
	life    lifetime        // of its context
	values  context.Context // that its context passes on
	extra   atomic.Pointer[extra]
	number  uint32 // of its default name, unless that is in extra
	serial  uint32 // how many tasks of the loop were created before it, and itself
}

// marks are the states of a task that seldom matter.
type marks uint8

const (
	calling  marks = 1 << iota // it waits for a call to return the baton, as in an eager start
	quiet                      // not to be reported if it is destroyed pending
	asking                     // Cancel is passing the request on to what it awaits
	followed                   // observers are to be told when its cancellation is delivered
)

// is reports whether a mark is set.
func (t *Task) is(m marks) bool { return t.marks&m != 0 }

// Serial is the number of the task among those of its loop, from 1 on, in the order of
// creation. After 4 billion it begins again at 0.
func (t *Task) Serial() uint32 { return t.serial }

// Entry is a task and its place among the unfinished tasks of its loop.
type Entry = kernel.Node[Task]

// extra is what few tasks have.
type extra struct {
	name  atomic.Pointer[string] // nil for the default one
	cause error                  // why a context ended, if interrupted
	watch *kernel.Node[watch]    // on the context that the task was made with
	// What is seldom known is apart, so that a name costs little.
	origin *origin
}

// origin is where a task comes from, for descriptions.
type origin struct {
	created  []uintptr // where: see kernel.Frames
	function any       // the program's function that it runs, if its coroutine does not tell
}

// ensureOrigin returns the task's origin, to be changed.
func (t *Task) ensureOrigin() *origin {
	extra := t.ensureExtra()
	if extra.origin == nil {
		extra.origin = new(origin)
	}
	return extra.origin
}

// getOrigin returns what is known of the task's origin.
func (t *Task) getOrigin() origin {
	if extra := t.extra.Load(); extra != nil && extra.origin != nil {
		return *extra.origin
	}
	return origin{}
}

// ensureExtra returns the task's extra, to be changed.
func (t *Task) ensureExtra() *extra {
	if t.extra.Load() == nil {
		t.extra.Store(new(extra))
	}
	return t.extra.Load()
}

// Body is a task with its type. A program can reach it as the owner of the task's
// future, but not complete the task: the methods that do take a type that no other
// module can name, so that no other module can call them.
type Body interface {
	kernel.Owner
	// Entry is the task that it is the body of.
	Entry() *Entry
	// Public is the task as programs know it.
	Public() fmt.Stringer
	// DescribeStep describes the task without its result, which is nobody's business.
	DescribeStep() string
	// Origin is the name of the program's function that the task runs. While the task
	// is pending, any goroutine may call it.
	Origin() string
	// Function is that function.
	Function() any
	// Execute runs the coroutine to its end and finishes the task t, its own.
	Execute(t *Task)
}

func (t *Task) body() Body { return t.promise.Owner().(Body) }

// Entry is the task's place among the unfinished tasks of its loop.
func (t *Task) Entry() *Entry { return t.body().Entry() }

// Public is the task as programs know it.
func (t *Task) Public() fmt.Stringer { return t.body().Public() }

// TaskOf returns the task whose future f is, nil if it is no task's.
func TaskOf(f *kernel.Future) *Task {
	if body, ok := f.Owner().(Body); ok {
		return &body.Entry().Value
	}
	return nil
}

// Running returns the task that ctx carries, nil if there is none.
func Running(ctx context.Context) *Task {
	if ctx == nil {
		return nil
	}
	a, _ := ctx.Value(kernel.AwaiterKey{}).(*awaiter)
	return (*Task)(a)
}

// Future is the task's future.
func (t *Task) Future() *kernel.Future { return &t.promise.Future }

// Done reports whether the task is finished.
func (t *Task) Done() bool { return t.promise.Done() }

// Exception takes the exception of a task that is done.
func (t *Task) Exception() error { return Exception(&t.promise.Future) }

// Exception takes the exception of a future that is done.
func Exception(f *kernel.Future) error { return f.Take(cancelled) }

// cancelled makes the error of a cancelled future.
func cancelled(message string) error { return &future.CancelledError{Message: message} }

// Sched is the engine that runs the task.
func (t *Task) Sched() *Sched { return t.sched }

// Kernel is the kernel of the task's loop.
func (t *Task) Kernel() *kernel.Kernel { return t.promise.Kernel() }

// Loop is the loop that the task runs on.
func (t *Task) Loop() *loop.Loop {
	if t.sched == nil {
		return nil // the zero task of a program belongs to no loop
	}
	return t.sched.loop()
}

// Context is the context of the task's coroutine.
func (t *Task) Context() context.Context { return (*taskContext)(t) }

// Values is the context whose values the task's context passes on.
func (t *Task) Values() context.Context { return t.values }

// SetValues replaces Values. Only Observer.Created may call it: later, other goroutines may
// be looking at the context.
func (t *Task) SetValues(values context.Context) { t.values = values }

// Awaited is the future that the suspended task awaits, nil if there is none.
func (t *Task) Awaited() *kernel.Future { return t.awaited }

// Function is the program's function that the task runs, or what else it awaits.
func (t *Task) Function() any {
	if fn := t.getOrigin().function; fn != nil {
		return fn
	}
	return t.body().Function()
}

// SetFunction says which function of the program the task runs, when its coroutine is a
// closure of this module. It must be called before the task begins.
func (t *Task) SetFunction(fn any) { t.ensureOrigin().function = fn }

// Created returns where the program created the task, nil if that was not recorded.
func (t *Task) Created() []uintptr { return t.getOrigin().created }

// SetQuiet makes Close not report the task if it is still pending then.
func (t *Task) SetQuiet() { t.marks |= quiet }

// Name is the task's name. Any goroutine may call it: the refusal of an await on a
// foreign goroutine has the name.
func (t *Task) Name() string { return t.Label().String() }

// Label is the task's name before it is spelled out, which takes a while for default
// names. Any goroutine may call it.
func (t *Task) Label() Label {
	if extra := t.extra.Load(); extra != nil {
		if name := extra.name.Load(); name != nil {
			return Label{given: name}
		}
	}
	return Label{number: t.number}
}

// Label is a name that was given to a task, or the number of a default one.
type Label struct {
	given  *string
	number uint32
}

// String is the name.
func (l Label) String() string {
	switch {
	case l.given != nil:
		return *l.given
	case l.number > 0:
		return "Task-" + strconv.FormatUint(uint64(l.number), 10)
	}
	return ""
}

// SetName renames the task.
func (t *Task) SetName(name string) {
	t.ensureExtra().name.Store(&name)
	if s := t.sched; s != nil && s.kernel.Attention()&kernel.AttendTasks != 0 {
		s.renamed(t)
	}
}

// step is a task's next step, as a job.
type step Task

// Run is a step on the loop's goroutine: it hands the baton over, and returns
// when it is back, which is later than the end of the step if the baton was
// passed on meanwhile.
func (st *step) Run() {
	t := (*Task)(st)
	if t.cancelledBeforeStart() {
		return
	}
	s := t.sched
	s.handoff.runStep(s.workerOf(t))
	s.setCurrent(nil)
}

// String describes the step as a callback of what the task waits for. It must not
// describe the task, whose description has that of what it waits for.
func (st *step) String() string { return "Task.wakeup(" + kernel.Plain((*Task)(st).Name()) + ")" }

// DescribeStep describes the task in a report that the step was slow.
func (st *step) DescribeStep() string { return (*Task)(st).body().DescribeStep() }

// TaskOfStep returns the task whose step j is, nil if it is no step.
func TaskOfStep(j kernel.Job) *Task {
	st, _ := j.(*step)
	return (*Task)(st)
}

// Start starts the task of a new entry, which has a name unless it is to get a default
// one. The task inherits the values of one context, and is cancelled when the other one
// ends, if that is not nil. An eager task begins at once.
func (s *Sched) Start(e *Entry, body Body, values, watch context.Context, eager bool) {
	t := &e.Value
	eager = eager && s.kernel.IsRunning() && s.hooks == 0 // there it might find the baton between two owners
	if eager {
		s.checkEager()
	}
	s.used = true
	t.sched = s
	t.promise.Init(s.kernel, body)
	t.wake.Init(kernel.Step, (*step)(t))
	t.values = valuesOf(values)
	if t.extra.Load() == nil {
		s.unnamed++
		if t.number = uint32(s.unnamed); int64(t.number) != s.unnamed {
			t.SetName(fmt.Sprintf("Task-%d", s.unnamed))
		}
	}
	s.count(t)
	s.tasks.PushBack(e)
	if s.kernel.Attention()&(kernel.AttendDebug|kernel.AttendStacks|kernel.AttendTasks) != 0 {
		s.created(t)
	}
	if watch != nil {
		if outer := foreignOf(watch); outer != nil {
			t.WatchParent(outer)
		}
	}
	if eager && !t.mustCancel {
		s.eager++
		s.call(s.workerOf(t)) // its first stretch, inside the present step or callback
		if s.kernel.Attention()&kernel.AttendBeat != 0 {
			s.kernel.Beat() // the caller goes on
		}
		s.eager--
	} else {
		s.kernel.Push(t.wake.Handle())
	}
}

// maxEager bounds how deep eager starts may be nested. It is CPython's recursion limit.
// Each level has a goroutine, and without a limit an endless recursion would take all
// memory before it is noticed.
const maxEager = 1000

// checkEager panics if a further eager start would be one too many.
func (s *Sched) checkEager() {
	if !s.inCall {
		s.eager = 0 // runtime.Goexit may have ended what called
	}
	if s.eager == maxEager {
		panic(fmt.Errorf("task: Create: %d eager tasks are starting, each inside the one before: %w", maxEager, ErrRecursion))
	}
}

// count counts a new task.
func (s *Sched) count(t *Task) {
	c := s.kernel.Counters()
	c.TasksCreated++
	t.serial = uint32(c.TasksCreated)
}

// FailStart makes the task of a new entry one that ended with err before it could begin.
// The exception counts as retrieved: whether to look at it is up to the caller that got
// the task.
func (s *Sched) FailStart(e *Entry, body Body, values context.Context, err error) {
	t := &e.Value
	t.sched = s
	s.count(t)
	s.kernel.Counters().TasksFailed++
	t.promise.Init(s.kernel, body)
	t.values = valuesOf(values)
	t.life.end(context.Canceled)
	t.promise.Finish(err)
	t.promise.Forget()
}

// cancelledBeforeStart finishes a task that was cancelled before its first step:
// its coroutine never runs.
func (t *Task) cancelledBeforeStart() bool {
	if !t.mustCancel || t.worker.begun() {
		return false
	}
	t.mustCancel = false
	t.endBeforeStart()
	return true
}

// endBeforeStart gives the task its outcome even if somebody who is told of the end calls
// runtime.Goexit: there is no coroutine whose end would do it.
func (t *Task) endBeforeStart() {
	defer func() {
		if !t.Done() {
			t.endBeforeStart()
		}
	}()
	finishCancelled(t.body().Entry(), "", cancelled(t.promise.Message()))
}

// Finish gives the task its outcome, what its coroutine returned. It reports whether
// that is the result: a cancellation may have come just before the end.
func Finish(e *Entry, err error) (result bool) {
	t := &e.Value
	switch {
	case err == nil && t.mustCancel && !t.late:
		finishCancelled(e, t.promise.Message(), nil)
	case err == nil:
		ending(e)
		t.sched.kernel.Counters().TasksReturned++
		t.promise.Finish(nil)
		return true
	case future.IsCancelled(err):
		finishCancelled(e, "", err)
	default:
		ending(e)
		t.sched.kernel.Counters().TasksFailed++
		t.promise.Finish(err)
		if loop.IsFatal(err) {
			t.sched.kernel.Raise(err)
		}
	}
	return false
}

func finishCancelled(e *Entry, message string, err error) {
	ending(e)
	e.Value.sched.kernel.Counters().TasksCancelled++
	e.Value.promise.FinishCancelled(message, err)
}

// ending is what happens before a task gets its outcome.
func ending(e *Entry) {
	t := &e.Value
	if t.sched.kernel.Attention()&kernel.AttendTasks != 0 {
		t.sched.finished(t)
	}
	t.sched.tasks.Remove(e)
	t.stopWatching()
	t.life.end(context.Canceled)
}

// didNotReturn deals with a coroutine that panicked with value, or else has called
// runtime.Goexit.
func (t *Task) didNotReturn(value any) {
	s, body := t.sched, t.body()
	switch {
	case s.closed:
		if value != nil { // while it was unwound
			s.kernel.Report(kernel.Report{
				Message: "Exception in a task that was destroyed pending",
				Err:     loop.NewPanicError(value),
				Task:    t.Public(),
				Created: t.Created(),
			})
		}
		return
	case t.Done(): // what is told of the end of a coroutine has not returned
		if value != nil {
			panic(value) // see Observer
		}
		s.kernel.Goexit()
		return
	}
	t.abandon()
	switch {
	case value != nil:
		Finish(body.Entry(), loop.NewPanicError(value))
	default:
		Finish(body.Entry(), ErrGoexit)
		t.promise.Forget() // the end of the run makes it known
		s.kernel.Goexit()
	}
}

// abandon drops the await that the coroutine was about to suspend in, as far as it had
// got, if it is ended there: by a hook that called runtime.Goexit.
func (t *Task) abandon() {
	if t.awaited != nil {
		t.awaited.Unregister(&t.wake)
		t.awaited = nil
	}
	t.wake.Handle().Cancel()
}
