package task_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/goasyncio/asyncio/task"
)

// The results are there when the group has ended.
func ExampleWithGroup() {
	someCoro := func(ctx context.Context) (string, error) { return "some result", nil }
	anotherCoro := func(ctx context.Context) (int, error) { return 42, nil }
	runVirtually(func(ctx context.Context) error {
		var t1 *task.Task[string]
		var t2 *task.Task[int]
		err := task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
			t1 = task.CreateIn(g, someCoro)
			t2 = task.CreateIn(g, anotherCoro)
			return nil
		})
		if err != nil {
			return err
		}
		v1, _ := t1.Result()
		v2, _ := t2.Result()
		fmt.Printf("Both tasks have completed now: %v, %v\n", v1, v2)
		return nil
	})
	// Output: Both tasks have completed now: some result, 42
}

// The body of a group can go on with the results of its tasks.
func ExampleCreateIn() {
	runVirtually(func(ctx context.Context) error {
		return task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
			answer := task.CreateIn(g, func(ctx context.Context) (int, error) { return 42, nil })
			v, err := answer.Await(ctx)
			fmt.Println("the answer is", v)
			return err
		})
	})
	// Output: the answer is 42
}

// A group that is shutting down runs no more tasks. Those that come too late are
// done, and have never run.
func ExampleCreateIn_shuttingDown() {
	runVirtually(func(ctx context.Context) error {
		return task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
			g.Cancel()
			late := task.CreateIn(g, func(ctx context.Context) (int, error) { return 42, nil })
			fmt.Println(late.Done(), errors.Is(late.Err(), task.ErrGroupClosed))
			return nil
		})
	})
	// Output: true true
}

// If one fails, the others are cancelled. What comes out is a group of the
// errors, in which errors.Is looks for one.
func ExampleGroup_Run() {
	errNoConnection := errors.New("no connection")
	runVirtually(func(ctx context.Context) error {
		var g task.Group
		err := g.Run(ctx, func(ctx context.Context, g *task.Group) error {
			g.Go(func(ctx context.Context) error {
				err := task.Sleep(ctx, time.Hour)
				fmt.Println("the sleeper was", err)
				return err
			})
			g.Go(func(ctx context.Context) error { return errNoConnection })
			return nil
		})
		fmt.Println(err)
		fmt.Println(errors.Is(err, errNoConnection))
		return nil
	})
	// Output:
	// the sleeper was cancelled
	// unhandled errors in a TaskGroup (1 sub-exception): no connection
	// true
}

// Tasks of a group may add tasks to it.
func ExampleGroup_Go() {
	runVirtually(func(ctx context.Context) error {
		return task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
			var visit func(depth int)
			visit = func(depth int) {
				g.Go(func(ctx context.Context) error {
					fmt.Println("depth", depth)
					if depth < 3 {
						visit(depth + 1)
					}
					return nil
				})
			}
			visit(1)
			return nil
		})
	})
	// Output:
	// depth 1
	// depth 2
	// depth 3
}

// Cancel ends a group early, and that is no error: what has not finished by then is
// cancelled.
func ExampleGroup_Cancel() {
	job := func(ctx context.Context, id int, takes time.Duration) error {
		fmt.Printf("Task %d: start\n", id)
		return sayAfter(ctx, takes, fmt.Sprintf("Task %d: done", id))
	}
	runVirtually(func(ctx context.Context) error {
		return task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
			g.Go(func(ctx context.Context) error { return job(ctx, 1, 500*time.Millisecond) })
			g.Go(func(ctx context.Context) error { return job(ctx, 2, 1500*time.Millisecond) })
			err := task.Sleep(ctx, time.Second)
			g.Cancel()
			return err
		})
	})
	// Output:
	// Task 1: start
	// Task 2: start
	// Task 1: done
}
