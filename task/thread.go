package task

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
)

// ToThread calls fn on another goroutine, of the loop's default executor, and
// awaits its result: asyncio's to_thread. Blocking calls belong there, because
// nothing else on the loop runs while a coroutine blocks.
//
// If the await is cancelled, ToThread returns at once; fn's context ends then, so
// that fn can give up, but nothing can force it to. fn must not await with its
// context.
func ToThread[T any](ctx context.Context, fn func(ctx context.Context) (T, error)) (T, error) {
	var zero T
	b, err := running(ctx, "ToThread")
	if err != nil {
		return zero, err
	}
	if fn == nil {
		return zero, fmt.Errorf("task: ToThread: %w", loop.ErrNilFunc)
	}
	if err := b.check(); err != nil {
		return zero, err
	}
	inner := &scopeContext{Context: ctx}
	defer inner.end(context.Canceled)
	f := RunInExecutor(b.sched.loop, nil, func() (T, error) { return fn(inner) })
	return f.Await(ctx)
}

// RunInExecutor calls fn in the executor, or in the loop's default executor if ex
// is nil, and returns the future of its result: asyncio's run_in_executor. A
// panic in fn becomes the exception, a [*PanicError]. If the executor was shut
// down, the exception matches [loop.ErrExecutorShutdown].
//
// Cancelling the future keeps fn from being called, if it has not begun. A
// function that runs holds a virtual clock: see [loop.Loop.Hold].
func RunInExecutor[T any](l *loop.Loop, ex loop.Executor, fn func() (T, error)) *future.Future[T] {
	if l.IsClosed() {
		panic(fmt.Errorf("task: RunInExecutor: %w", loop.ErrClosed))
	}
	c := &call[T]{loop: l, fn: fn}
	c.fut.Init(l, nil)
	if fn == nil {
		_ = c.fut.SetException(fmt.Errorf("task: RunInExecutor: %w", loop.ErrNilFunc))
		return &c.fut
	}
	var err error
	if ex == nil {
		ex, err = l.DefaultExecutor()
	}
	if err == nil {
		c.finished.Init(loop.Internal, c)
		c.release = l.Hold()
		err = ex.Submit(c.run)
	}
	if err != nil {
		if c.release != nil {
			c.release()
		}
		_ = c.fut.SetException(err)
		return &c.fut
	}
	c.dropped.Handle.Init(loop.Internal, (*callDropped[T])(c))
	c.fut.Core().Register(&c.dropped)
	return &c.fut
}

// call is a function on its way through an executor.
type call[T any] struct {
	fut      future.Future[T]
	loop     *loop.Loop
	fn       func() (T, error)
	release  func()
	state    atomic.Uint32
	value    T
	err      error
	finished loop.Handle
	dropped  future.Callback
}

const (
	callWaiting uint32 = iota
	callRunning
	callDroppedState
)

// run is what the executor calls.
func (c *call[T]) run() {
	if !c.state.CompareAndSwap(callWaiting, callRunning) {
		return
	}
	returned := false
	defer func() {
		if !returned {
			if value := recover(); value != nil {
				c.err = loop.NewPanicError(value)
			} else {
				c.err = ErrGoexit
			}
		}
		_ = c.loop.Kernel().Post(&c.finished) // a closed loop has no use for it
		c.release()
	}()
	c.value, c.err = c.fn()
	returned = true
}

// Run hands the result to the future, on the loop.
func (c *call[T]) Run() {
	if c.fut.Done() {
		return
	}
	if c.err != nil {
		c.fut.Core().Finish(c.err)
		return
	}
	_ = c.fut.SetResult(c.value)
}

type callDropped[T any] call[T]

// Run is called when the future is done: if it was cancelled, the function need
// not begin.
func (c *callDropped[T]) Run() {
	if c.fut.Cancelled() && c.state.CompareAndSwap(callWaiting, callDroppedState) {
		c.release()
	}
}

// ShutdownDefaultExecutor refuses further functions in the default executor of
// the task's loop, and waits until the others have returned, for at most
// timeout; one that is not positive is no limit: asyncio's
// shutdown_default_executor. The error matches context.DeadlineExceeded if the
// time was not enough.
func ShutdownDefaultExecutor(ctx context.Context, timeout time.Duration) error {
	b, err := running(ctx, "ShutdownDefaultExecutor")
	if err != nil {
		return err
	}
	done := future.NewConcurrent[struct{}]()
	release := b.sched.loop.Hold()
	go func() {
		err := b.sched.loop.ShutdownDefaultExecutor(timeout)
		if err != nil {
			_ = done.SetException(err)
		} else {
			_ = done.SetResult(struct{}{})
		}
		release()
	}()
	_, err = future.Wrap(b.sched.loop, done).Await(ctx)
	return err
}

// RunCoroutineThreadsafe starts coro as a task of loop l, from any goroutine, and
// returns its result for any goroutine: asyncio's run_coroutine_threadsafe.
// Cancelling that cancels the task. If the loop is closed first, the exception
// matches [loop.ErrClosed]; if coro is nil, [ErrNilCoroutine].
func RunCoroutineThreadsafe[T any](l *loop.Loop, coro Coroutine[T]) *future.Concurrent[T] {
	s := &submission[T]{loop: l, coro: coro}
	s.result.Bind(l)
	if coro == nil {
		_ = s.result.SetException(nilCoroutine("RunCoroutineThreadsafe"))
		return &s.result
	}
	s.begin.Init(loop.Home, s)
	if err := l.Kernel().Post(&s.begin); err != nil {
		s.Drop()
	}
	return &s.result
}

// submission is a coroutine that came from another goroutine.
type submission[T any] struct {
	result future.Concurrent[T]
	loop   *loop.Loop
	coro   Coroutine[T]
	task   *Task[T]
	begin  loop.Handle
	done   future.Callback
	owed   owed
}

// Run starts the task, on the loop.
func (s *submission[T]) Run() {
	defer func() { // a factory may panic: both sides are to know
		if value := recover(); value != nil {
			s.fail(loop.NewPanicError(value))
			panic(value)
		}
	}()
	s.task = CreateOn(s.loop, s.coro)
	s.coro = nil
	s.done.Handle.Init(loop.Internal, (*submissionDone[T])(s))
	s.task.Core().Register(&s.done)
	s.owed.fail = s.fail
	schedOf(s.loop).outside.add(&s.owed)
	s.result.OnCancel(func() {
		_, _ = s.loop.CallSoonThreadsafe(func() { s.task.Cancel() }) // a closed loop has unwound it
	})
}

// Drop is called if the loop is closed before the task was started.
func (s *submission[T]) Drop() {
	s.fail(fmt.Errorf("task: RunCoroutineThreadsafe: %w", loop.ErrClosed))
}

func (s *submission[T]) fail(err error) {
	_ = s.result.SetException(err) // unless it was cancelled
}

type submissionDone[T any] submission[T]

// Run copies the outcome of the task, on the loop.
func (s *submissionDone[T]) Run() {
	schedOf(s.loop).outside.remove(&s.owed)
	if s.task.Cancelled() {
		s.result.Cancel()
		return
	}
	v, err := s.task.Result()
	if err != nil {
		err = s.result.SetException(err)
	} else {
		err = s.result.SetResult(v)
	}
	if err != nil && !errors.Is(err, future.ErrInvalidState) { // it was cancelled meanwhile
		panic(err)
	}
}
