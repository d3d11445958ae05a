// Package task runs coroutines on an event loop, in exactly the order in which
// Python's asyncio would.
//
// A coroutine is a function that takes a context and returns a value and an
// error. [Run] runs one on a loop of its own; [Create] starts another as a
// [Task] beside it. Tasks take turns: one runs until it awaits something that is
// not there yet, so what they share needs no lock. Each coroutine gets a context
// that stands for its task, and passes it to whatever it awaits.
package task

import (
	"context"
	"fmt"
	"strings"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
)

// Task is a coroutine that is being run, and the future of its result: asyncio's
// Task. Its methods belong to what its loop runs.
type Task[T any] struct {
	base  base
	value T
	coro  future.Awaitable[T] // what it runs: a Coroutine, as a rule
}

// Any is a task of any type. [*Task] implements it, and nothing else does.
type Any interface {
	future.Waitable
	Name() string
	SetName(name string)
	Cancelling() int
	Uncancel() int
	Context() context.Context
	Stack() []Frame
	task() *base
}

func (t *Task[T]) task() *base { return &t.base }

// Await suspends the calling task until this one is finished, and returns its
// result or exception: see [future.Future.Await]. Cancelling the waiting task
// cancels this one; see [Shield] for a way around.
func (t *Task[T]) Await(ctx context.Context) (T, error) {
	if err := t.base.core.Await(ctx); err != nil {
		var zero T
		return zero, err
	}
	return t.value, nil
}

// Result returns the result or exception: see [future.Future.Result]. The error
// that ended a cancelled task is handed out once, to the first who asks; later
// ones get a new [*future.CancelledError] without its message.
func (t *Task[T]) Result() (T, error) {
	if err := t.base.core.Result(); err != nil {
		var zero T
		return zero, err
	}
	return t.value, nil
}

// Err returns the exception: see [future.Future.Err].
func (t *Task[T]) Err() error { return t.base.core.Err() }

// Done reports whether the task is finished.
func (t *Task[T]) Done() bool { return t.base.core.Done() }

// Cancelled reports whether the task ended by cancellation.
func (t *Task[T]) Cancelled() bool { return t.base.core.State() == future.Cancelled }

// Cancel requests that the task be cancelled: what it awaits returns a
// [*future.CancelledError] with that message, at the loop's next iteration. It
// reports false if the task is finished.
//
// That is a request. The coroutine may clean up, which may take time, and it may
// go on: then it should call Uncancel. A task that has not begun never does.
// Cancel closes no context.
func (t *Task[T]) Cancel(message ...string) bool {
	return t.base.cancel(future.Message(message))
}

// Cancelling is the number of cancellation requests that were not taken back.
func (t *Task[T]) Cancelling() int { return int(t.base.requests) }

// Uncancel takes one cancellation request back, and returns how many are left.
// At none, a cancellation that was not delivered yet is dropped. Code that swallows
// a cancellation which it asked for itself calls it, as timeouts and groups do.
func (t *Task[T]) Uncancel() int { return t.base.uncancel() }

func (b *base) uncancel() int {
	if b.requests > 0 {
		b.requests--
		if b.requests == 0 {
			b.mustCancel = false
		}
	}
	return int(b.requests)
}

// AddDoneCallback arranges for fn to be called once the task is finished: see
// [future.Future.AddDoneCallback].
func (t *Task[T]) AddDoneCallback(fn func()) *future.Callback { return t.base.core.AddDoneCallback(fn) }

// RemoveDoneCallback removes a callback: see [future.Future.RemoveDoneCallback].
func (t *Task[T]) RemoveDoneCallback(cb *future.Callback) int {
	return t.base.core.RemoveDoneCallback(cb)
}

// Retrieved reports whether the task has no exception that nobody has seen: see
// [future.Future.Retrieved].
func (t *Task[T]) Retrieved() bool { return t.base.core.Retrieved() }

// Loop returns the loop that the task runs on.
func (t *Task[T]) Loop() *loop.Loop { return t.base.core.Loop() }

// Core returns the untyped part of the task's future; see [future.Future.Core].
func (t *Task[T]) Core() *future.Core { return &t.base.core }

// Name is the task's name: asyncio's get_name. Tasks without one are called
// "Task-1" and so on, counted for each loop.
func (t *Task[T]) Name() string { return t.base.Name() }

// SetName renames the task: asyncio's set_name.
func (t *Task[T]) SetName(name string) { t.base.setName(name) }

// Context returns the context that the task's coroutine was given: asyncio's
// get_context. It is done when the task is finished. Awaiting with it is only
// for the task itself.
func (t *Task[T]) Context() context.Context { return t.base.context() }

// Coroutine returns the coroutine that the task runs, nil once it is finished:
// asyncio's get_coro.
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
	b := &t.base
	var details strings.Builder
	fmt.Fprintf(&details, "name='%s'", b.Name())
	if t.coro != nil {
		fmt.Fprintf(&details, " coro=<%s>", loop.FuncName(t.coro))
	}
	if b.waiter != nil {
		if other := taskOf(b.waiter); other != nil {
			fmt.Fprintf(&details, " wait_for=<Task name='%s'>", other.Name())
		} else {
			fmt.Fprintf(&details, " wait_for=%v", b.waiter)
		}
	}
	state := ""
	if !t.Done() && b.requests > 0 {
		state = "cancelling"
	}
	if b.core.State() == future.Finished && !b.core.Failed() {
		details.WriteString(" " + b.core.DescribeResult(t.value))
	}
	return b.core.Describe("Task", state, details.String())
}

// taskBody is how this package sees a Task of some type.
type taskBody[T any] Task[T]

func (t *taskBody[T]) task() *base                      { return &t.base }
func (t *taskBody[T]) any() Any                         { return (*Task[T])(t) }
func (t *taskBody[T]) CancelFuture(message string) bool { return t.base.cancel(message) }
func (t *taskBody[T]) DescribeFuture() string           { return (*Task[T])(t).String() }
func (t *taskBody[T]) FutureKind() string               { return "Task" }

// execute runs the coroutine to its end, unless it panics or calls
// runtime.Goexit.
func (t *taskBody[T]) execute() {
	v, err := t.coro.Await(t.base.context())
	if !t.base.sched.closed {
		t.finish(v, err)
	}
}

// broken is called when the coroutine did not return, with what it panicked with.
func (t *taskBody[T]) broken(value any) {
	var zero T
	s := t.base.sched
	switch {
	case s.closed:
		if value != nil { // while it was unwound
			s.loop.CallExceptionHandler(loop.ExceptionContext{
				Message: "Exception in a task that was destroyed pending",
				Err:     loop.NewPanicError(value),
				Task:    t.any(),
			})
		}
	case value != nil:
		t.finish(zero, loop.NewPanicError(value))
	default:
		t.finish(zero, ErrGoexit)
		s.kernel.Goexit()
	}
}

// finish gives the task its outcome.
func (t *taskBody[T]) finish(v T, err error) {
	b := &t.base
	switch {
	case err == nil && b.mustCancel: // it was cancelled just before it ended
		b.mustCancel = false
		t.finishCancelled(b.core.Message(), nil)
	case err == nil:
		b.finished()
		t.coro = nil
		t.value = v
		b.core.Finish(nil)
	case future.IsCancelled(err):
		t.finishCancelled("", err)
	default:
		b.finished()
		t.coro = nil
		b.core.Finish(err)
		if loop.IsFatal(err) {
			b.sched.kernel.Raise(err)
		}
	}
}

func (t *taskBody[T]) finishCancelled(message string, err error) {
	t.base.finished()
	t.coro = nil
	t.base.core.FinishCancelled(message, err)
}

func nilCoroutine(operation string) error {
	return fmt.Errorf("task: %s: %w", operation, ErrNilCoroutine)
}

// Current returns the task that ctx carries, nil if there is none: asyncio's
// current_task.
func Current(ctx context.Context) Any {
	if b, ok := ctx.Value(future.AwaiterKey{}).(*base); ok {
		return b.any()
	}
	return nil
}

// All returns the unfinished tasks of the loop that ctx carries, in the order of
// their creation: asyncio's all_tasks. It panics if ctx carries no loop.
func All(ctx context.Context) []Any {
	s := schedOf(loop.Running(ctx))
	var all []Any
	for b := s.first; b != nil; b = b.next {
		all = append(all, b.any())
	}
	return all
}

// running returns the task that ctx carries, for operations that need one.
func running(ctx context.Context, operation string) (*base, error) {
	if b, ok := ctx.Value(future.AwaiterKey{}).(*base); ok {
		return b, nil
	}
	return nil, noTask(operation)
}

// mayAwait returns the task that ctx carries if it may await through ctx, and what
// foreignOf says.
func mayAwait(ctx context.Context, operation string) (b *base, outer context.Context, err error) {
	if c, ok := ctx.(*taskContext); ok { // as a rule
		b = (*base)(c)
	} else {
		if b, err = running(ctx, operation); err != nil {
			return nil, nil, err
		}
		outer = foreignOf(ctx)
	}
	return b, outer, b.check()
}

//go:noinline
func noTask(operation string) error {
	return fmt.Errorf("task: %s: %w", operation, future.ErrNoTask)
}
