package task_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/timers"
)

// A Runner keeps its loop between runs. What one run leaves behind goes on in the
// next one; Close cancels what is left then.
func ExampleRunner() {
	r := task.NewRunner(task.WithLoopOptions(loop.WithClock(timers.NewVirtual(time.Time{}))))
	fmt.Println(r.Run(context.Background(), func(ctx context.Context) error {
		task.Go(ctx, func(ctx context.Context) error {
			for {
				if err := task.Sleep(ctx, time.Second); err != nil {
					fmt.Println("ticker:", err)
					return err
				}
				fmt.Println("tick at", timeOfDay(ctx))
			}
		})
		return nil
	}))
	fmt.Println(r.Run(context.Background(), func(ctx context.Context) error {
		return task.Sleep(ctx, 2500*time.Millisecond)
	}))
	fmt.Println(r.Close())
	// Output:
	// <nil>
	// tick at 00:00:01
	// tick at 00:00:02
	// <nil>
	// ticker: cancelled
	// <nil>
}

func ExampleRunIn() {
	r := task.NewRunner()
	for i := range 3 {
		fmt.Println(task.RunIn(r, context.Background(), func(ctx context.Context) (int, error) { return i * i, nil }))
	}
	fmt.Println(r.Close())
	_, err := r.Loop()
	fmt.Println(errors.Is(err, task.ErrRunnerClosed))
	// Output:
	// 0 <nil>
	// 1 <nil>
	// 4 <nil>
	// <nil>
	// true
}

// On a loop of your own, without a Runner.
func ExampleRunUntilComplete() {
	l := loop.New()
	hello := task.Coro(func(ctx context.Context) (string, error) {
		return task.SleepResult(ctx, time.Millisecond, "hello")
	})
	fmt.Println(task.RunUntilComplete(l, hello))
	fmt.Println(l.Close())
	// Output:
	// hello <nil>
	// <nil>
}

func ExampleWithHandoff() {
	fmt.Println(task.Run(context.Background(), func(ctx context.Context) (string, error) {
		return "switched by iter.Pull", task.Yield(ctx)
	}, task.WithHandoff(task.IterPull)))
	// Output: switched by iter.Pull <nil>
}

// The handoff is chosen before the loop's first task.
func ExampleSetHandoff() {
	l := loop.New()
	task.SetHandoff(l, task.IterPull)
	fmt.Println(task.RunUntilComplete(l, task.Coro(func(ctx context.Context) (string, error) {
		return "switched by iter.Pull", task.Yield(ctx)
	})))
	fmt.Println(l.Close())
	// Output:
	// switched by iter.Pull <nil>
	// <nil>
}
