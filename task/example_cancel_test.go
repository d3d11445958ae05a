package task_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/task"
)

// A cancellation is an error that the await returns. The coroutine sees it, may
// clean up, and passes it on.
func ExampleTask_Cancel() {
	cancelMe := func(ctx context.Context) error {
		fmt.Println("cancel_me(): before sleep")
		defer fmt.Println("cancel_me(): after sleep")
		err := task.Sleep(ctx, time.Hour)
		if future.IsCancelled(err) {
			fmt.Println("cancel_me(): cancel sleep")
		}
		return err
	}
	runVirtually(func(ctx context.Context) error {
		t := task.Go(ctx, cancelMe)
		if err := task.Sleep(ctx, time.Second); err != nil {
			return err
		}
		t.Cancel()
		if err := t.Join(ctx); future.IsCancelled(err) {
			fmt.Println("main(): cancel_me is cancelled now")
		}
		return nil
	})
	// Output:
	// cancel_me(): before sleep
	// cancel_me(): cancel sleep
	// cancel_me(): after sleep
	// main(): cancel_me is cancelled now
}

// A timeout cancels what it limits, and takes that back: the statement after it
// runs as if nothing had happened.
func ExampleTask_Cancelling() {
	makeRequest := func(ctx context.Context) error { return task.Sleep(ctx, time.Hour) }
	runVirtually(func(ctx context.Context) error {
		err := task.WithTimeout(ctx, time.Second, func(ctx context.Context) error {
			// Structured block affected by the timeout.
			if err := makeRequest(ctx); err != nil {
				return err
			}
			return makeRequest(ctx)
		})
		if errors.Is(err, context.DeadlineExceeded) {
			fmt.Println("There was a timeout")
		}
		// Outer code not affected by the timeout.
		err = task.Yield(ctx)
		fmt.Println("Unrelated code runs; requests left:", task.Current(ctx).Cancelling())
		return err
	})
	// Output:
	// There was a timeout
	// Unrelated code runs; requests left: 0
}

// A coroutine that swallows a cancellation takes the request back, so that those
// which come later can still be told apart.
func ExampleTask_Uncancel() {
	runVirtually(func(ctx context.Context) error {
		t := task.Go(ctx, func(ctx context.Context) error {
			if err := task.Sleep(ctx, time.Hour); future.IsCancelled(err) {
				fmt.Println("refused; requests left:", task.Current(ctx).Uncancel())
			}
			return nil
		})
		if err := task.Yield(ctx); err != nil {
			return err
		}
		t.Cancel()
		err := t.Join(ctx)
		fmt.Println("cancelled:", t.Cancelled())
		return err
	})
	// Output:
	// refused; requests left: 0
	// cancelled: false
}
