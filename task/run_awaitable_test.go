package task_test

import (
	"context"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// Run and RunIn take what Run of CPython 3.14 takes: the Await of anything awaitable is
// a coroutine.
func TestRunTakesTheAwaitOfAnyAwaitable(t *testing.T) {
	for name, awaitable := range map[string]func(l *loop.Loop) future.Awaitable[int]{
		"future": func(l *loop.Loop) future.Awaitable[int] {
			f := future.New[int](l)
			l.CallLater(time.Second, func() { check.NoError(t, f.SetResult(42)) })
			return f
		},
		"task":      func(l *loop.Loop) future.Awaitable[int] { return task.CreateOn(l, returns(time.Second, 42)) },
		"coroutine": func(l *loop.Loop) future.Awaitable[int] { return returns(time.Second, 42) },
		"awaitable": func(l *loop.Loop) future.Awaitable[int] { return delegate{returns(time.Second, 42)} },
	} {
		t.Run(name, func(t *testing.T) {
			runs := map[string]func(*loop.Loop, future.Awaitable[int]) (int, error){
				"Run": func(l *loop.Loop, aw future.Awaitable[int]) (int, error) {
					return task.Run(context.Background(), aw.Await, task.WithLoopFactory(func() *loop.Loop { return l }))
				},
				"RunIn": func(l *loop.Loop, aw future.Awaitable[int]) (int, error) {
					r := task.NewRunner(task.WithLoopFactory(func() *loop.Loop { return l }))
					v, err := task.RunIn(r, context.Background(), aw.Await)
					check.NoError(t, r.Close())
					return v, err
				},
				"RunUntilComplete": task.RunUntilComplete[int],
			}
			for name, run := range runs {
				l := newTestLoop(t)
				v, err := run(l, awaitable(l))
				check.NoError(t, err)
				check.Equal(t, "result of "+name, v, 42)
				check.Equal(t, "time", l.Time().Sub(start), time.Second)
			}
		})
	}
}

func TestRunOfAFutureIsCancelledWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	l := newTestLoop(t)
	f := future.New[int](l)
	l.CallSoon(func() { cancel(errTest) })
	check.Is(t, second(task.Run(ctx, f.Await, task.WithLoopFactory(func() *loop.Loop { return l }))), errTest)
	check.Equal(t, "the future is cancelled", f.Cancelled(), true)
}

func TestRunOfAFutureOfAnotherLoopIsRefused(t *testing.T) {
	f := future.New[int](newTestLoop(t))
	check.Is(t, second(task.Run(context.Background(), f.Await, virtually())), future.ErrOtherLoop)
}
