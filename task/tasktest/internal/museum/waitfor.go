package museum

import (
	"context"
	"time"

	"github.com/goasyncio/asyncio/task"
)

// The wait_for of Python 3.8 forgot what it waited for when it was cancelled: if that had
// just ended, its result was dropped, with the lock or connection that it stood for
// (bpo-37658, bpo-42130).

// WaitFor runs coro for at most limit.
func WaitFor[T any](ctx context.Context, coro task.Coroutine[T], limit time.Duration) (T, error) {
	var none T
	inner := task.Create(ctx, coro, task.Name("inner"))
	_, _, err := task.Wait(ctx, []*task.Task[T]{inner}, task.Within(limit))
	switch {
	case err != nil:
		inner.Cancel()
		return none, err // a result that inner has by now is dropped
	case !inner.Done():
		inner.Cancel()
		return none, context.DeadlineExceeded
	}
	return inner.Result()
}

// WaitForMended runs coro as a part of the calling task, as Python has done since 3.12:
// nothing comes between its end and the return.
func WaitForMended[T any](ctx context.Context, coro task.Coroutine[T], limit time.Duration) (result T, err error) {
	err = task.WithTimeout(ctx, limit, func(ctx context.Context) error {
		result, err = coro(ctx)
		return err
	})
	return result, err
}
