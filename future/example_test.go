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
	_, err := task.Run(context.Background(), task.Void(main), task.LoopOptions(loop.WithClock(clock)))
	if err != nil {
		fmt.Println("error:", err)
	}
}

// A task waits for what another one sets.
func ExampleFuture() {
	setAfter := func(f *future.Future[string], delay time.Duration, value string) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			if err := task.Sleep(ctx, delay); err != nil {
				return err
			}
			return f.SetResult(value)
		}
	}
	runVirtually(func(ctx context.Context) error {
		f := future.New[string](loop.Running(ctx))
		task.Go(ctx, setAfter(f, time.Second, "... world"))
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
