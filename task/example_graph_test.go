package task_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
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
			return task.Join(ctx, task.Gather(ctx, query))
		}, task.Name("handler"))
		loop.Running(ctx).CallLater(500*time.Millisecond, func() {
			for g := task.CaptureCallGraph(query); ; g = g.AwaitedBy[0] {
				fmt.Println(g.Task.Name())
				if len(g.AwaitedBy) == 0 {
					return
				}
			}
		})
		return handler.Join(ctx)
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

// The task that awaits the others is above them.
func ExampleFormatTaskTree() {
	sleep := func(ctx context.Context) error { return task.Sleep(ctx, time.Second) }
	runVirtually(func(ctx context.Context) error {
		album := task.Go(ctx, func(ctx context.Context) error {
			return task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
				g.Go(sleep, task.Name("sundowning"))
				g.Go(sleep, task.Name("take me back to eden"))
				return nil
			})
		}, task.Name("album"))
		if err := task.Sleep(ctx, time.Millisecond); err != nil {
			return err
		}
		for line := range strings.SplitSeq(task.FormatTaskTree(ctx), "\n") {
			name, _, _ := strings.Cut(line, " in ") // then comes the place in the program
			fmt.Println(name)
		}
		return album.Join(ctx)
	})
	// Output:
	// Task-1
	// album
	// ├── sundowning
	// └── take me back to eden
}
