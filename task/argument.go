package task

import (
	"context"
	"fmt"
	"reflect"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
)

// Functions that take several things look at all of them before they start any: what is
// refused must leave nothing behind.

// futureOf returns the future of w, nil if w is nil or a nil pointer.
func futureOf(w future.Waitable) *kernel.Future {
	if w == nil {
		return nil
	}
	if v := reflect.ValueOf(w); v.Kind() == reflect.Pointer && v.IsNil() {
		return nil
	}
	return w.Kernel()
}

// checkFuture returns what is wrong with a future that is given to an operation on the
// loop of k. A nil k is any loop.
func checkFuture(w future.Waitable, k *kernel.Kernel, operation string) error {
	switch f := futureOf(w); {
	case f == nil:
		return fmt.Errorf("task: %s: a future is nil: %w", operation, kernel.ErrNilCoroutine)
	case f.Kernel() == nil:
		return fmt.Errorf("task: %s: %s belongs to no loop: %w", operation, f.Text(), loop.ErrNotRunning)
	case k != nil && f.Kernel() != k:
		return fmt.Errorf("task: %s: %s belongs to a different loop than the one of the context: %w", operation, f.Outline(), future.ErrOtherLoop)
	}
	return nil
}

// checkAwaitable is checkFuture for anything that can be awaited.
func checkAwaitable[T any](aw future.Awaitable[T], k *kernel.Kernel, operation string) error {
	switch a := aw.(type) {
	case Coroutine[T]: // before the interface, which is slower to tell
		if a == nil {
			return nilCoroutine(operation)
		}
	case future.Typed[T]:
		return checkFuture(a, k, operation)
	case nil:
		return nilCoroutine(operation)
	}
	return nil
}

// loopFor returns the loop that ctx carries, for an operation that changes what belongs
// to it. It panics if there is none, or if it runs something else than the caller.
func loopFor(ctx context.Context, operation string) *loop.Loop {
	l := loopOf(ctx, operation)
	if !l.Kernel().OwnsBaton() {
		panic(wrongGoroutine(operation, l))
	}
	return l
}

// wrongGoroutine is the error of an operation of which the loop runs something else than
// the caller. It shows nothing that the loop may be changing.
func wrongGoroutine(operation string, l *loop.Loop) error {
	return fmt.Errorf("task: %s of <Loop %p>: %w", operation, l, loop.ErrWrongGoroutine)
}
