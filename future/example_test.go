package future_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/timers"
)

// runVirtually runs a program on a clock that jumps to the next deadline when
// there is nothing to do.
func runVirtually(main func(ctx context.Context) error) {
	clock := timers.NewVirtual(time.Time{})
	err := task.Main(context.Background(), main, task.WithLoopOptions(loop.WithClock(clock)))
	if err != nil {
		fmt.Println("error:", err)
	}
}

// A task waits for what another one sets.
func ExampleFuture() {
	runVirtually(func(ctx context.Context) error {
		f := future.New[string](loop.Running(ctx))
		task.Go(ctx, func(ctx context.Context) error {
			if err := task.Sleep(ctx, time.Second); err != nil {
				return err
			}
			return f.SetResult("... world")
		})
		fmt.Println("hello ...")
		v, err := f.Await(ctx)
		fmt.Println(v)
		return err
	})
	// Output:
	// hello ...
	// ... world
}

// A future is set once. Who sets it again is told.
func ExampleFuture_SetResult() {
	runVirtually(func(ctx context.Context) error {
		f := future.New[int](loop.Running(ctx))
		_, err := f.Result()
		fmt.Println("before:", errors.Is(err, future.ErrInvalidState))
		fmt.Println(f.SetResult(1))
		fmt.Println(errors.Is(f.SetResult(2), future.ErrInvalidState))
		fmt.Println(f.Result())
		return nil
	})
	// Output:
	// before: true
	// <nil>
	// true
	// 1 <nil>
}

// The callback runs in the loop's next iteration, never inside SetResult.
func ExampleFuture_AddDoneCallback() {
	runVirtually(func(ctx context.Context) error {
		f := future.New[int](loop.Running(ctx))
		f.AddDoneCallback(func() { fmt.Println("done:", f) })
		dropped := f.AddDoneCallback(func() { fmt.Println("never") })
		fmt.Println("removed", f.RemoveDoneCallback(dropped))
		if err := f.SetResult(42); err != nil {
			return err
		}
		fmt.Println("set")
		return task.Yield(ctx)
	})
	// Output:
	// removed 1
	// set
	// done: <Future finished result=42>
}

func ExampleFuture_Cancel() {
	runVirtually(func(ctx context.Context) error {
		f := future.New[int](loop.Running(ctx))
		fmt.Println(f.Cancel("not needed"), f.Cancel())
		_, err := f.Await(ctx)
		fmt.Println(err, errors.Is(err, future.ErrCancelled), errors.Is(err, context.Canceled))
		return nil
	})
	// Output:
	// true false
	// cancelled: not needed true true
}

// Those who are given the future of a promise can await it and cancel it, but not
// complete it.
func ExamplePromise() {
	runVirtually(func(ctx context.Context) error {
		connected := future.NewPromise[string](loop.Running(ctx))
		loop.Running(ctx).CallLater(time.Second, func() {
			_ = connected.SetResult("hello from the server") // an error if it was cancelled
		})

		f := connected.Future() // for everybody else
		fmt.Println(errors.Is(f.SetResult("hello from a stranger"), future.ErrInvalidState))
		greeting, err := f.Await(ctx)
		fmt.Println(greeting)
		return err
	})
	// Output:
	// true
	// hello from the server
}

// What an error wraps it stays; what it joins or merely mentions is another matter.
func ExampleIsCancelled() {
	cancelled := &future.CancelledError{}
	fmt.Println(future.IsCancelled(fmt.Errorf("loading the user: %w", cancelled)))
	fmt.Println(future.IsCancelled(errors.Join(cancelled, errors.New("and the disk is full"))))
	fmt.Println(future.IsCancelled(&future.TimeoutError{Cause: cancelled}))
	// Output:
	// true
	// false
	// false
}

// A Concurrent carries a result from one goroutine to any other.
func ExampleConcurrent() {
	c := future.NewConcurrent[int]()
	go func() {
		if c.SetRunning() { // false if it was cancelled first
			_ = c.SetResult(42)
		}
	}()
	fmt.Println(c.Result(context.Background()))
	fmt.Println(c.Cancel()) // too late
	// Output:
	// 42 <nil>
	// false
}

// Wrap makes what a goroutine works on awaitable. Cancelling the future cancels
// the work, if it has not begun.
func ExampleWrap() {
	runVirtually(func(ctx context.Context) error {
		c := future.NewConcurrent[string]()
		go func() { _ = c.SetResult("from a goroutine") }()
		v, err := future.Wrap(loop.Running(ctx), c).Await(ctx)
		fmt.Println(v)
		return err
	})
	// Output: from a goroutine
}
