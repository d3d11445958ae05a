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
		if _, err := t.Await(ctx); errors.Is(err, future.ErrCancelled) {
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

// A coroutine that asked for a cancellation itself takes it back, so that those
// which come from elsewhere can still be told apart. The statement after the
// timeout runs even though the request did not succeed.
func ExampleTask_Uncancel() {
	makeRequest := func(ctx context.Context) error { return task.Sleep(ctx, time.Hour) }
	unrelated := func(ctx context.Context) error {
		err := task.Yield(ctx)
		fmt.Println("unrelated code runs, cancelling() is", task.Current(ctx).Cancelling())
		return err
	}
	makeRequestWithTimeout := func(ctx context.Context) error {
		err := task.WithTimeout(ctx, time.Second, func(ctx context.Context) error {
			// Structured block affected by the timeout.
			if err := makeRequest(ctx); err != nil {
				return err
			}
			return makeRequest(ctx)
		})
		if errors.Is(err, context.DeadlineExceeded) {
			fmt.Println("there was a timeout")
		}
		// Outer code not affected by the timeout.
		return unrelated(ctx)
	}
	runVirtually(makeRequestWithTimeout)

	// By hand it is the same: swallow the cancellation, and take it back.
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
		_, err := t.Await(ctx)
		fmt.Println(t.Cancelled())
		return err
	})
	// Output:
	// there was a timeout
	// unrelated code runs, cancelling() is 0
	// refused; requests left: 0
	// false
}
