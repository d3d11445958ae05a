// Package future has results that are not there yet: [Future] for the tasks and
// callbacks of one event loop, [Promise] to complete one that others only await,
// [Concurrent] for any goroutine, and the errors they end with.
//
// Call the methods of a Future only from its loop's tasks and callbacks. A broken rule
// panics where nothing returns an error; what can happen in a right program is an
// error.
package future

import (
	"context"
	"fmt"
	"strings"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
)

// Awaitable is anything with a result to wait for: futures, tasks, coroutines, and
// types of your own. Await suspends the task that ctx carries until there is a
// result.
type Awaitable[T any] interface {
	Await(ctx context.Context) (T, error)
}

// Waitable is a future or task with a result of any type. [*Future], task.Task and
// types that embed them implement it.
type Waitable interface {
	Done() bool
	Cancelled() bool
	Err() error
	Cancel(message ...string) bool
	AddDoneCallback(fn func()) *Callback
	RemoveDoneCallback(cb *Callback) int
	Retrieved() bool
	Loop() *loop.Loop
	Kernel() *kernel.Future
	String() string
}

// Typed is a future or task with a result of type T.
type Typed[T any] interface {
	Waitable
	Awaitable[T]
	Result() (T, error)
}

// Outcome is how a future ended: a result or an exception.
type Outcome[T any] struct {
	Value T
	Err   error
}

// Future is a result that is not there yet: asyncio's Future. It is pending
// until it gets a result or an exception, or is cancelled; then it is done and
// never changes.
//
// Call its methods only from its loop's tasks and callbacks. For other goroutines
// there is [Concurrent].
type Future[T any] struct {
	core  kernel.Promise
	value T
}

// Callback is a registered callback, for [Future.RemoveDoneCallback].
type Callback kernel.Callback

// New returns a pending future of loop l: asyncio's create_future. It panics if
// l is nil.
func New[T any](l *loop.Loop) *Future[T] {
	f := new(Future[T])
	f.init(l, nil)
	return f
}

func (f *Future[T]) init(l *loop.Loop, owner kernel.Owner) {
	if l == nil {
		panic(fmt.Errorf("future: New: the loop is nil: %w", loop.ErrNotRunning))
	}
	f.core.Init(l.Kernel(), owner)
}

// Await suspends the task that ctx carries until the future is done, and returns
// its result or exception. If the future is done already, it does not suspend.
//
// If the task is cancelled meanwhile, the future is cancelled and Await returns
// a [*CancelledError]. If ctx was derived with a deadline or a cancel function
// of package context and ends, the future is cancelled likewise, and Await
// returns context.Cause(ctx). Outside of a task, the error matches
// [ErrNoTask].
func (f *Future[T]) Await(ctx context.Context) (T, error) {
	if err := await(ctx, &f.core.Future); err != nil {
		var zero T
		return zero, err
	}
	return f.value, nil
}

// await waits for f in the task that ctx carries, and returns its exception.
func await(ctx context.Context, f *kernel.Future) error {
	a, ok := ctx.Value(kernel.AwaiterKey{}).(kernel.Awaiter)
	if !ok {
		return noTask(f)
	}
	return a.Await(ctx, f)
}

// noTask is apart because formatting needs a lot of stack, and every suspended
// goroutine has called await.
//
//go:noinline
func noTask(f *kernel.Future) error {
	return misuse(f, "await", ErrNoTask)
}

// Result returns the result, or the exception: asyncio's result. The error is a
// [*CancelledError] if the future was cancelled, and matches [ErrInvalidState]
// if it is pending.
func (f *Future[T]) Result() (T, error) {
	var zero T
	if !f.Done() {
		return zero, misuse(f, "Result", fmt.Errorf("the result is not set: %w", ErrInvalidState))
	}
	if err := f.core.Take(cancelled); err != nil {
		return zero, err
	}
	return f.value, nil
}

// Err returns the exception, nil if there is a result: asyncio's exception. It
// is a [*CancelledError] if the future was cancelled, and matches
// [ErrInvalidState] if it is pending.
func (f *Future[T]) Err() error {
	if !f.Done() {
		return misuse(f, "Err", fmt.Errorf("the exception is not set: %w", ErrInvalidState))
	}
	return f.core.Take(cancelled)
}

// cancelled makes the error of a cancelled future.
func cancelled(message string) error { return &CancelledError{Message: message} }

// Done reports whether the future has a result or an exception or was cancelled.
func (f *Future[T]) Done() bool { return f.core.Done() }

// Cancelled reports whether the future was cancelled.
func (f *Future[T]) Cancelled() bool { return f.core.Cancelled() }

// Cancel cancels the future, with a message for those who await it, and reports
// whether it did: asyncio's cancel. It is false if the future was done.
func (f *Future[T]) Cancel(message ...string) bool {
	return f.core.Cancel(strings.Join(message, " "))
}

// SetResult makes the future done with the result v: asyncio's set_result. The
// error matches [ErrInvalidState] if it was done, or if only its owner may complete
// it: a [Promise], a gather.
func (f *Future[T]) SetResult(v T) error {
	if err := f.settable("SetResult"); err != nil {
		return err
	}
	f.finish(v)
	return nil
}

// SetException makes the future done with the exception err: asyncio's
// set_exception. A [*CancelledError] set in this way does not make the future
// cancelled. The error matches [ErrInvalidState] if err is nil, and as for
// SetResult.
func (f *Future[T]) SetException(err error) error {
	if err == nil {
		return nilException(f)
	}
	if e := f.settable("SetException"); e != nil {
		return e
	}
	f.core.Finish(err)
	return nil
}

// settable checks that the program may complete the future.
func (f *Future[T]) settable(operation string) error {
	switch {
	case f.Done():
		return misuse(f, operation, ErrInvalidState)
	case f.core.Owner() != nil:
		return misuse(f, operation, fmt.Errorf("only its owner completes it: %w", ErrInvalidState))
	}
	return nil
}

func (f *Future[T]) finish(v T) {
	f.value = v
	f.core.Finish(nil)
}

func nilException(f fmt.Stringer) error {
	return misuse(f, "SetException", fmt.Errorf("the exception is nil: %w", ErrInvalidState))
}

// AddDoneCallback has the loop call fn once the future is done, or in the loop's next
// iteration if it is done: asyncio's add_done_callback. Callbacks and awaiting tasks
// go on in the order in which they came. It panics if fn is nil.
func (f *Future[T]) AddDoneCallback(fn func()) *Callback {
	if fn == nil {
		panic(misuse(f, "AddDoneCallback", loop.ErrNilFunc))
	}
	return (*Callback)(f.core.AddDoneCallback(fn))
}

// RemoveDoneCallback removes a callback and returns how many were removed, 0 or
// 1: asyncio's remove_done_callback. Once the future is done, it removes none.
func (f *Future[T]) RemoveDoneCallback(cb *Callback) int {
	return f.core.RemoveDoneCallback((*kernel.Callback)(cb))
}

// Retrieved reports whether the future has no exception, or Result, Err, Cancel or an
// await has seen it. When the garbage collector finds a future whose exception was not
// retrieved, the loop's exception handler is told.
func (f *Future[T]) Retrieved() bool { return f.core.Retrieved() }

// Loop returns the loop that the future belongs to.
func (f *Future[T]) Loop() *loop.Loop {
	if k := f.core.Kernel(); k != nil {
		return k.Face().(*loop.Loop)
	}
	return nil // the zero Future
}

// Kernel leads into the engine room, for the packages of this module. Two Waitables
// are the same future if their Kernels are the same.
func (f *Future[T]) Kernel() *kernel.Future { return &f.core.Future }

// String describes the future as asyncio's repr does, as in
// "<Future pending cb=[main.main.func1]>".
func (f *Future[T]) String() string {
	if f.core.Owner() == nil {
		return f.describe()
	}
	return f.core.String()
}

func (f *Future[T]) describe() string {
	details := ""
	if f.core.State() == kernel.Finished && !f.core.Failed() {
		details = f.core.DescribeResult(f.value)
	}
	return f.core.Describe("Future", "", details)
}
