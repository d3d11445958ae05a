package task_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
)

// eternity sleeps for an hour.
func eternity(ctx context.Context) error { return sayAfter(ctx, time.Hour, "yay!") }

func ExampleWaitFor() {
	runVirtually(func(ctx context.Context) error {
		_, err := task.WaitFor(ctx, task.Void(eternity), time.Second)
		if errors.Is(err, context.DeadlineExceeded) {
			fmt.Println("timeout!")
			return nil
		}
		return err
	})
	// Output: timeout!
}

func ExampleWithTimeout() {
	runVirtually(func(ctx context.Context) error {
		err := task.WithTimeout(ctx, 10*time.Second, eternity)
		if errors.Is(err, context.DeadlineExceeded) {
			fmt.Println("The long operation timed out, but we've handled it.")
			err = nil
		}
		fmt.Println("This statement will run regardless.")
		return err
	})
	// Output:
	// The long operation timed out, but we've handled it.
	// This statement will run regardless.
}

// A deadline by the loop's clock.
func ExampleWithTimeoutAt() {
	runVirtually(func(ctx context.Context) error {
		deadline := loop.Running(ctx).Time().Add(20 * time.Second)
		err := task.WithTimeoutAt(ctx, deadline, eternity)
		fmt.Println(err, "at", timeOfDay(ctx))
		return nil
	})
	// Output: task: timed out after 20s at 00:00:20
}

// Expired tells a timeout's own cancellation from others, and from an error of the
// body that has the same type.
func ExampleTimeout() {
	runVirtually(func(ctx context.Context) error {
		t := task.NewTimeout(ctx, time.Minute)
		err := t.Run(ctx, func(ctx context.Context) error {
			return future.ErrTimeout // say, of a connection
		})
		fmt.Println(err, t.Expired())
		return nil
	})
	// Output: timed out false
}

// A timeout that is not known yet when it begins.
func ExampleTimeout_Reschedule() {
	runVirtually(func(ctx context.Context) error {
		t := task.NewTimeout(ctx, task.Forever)
		err := t.Run(ctx, func(ctx context.Context) error {
			if err := t.Reschedule(loop.Running(ctx).Time().Add(10 * time.Second)); err != nil {
				return err
			}
			return eternity(ctx)
		})
		if t.Expired() {
			fmt.Println("Looks like we haven't finished on time:", err, "at", timeOfDay(ctx))
		}
		return nil
	})
	// Output: Looks like we haven't finished on time: task: timed out after 10s at 00:00:10
}

// What ends a context of package context ends an await with it. The error is the
// cause.
func ExampleTask_Await_context() {
	runVirtually(func(ctx context.Context) error {
		never := task.Create(ctx, future.New[int](loop.Running(ctx)).Await)
		impatient, cancel := context.WithCancelCause(ctx)
		cancel(errors.New("no time"))
		fmt.Println(never.Await(impatient))
		fmt.Println(never.Cancelled())
		return nil
	})
	// Output:
	// 0 no time
	// true
}

// The documentation's display_date: the time every second, for five seconds.
func ExampleSleep() {
	runVirtually(func(ctx context.Context) error {
		for range 5 {
			fmt.Println(timeOfDay(ctx))
			if err := task.Sleep(ctx, time.Second); err != nil {
				return err
			}
		}
		return nil
	})
	// Output:
	// 00:00:00
	// 00:00:01
	// 00:00:02
	// 00:00:03
	// 00:00:04
}

func ExampleSleepResult() {
	runVirtually(func(ctx context.Context) error {
		v, err := task.SleepResult(ctx, time.Second, "hello")
		fmt.Println(v, "at", timeOfDay(ctx))
		return err
	})
	// Output: hello at 00:00:01
}

// Yield lets the others have a turn.
func ExampleYield() {
	count := func(ctx context.Context) error {
		for i := range 3 {
			fmt.Println(task.Current(ctx).Name(), i)
			if err := task.Yield(ctx); err != nil {
				return err
			}
		}
		return nil
	}
	runVirtually(func(ctx context.Context) error {
		task.Go(ctx, count, task.Name("a"))
		return task.Go(ctx, count, task.Name("b")).Join(ctx)
	})
	// Output:
	// a 0
	// b 0
	// a 1
	// b 1
	// a 2
	// b 2
}
