// Package future has futures, which are results that are not there yet, and the errors
// that they end with.
//
// A [Future] belongs to an event loop. A task awaits it until a callback or another task
// has set its result:
//
//	l := loop.Running(ctx)
//	answer := future.New[int](l)
//	l.CallLater(time.Second, func() { _ = answer.SetResult(42) })
//	v, err := answer.Await(ctx)
//
// Everyone who has a Future can complete it. A [Promise] keeps that right to itself, and
// has a Future to hand out. A [Concurrent] is a result for any goroutine, and [Wrap] makes
// one awaitable.
//
// # Goroutines
//
// Call the functions and methods of this package only from the tasks and callbacks of the
// future's loop, unless they say that any goroutine may call them. While the loop is not
// running, any single goroutine may call them all.
//
// # Misuse
//
// A broken rule panics where nothing returns an error; what can happen in a right program
// is an error. Test for the errors below with errors.Is, in both cases.
package future

import (
	"context"
	"fmt"
	"strings"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
)

// Awaitable is something that a task can await: a future, a task, a coroutine, or a type
// of your own. It is Python's Awaitable.
type Awaitable[T any] interface {
	// Await suspends the task that ctx carries until there is a result.
	Await(ctx context.Context) (T, error)
}

// Waitable is a future or task with a result of any type. It is implemented by [*Future],
// by task.Task, and by types that embed one of them. The methods are those of Future.
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

// Future is a result that is not there yet. It is pending until it gets a result or an
// exception, or is cancelled. Then it is done, and never changes. [New] makes one.
//
// Call its methods only from its loop's tasks and callbacks. For other goroutines, there
// is [Concurrent]. The zero Future belongs to no loop: what would complete it or wait for
// it is refused with [loop.ErrNotRunning]. It is asyncio's Future.
type Future[T any] struct {
	core  kernel.Promise
	value T
}

// Callback is a registered callback. [Future.RemoveDoneCallback] takes one.
type Callback kernel.Callback

// New returns a pending future of loop l. It panics if l is nil. It is asyncio's
// create_future.
func New[T any](l *loop.Loop) *Future[T] {
	f := new(Future[T])
	f.init(l, nil)
	return f
}

func (f *Future[T]) init(l *loop.Loop, owner kernel.Owner) {
	if l == nil {
		panic(fmt.Errorf("future: the loop is nil: %w", loop.ErrNotRunning))
	}
	k := l.Kernel()
	f.core.Init(k, owner)
	if k.RecordsCreation() {
		k.NoteCreation(&f.core.Future)
	}
}

// Await suspends the task that ctx carries until the future is done, and returns the
// result or the exception. If the future is done already, Await returns at once.
//
// If the task is cancelled meanwhile, so is the future, and Await returns a
// [*CancelledError]. If ctx was derived with a deadline or a cancel function of package
// context, and ends, the future is cancelled too, and Await returns context.Cause(ctx).
//
// The error matches [ErrNoTask] if ctx carries no task, task.ErrNotCurrent if it carries
// another task than the running one, and [ErrOtherLoop] if the future is pending on
// another loop.
func (f *Future[T]) Await(ctx context.Context) (T, error) {
	if f == nil {
		var zero T
		return zero, nilFuture()
	}
	if err := await(ctx, &f.core.Future); err != nil {
		var zero T
		return zero, err
	}
	return f.value, nil
}

// errNoLoop is what is wrong with the zero Future.
var errNoLoop = fmt.Errorf("it belongs to no loop: %w", loop.ErrNotRunning)

// await waits for f in the task that ctx carries, and returns its exception.
func await(ctx context.Context, f *kernel.Future) error {
	if ctx == nil {
		return noTask(f)
	}
	a, ok := ctx.Value(kernel.AwaiterKey{}).(kernel.Awaiter)
	if !ok {
		return noTask(f)
	}
	return a.Await(ctx, f)
}

//go:noinline
func nilFuture() error {
	return fmt.Errorf("future: await: the future is nil: %w", kernel.ErrNilCoroutine)
}

// noTask is apart because formatting needs a lot of stack, and every suspended
// goroutine has called await.
//
//go:noinline
func noTask(f *kernel.Future) error {
	return fmt.Errorf("future: await of %s: %w", f.Text(), ErrNoTask)
}

// Result returns the result or the exception. The error is a [*CancelledError] if the
// future was cancelled, and matches [ErrInvalidState] if it is pending. It is asyncio's
// result.
func (f *Future[T]) Result() (T, error) {
	var zero T
	if err := f.check("Result"); err != nil {
		return zero, err
	}
	if !f.Done() {
		return zero, misuse(f, "Result", fmt.Errorf("the result is not set: %w", ErrInvalidState))
	}
	if err := f.core.Take(cancelled); err != nil {
		return zero, err
	}
	return f.value, nil
}

// Err returns the exception, nil if there is a result. The error is a [*CancelledError] if
// the future was cancelled, and matches [ErrInvalidState] if it is pending. It is
// asyncio's exception.
func (f *Future[T]) Err() error {
	if err := f.check("Err"); err != nil {
		return err
	}
	if !f.Done() {
		return misuse(f, "Err", fmt.Errorf("the exception is not set: %w", ErrInvalidState))
	}
	return f.core.Take(cancelled)
}

// cancelled makes the error of a cancelled future.
func cancelled(message string) error { return &CancelledError{Message: message} }

// Done reports whether the future has a result or an exception, or was cancelled. It is
// asyncio's done.
func (f *Future[T]) Done() bool { return f.core.Done() }

// Cancelled reports whether the future was cancelled. It is asyncio's cancelled.
func (f *Future[T]) Cancelled() bool { return f.core.Cancelled() }

// Cancel cancels the future, and reports whether it did: false if the future was done.
// The [CancelledError] that awaits return has the message. The future of a gather passes
// the request on to what it gathers. It is asyncio's cancel.
func (f *Future[T]) Cancel(message ...string) bool {
	f.mustOwn("Cancel")
	if f.core.Kernel() == nil {
		return false // a zero Future: see settable
	}
	return f.core.Cancel(strings.Join(message, " "))
}

// SetResult sets the result to v; then the future is done. The error matches
// [ErrInvalidState] if the future was done, or if only its owner may complete it, such as
// a [Promise] or a gather. It is asyncio's set_result.
func (f *Future[T]) SetResult(v T) error {
	if err := f.settable("SetResult"); err != nil {
		return err
	}
	f.finish(v)
	return nil
}

// SetException sets the exception to err; then the future is done. It is not cancelled
// even if err is a [*CancelledError].
//
// The error matches [ErrInvalidState] if err is nil, and where that of SetResult does. It
// is asyncio's set_exception.
func (f *Future[T]) SetException(err error) error {
	if err == nil {
		return f.nilException()
	}
	if e := f.settable("SetException"); e != nil {
		return e
	}
	f.core.Finish(err)
	return nil
}

// check is Check of the future's loop.
func (f *Future[T]) check(operation string) error {
	return f.core.Kernel().Check(operation, f)
}

// mustOwn is MustOwn of the future's loop.
func (f *Future[T]) mustOwn(operation string) {
	f.core.Kernel().MustOwn(operation, f)
}

// settable returns an error unless the program may complete the future.
func (f *Future[T]) settable(operation string) error {
	err := f.open(operation)
	if err == nil && f.core.Owner() != nil {
		err = misuse(f, operation, fmt.Errorf("only its owner completes it: %w", ErrInvalidState))
	}
	return err
}

// open returns an error unless the caller may complete the future, if it has the right.
func (f *Future[T]) open(operation string) error {
	if err := f.check(operation); err != nil {
		return err
	}
	switch {
	case f.core.Kernel() == nil:
		return misuse(f, operation, errNoLoop)
	case f.Done():
		return misuse(f, operation, ErrInvalidState)
	}
	return nil
}

func (f *Future[T]) finish(v T) {
	f.value = v
	f.core.Finish(nil)
}

func (f *Future[T]) nilException() error {
	if err := f.check("SetException"); err != nil {
		return err
	}
	return misuse(f, "SetException", fmt.Errorf("the exception is nil: %w", ErrInvalidState))
}

// AddDoneCallback makes the loop call fn in the iteration after the future is done, or in
// the next one if it is done already. Callbacks and awaiting tasks have their turn in the
// order in which they came.
//
// It panics if fn is nil ([loop.ErrNilFunc]), or if New has not made the future
// ([loop.ErrNotRunning]). It is asyncio's add_done_callback.
func (f *Future[T]) AddDoneCallback(fn func()) *Callback {
	f.mustOwn("AddDoneCallback")
	switch {
	case fn == nil:
		panic(misuse(f, "AddDoneCallback", loop.ErrNilFunc))
	case f.core.Kernel() == nil:
		panic(misuse(f, "AddDoneCallback", errNoLoop))
	}
	return (*Callback)(f.core.AddDoneCallback(fn))
}

// RemoveDoneCallback removes a callback, and returns the number of callbacks removed: 0
// or 1. Once the future is done, it removes none. It is asyncio's remove_done_callback.
func (f *Future[T]) RemoveDoneCallback(cb *Callback) int {
	f.mustOwn("RemoveDoneCallback")
	return f.core.RemoveDoneCallback((*kernel.Callback)(cb))
}

// Retrieved reports whether the future has no exception, or whether Result, Err, Cancel or
// an await has retrieved it. An exception that was never retrieved goes to the loop's
// exception handler, when the loop is closed or the garbage collector frees the future.
func (f *Future[T]) Retrieved() bool { return f.core.Retrieved() }

// Loop returns the future's loop. Any goroutine may call it. It is asyncio's get_loop.
func (f *Future[T]) Loop() *loop.Loop {
	if k := f.core.Kernel(); k != nil {
		return k.Face().(*loop.Loop)
	}
	return nil // the zero Future belongs to no loop
}

// Kernel returns the future without its value. It is for the packages of this module:
// there is no promise of compatibility. Two Waitables are the same future if their Kernels
// are the same.
func (f *Future[T]) Kernel() *kernel.Future { return &f.core.Future }

// String describes the future as in
// "<Future pending cb=[main.main.func1 at main.go:12]>". It is asyncio's repr.
func (f *Future[T]) String() string {
	switch {
	case f == nil:
		return "<nil>"
	case f.core.Owner() == nil:
		return f.describe()
	}
	return f.core.String()
}

// describe is String for a future whose owner does not describe it.
func (f *Future[T]) describe() string {
	details := ""
	if f.core.State() == kernel.Finished && !f.core.Failed() {
		details = f.core.DescribeResult(&f.value)
	}
	return f.core.Describe("Future", "", details)
}
