package task

import (
	"context"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
)

// EnsureFuture returns aw itself if it is a future or task, and otherwise starts a
// task that awaits it: asyncio's ensure_future. It panics as [Create] does, and
// with an error that matches [future.ErrOtherLoop] if aw is a future of another
// loop than that of ctx.
func EnsureFuture[T any](ctx context.Context, aw future.Awaitable[T]) future.Typed[T] {
	f, _ := ensure(ctx, aw, "EnsureFuture")
	return f
}

// ensure is EnsureFuture, and returns the task if it created one.
func ensure[T any](ctx context.Context, aw future.Awaitable[T], operation string) (f future.Typed[T], created *Task[T]) {
	var k *kernel.Kernel
	if l, ok := loop.FromContext(ctx); ok {
		k = l.Kernel()
	}
	if err := checkAwaitable(aw, k, operation); err != nil {
		panic(err)
	}
	switch a := aw.(type) {
	case Coroutine[T]: // before the interface, which is slower to tell
		created = Create(ctx, a)
	case future.Typed[T]:
		return a, nil
	default:
		created = create(loopOf(ctx, operation), ctx, aw, nil, true)
	}
	return created, created
}

// foreign reports whether f is of a type of the program, which may have a Result method
// of its own. A job that calls it must not be Internal: see kernel.Kind.
func foreign[T any](f future.Typed[T]) bool {
	switch f.(type) {
	case *Task[T], *future.Future[T]:
		return false
	}
	return true
}

// callResult calls fn, which calls Result methods. If they are foreign, a panic in one
// of them becomes an error.
func callResult(foreign bool, fn func()) error {
	if !foreign {
		fn()
		return nil
	}
	return protect(func() error { fn(); return nil })
}
