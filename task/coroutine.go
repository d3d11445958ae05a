package task

import (
	"context"
	"reflect"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop/kernel"
)

// Coroutine is what a task runs: asyncio's coroutine function, with its
// arguments bound. The context is its task's.
//
// Calling a coroutine from another one runs it in the same task, as "await
// coro()" does.
type Coroutine[T any] func(ctx context.Context) (T, error)

// Await calls the coroutine, in the task that ctx carries. It makes a coroutine a
// [future.Awaitable].
func (c Coroutine[T]) Await(ctx context.Context) (T, error) {
	return c(ctx)
}

// Coro makes a coroutine of a function. It saves spelling out T where a
// [future.Awaitable] is asked for, as by [Gather] and [WaitFor]; functions that
// take a Coroutine take the function as it is.
func Coro[T any](fn func(ctx context.Context) (T, error)) Coroutine[T] {
	return fn
}

// Void makes a coroutine of a function that returns only an error.
//
// It is not inlined, so that its closures can be told: see functionOf.
//
//go:noinline
func Void(fn func(ctx context.Context) error) Coroutine[struct{}] {
	if fn == nil {
		return nil
	}
	return func(ctx context.Context) (struct{}, error) {
		if q, ok := ctx.(*question); ok {
			q.answer = fn
			return struct{}{}, nil
		}
		return struct{}{}, fn(ctx)
	}
}

// void is a function that returns only an error. Made awaitable in this way it costs no
// closure.
type void func(ctx context.Context) error

func (fn void) Await(ctx context.Context) (struct{}, error) {
	return struct{}{}, fn(ctx)
}

// IsCoroutine reports whether v is what [Coro] or [Void] makes a coroutine of, or
// a [Coroutine]: a function that takes a context and returns an error, alone or
// after a result of any type. A nil function is none. asyncio's iscoroutine.
func IsCoroutine(v any) bool {
	f := reflect.ValueOf(v)
	if f.Kind() != reflect.Func || f.IsNil() {
		return false
	}
	t := f.Type()
	results := t.NumOut()
	return t.NumIn() == 1 && t.In(0) == reflect.TypeFor[context.Context]() &&
		(results == 1 || results == 2) && t.Out(results-1) == reflect.TypeFor[error]()
}

// functionOf is the program's function that aw runs, or aw itself if that is no function.
func functionOf[T any](aw future.Awaitable[T]) any {
	if coro, ok := any(aw).(Coroutine[struct{}]); ok && kernel.EntryOf(coro) == voidEntry {
		var q question
		_, _ = coro(&q)
		return q.answer
	}
	return aw
}

// voidEntry tells the closures of Void.
var voidEntry = kernel.EntryOf(Void(func(context.Context) error { return nil }))

// question is a context that asks a closure of Void for its function, which nothing
// else can look up.
type question struct {
	context.Context
	answer func(ctx context.Context) error
}
