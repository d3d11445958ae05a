package task_test

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

// The examples of the asyncio documentation, and some more. They sleep for
// seconds and hours and take no time: their loops live on a virtual clock, which
// begins at midnight and jumps to the next deadline when there is nothing to do.

// runVirtually is task.Run on a virtual clock.
func runVirtually(main func(ctx context.Context) error) {
	clock := timers.NewVirtual(time.Time{})
	_, err := task.Run(context.Background(), task.Void(main), task.LoopOptions(loop.WithClock(clock)))
	if err != nil {
		fmt.Println("error:", err)
	}
}

// timeOfDay is the time of day by the loop's clock: time.strftime('%X').
func timeOfDay(ctx context.Context) string {
	return loop.Running(ctx).Time().UTC().Format(time.TimeOnly)
}

// sayAfter is a coroutine with arguments: a function that takes a context first.
func sayAfter(ctx context.Context, delay time.Duration, what string) error {
	if err := task.Sleep(ctx, delay); err != nil {
		return err
	}
	fmt.Println(what)
	return nil
}

// Calling a coroutine awaits it: one thing after the other, three seconds in all.
func Example_sequential() {
	runVirtually(func(ctx context.Context) error {
		fmt.Println("started at", timeOfDay(ctx))
		if err := sayAfter(ctx, time.Second, "hello"); err != nil {
			return err
		}
		if err := sayAfter(ctx, 2*time.Second, "world"); err != nil {
			return err
		}
		fmt.Println("finished at", timeOfDay(ctx))
		return nil
	})
	// Output:
	// started at 00:00:00
	// hello
	// world
	// finished at 00:00:03
}

// Tasks run side by side: both together take two seconds.
func Example_concurrent() {
	runVirtually(func(ctx context.Context) error {
		hello := task.Go(ctx, func(ctx context.Context) error {
			return sayAfter(ctx, time.Second, "hello")
		})
		world := task.Go(ctx, func(ctx context.Context) error {
			return sayAfter(ctx, 2*time.Second, "world")
		})
		fmt.Println("started at", timeOfDay(ctx))
		if _, err := hello.Await(ctx); err != nil {
			return err
		}
		if _, err := world.Await(ctx); err != nil {
			return err
		}
		fmt.Println("finished at", timeOfDay(ctx))
		return nil
	})
	// Output:
	// started at 00:00:00
	// hello
	// world
	// finished at 00:00:02
}

// A group waits for its tasks by itself.
func Example_group() {
	runVirtually(func(ctx context.Context) error {
		fmt.Println("started at", timeOfDay(ctx))
		err := task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
			if _, err := g.Go(func(ctx context.Context) error {
				return sayAfter(ctx, time.Second, "hello")
			}); err != nil {
				return err
			}
			_, err := g.Go(func(ctx context.Context) error {
				return sayAfter(ctx, 2*time.Second, "world")
			})
			return err
		})
		fmt.Println("finished at", timeOfDay(ctx))
		return err
	})
	// Output:
	// started at 00:00:00
	// hello
	// world
	// finished at 00:00:02
}

// A coroutine can be called, which awaits it in the same task, or be made a task
// of its own. One that is only mentioned does nothing.
func Example_nested() {
	nested := func(ctx context.Context) (int, error) { return 42, nil }
	runVirtually(func(ctx context.Context) error {
		_ = nested // nothing happens

		v, err := nested(ctx)
		if err != nil {
			return err
		}
		fmt.Println(v)

		t := task.Create(ctx, nested)
		fmt.Println(t.Done())
		v, err = t.Await(ctx)
		fmt.Println(v, t.Done())
		return err
	})
	// Output:
	// 42
	// false
	// 42 true
}

// Tasks in the background: a set of those that are not finished, from which each
// removes itself. The set is for those who want to know; the loop itself keeps a
// task alive until it is finished.
func Example_background() {
	runVirtually(func(ctx context.Context) error {
		background := map[*task.Task[struct{}]]bool{}
		for i := range 3 {
			t := task.Go(ctx, func(ctx context.Context) error {
				return sayAfter(ctx, time.Second, fmt.Sprint("task ", i))
			})
			background[t] = true
			t.AddDoneCallback(func() {
				delete(background, t)
				fmt.Println("left:", len(background))
			})
		}
		return task.Sleep(ctx, time.Minute)
	})
	// Output:
	// task 0
	// task 1
	// task 2
	// left: 2
	// left: 1
	// left: 0
}

// Run runs a program to its end and hands out its result.
func ExampleRun() {
	answer, err := task.Run(context.Background(), func(ctx context.Context) (int, error) {
		if err := task.Sleep(ctx, time.Millisecond); err != nil {
			return 0, err
		}
		return 42, nil
	})
	fmt.Println(answer, err)
	// Output: 42 <nil>
}

// The end of the context cancels the main coroutine, once. What Run returns then
// is the reason. With a context of signal.NotifyContext that is how a program ends
// on Ctrl+C.
func ExampleRun_context() {
	ctx, quit := context.WithCancelCause(context.Background())
	_, err := task.Run(ctx, task.Void(func(ctx context.Context) error {
		defer fmt.Println("cleaned up")
		quit(errors.New("the user has had enough"))
		return task.Sleep(ctx, time.Hour)
	}))
	fmt.Println(err)
	// Output:
	// cleaned up
	// the user has had enough
}

// A task begins when its creator suspends, and not before.
func ExampleCreate() {
	runVirtually(func(ctx context.Context) error {
		t := task.Create(ctx, func(ctx context.Context) (string, error) {
			fmt.Println("the task begins")
			return "done", nil
		}, task.Name("greeter"))
		fmt.Println("created", t.Name())
		v, err := t.Await(ctx)
		fmt.Println(v)
		return err
	})
	// Output:
	// created greeter
	// the task begins
	// done
}

func ExampleGo() {
	runVirtually(func(ctx context.Context) error {
		t := task.Go(ctx, func(ctx context.Context) error {
			return errors.New("the disk is full")
		})
		_, err := t.Await(ctx)
		fmt.Println(err)
		return nil
	})
	// Output: the disk is full
}

// Callbacks have no context: they create tasks on their loop.
func ExampleCreateOn() {
	runVirtually(func(ctx context.Context) error {
		l := loop.Running(ctx)
		begun := future.New[string](l)
		l.CallLater(time.Second, func() {
			task.CreateOn(l, task.Void(func(ctx context.Context) error {
				return begun.SetResult("at " + timeOfDay(ctx))
			}))
		})
		v, err := begun.Await(ctx)
		fmt.Println(v)
		return err
	})
	// Output: at 00:00:01
}

// EnsureFuture takes whatever can be awaited. What is a future already stays
// what it is.
func ExampleEnsureFuture() {
	runVirtually(func(ctx context.Context) error {
		answer := task.Coro(func(ctx context.Context) (int, error) { return 42, nil })
		f := task.EnsureFuture(ctx, answer)
		fmt.Println(task.EnsureFuture(ctx, f) == f)
		v, err := f.Await(ctx)
		fmt.Println(v)
		return err
	})
	// Output:
	// true
	// 42
}

// Void fits a function without a result to what wants a coroutine.
func ExampleVoid() {
	runVirtually(func(ctx context.Context) error {
		tick := task.Void(func(ctx context.Context) error {
			fmt.Println("tick")
			return nil
		})
		_, err := task.WaitFor(ctx, tick, time.Second)
		return err
	})
	// Output: tick
}

func ExampleCurrent() {
	runVirtually(func(ctx context.Context) error {
		task.Current(ctx).SetName("main")
		for _, name := range []string{"reader", "writer"} {
			task.Go(ctx, func(ctx context.Context) error {
				fmt.Println("this is", task.Current(ctx).Name())
				return nil
			}, task.Name(name))
		}
		for _, t := range task.All(ctx) {
			fmt.Println(t.Name())
		}
		return task.Yield(ctx)
	})
	// Output:
	// main
	// reader
	// writer
	// this is reader
	// this is writer
}

// All tells who is still at work. Tasks without a name of their own are counted,
// by each loop for itself.
func ExampleAll() {
	runVirtually(func(ctx context.Context) error {
		for range 2 {
			task.Go(ctx, func(ctx context.Context) error { return task.Sleep(ctx, time.Second) })
		}
		names := func() (all []string) {
			for _, t := range task.All(ctx) {
				all = append(all, t.Name())
			}
			return all
		}
		fmt.Println(names())
		err := task.Sleep(ctx, time.Minute)
		fmt.Println(names())
		return err
	})
	// Output:
	// [Task-1 Task-2 Task-3]
	// [Task-1]
}

// The values of a context take the place of context variables: a task inherits
// those of the context that it is created with, or of another one.
func ExampleInContext() {
	type userKey struct{}
	runVirtually(func(ctx context.Context) error {
		hello := func(ctx context.Context) error {
			fmt.Println("hello", ctx.Value(userKey{}))
			return nil
		}
		alice := context.WithValue(ctx, userKey{}, "Alice")
		bob := context.WithValue(context.Background(), userKey{}, "Bob")
		task.Go(alice, hello)
		task.Go(alice, hello, task.InContext(bob))
		return task.Yield(ctx)
	})
	// Output:
	// hello Alice
	// hello Bob
}

// Gather takes whatever can be awaited. Coro makes that of a function, and the type
// of its result need not be named.
func ExampleCoro() {
	answer := func(ctx context.Context) (int, error) { return 42, nil }
	question := func(ctx context.Context) (int, error) { return 6 * 7, nil }
	runVirtually(func(ctx context.Context) error {
		both, err := task.Gather(ctx, task.Coro(answer), task.Coro(question)).Await(ctx)
		fmt.Println(both)
		return err
	})
	// Output: [42 42]
}

func ExampleIsCoroutine() {
	answer := func(ctx context.Context) (int, error) { return 42, nil }
	fmt.Println(task.IsCoroutine(answer), task.IsCoroutine(42))
	// Output: true false
}

// A suspended task knows where it is.
func ExampleTask_Stack() {
	runVirtually(func(ctx context.Context) error {
		t := task.Go(ctx, func(ctx context.Context) error { return sayAfter(ctx, time.Hour, "late") })
		if err := task.Yield(ctx); err != nil {
			return err
		}
		for _, frame := range t.Stack() {
			if frame.Function == "github.com/goasyncio/asyncio/task_test.sayAfter" {
				fmt.Println("it is in sayAfter")
			}
		}
		return nil
	})
	// Output: it is in sayAfter
}

// An await through another task's context is refused: it would suspend the wrong
// one.
func Example_capturedContext() {
	runVirtually(func(outer context.Context) error {
		task.Current(outer).SetName("main")
		t := task.Go(outer, func(ctx context.Context) error {
			return task.Sleep(outer, time.Second) // ctx was meant
		}, task.Name("child"))
		_, err := t.Await(outer)
		fmt.Println(errors.Is(err, task.ErrNotCurrent))
		fmt.Println(err)
		return nil
	})
	// Output:
	// true
	// task: await through the context of task "main" while task "child" is running: await with the context that the running coroutine was given
}
