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
		err := task.WithGroup(ctx, func(ctx context.Context, g *task.Group) (err error) {
			if t1, err = task.CreateIn(g, someCoro); err != nil {
				return err
			}
			t2, err = task.CreateIn(g, anotherCoro)
			return err
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

// A group that is over takes no more tasks.
func ExampleCreateIn() {
	runVirtually(func(ctx context.Context) error {
		g := task.NewGroup()
		answer := func(ctx context.Context) (int, error) { return 42, nil }
		var t *task.Task[int]
		err := g.Run(ctx, func(ctx context.Context, g *task.Group) (err error) {
			t, err = task.CreateIn(g, answer, task.Name("answer"))
			return err
		})
		if err != nil {
			return err
		}
		v, err := t.Result()
		fmt.Println(v, err)

		_, err = task.CreateIn(g, answer)
		fmt.Println(errors.Is(err, task.ErrGroupClosed), err)
		return nil
	})
	// Output:
	// 42 <nil>
	// true task: <Group entered> is finished: no task can be created in it
}

// If one fails, the others are cancelled. What comes out is a group of the
// errors, in which errors.Is looks for one.
func ExampleGroup_Run() {
	errNoConnection := errors.New("no connection")
	runVirtually(func(ctx context.Context) error {
		g := task.NewGroup()
		err := g.Run(ctx, func(ctx context.Context, g *task.Group) error {
			if _, err := g.Go(func(ctx context.Context) error {
				err := task.Sleep(ctx, time.Hour)
				fmt.Println("the sleeper was", err)
				return err
			}); err != nil {
				return err
			}
			_, err := g.Go(func(ctx context.Context) error {
				if err := task.Sleep(ctx, time.Second); err != nil {
					return err
				}
				return errNoConnection
			})
			return err
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
			var visit func(depth int) func(ctx context.Context) error
			visit = func(depth int) func(ctx context.Context) error {
				return func(ctx context.Context) error {
					fmt.Println("depth", depth)
					if depth == 3 {
						return nil
					}
					_, err := g.Go(visit(depth + 1))
					return err
				}
			}
			_, err := g.Go(visit(1))
			return err
		})
	})
	// Output:
	// depth 1
	// depth 2
	// depth 3
}

// A group has no way to be stopped early, but it stops when a task in it fails:
// one that fails with a private error ends the group, and whoever ran the group
// drops exactly that error.
func ExampleGroup_terminate() {
	errTerminate := errors.New("terminate the group")
	job := func(id int, d time.Duration) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			fmt.Printf("Task %d: start\n", id)
			if err := task.Sleep(ctx, d); err != nil {
				return err
			}
			fmt.Printf("Task %d: done\n", id)
			return nil
		}
	}
	runVirtually(func(ctx context.Context) error {
		err := task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
			for id, d := range []time.Duration{500 * time.Millisecond, 1500 * time.Millisecond} {
				if _, err := g.Go(job(id+1, d)); err != nil {
					return err
				}
			}
			if err := task.Sleep(ctx, time.Second); err != nil {
				return err
			}
			_, err := g.Go(func(ctx context.Context) error { return errTerminate })
			return err
		})
		_, err = task.Except(err, func(err error) bool { return errors.Is(err, errTerminate) })
		return err
	})
	// Output:
	// Task 1: start
	// Task 2: start
	// Task 1: done
}
