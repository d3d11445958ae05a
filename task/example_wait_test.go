package task_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/goasyncio/asyncio/task"
)

// startThree starts a task that takes a second, one that fails after two, and one
// that takes three.
func startThree(ctx context.Context) []*task.Task[struct{}] {
	return []*task.Task[struct{}]{
		task.Go(ctx, func(ctx context.Context) error {
			return task.Sleep(ctx, time.Second)
		}, task.Name("quick")),
		task.Go(ctx, func(ctx context.Context) error {
			if err := task.Sleep(ctx, 2*time.Second); err != nil {
				return err
			}
			return errors.New("broken")
		}, task.Name("broken")),
		task.Go(ctx, func(ctx context.Context) error {
			return task.Sleep(ctx, 3*time.Second)
		}, task.Name("slow")),
	}
}

func namesOf(tasks []*task.Task[struct{}]) []string {
	all := []string{}
	for _, t := range tasks {
		all = append(all, t.Name())
	}
	return all
}

// Wait waits for all, unless it is told otherwise. It does not fail because they
// do.
func ExampleWait() {
	runVirtually(func(ctx context.Context) error {
		done, pending, err := task.Wait(ctx, startThree(ctx))
		fmt.Println(namesOf(done), namesOf(pending), "at", timeOfDay(ctx))
		fmt.Println(done[1].Err())
		return err
	})
	// Output:
	// [quick broken slow] [] at 00:00:03
	// broken
}

func ExampleWait_firstCompleted() {
	runVirtually(func(ctx context.Context) error {
		done, pending, err := task.Wait(ctx, startThree(ctx), task.FirstCompleted)
		fmt.Println(namesOf(done), namesOf(pending), "at", timeOfDay(ctx))
		return err
	})
	// Output: [quick] [broken slow] at 00:00:01
}

func ExampleWait_firstException() {
	runVirtually(func(ctx context.Context) error {
		done, pending, err := task.Wait(ctx, startThree(ctx), task.FirstException)
		fmt.Println(namesOf(done), namesOf(pending), "at", timeOfDay(ctx))
		return err
	})
	// Output: [quick broken] [slow] at 00:00:02
}

// Running out of time is no error, and cancels nothing.
func ExampleWait_within() {
	runVirtually(func(ctx context.Context) error {
		_, pending, err := task.Wait(ctx, startThree(ctx), task.Within(1500*time.Millisecond))
		for _, t := range pending {
			fmt.Println(t.Name(), t.Cancelled())
		}
		return err
	})
	// Output:
	// broken false
	// slow false
}

// connectTo stands for opening a connection.
func connectTo(delay time.Duration, address string) task.Coroutine[string] {
	return func(ctx context.Context) (string, error) {
		return task.SleepResult(ctx, delay, address)
	}
}

// AsCompleted yields the very tasks that it was given, so that they can be told
// apart.
func ExampleAsCompleted() {
	runVirtually(func(ctx context.Context) error {
		ipv4 := task.Create(ctx, connectTo(2*time.Second, "127.0.0.1"))
		ipv6 := task.Create(ctx, connectTo(time.Second, "::1"))
		for earliest, err := range task.AsCompleted(ctx, []*task.Task[string]{ipv4, ipv6}) {
			if err != nil {
				return err
			}
			if earliest == ipv6 {
				fmt.Print("IPv6 connection established: ")
			} else {
				fmt.Print("IPv4 connection established: ")
			}
			fmt.Println(earliest.Result())
		}
		return nil
	})
	// Output:
	// IPv6 connection established: ::1 <nil>
	// IPv4 connection established: 127.0.0.1 <nil>
}

// What is not done in time comes out as a timeout, and is not cancelled.
func ExampleAsCompleted_within() {
	runVirtually(func(ctx context.Context) error {
		tasks := []*task.Task[string]{
			task.Create(ctx, connectTo(time.Hour, "127.0.0.1")),
			task.Create(ctx, connectTo(time.Second, "::1")),
		}
		for t, err := range task.AsCompleted(ctx, tasks, task.Within(time.Minute)) {
			if errors.Is(err, context.DeadlineExceeded) {
				fmt.Println("the other one takes too long")
				continue
			}
			fmt.Println(t.Result())
		}
		fmt.Println(tasks[0].Done())
		return nil
	})
	// Output:
	// ::1 <nil>
	// the other one takes too long
	// false
}

// The waiting is cancelled, the work goes on.
func ExampleShield() {
	something := func(ctx context.Context) (string, error) {
		return task.SleepResult(ctx, 2*time.Second, "something")
	}
	runVirtually(func(ctx context.Context) error {
		work := task.Create(ctx, something)
		_, err := task.WaitFor(ctx, task.Shield(ctx, work), time.Second)
		fmt.Println(err, work.Done())
		fmt.Println(work.Await(ctx))
		return nil
	})
	// Output:
	// task: timed out after 1s false
	// something <nil>
}
