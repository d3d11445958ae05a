package task_test

import (
	"context"
	"fmt"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
)

// An eager task begins inside Create. If it never suspends, it is finished when
// Create returns, and the loop has had nothing to do.
func ExampleEager() {
	runVirtually(func(ctx context.Context) error {
		t := task.Create(ctx, func(ctx context.Context) (int, error) { return 42, nil }, task.Eager())
		fmt.Println(t.Done())
		return nil
	})
	// Output: true
}

// With the eager factory, coroutines that find their result in a cache cost no
// turn of the loop.
func ExampleEagerFactory() {
	prices := map[string]int{}
	lampPrice := func(ctx context.Context) (int, error) {
		if _, ok := prices["lamp"]; !ok {
			fmt.Println("looking up the lamp")
			if err := task.Sleep(ctx, time.Second); err != nil {
				return 0, err
			}
			prices["lamp"] = 40
		}
		return prices["lamp"], nil
	}
	runVirtually(func(ctx context.Context) error {
		task.SetFactory(loop.Running(ctx), task.EagerFactory)
		for range 2 {
			t := task.Create(ctx, lampPrice)
			fmt.Println("done at once:", t.Done())
			fmt.Println(t.Await(ctx))
		}
		return nil
	})
	// Output:
	// looking up the lamp
	// done at once: false
	// 40 <nil>
	// done at once: true
	// 40 <nil>
}

// A task that must not begin at once says so, whatever the factory makes of the others.
func ExampleLazy() {
	runVirtually(func(ctx context.Context) error {
		task.SetFactory(loop.Running(ctx), task.EagerFactory)
		begins := func(name string) func(context.Context) error {
			return func(context.Context) error {
				fmt.Println(name, "begins")
				return nil
			}
		}
		task.Go(ctx, begins("first"), task.Lazy())
		task.Go(ctx, begins("second"))
		return task.Yield(ctx)
	})
	// Output:
	// second begins
	// first begins
}

// A factory sees every task that its loop creates.
func ExampleSetFactory() {
	runVirtually(func(ctx context.Context) error {
		created := 0
		task.SetFactory(loop.Running(ctx), func(l *loop.Loop, s task.Settings) task.Settings {
			created++
			if s.Name == "" {
				s.Name = fmt.Sprint("worker ", created)
			}
			return s
		})
		fmt.Println(task.Go(ctx, task.Yield).Name())
		fmt.Println(task.Go(ctx, task.Yield, task.Name("writer")).Name())
		fmt.Println(created)
		return nil
	})
	// Output:
	// worker 1
	// writer
	// 2
}

func ExampleCreateEagerFactory() {
	runVirtually(func(ctx context.Context) error {
		task.SetFactory(loop.Running(ctx), task.CreateEagerFactory(func(l *loop.Loop, s task.Settings) task.Settings {
			s.Name = "eager " + s.Name
			return s
		}))
		t := task.Go(ctx, func(ctx context.Context) error { return nil }, task.Name("reader"))
		fmt.Println(t.Name(), t.Done())
		return nil
	})
	// Output: eager reader true
}
