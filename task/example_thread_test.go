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

// A function that blocks goes to a goroutine of its own, so that the loop goes
// on. A virtual clock does not move meanwhile: the sleep beside it ends after it.
func ExampleToThread() {
	blockingIO := func(ctx context.Context) (string, error) {
		fmt.Println("start blocking_io at", timeOfDay(ctx))
		// Say, read a file.
		fmt.Println("blocking_io complete at", timeOfDay(ctx))
		return "text", nil
	}
	inThread := func(ctx context.Context) (string, error) { return task.ToThread(ctx, blockingIO) }
	sleep := func(ctx context.Context) (string, error) { return task.SleepResult(ctx, time.Second, "slept") }
	runVirtually(func(ctx context.Context) error {
		fmt.Println("started main at", timeOfDay(ctx))
		results, err := task.Gather(ctx, task.Coro(inThread), task.Coro(sleep)).Await(ctx)
		fmt.Println("finished main at", timeOfDay(ctx), results)
		return err
	})
	// Output:
	// started main at 00:00:00
	// start blocking_io at 00:00:00
	// blocking_io complete at 00:00:00
	// finished main at 00:00:01 [text slept]
}

// What has been paid must be written down, whoever has lost patience meanwhile.
func ExampleToThreadUntilDone() {
	runVirtually(func(ctx context.Context) error {
		asked, answer := make(chan struct{}), make(chan int)
		pay := func(ctx context.Context) (int, error) { // say, a call of a bank
			close(asked)
			return <-answer, nil
		}
		payment := task.Go(ctx, func(ctx context.Context) error {
			number, err := task.ToThreadUntilDone(ctx, pay)
			if err != nil {
				return err // nothing was paid
			}
			fmt.Println("paid, number", number)
			return task.Sleep(ctx, time.Hour) // the cancellation comes here
		})
		if _, _, err := task.Receive(ctx, asked); err != nil {
			return err
		}
		payment.Cancel()
		go func() { answer <- 17 }()
		fmt.Println(payment.Join(ctx))
		return nil
	})
	// Output:
	// paid, number 17
	// cancelled
}

// An executor of your own: this one does one thing at a time.
func ExampleRunInExecutor() {
	runVirtually(func(ctx context.Context) error {
		single := loop.NewPool(1)
		defer func() { _ = single.Shutdown(context.Background()) }()
		sum := task.RunInExecutor(loop.Running(ctx), single, func() (int64, error) {
			sum := int64(0)
			for i := range int64(10_000) {
				sum += i * i
			}
			return sum, nil
		})
		fmt.Println(sum.Await(ctx))
		return nil
	})
	// Output: 333283335000 <nil>
}

// Receive awaits a Go channel.
func ExampleReceive() {
	runVirtually(func(ctx context.Context) error {
		numbers := make(chan int)
		go func() {
			defer close(numbers)
			for i := range 3 {
				numbers <- i
			}
		}()
		for {
			n, ok, err := task.Receive(ctx, numbers)
			if err != nil {
				return err
			}
			if !ok {
				fmt.Println("closed")
				return nil
			}
			fmt.Println(n)
		}
	})
	// Output:
	// 0
	// 1
	// 2
	// closed
}

// onAnotherGoroutine runs a loop on a goroutine of its own while it calls use.
func onAnotherGoroutine(use func(l *loop.Loop)) {
	l := loop.New()
	ended := make(chan error)
	go func() { ended <- l.RunForever() }()
	use(l)
	l.Stop()
	if err := <-ended; err != nil {
		fmt.Println("error:", err)
	}
	if err := l.Close(); err != nil {
		fmt.Println("error:", err)
	}
}

// Any goroutine may submit a coroutine to a loop, and block for its result.
func ExampleRunCoroutineThreadsafe() {
	onAnotherGoroutine(func(l *loop.Loop) {
		result := task.RunCoroutineThreadsafe(l, func(ctx context.Context) (int, error) {
			return task.SleepResult(ctx, time.Millisecond, 3)
		})
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		fmt.Println(result.Result(ctx))
	})
	// Output: 3 <nil>
}

// The end of the context ends the waiting, not the work: that is to be cancelled.
func ExampleRunCoroutineThreadsafe_timeout() {
	onAnotherGoroutine(func(l *loop.Loop) {
		cleaned := make(chan string)
		result := task.RunCoroutineThreadsafe(l, func(ctx context.Context) (int, error) {
			_, err := future.New[int](loop.Running(ctx)).Await(ctx) // for ever
			go func() { cleaned <- fmt.Sprint("the coroutine was ", err) }()
			return 0, err
		})
		ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
		defer cancel()
		_, err := result.Result(ctx)
		switch {
		case errors.Is(err, context.DeadlineExceeded):
			fmt.Println("The coroutine took too long, cancelling the task...")
			result.Cancel()
		case err != nil:
			fmt.Println("The coroutine raised an exception:", err)
		}
		fmt.Println(<-cleaned)
	})
	// Output:
	// The coroutine took too long, cancelling the task...
	// the coroutine was cancelled
}

func ExampleRunCoroutineThreadsafe_exception() {
	onAnotherGoroutine(func(l *loop.Loop) {
		result := task.RunCoroutineThreadsafe(l, func(ctx context.Context) (int, error) {
			return 0, errors.New("no connection")
		})
		_, err := result.Result(context.Background())
		fmt.Println("The coroutine raised an exception:", err)
	})
	// Output: The coroutine raised an exception: no connection
}
