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
	r := task.NewRunner(task.LoopOptions(loop.WithClock(timers.NewVirtual(time.Time{}))))
	defer func() {
		if err := r.Close(); err != nil {
			fmt.Println("error:", err)
		}
	}()
	ctx := context.Background()

	ticker, err := task.RunIn(r, ctx, func(ctx context.Context) (*task.Task[struct{}], error) {
		return task.Go(ctx, func(ctx context.Context) error {
			for {
				if err := task.Sleep(ctx, time.Second); err != nil {
					fmt.Println("ticker:", err)
					return err
				}
				fmt.Println("tick at", timeOfDay(ctx))
			}
		}), nil
	})
	if err != nil {
		fmt.Println("error:", err)
		return
	}

	_, err = task.RunIn(r, ctx, task.Void(func(ctx context.Context) error {
		return task.Sleep(ctx, 2500*time.Millisecond)
	}))
	fmt.Println(ticker.Done(), err)
	// Output:
	// tick at 00:00:01
	// tick at 00:00:02
	// false <nil>
	// ticker: cancelled
}

func ExampleRunIn() {
	r := task.NewRunner()
	for i := range 3 {
		v, err := task.RunIn(r, context.Background(), func(ctx context.Context) (int, error) {
			return i * i, nil
		})
		fmt.Println(v, err)
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
	v, err := task.RunUntilComplete(l, hello)
	fmt.Println(v, err)
	fmt.Println(l.Close())
	// Output:
	// hello <nil>
	// <nil>
}

// The handoff is chosen before the first task, so for Run in the function that
// makes the loop.
func ExampleSetHandoff() {
	v, err := task.Run(context.Background(), func(ctx context.Context) (string, error) {
		return "switched by iter.Pull", task.Yield(ctx)
	}, task.LoopFactory(func() *loop.Loop {
		l := loop.New()
		task.SetHandoff(l, task.Coroutines)
		return l
	}))
	fmt.Println(v, err)
	// Output: switched by iter.Pull <nil>
}
