package future

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
)

// Concurrent is a result that is not there yet, for any goroutine: Python's
// concurrent.futures.Future. Any goroutine may call its methods.
type Concurrent[T any] struct {
	mu        sync.Mutex
	done      chan struct{} // closed when it is done; made when first asked for
	callbacks []func()
	cancel    func() // what a cancellation does, if anything
	value     T
	err       error
	state     concurrentState
	worker    *loop.Loop // the loop that will complete it, if one will
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

// NewConcurrent returns a pending result, for the code that will set it.
func NewConcurrent[T any]() *Concurrent[T] {
	return new(Concurrent[T])
}

// Bind says that a task or callback of l will set the result, so that Result called on
// l's own goroutine fails in place of blocking for ever. Call it before the Concurrent
// is handed out.
func (c *Concurrent[T]) Bind(l *loop.Loop) {
	c.worker = l
}

// Result blocks until there is a result or an exception: result(timeout) of Python. If
// ctx ends first, it returns context.Cause(ctx), and the work goes on. The error is a
// [*CancelledError] if the work was cancelled.
//
// A coroutine or callback must not block its loop: called from one while there is no
// result, Result fails at once with an error that matches [ErrDeadlock].
func (c *Concurrent[T]) Result(ctx context.Context) (T, error) {
	c.mu.Lock()
	if c.isDone() {
		defer c.mu.Unlock()
		return c.value, c.err
	}
	done := c.doneLocked()
	c.mu.Unlock()
	if _, inTask := loop.FromContext(ctx); inTask || c.worker != nil && c.worker.Kernel().Busy() && kernel.OnLoop() {
		var zero T
		return zero, misuse(c, "Result", ErrDeadlock)
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

func (c *Concurrent[T]) doneLocked() chan struct{} {
	if c.done == nil {
		c.done = make(chan struct{})
		if c.isDone() {
			close(c.done)
		}
	}
	return c.done
}

// Done returns a channel that is closed when the result is there.
func (c *Concurrent[T]) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.doneLocked()
}

// Err returns the exception, nil if there is a result, without waiting. It is a
// [*CancelledError] if the work was cancelled, and matches [ErrInvalidState] if
// the work is not over.
func (c *Concurrent[T]) Err() error {
	c.mu.Lock()
	done, err := c.isDone(), c.err
	c.mu.Unlock()
	if !done {
		return misuse(c, "Err", fmt.Errorf("the exception is not set: %w", ErrInvalidState))
	}
	return err
}

// Cancelled reports whether the work was cancelled.
func (c *Concurrent[T]) Cancelled() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state == concurrentCancelled
}

// Cancel cancels the work, and reports whether it did. It is false if the work is
// over, or has begun in an executor. A coroutine is cancelled through its loop.
func (c *Concurrent[T]) Cancel() bool {
	c.mu.Lock()
	switch c.state {
	case concurrentCancelled:
		c.mu.Unlock()
		return true
	case concurrentPending:
		c.complete(concurrentCancelled, &CancelledError{})
		return true
	default:
		c.mu.Unlock()
		return false
	}
}

// SetRunning says that the work begins; after that, Cancel has no effect. It reports
// false if the work was cancelled and must not be done. Python's
// set_running_or_notify_cancel.
func (c *Concurrent[T]) SetRunning() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state == concurrentPending {
		c.state = concurrentRunning
	}
	return c.state == concurrentRunning
}

// SetResult sets the result. The error matches [ErrInvalidState] if the work is
// over.
func (c *Concurrent[T]) SetResult(v T) error {
	c.mu.Lock()
	if c.isDone() {
		c.mu.Unlock()
		return misuse(c, "SetResult", ErrInvalidState)
	}
	c.value = v
	c.complete(concurrentFinished, nil)
	return nil
}

// SetException sets the exception. The error matches [ErrInvalidState] if the
// work is over or err is nil.
func (c *Concurrent[T]) SetException(err error) error {
	if err == nil {
		return misuse(c, "SetException", fmt.Errorf("the exception is nil: %w", ErrInvalidState))
	}
	c.mu.Lock()
	if c.isDone() {
		c.mu.Unlock()
		return misuse(c, "SetException", ErrInvalidState)
	}
	c.complete(concurrentFinished, err)
	return nil
}

// complete sets the final state, releases the lock and wakes the waiting goroutines.
func (c *Concurrent[T]) complete(state concurrentState, err error) {
	c.state, c.err = state, err
	if c.done != nil {
		close(c.done)
	}
	callbacks, cancel := c.callbacks, c.cancel
	c.callbacks, c.cancel = nil, nil
	c.mu.Unlock()
	if cancel != nil && state == concurrentCancelled {
		cancel()
	}
	for _, fn := range callbacks {
		fn()
	}
}

// AddDoneCallback has fn called when the work is over, on the goroutine that completes
// it, or at once if it is over: Python's add_done_callback. It panics if fn is nil.
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
	fn()
}

// String shows the state.
func (c *Concurrent[T]) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return fmt.Sprintf("<Concurrent %p state=%v>", c, c.state)
}

// Wrap returns a future of loop l that gets the outcome of c: asyncio's
// wrap_future. Cancelling the future cancels c. If the loop is closed before c is over,
// the future stays pending. It panics if c is nil. Only a task or callback of l may
// call it.
func Wrap[T any](l *loop.Loop, c *Concurrent[T]) *Future[T] {
	if c == nil {
		panic(fmt.Errorf("future: Wrap: %w", errors.New("the concurrent future is nil")))
	}
	f := New[T](l)
	relay := &relay[T]{f: f, c: c}
	relay.cancelled.Init(kernel.Internal, (*relayCancel[T])(relay))
	f.core.Register(&relay.cancelled)
	relay.copied.Init(kernel.Internal, relay)
	c.AddDoneCallback(func() {
		l.Kernel().Post(&relay.copied) // a closed loop has no use for it
	})
	return f
}

// relay copies the outcome of c to f on the loop, and a cancellation of f to c.
type relay[T any] struct {
	f         *Future[T]
	c         *Concurrent[T]
	copied    kernel.Handle
	cancelled kernel.Callback
}

// Run copies the outcome, unless the future was cancelled meanwhile.
func (r *relay[T]) Run() {
	if r.f.Done() {
		return
	}
	switch err := r.c.Err(); { // it is over
	case r.c.Cancelled():
		r.f.core.Cancel("")
	case err != nil:
		r.f.core.Finish(err)
	default:
		r.f.finish(r.c.value)
	}
}

// relayCancel gives a relay a second Run without a second object.
type relayCancel[T any] relay[T]

// String names the callback in descriptions of the future.
func (*relayCancel[T]) String() string { return "wrap_future" }

// Run is called when the future is done.
func (r *relayCancel[T]) Run() {
	if r.f.Cancelled() {
		r.c.Cancel()
	}
}

// OnCancel arranges for fn to be called if the work is cancelled, or at once if
// it was. It is for those who do the work.
func (c *Concurrent[T]) OnCancel(fn func()) {
	c.mu.Lock()
	if c.state != concurrentCancelled {
		if !c.isDone() {
			c.cancel = fn
		}
		c.mu.Unlock()
		return
	}
	c.mu.Unlock()
	fn()
}
