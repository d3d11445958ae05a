package task_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
)

// The graph tells upwards who waits for a task, through gather and groups.
func ExampleCaptureCallGraph() {
	runVirtually(func(ctx context.Context) error {
		task.Current(ctx).SetName("main")
		query := task.Create(ctx, connectTo(time.Second, "db"), task.Name("query"))
		handler := task.Go(ctx, func(ctx context.Context) error {
			_, err := task.Gather(ctx, query).Await(ctx)
			return err
		}, task.Name("handler"))
		loop.Running(ctx).CallLater(500*time.Millisecond, func() {
			for g := task.CaptureCallGraph(query); ; g = g.AwaitedBy[0] {
				fmt.Println(g.Task.Name())
				if len(g.AwaitedBy) == 0 {
					return
				}
			}
		})
		_, err := handler.Await(ctx)
		return err
	})
	// Output:
	// query
	// handler
	// main
}

// Connect to whichever address answers first, and give the next one a start when
// the one before has had its time: "Happy Eyeballs".
func ExampleStaggeredRace() {
	down := func(ctx context.Context) (string, error) {
		if err := task.Sleep(ctx, 100*time.Millisecond); err != nil {
			return "", err
		}
		return "", errors.New("connection refused")
	}
	runVirtually(func(ctx context.Context) error {
		addresses := []task.Coroutine[string]{
			down,
			connectTo(time.Hour, "2001:db8::1"),
			connectTo(time.Second, "192.0.2.1"),
		}
		winner, index, errs, err := task.StaggeredRace(ctx, addresses, 250*time.Millisecond)
		fmt.Println(winner, index)
		fmt.Println(errs)
		return err
	})
	// Output:
	// 192.0.2.1 2
	// [connection refused cancelled <nil>]
}
