package task

import (
	"context"
	"fmt"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task/internal/sched"
)

// Create starts coro as a task of the loop that ctx carries: asyncio's
// create_task. The task begins in the loop's next iteration, not before.
//
// The task inherits the values of ctx, and is cancelled if ctx ends by a
// deadline or cancel function of package context. It does not end with the task
// that creates it.
//
// Create panics if ctx carries no loop ([loop.ErrNotRunning]), if the loop is
// closed ([loop.ErrClosed]), if the loop is running something else than the caller
// ([loop.ErrWrongGoroutine]), and if coro is nil ([ErrNilCoroutine]).
func Create[T any](ctx context.Context, coro Coroutine[T], opts ...Option) *Task[T] {
	l := loopOf(ctx, "Create")
	if coro == nil {
		panic(nilCoroutine("Create"))
	}
	return create(l, ctx, coro, opts, true)
}

// CreateOn starts coro as a task of loop l: asyncio's loop.create_task. It is for
// callbacks, and for a loop that does not run yet. It panics as [Create] does.
func CreateOn[T any](l *loop.Loop, coro Coroutine[T], opts ...Option) *Task[T] {
	if l == nil {
		panic(fmt.Errorf("task: CreateOn: the loop is nil: %w", loop.ErrNotRunning))
	}
	if coro == nil {
		panic(nilCoroutine("CreateOn"))
	}
	return create(l, context.Background(), coro, opts, false)
}

// Go is [Create] for a function without a result.
func Go(ctx context.Context, fn func(ctx context.Context) error, opts ...Option) *Task[struct{}] {
	l := loopOf(ctx, "Go")
	if fn == nil {
		panic(nilCoroutine("Go"))
	}
	return create(l, ctx, void(fn), opts, true)
}

// loopOf returns the loop that ctx carries, for a task to be created on.
func loopOf(ctx context.Context, operation string) *loop.Loop {
	l, ok := loop.FromContext(ctx)
	if !ok {
		panic(fmt.Errorf("task: %s: %w: the context carries no loop", operation, loop.ErrNotRunning))
	}
	return l
}

// create makes a task and starts it. With watch, the end of ctx cancels it.
func create[T any](l *loop.Loop, ctx context.Context, coro future.Awaitable[T], opts []Option, watch bool) *Task[T] {
	t := new(Task[T])
	t.start(l, ctx, coro, opts, watch)
	return t
}

// start starts a new task.
func (t *Task[T]) start(l *loop.Loop, ctx context.Context, coro future.Awaitable[T], opts []Option, watch bool) {
	t.coro = coro
	start(l, &t.entry, (*body[T])(t), ctx, opts, watch)
	if t.Done() { // it is eager and has not suspended
		t.coro = nil
	}
}

// start has a small frame, as everything that coroutines call often: a goroutine has
// little stack before it must be moved to a larger one.
func start(l *loop.Loop, e *sched.Entry, body sched.Body, ctx context.Context, opts []Option, watch bool) {
	k := l.Kernel()
	if k.IsClosed() || !k.OwnsBaton() {
		panic(cannotCreate(l))
	}
	s := sched.Of(k)
	values, eager := ctx, false
	if len(opts) > 0 || s.Factory != nil {
		values, eager = configure(l, e, ctx, opts)
	}
	if !watch {
		ctx = nil
	}
	s.Start(e, body, values, ctx, eager)
}

//go:noinline
func cannotCreate(l *loop.Loop) error {
	if l.IsClosed() {
		return fmt.Errorf("task: Create: %w", loop.ErrClosed)
	}
	return wrongGoroutine("Create", l)
}
