package task_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
)

// A goroutine outside of the loop, such as that of an HTTP handler, has a coroutine run
// among the tasks that share their state without locks.
func ExampleCall() {
	onAnotherGoroutine(func(l *loop.Loop) {
		stock := map[string]int{"parrots": 3} // only the loop's tasks touch it
		order := func(ctx context.Context) (int, error) {
			if err := task.Sleep(ctx, time.Millisecond); err != nil {
				return 0, err
			}
			if stock["parrots"] < 2 {
				return 0, errors.New("sold out")
			}
			stock["parrots"] -= 2
			return stock["parrots"], nil
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		fmt.Println(task.Call(ctx, l, order))
		fmt.Println(task.Call(ctx, l, order))
	})
	// Output:
	// 1 <nil>
	// 0 sold out
}

// A request that runs out of time is told what has happened. This one had gone too far
// to be given up.
func ExampleCall_cancelled() {
	onAnotherGoroutine(func(l *loop.Loop) {
		request, giveUp := context.WithCancelCause(context.Background())
		fmt.Println(task.Call(request, l, func(ctx context.Context) (string, error) {
			giveUp(errors.New("the client has gone"))
			err := task.Sleep(ctx, time.Hour)
			return fmt.Sprintf("%v, but sold", err), nil
		}))
		fmt.Println(task.Call(request, l, func(ctx context.Context) (string, error) {
			return "never begins", nil
		}))
	})
	// Output:
	// cancelled, but sold <nil>
	//  the client has gone
}
