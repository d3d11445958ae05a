package task_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
)

// factorial returns a coroutine that takes its time.
func factorial(name string, number int) task.Coroutine[int] {
	return func(ctx context.Context) (int, error) {
		f := 1
		for i := 2; i <= number; i++ {
			fmt.Printf("Task %s: Compute factorial(%d), currently i=%d...\n", name, number, i)
			if err := task.Sleep(ctx, time.Second); err != nil {
				return 0, err
			}
			f *= i
		}
		fmt.Printf("Task %s: factorial(%d) = %d\n", name, number, f)
		return f, nil
	}
}

func ExampleGather() {
	runVirtually(func(ctx context.Context) error {
		all := task.Gather(ctx, factorial("A", 2), factorial("B", 3), factorial("C", 4))
		fmt.Println(all.Await(ctx))
		return nil
	})
	// Output:
	// Task A: Compute factorial(2), currently i=2...
	// Task B: Compute factorial(3), currently i=2...
	// Task C: Compute factorial(4), currently i=2...
	// Task A: factorial(2) = 2
	// Task B: Compute factorial(3), currently i=3...
	// Task C: Compute factorial(4), currently i=3...
	// Task B: factorial(3) = 6
	// Task C: Compute factorial(4), currently i=4...
	// Task C: factorial(4) = 24
	// [2 6 24] <nil>
}

// A slice of tasks, coroutines or futures is gathered as it is.
func ExampleGather_slice() {
	runVirtually(func(ctx context.Context) error {
		var squares []*task.Task[int]
		for i := range 5 {
			squares = append(squares, task.Create(ctx, func(ctx context.Context) (int, error) {
				return task.SleepResult(ctx, time.Second, i*i)
			}))
		}
		fmt.Println(task.Gather(ctx, squares...).Await(ctx))
		return nil
	})
	// Output: [0 1 4 9 16] <nil>
}

// Arguments of several kinds have one type of result.
func ExampleGather_mixed() {
	runVirtually(func(ctx context.Context) error {
		awaited := future.New[int](loop.Running(ctx))
		running := task.Create(ctx, func(ctx context.Context) (int, error) { return 2, nil })
		all := task.Gather(ctx, []future.Awaitable[int]{awaited, running, factorial("A", 1)}...)
		if err := awaited.SetResult(3); err != nil {
			return err
		}
		fmt.Println(all.Await(ctx))
		return nil
	})
	// Output:
	// Task A: factorial(1) = 1
	// [3 2 1] <nil>
}

// The first exception comes out at once. The others are not cancelled: they go
// on.
func ExampleGather_exception() {
	broken := task.Void(func(ctx context.Context) error { return errors.New("no connection") })
	slow := task.Void(func(ctx context.Context) error { return sayAfter(ctx, time.Second, "slow: finished") })
	runVirtually(func(ctx context.Context) error {
		fmt.Println(task.Join(ctx, task.Gather(ctx, slow, broken)))
		return task.Sleep(ctx, time.Minute)
	})
	// Output:
	// no connection
	// slow: finished
}

// Cancelling the future that gathers cancels all that are gathered.
func ExampleGather_cancelled() {
	sleeper := task.Void(func(ctx context.Context) error {
		err := task.Sleep(ctx, time.Hour)
		fmt.Println("sleeper:", err)
		return err
	})
	runVirtually(func(ctx context.Context) error {
		all := task.Gather(ctx, sleeper, sleeper)
		loop.Running(ctx).CallLater(time.Second, func() { all.Cancel("enough") })
		fmt.Println("gather:", task.Join(ctx, all), "at", timeOfDay(ctx))
		return nil
	})
	// Output:
	// sleeper: cancelled: enough
	// sleeper: cancelled: enough
	// gather: cancelled: enough at 00:00:01
}

// With GatherSettled, asyncio's return_exceptions=True, exceptions are outcomes.
func ExampleGatherSettled() {
	divide := func(a, b int) task.Coroutine[int] {
		return func(ctx context.Context) (int, error) {
			if b == 0 {
				return 0, errors.New("division by zero")
			}
			return a / b, nil
		}
	}
	runVirtually(func(ctx context.Context) error {
		outcomes, err := task.GatherSettled(ctx, divide(6, 2), divide(1, 0), divide(9, 3)).Await(ctx)
		for _, o := range outcomes {
			fmt.Println(o.Value, o.Err)
		}
		return err
	})
	// Output:
	// 3 <nil>
	// 0 division by zero
	// 3 <nil>
}
