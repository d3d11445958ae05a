package task

import (
	"context"
	"fmt"
	"strings"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task/internal/sched"
)

// Task is a coroutine that runs on a loop, and the future of its result: asyncio's
// Task. Call its methods only from that loop's tasks and callbacks. The zero Task belongs
// to no loop and is never finished.
type Task[T any] struct {
	entry sched.Entry
	value T
	coro  future.Awaitable[T] // what it runs: a Coroutine, as a rule
}

// Any is a task of any type. [*Task] implements it, and nothing else does.
type Any interface {
	future.Waitable
	Join(ctx context.Context) error
	Name() string
	SetName(name string)
	Cancelling() int
	Uncancel() int
	Context() context.Context
	Stack() []Frame
	engine() *sched.Task
}

func (t *Task[T]) engine() *sched.Task { return &t.entry.Value }

// check is Check of the task's loop.
func (t *Task[T]) check(operation string) error {
	return t.engine().Kernel().Check(operation, t)
}

// mustOwn is MustOwn of the task's loop.
func (t *Task[T]) mustOwn(operation string) { t.engine().Kernel().MustOwn(operation, t) }

// Await suspends the calling task until this one is finished, and returns its
// result or exception: see [future.Future.Await]. Cancelling the waiting task
// cancels this one too, unless a [Shield] stands between them.
func (t *Task[T]) Await(ctx context.Context) (T, error) {
	if err := t.Join(ctx); err != nil {
		var zero T
		return zero, err
	}
	return t.value, nil
}

// Join is Await without the result.
func (t *Task[T]) Join(ctx context.Context) error {
	if t == nil {
		return nilCoroutine("await of a task")
	}
	return join(ctx, t.Kernel())
}

// Result returns the result or exception: see [future.Future.Result]. The error
// that ended a cancelled task goes to the first who asks; later ones get a new
// [*future.CancelledError] without its message.
func (t *Task[T]) Result() (T, error) {
	var zero T
	if err := t.check("Result"); err != nil {
		return zero, err
	}
	if !t.Done() {
		return zero, fmt.Errorf("task: Result of %v: the result is not set: %w", t, future.ErrInvalidState)
	}
	if err := t.engine().Exception(); err != nil {
		return zero, err
	}
	return t.value, nil
}

// Err returns the exception, nil if there is a result: see [future.Future.Err].
func (t *Task[T]) Err() error {
	if err := t.check("Err"); err != nil {
		return err
	}
	if !t.Done() {
		return fmt.Errorf("task: Err of %v: the exception is not set: %w", t, future.ErrInvalidState)
	}
	return t.engine().Exception()
}

// Done reports whether the task is finished.
func (t *Task[T]) Done() bool { return t.engine().Done() }

// Cancelled reports whether the task ended by cancellation.
func (t *Task[T]) Cancelled() bool { return t.Kernel().Cancelled() }

// Cancel requests that the task be cancelled: asyncio's cancel. What the task awaits
// returns a [*future.CancelledError] with that message, at the loop's next iteration.
// Cancel reports false if the task is finished.
//
// It is a request. The coroutine may clean up, which may take time, and it may go on:
// then it should call Uncancel. A task cancelled before its first step never runs.
// Cancel closes no context.
func (t *Task[T]) Cancel(message ...string) bool {
	t.mustOwn("Cancel")
	return t.engine().Cancel(strings.Join(message, " "))
}

// Cancelling returns the number of cancellation requests that were not taken back:
// asyncio's cancelling.
func (t *Task[T]) Cancelling() int { return t.engine().Cancelling() }

// Uncancel takes one cancellation request back, and returns how many are left:
// asyncio's uncancel. At none, a cancellation that was not delivered yet is dropped.
// Code that swallows a cancellation which it asked for itself calls it, as timeouts
// and groups do.
func (t *Task[T]) Uncancel() int {
	t.mustOwn("Uncancel")
	return t.engine().Uncancel()
}

// AddDoneCallback arranges for fn to be called once the task is finished: see
// [future.Future.AddDoneCallback].
func (t *Task[T]) AddDoneCallback(fn func()) *future.Callback {
	t.mustOwn("AddDoneCallback")
	switch {
	case fn == nil:
		panic(fmt.Errorf("task: AddDoneCallback of %v: %w", t, loop.ErrNilFunc))
	case t.Loop() == nil:
		panic(fmt.Errorf("task: AddDoneCallback of %v: it belongs to no loop: %w", t, loop.ErrNotRunning))
	}
	return (*future.Callback)(t.Kernel().AddDoneCallback(fn))
}

// RemoveDoneCallback removes a callback: see [future.Future.RemoveDoneCallback].
func (t *Task[T]) RemoveDoneCallback(cb *future.Callback) int {
	t.mustOwn("RemoveDoneCallback")
	return t.Kernel().RemoveDoneCallback((*kernel.Callback)(cb))
}

// Retrieved reports whether the task has no exception that nobody has seen: see
// [future.Future.Retrieved].
func (t *Task[T]) Retrieved() bool { return t.Kernel().Retrieved() }

// Loop returns the loop that the task runs on.
func (t *Task[T]) Loop() *loop.Loop { return t.engine().Loop() }

// Kernel leads into the engine, for the packages of this module: see
// [future.Future.Kernel].
func (t *Task[T]) Kernel() *kernel.Future { return t.engine().Future() }

// Name returns the task's name: asyncio's get_name. Tasks without one are called
// "Task-1" and so on, counted for each loop.
func (t *Task[T]) Name() string { return t.engine().Name() }

// SetName renames the task: asyncio's set_name.
func (t *Task[T]) SetName(name string) {
	t.mustOwn("SetName")
	t.engine().SetName(name)
}

// Context returns the context that the task's coroutine was given: asyncio's
// get_context. It is done when the task is finished. Only the task itself may await
// with it.
func (t *Task[T]) Context() context.Context {
	if t.Loop() == nil {
		return context.Background()
	}
	return t.engine().Context()
}

// Coroutine returns the coroutine that the task runs, also when it is finished: asyncio's
// get_coro. So whoever keeps a task keeps what its coroutine refers to. It is nil if the
// task was finished when it had been created, as an [Eager] one may be.
func (t *Task[T]) Coroutine() Coroutine[T] {
	switch coro := t.coro.(type) {
	case nil:
		return nil
	case Coroutine[T]:
		return coro
	default:
		return coro.Await
	}
}

// String describes the task as asyncio's repr does, as in
// "<Task pending name='Task-1' coro=<main.say at main.go:7> wait_for=<Future pending>>".
func (t *Task[T]) String() string {
	if t == nil {
		return "<nil>"
	}
	result := ""
	if f := t.Kernel(); f.State() == kernel.Finished && !f.Failed() {
		result = f.DescribeResult(&t.value)
	}
	return t.describe(result)
}

// describe is the task's String with that result.
func (t *Task[T]) describe(result string) string {
	details := "name=" + kernel.Quote(t.Name())
	if t.coro != nil {
		details += " coro=<" + kernel.FuncName(t.engine().Function()) + ">"
	}
	if awaited := t.engine().Awaited(); awaited != nil {
		if other := sched.TaskOf(awaited); other != nil {
			details += " wait_for=<Task name=" + kernel.Quote(other.Name()) + ">"
		} else {
			details += " wait_for=" + awaited.String()
		}
	}
	if result != "" {
		details += " " + result
	}
	state := ""
	if !t.Done() && t.Cancelling() > 0 {
		state = "cancelling"
	}
	return t.Kernel().Describe("Task", state, details)
}

// body is how the engine sees a Task of some type.
type body[T any] Task[T]

func (t *body[T]) Name() string                     { return t.entry.Value.Name() }
func (t *body[T]) Origin() string                   { return kernel.FuncName(t.entry.Value.Function()) }
func (t *body[T]) Function() any                    { return functionOf(t.coro) }
func (t *body[T]) Entry() *sched.Entry              { return &t.entry }
func (t *body[T]) Created() []uintptr               { return t.entry.Value.Created() }
func (t *body[T]) Public() fmt.Stringer             { return (*Task[T])(t) }
func (t *body[T]) CancelFuture(message string) bool { return t.entry.Value.Cancel(message) }
func (t *body[T]) DescribeFuture() string           { return (*Task[T])(t).String() }
func (t *body[T]) FutureKind() string               { return "Task" }
func (t *body[T]) DescribeStep() string             { return (*Task[T])(t).describe("") }

func (t *body[T]) Execute(own *sched.Task) {
	v, err := t.coro.Await(own.Context())
	if own.Sched().Closed() {
		return
	}
	if sched.Finish(&t.entry, err) {
		t.value = v
	}
}

// anyOf returns the task as programs know it.
func anyOf(t *sched.Task) Any { return t.Public().(Any) }

// Current returns the task that ctx carries, nil if there is none: asyncio's
// current_task.
func Current(ctx context.Context) Any {
	if t := sched.Running(ctx); t != nil {
		return anyOf(t)
	}
	return nil
}

// CurrentOn returns the task whose step loop l is running, nil if it is running none:
// asyncio's current_task(loop).
func CurrentOn(l *loop.Loop) Any {
	if t := ownSched(l, "CurrentOn").Current(); t != nil {
		return anyOf(t)
	}
	return nil
}

// All returns the unfinished tasks of the loop that ctx carries, in the order of
// their creation: asyncio's all_tasks. It panics if ctx carries no loop.
func All(ctx context.Context) []Any { return AllOn(loop.Running(ctx)) }

// AllOn returns the unfinished tasks of loop l, in the order of their creation:
// asyncio's all_tasks(loop).
func AllOn(l *loop.Loop) []Any {
	var all []Any
	for t := range ownSched(l, "AllOn").Tasks() {
		all = append(all, anyOf(t))
	}
	return all
}

// ownSched is schedOf for operations that only the loop's tasks and callbacks may call.
func ownSched(l *loop.Loop, operation string) *sched.Sched {
	if l != nil {
		l.Kernel().MustOwn(operation, l) // before schedOf, which may make a scheduler
	}
	return schedOf(l)
}

func schedOf(l *loop.Loop) *sched.Sched {
	if l == nil {
		panic(fmt.Errorf("task: the loop is nil: %w", loop.ErrNotRunning))
	}
	return sched.Of(l.Kernel())
}

// running returns the task that ctx carries, for operations that need one.
func running(ctx context.Context, operation string) (*sched.Task, error) {
	if t := sched.Running(ctx); t != nil {
		return t, nil
	}
	return nil, sched.NoTask(operation)
}

// mayAwait is running for operations that are about to wait: it also refuses a task
// that is not the one running on this goroutine.
func mayAwait(ctx context.Context, operation string) (*sched.Task, error) {
	t, err := running(ctx, operation)
	if err == nil {
		err = t.Check()
	}
	return t, err
}
