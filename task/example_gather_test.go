package task_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/goasyncio/asyncio/future"
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
		results, err := task.Gather(ctx,
			factorial("A", 2),
			factorial("B", 3),
			factorial("C", 4),
		).Await(ctx)
		fmt.Println(results)
		return err
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
	// [2 6 24]
}

// The first exception comes out at once. The others are not cancelled: they go
// on.
func ExampleGather_exception() {
	broken := task.Coro(func(ctx context.Context) (int, error) {
		return 0, errors.New("no connection")
	})
	slow := task.Coro(func(ctx context.Context) (int, error) {
		if err := task.Sleep(ctx, time.Second); err != nil {
			return 0, err
		}
		fmt.Println("slow: finished at", timeOfDay(ctx))
		return 1, nil
	})
	runVirtually(func(ctx context.Context) error {
		_, err := task.Gather(ctx, slow, broken).Await(ctx)
		fmt.Println(err, "at", timeOfDay(ctx))
		return task.Sleep(ctx, time.Minute)
	})
	// Output:
	// no connection at 00:00:00
	// slow: finished at 00:00:01
}

// Cancelling the future that gathers cancels all that are gathered.
func ExampleGather_cancelled() {
	sleeper := func(name string) task.Coroutine[int] {
		return func(ctx context.Context) (int, error) {
			err := task.Sleep(ctx, time.Hour)
			fmt.Println(name, err)
			return 0, err
		}
	}
	runVirtually(func(ctx context.Context) error {
		all := task.Gather(ctx, sleeper("A"), sleeper("B"))
		if err := task.Yield(ctx); err != nil {
			return err
		}
		all.Cancel("enough")
		_, err := all.Await(ctx)
		fmt.Println("gather", err, future.IsCancelled(err))
		return nil
	})
	// Output:
	// A cancelled: enough
	// B cancelled: enough
	// gather cancelled: enough true
}

// Arguments of several kinds, with one type of result.
func ExampleGather_mixed() {
	runVirtually(func(ctx context.Context) error {
		known := future.New[int](task.Current(ctx).Loop())
		if err := known.SetResult(1); err != nil {
			return err
		}
		running := task.Create(ctx, func(ctx context.Context) (int, error) { return 2, nil })
		later := task.Coro(func(ctx context.Context) (int, error) {
			return task.SleepResult(ctx, time.Second, 3)
		})
		results, err := task.Gather[int](ctx, known, running, later).Await(ctx)
		fmt.Println(results)
		return err
	})
	// Output: [1 2 3]
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
