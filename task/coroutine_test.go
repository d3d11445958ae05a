package task_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

type step func(ctx context.Context) error

type lookup func(ctx context.Context) ([]string, error)

func TestIsCoroutine(t *testing.T) {
	for _, test := range []struct {
		name string
		v    any
		want bool
	}{
		{"a coroutine", returns(0, 1), true},
		{"what Coro returns", task.Coro(seven), true},
		{"what Void returns", task.Void(task.Yield), true},
		{"a function without a result", task.Yield, true},
		{"a function with a result", seven, true},
		{"a generic one that returns no error", newFuture[int], false},
		{"a function with a result of its own type", func(context.Context) (fmt.Stringer, error) { return nil, nil }, true},
		{"a method", task.Coroutine[int](seven).Await, true},
		{"of a type of the program, without a result", step(task.Yield), true},
		{"of a type of the program, with a result", lookup(func(context.Context) ([]string, error) { return nil, nil }), true},
		{"a nil coroutine", task.Coroutine[int](nil), false},
		{"a nil function", (func(context.Context) error)(nil), false},
		{"a nil function with a result", (func(context.Context) (int, error))(nil), false},
		{"another function", noop, false},
		{"no error", func(context.Context) int { return 1 }, false},
		{"no error beside the result", func(context.Context) (int, int) { return 1, 1 }, false},
		{"an error of its own type", func(context.Context) *future.CancelledError { return nil }, false},
		{"too many results", func(context.Context) (int, int, error) { return 1, 1, nil }, false},
		{"no results", func(context.Context) {}, false},
		{"no context", func() error { return nil }, false},
		{"another parameter", func(int) error { return nil }, false},
		{"too many parameters", func(context.Context, int) error { return nil }, false},
		{"any number of contexts", func(...context.Context) error { return nil }, false},
		{"a value", 1, false},
		{"nothing", nil, false},
	} {
		check.Equal(t, test.name, task.IsCoroutine(test.v), test.want)
	}
}

func TestCoroInfersTheTypeOfTheResult(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		gives(t, ctx, task.Gather(ctx, task.Coro(seven), task.Coro(func(context.Context) (int, error) { return 8, nil })), []int{7, 8})
		v, err := task.WaitFor(ctx, task.Coro(seven), task.Forever)
		check.NoError(t, err)
		check.Equal(t, "result", v, 7)
	})
}

func TestCoroCanBeCalledAndAwaited(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		gives(t, ctx, task.Coro(seven), 7)
		v, err := task.Coro(seven)(ctx)
		check.NoError(t, err)
		check.Equal(t, "result", v, 7)
		check.Is(t, second(task.Coro(fails[int](0, errTest))(ctx)), errTest)
	})
}

func TestVoidCanBeCalledAndAwaited(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		gives(t, ctx, task.Void(sleepsLong), struct{}{})
		check.Equal(t, "time", elapsed(ctx), time.Hour)
		failing := task.Void(failsAfter(0, errTest))
		check.Is(t, second(failing(ctx)), errTest)
		check.Is(t, second(failing.Await(ctx)), errTest)
	})
}

func TestCoroAndVoidGoTogether(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		nothing := task.Coro(func(ctx context.Context) (struct{}, error) { return struct{}{}, task.Sleep(ctx, time.Second) })
		gives(t, ctx, task.Gather(ctx, nothing, task.Void(task.Yield)), []struct{}{{}, {}})
		check.Equal(t, "time", elapsed(ctx), time.Second)
	})
}

func TestCoroOfNilIsNil(t *testing.T) {
	check.Equal(t, "Coro(nil) == nil", task.Coro[int](nil) == nil, true)
	check.Equal(t, "Void(nil) == nil", task.Void(nil) == nil, true)
}
