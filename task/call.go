package task

import (
	"context"
	"fmt"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
)

// Call runs coro as a task of loop l and waits for its end, blocking the calling
// goroutine, which must be outside of all loops: an HTTP handler, say. The task inherits
// the values of ctx.
//
// When ctx ends, the task is cancelled, once, and Call goes on to wait for its end. So
// what Call returns is what has happened: if the task ends with a result all the same,
// that. If the cancellation ends the task, the error is context.Cause(ctx). A task that
// has not begun by then never runs, and Call returns at once; that is how a call ends
// for which no loop runs.
//
// The error matches [future.ErrDeadlock] if a loop runs the caller, [loop.ErrClosed] if
// the loop is closed before the task was finished, and [ErrNilCoroutine]. A panic of coro
// is a [*PanicError].
//
// Call does not hold a virtual clock: the loop is free to go on to the next deadline
// while Call waits, and after it. A function of [ToThread] does hold it until it returns,
// so do not wait there for a coroutine that sleeps.
//
// Any goroutine may call it. In asyncio it takes run_coroutine_threadsafe, and care when
// the future is cancelled: see [RunCoroutineThreadsafe].
func Call[T any](ctx context.Context, l *loop.Loop, coro Coroutine[T]) (T, error) {
	var zero T
	switch {
	case l == nil:
		return zero, fmt.Errorf("task: Call: the loop is nil: %w", loop.ErrNotRunning)
	case coro == nil:
		return zero, nilCoroutine("Call")
	case kernel.OnLoop():
		return zero, fmt.Errorf("task: Call: %w: call the coroutine itself instead, or create a task", future.ErrDeadlock)
	case ctx.Err() != nil:
		return zero, context.Cause(ctx)
	}
	c := &outsideCall[T]{ctx: ctx, ended: ctx.Done()}
	if !c.post(l, coro, c) {
		c.Drop()
	}
	select {
	case <-c.outcome.Done():
	case <-c.ended:
		if c.outcome.Cancel() { // before the task was made
			return zero, context.Cause(ctx)
		}
		cancel := new(kernel.Handle)
		cancel.Init(kernel.Internal, (*outsideCallEnded[T])(c))
		l.Kernel().Post(cancel) // a closed loop has nothing to cancel
		<-c.outcome.Done()
	}
	result, err := c.outcome.Result(context.Background())
	if ctx.Err() != nil && future.IsCancelled(err) {
		err = context.Cause(ctx)
	}
	return result, err
}

// outsideCall is a coroutine whose caller waits outside. The loop never calls the methods of
// the caller's context, which may be the program's.
type outsideCall[T any] struct {
	outcome future.Concurrent[T] // pending until the task is made
	ctx     context.Context
	ended   <-chan struct{} // closed when ctx has ended, nil if it never ends
	told    bool            // the task was cancelled for that
	outsideTask[T]
}

// Run starts the task, on the loop.
func (c *outsideCall[T]) Run() {
	if c.goesOnOnLoopGoroutine() {
		return
	}
	if !c.outcome.SetRunning() {
		return // the caller has left
	}
	defer func() { // a factory may panic: both sides are to know
		if value := recover(); value != nil {
			_ = c.outcome.SetException(loop.NewPanicError(value))
			panic(value)
		}
	}()
	c.create(c.ctx, (*outsideCallDone[T])(c), c)
	c.BeforeJump() // a task whose caller's context has ended does not begin
}

// BeforeJump cancels the task if the context has ended. The caller, a goroutine of which no
// clock knows, may be about to ask for that.
func (c *outsideCall[T]) BeforeJump() {
	select {
	case <-c.ended:
		c.cancel()
	default:
	}
}

// cancel cancels the task, once.
func (c *outsideCall[T]) cancel() {
	if !c.told {
		c.told = true
		c.task.Cancel()
	}
}

// Drop is called if the loop is closed before it could tell how the task ended, or make
// it.
func (c *outsideCall[T]) Drop() {
	if c.task.Done() { // it ended the run, by a fatal error
		c.tell()
		return
	}
	_ = c.outcome.SetException(fmt.Errorf("task: Call: %w", loop.ErrClosed)) // unless the caller has left
}

// tell gives the outcome of the task to the caller.
func (c *outsideCall[T]) tell() {
	if value, err := c.task.Result(); err != nil {
		_ = c.outcome.SetException(err)
	} else {
		_ = c.outcome.SetResult(value)
	}
}

type outsideCallDone[T any] outsideCall[T]

// String names the callback in descriptions of the task.
func (*outsideCallDone[T]) String() string { return "Call" }

// Run is called on the loop when the task is finished.
func (d *outsideCallDone[T]) Run() {
	c := (*outsideCall[T])(d)
	c.finished()
	c.tell()
}

type outsideCallEnded[T any] outsideCall[T]

// String names the job for those who are told who cancels a task.
func (*outsideCallEnded[T]) String() string { return "the end of a context" }

// Run is called on the loop when the caller's context has ended.
func (e *outsideCallEnded[T]) Run() { (*outsideCall[T])(e).cancel() }
