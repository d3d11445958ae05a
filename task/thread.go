package task

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task/internal/sched"
)

// ToThread calls fn on another goroutine, of the loop's default executor, and
// awaits its result: asyncio's to_thread. Blocking calls belong there, because
// nothing else on the loop runs while a coroutine blocks.
//
// If the await is cancelled, ToThread returns at once. The context of fn ends then,
// so that fn can give up, but nothing can force it to, and what it returns is lost:
// see [ToThreadUntilDone]. fn must not await with its context; it may block on the result
// of [RunCoroutineThreadsafe], and [Run] a loop of its own. A panic in fn becomes a
// [*PanicError].
func ToThread[T any](ctx context.Context, fn func(ctx context.Context) (T, error)) (T, error) {
	t, err := mayUseThread(ctx, fn == nil, "ToThread")
	if err != nil {
		var zero T
		return zero, err
	}
	c := newThreadCall(ctx, t.Loop(), fn)
	defer c.scope.End(context.Canceled)
	if err := c.submit(nil); err != nil {
		var zero T
		return zero, err
	}
	return c.promise.Future().Await(ctx)
}

// mayUseThread returns the task that ctx carries, if it may await a function in a thread.
func mayUseThread(ctx context.Context, nilFunc bool, operation string) (*sched.Task, error) {
	t, err := mayAwait(ctx, operation)
	if err == nil && nilFunc {
		err = fmt.Errorf("task: %s: %w", operation, loop.ErrNilFunc)
	}
	return t, err
}

// RunInExecutor calls fn in the executor, or in the loop's default executor if ex
// is nil, and returns the future of its result: asyncio's run_in_executor. A
// panic in fn becomes the exception, a [*PanicError]. If the executor was shut
// down, the exception matches [loop.ErrExecutorShutdown].
//
// Cancelling the future keeps fn from being called, if it has not begun. A
// function that runs holds a virtual clock: see [loop.Loop.Hold].
func RunInExecutor[T any](l *loop.Loop, ex loop.Executor, fn func() (T, error)) *future.Future[T] {
	switch {
	case l == nil:
		panic(fmt.Errorf("task: RunInExecutor: the loop is nil: %w", loop.ErrNotRunning))
	case l.IsClosed():
		panic(fmt.Errorf("task: RunInExecutor: %w", loop.ErrClosed))
	}
	l.Kernel().MustOwn("RunInExecutor", l)
	if fn == nil {
		return failed[T](l, fmt.Errorf("task: RunInExecutor: %w", loop.ErrNilFunc))
	}
	c := &call[T]{loop: l, work: function[T](fn)}
	if err := c.submit(ex); err != nil {
		return failed[T](l, err)
	}
	return c.promise.Future()
}

// failed returns a future with an exception.
func failed[T any](l *loop.Loop, err error) *future.Future[T] {
	f := future.New[T](l)
	_ = f.SetException(err)
	return f
}

// call is a function on its way through an executor. It is a future.Concurrent and
// the future that wraps it, in one object: made of the two, a call would allocate
// more than twice as often.
type call[T any] struct {
	promise  future.Promise[T]
	loop     *loop.Loop
	work     work[T]
	release  func()        // of the clock
	state    atomic.Uint32 // a callState
	value    T
	err      error
	finished kernel.Handle
	dropped  kernel.Callback
}

// work is what a call does in the executor.
type work[T any] interface{ do() (T, error) }

// function is the work of RunInExecutor.
type function[T any] func() (T, error)

func (fn function[T]) do() (T, error) { return fn() }

// threadCall is a call of ToThread: its work has a context.
type threadCall[T any] struct {
	call[T]
	scope sched.Scope
	fn    func(ctx context.Context) (T, error)
}

// newThreadCall prepares a call of fn, whose context is inside of ctx and must be ended.
func newThreadCall[T any](ctx context.Context, l *loop.Loop, fn func(ctx context.Context) (T, error)) *threadCall[T] {
	c := &threadCall[T]{fn: fn}
	c.loop, c.work = l, c
	c.scope.Enter(ctx)
	return c
}

func (c *threadCall[T]) do() (T, error) { return c.fn(&c.scope) }

// submit sends the call on its way through an executor: the default one if ex is nil.
func (c *call[T]) submit(ex loop.Executor) error {
	if ex == nil {
		var err error
		if ex, err = c.loop.DefaultExecutor(); err != nil {
			return err
		}
	}
	deliverer, delivers := ex.(kernel.Deliverer)
	if delivers {
		c.release = func() {}
	} else {
		c.release = c.loop.Hold()
	}
	c.promise.Kernel(c.loop, nil)
	c.finished.Init(kernel.Internal, c)
	accepted := false
	defer func() {
		if !accepted { // also if Submit panicked
			c.release()
		}
	}()
	var err error
	if delivers {
		err = deliverer.SubmitCall(c.call, &c.finished)
	} else {
		err = ex.Submit(c.run)
	}
	if err != nil {
		return err
	}
	accepted = true
	c.dropped.Init(kernel.Internal, (*callDropped[T])(c))
	c.promise.Future().Kernel().Register(&c.dropped)
	return nil
}

type callState = uint32

const (
	callWaiting callState = iota
	callRunning
	callCancelled
)

// run is what the executor calls.
func (c *call[T]) run() {
	defer c.deliver() // also after runtime.Goexit
	c.call()
}

// call calls the function, unless that was withdrawn.
func (c *call[T]) call() {
	if !c.state.CompareAndSwap(callWaiting, callRunning) {
		return
	}
	c.err = ErrGoexit // unless fn returns or panics
	defer func() {
		if value := recover(); value != nil {
			c.err = loop.NewPanicError(value)
		}
	}()
	c.value, c.err = c.work.do()
}

// deliver sends the outcome to the loop, if there is one.
func (c *call[T]) deliver() {
	if c.state.Load() == callRunning {
		c.loop.Kernel().Post(&c.finished) // a closed loop has no use for it
		c.release()
	}
}

// withdraw keeps the function from being called. It reports false if it has begun.
func (c *call[T]) withdraw() bool {
	if !c.state.CompareAndSwap(callWaiting, callCancelled) {
		return false
	}
	c.release()
	return true
}

// Run hands the result to the future, on the loop.
func (c *call[T]) Run() {
	if c.err != nil {
		_ = c.promise.SetException(c.err) // unless it was cancelled
	} else {
		_ = c.promise.SetResult(c.value)
	}
}

type callDropped[T any] call[T]

// Run is called when the future is done: if it was cancelled, the function need
// not begin.
func (c *callDropped[T]) Run() {
	if c.promise.Future().Cancelled() {
		(*call[T])(c).withdraw()
	}
}

// String names the callback in descriptions of the future.
func (*callDropped[T]) String() string { return "run_in_executor" }

// ShutdownDefaultExecutor refuses further functions in the default executor of the
// task's loop, and waits until the others have returned, for at most timeout:
// asyncio's shutdown_default_executor. [Forever] is no limit. The error matches
// context.DeadlineExceeded if the time was not enough. It does not suspend if the loop
// has had no default executor.
func ShutdownDefaultExecutor(ctx context.Context, timeout time.Duration) error {
	t, err := mayAwait(ctx, "ShutdownDefaultExecutor")
	if err != nil {
		return err
	}
	l := t.Loop()
	if !l.Kernel().ExecutorUsed() {
		return l.ShutdownDefaultExecutor(timeout) // it refuses functions from now on
	}
	_, err = RunInExecutor(l, new(loop.Pool), func() (struct{}, error) {
		return struct{}{}, l.ShutdownDefaultExecutor(timeout)
	}).Await(ctx)
	return err
}
