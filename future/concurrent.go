package future

import (
	"context"
	"fmt"
	"reflect"
	"sync"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
)

// Concurrent is a result that is not there yet, for any goroutine. The zero Concurrent is
// pending. Any goroutine may call its methods. It is Python's concurrent.futures.Future.
type Concurrent[T any] struct {
	mu        sync.Mutex
	done      chan struct{} // closed when the work is over; made when first needed
	callbacks []func()
	cancel    kernel.Job // what OnCancel or RunOnCancel has set, or nil
	value     T
	err       error
	state     concurrentState
}

type concurrentState uint8

const (
	concurrentPending concurrentState = iota
	concurrentRunning
	concurrentFinished
	concurrentCancelled
)

func (s concurrentState) String() string {
	return [...]string{"pending", "running", "finished", "cancelled"}[s]
}

// NewConcurrent returns a pending Concurrent. Any goroutine may call it.
func NewConcurrent[T any]() *Concurrent[T] {
	return new(Concurrent[T])
}

// Result blocks until there is a result or an exception, and returns it. If ctx ends
// first, it returns context.Cause(ctx), and the work goes on. The error is a
// [*CancelledError] if the work was cancelled.
//
// A task or callback must not block its loop: it should await [Wrap] instead. While there
// is no result, the error matches [ErrDeadlock] if the caller is a task or callback of any
// loop. The function of task.ToThread is none, although its context carries a loop.
//
// It is Python's result.
func (c *Concurrent[T]) Result(ctx context.Context) (T, error) {
	c.mu.Lock()
	if c.isDone() {
		defer c.mu.Unlock()
		return c.value, c.err
	}
	done := c.doneLocked()
	c.mu.Unlock()
	if ctx == nil {
		var zero T
		return zero, misuse(c, "Result: the context is nil", loop.ErrInvalidArgument)
	}
	if kernel.OnLoop() {
		var zero T
		return zero, misuse(c, "Result", fmt.Errorf("%w: await future.Wrap of it instead", ErrDeadlock))
	}
	if ctx.Done() == nil {
		<-done
	} else {
		select {
		case <-done:
		case <-ctx.Done():
			var zero T
			return zero, context.Cause(ctx)
		}
	}
	return c.value, c.err // done happens after they were set
}

func (c *Concurrent[T]) isDone() bool {
	return c.state >= concurrentFinished
}

// doneLocked is Done for callers that hold the lock.
func (c *Concurrent[T]) doneLocked() chan struct{} {
	if c.done == nil {
		c.done = make(chan struct{})
		if c.isDone() {
			close(c.done)
		}
	}
	return c.done
}

// Done returns a channel that is closed when the work is over.
func (c *Concurrent[T]) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.doneLocked()
}

// Err returns the exception, nil if there is a result. It does not wait. The error is a
// [*CancelledError] if the work was cancelled, and matches [ErrInvalidState] if it is not
// over. It is Python's exception.
func (c *Concurrent[T]) Err() error {
	c.mu.Lock()
	done, err := c.isDone(), c.err
	c.mu.Unlock()
	if !done {
		return misuse(c, "Err", fmt.Errorf("the exception is not set: %w", ErrInvalidState))
	}
	return err
}

// Cancelled reports whether the work was cancelled. It is Python's cancelled.
func (c *Concurrent[T]) Cancelled() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state == concurrentCancelled
}

// Cancel cancels the work, and reports whether the work is cancelled. It is too late once
// the work is over, or once SetRunning was called. If the work is a task, as with
// task.RunCoroutineThreadsafe, its loop then cancels it. It is Python's cancel.
func (c *Concurrent[T]) Cancel() bool {
	c.mu.Lock()
	switch c.state {
	case concurrentCancelled:
		c.mu.Unlock()
		return true
	case concurrentPending:
		c.call(c.complete(concurrentCancelled, &CancelledError{}))
		return true
	default:
		c.mu.Unlock()
		return false
	}
}

// SetRunning says that the work begins. After that, Cancel has no effect. SetRunning
// reports false if the work must not be done because it was cancelled or is over. It is
// Python's set_running_or_notify_cancel.
func (c *Concurrent[T]) SetRunning() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state == concurrentPending {
		c.state = concurrentRunning
	}
	return c.state == concurrentRunning
}

// SetResult sets the result to v. The error matches [ErrInvalidState] if the work is over.
// It is Python's set_result.
func (c *Concurrent[T]) SetResult(v T) error {
	c.mu.Lock()
	if c.isDone() {
		c.mu.Unlock()
		return misuse(c, "SetResult", ErrInvalidState)
	}
	c.value = v
	c.call(c.complete(concurrentFinished, nil))
	return nil
}

// SetException sets the exception to err. The error matches [ErrInvalidState] if the work
// is over or err is nil. It is Python's set_exception.
func (c *Concurrent[T]) SetException(err error) error {
	if err == nil {
		return misuse(c, "SetException", fmt.Errorf("the exception is nil: %w", ErrInvalidState))
	}
	c.mu.Lock()
	if c.isDone() {
		c.mu.Unlock()
		return misuse(c, "SetException", ErrInvalidState)
	}
	c.call(c.complete(concurrentFinished, err))
	return nil
}

// complete sets the final state and wakes the waiting goroutines. It releases the lock,
// and returns the functions to be called then, which may use the Concurrent.
func (c *Concurrent[T]) complete(state concurrentState, err error) (owed []func()) {
	c.state, c.err = state, err
	if c.done != nil {
		close(c.done)
	}
	calls := c.callbacks
	if c.cancel != nil && state == concurrentCancelled {
		calls = append([]func(){functionOf(c.cancel)}, calls...)
	}
	c.callbacks, c.cancel = nil, nil
	c.mu.Unlock()
	return calls
}

// Settle completes the work, unless it is over, and returns the functions that are to be
// called then. It is for the packages of this module, whose jobs must not call them
// themselves (see kernel.Kind): there is no promise of compatibility.
func (c *Concurrent[T]) Settle(v T, err error, cancelled bool) (owed []func()) {
	c.mu.Lock()
	switch {
	case c.isDone():
		c.mu.Unlock()
		return nil
	case cancelled:
		return c.complete(concurrentCancelled, &CancelledError{})
	case err == nil:
		c.value = v
	}
	return c.complete(concurrentFinished, err)
}

// call calls functions of the program. A panic of one is not for the code that completes
// the work: see kernel.CallAll.
func (c *Concurrent[T]) call(fns []func()) { kernel.CallAll(fns, c.callbackFailed) }

// callbackFailed logs a panic, with the default logger: exception handlers are not for any
// goroutine.
func (c *Concurrent[T]) callbackFailed(fn func(), value any) {
	new(loop.Loop).DefaultExceptionHandler(loop.ExceptionContext{
		Message: fmt.Sprintf("Exception in callback %s of %v", kernel.FuncName(fn), c),
		Err:     loop.NewPanicError(value),
	})
}

// AddDoneCallback makes the goroutine that completes the work call fn. If a loop does the
// work, as with task.RunCoroutineThreadsafe, fn is called like a callback of that loop. If
// the work is over already, AddDoneCallback calls fn itself. A panic in fn goes to the
// log, and to the loop's exception handler if the loop called fn.
//
// AddDoneCallback panics if fn is nil ([loop.ErrNilFunc]). It is Python's
// add_done_callback.
func (c *Concurrent[T]) AddDoneCallback(fn func()) {
	if fn == nil {
		panic(misuse(c, "AddDoneCallback", loop.ErrNilFunc))
	}
	c.mu.Lock()
	if !c.isDone() {
		c.callbacks = append(c.callbacks, fn)
		c.mu.Unlock()
		return
	}
	c.mu.Unlock()
	c.call([]func(){fn})
}

// String returns the address and the state, and of what is finished the type of the
// result or exception, as in "<Concurrent at 0xc000123456 state=finished returned int>".
// Any goroutine may call it. It is Python's repr.
func (c *Concurrent[T]) String() string {
	if c == nil {
		return "<nil>"
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	ended := ""
	if c.state == concurrentFinished {
		ended = fmt.Sprintf(" returned %v", reflect.TypeFor[T]())
		if c.err != nil {
			ended = fmt.Sprintf(" raised %T", c.err)
		}
	}
	return fmt.Sprintf("<Concurrent at %p state=%v%s>", c, c.state, ended)
}

// Wrap returns a future of loop l that gets the outcome of c. Cancelling the future
// cancels c. If the loop is closed before c is over, the future stays pending.
//
// Wrap panics if c is nil ([loop.ErrInvalidArgument]) or l is ([loop.ErrNotRunning]). Call
// it only from the tasks and callbacks of l. It is asyncio's wrap_future.
func Wrap[T any](l *loop.Loop, c *Concurrent[T]) *Future[T] {
	if c == nil {
		panic(fmt.Errorf("future: Wrap: the Concurrent is nil: %w", loop.ErrInvalidArgument))
	}
	f := New[T](l)
	l.Kernel().MustOwn("Wrap", l)
	relay := &relay[T]{f: f, c: c}
	relay.cancelled.Init(kernel.OnLoopGoroutine, (*relayCancel[T])(relay)) // calls what c is to call
	f.core.Register(&relay.cancelled)
	relay.copied.Init(kernel.Internal, relay)
	c.AddDoneCallback(func() {
		l.Kernel().Post(&relay.copied) // refused by a closed loop, where nobody awaits f
	})
	return f
}

// relay copies the outcome of c to f, on the loop, and a cancellation of f to c.
type relay[T any] struct {
	f         *Future[T]
	c         *Concurrent[T]
	copied    kernel.Handle
	cancelled kernel.Callback
}

// Run copies the outcome of c to f unless f was cancelled meanwhile.
func (r *relay[T]) Run() {
	if r.f.Done() {
		return
	}
	switch err := r.c.Err(); { // the exception of c, which is over
	case r.c.Cancelled():
		r.f.core.Cancel("")
	case err != nil:
		r.f.core.Finish(err)
	default:
		r.f.finish(r.c.value)
	}
}

// relayCancel is the relay's other job: see "One object, several jobs" in package kernel.
type relayCancel[T any] relay[T]

// String names the callback in descriptions of the future.
func (*relayCancel[T]) String() string { return "wrap_future" }

// Run is called when f is done. It cancels c if f was cancelled.
func (r *relayCancel[T]) Run() {
	if r.f.Cancelled() {
		r.c.Cancel()
	}
}

// OnCancel makes the goroutine that cancels the work call fn, before the done callbacks
// and like them. If the work was cancelled already, OnCancel calls fn itself. The code
// that does the work uses it to stop; a later call replaces fn. It panics if fn is nil
// ([loop.ErrNilFunc]).
func (c *Concurrent[T]) OnCancel(fn func()) {
	if fn == nil {
		panic(misuse(c, "OnCancel", loop.ErrNilFunc))
	}
	c.RunOnCancel(function(fn))
}

// RunOnCancel is OnCancel for a job, which takes no closure. It is for the packages of this
// module: there is no promise of compatibility.
func (c *Concurrent[T]) RunOnCancel(j kernel.Job) {
	c.mu.Lock()
	if c.state != concurrentCancelled {
		if !c.isDone() {
			c.cancel = j
		}
		c.mu.Unlock()
		return
	}
	c.mu.Unlock()
	c.call([]func(){functionOf(j)})
}

// function makes a function a job. A function value is a pointer, so this allocates nothing.
type function func()

func (fn function) Run() { fn() }

// functionOf returns the function that a job was made of, so that what is said of it has its
// name.
func functionOf(j kernel.Job) func() {
	if fn, ok := j.(function); ok {
		return fn
	}
	return j.Run
}
