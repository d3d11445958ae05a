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

// runVirtually is task.Main on a virtual clock.
func runVirtually(main func(ctx context.Context) error) {
	clock := loop.WithClock(timers.NewVirtual(time.Time{}))
	if err := task.Main(context.Background(), main, task.WithLoopOptions(clock)); err != nil {
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
		err := sayAfter(ctx, 2*time.Second, "world")
		fmt.Println("finished at", timeOfDay(ctx))
		return err
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
		hello := task.Go(ctx, func(ctx context.Context) error { return sayAfter(ctx, time.Second, "hello") })
		world := task.Go(ctx, func(ctx context.Context) error { return sayAfter(ctx, 2*time.Second, "world") })
		fmt.Println("started at", timeOfDay(ctx))
		if err := hello.Join(ctx); err != nil {
			return err
		}
		err := world.Join(ctx)
		fmt.Println("finished at", timeOfDay(ctx))
		return err
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
			g.Go(func(ctx context.Context) error { return sayAfter(ctx, time.Second, "hello") })
			g.Go(func(ctx context.Context) error { return sayAfter(ctx, 2*time.Second, "world") })
			return nil
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
		fmt.Println(nested(ctx))

		t := task.Create(ctx, nested)
		fmt.Println(t.Done())
		fmt.Println(t.Await(ctx))
		fmt.Println(t.Done())
		return nil
	})
	// Output:
	// 42 <nil>
	// false
	// 42 <nil>
	// true
}

// Tasks in the background: a set of those that are not finished, from which each
// removes itself. The set is for those who want to know; the loop itself keeps a
// task alive until it is finished.
func Example_background() {
	runVirtually(func(ctx context.Context) error {
		background := map[task.Any]bool{}
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
		return task.SleepResult(ctx, time.Millisecond, 42)
	})
	fmt.Println(answer, err)
	// Output: 42 <nil>
}

// Main runs a program that has no result.
func ExampleMain() {
	err := task.Main(context.Background(), func(ctx context.Context) error {
		fmt.Println("Hello ...")
		err := task.Sleep(ctx, time.Millisecond)
		fmt.Println("... World!")
		return err
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// Hello ...
	// ... World!
}

// The end of the context cancels the main coroutine, once. What Main returns then
// is the reason. With a context of signal.NotifyContext that is how a program ends
// on Ctrl+C.
func ExampleMain_context() {
	ctx, quit := context.WithCancelCause(context.Background())
	err := task.Main(ctx, func(ctx context.Context) error {
		defer fmt.Println("cleaned up")
		quit(errors.New("the user has had enough"))
		return task.Sleep(ctx, time.Hour)
	})
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
		fmt.Println(t.Await(ctx))
		return nil
	})
	// Output:
	// created greeter
	// the task begins
	// done <nil>
}

func ExampleGo() {
	err := task.Main(context.Background(), func(ctx context.Context) error {
		t := task.Go(ctx, func(ctx context.Context) error { return errors.New("the disk is full") })
		return t.Join(ctx)
	})
	fmt.Println(err)
	// Output: the disk is full
}

// Callbacks have no context: they create tasks on their loop.
func ExampleCreateOn() {
	runVirtually(func(ctx context.Context) error {
		l := loop.Running(ctx)
		l.CallLater(time.Second, func() {
			task.CreateOn(l, task.Void(func(ctx context.Context) error {
				fmt.Println("a task at", timeOfDay(ctx))
				return nil
			}))
		})
		return task.Sleep(ctx, time.Minute)
	})
	// Output: a task at 00:00:01
}

// EnsureFuture takes whatever can be awaited. What is a future already stays
// what it is.
func ExampleEnsureFuture() {
	runVirtually(func(ctx context.Context) error {
		answer := task.Coro(func(ctx context.Context) (int, error) { return 42, nil })
		f := task.EnsureFuture(ctx, answer)
		fmt.Println(task.EnsureFuture(ctx, f) == f)
		fmt.Println(f.Await(ctx))
		return nil
	})
	// Output:
	// true
	// 42 <nil>
}

// Gather takes whatever can be awaited. Coro makes that of a function, and the type
// of its result need not be named.
func ExampleCoro() {
	answer := func(ctx context.Context) (int, error) { return 42, nil }
	question := func(ctx context.Context) (int, error) { return 6 * 7, nil }
	runVirtually(func(ctx context.Context) error {
		fmt.Println(task.Gather(ctx, task.Coro(answer), task.Coro(question)).Await(ctx))
		return nil
	})
	// Output: [42 42] <nil>
}

// Void is Coro for a function without a result.
func ExampleVoid() {
	runVirtually(func(ctx context.Context) error {
		hello := task.Void(func(ctx context.Context) error { return sayAfter(ctx, time.Second, "hello") })
		_, err := task.WaitFor(ctx, hello, time.Minute)
		return err
	})
	// Output: hello
}

func ExampleIsCoroutine() {
	answer := func(ctx context.Context) (int, error) { return 42, nil }
	fmt.Println(task.IsCoroutine(answer), task.IsCoroutine(42))
	// Output: true false
}

// Join waits for something of any type, here for futures and tasks one after the
// other, and returns the exception.
func ExampleJoin() {
	runVirtually(func(ctx context.Context) error {
		answer := task.Create(ctx, func(ctx context.Context) (int, error) { return 42, nil })
		hello := task.Go(ctx, func(ctx context.Context) error { return sayAfter(ctx, time.Second, "hello") })
		for _, w := range []future.Waitable{answer, hello, task.Gather(ctx, answer)} {
			if err := task.Join(ctx, w); err != nil {
				return err
			}
		}
		fmt.Println("all are done at", timeOfDay(ctx))
		return nil
	})
	// Output:
	// hello
	// all are done at 00:00:01
}

// Join is for those who need no result.
func ExampleTask_Join() {
	runVirtually(func(ctx context.Context) error {
		return task.Go(ctx, func(ctx context.Context) error {
			return sayAfter(ctx, time.Second, "hello")
		}).Join(ctx)
	})
	// Output: hello
}

func ExampleCurrent() {
	runVirtually(func(ctx context.Context) error {
		task.Current(ctx).SetName("main")
		introduce := func(ctx context.Context) error {
			fmt.Println("this is", task.Current(ctx).Name())
			return nil
		}
		task.Go(ctx, introduce, task.Name("reader"))
		task.Go(ctx, introduce, task.Name("writer"))
		if err := introduce(ctx); err != nil { // called: in the same task
			return err
		}
		return task.Yield(ctx)
	})
	// Output:
	// this is main
	// this is reader
	// this is writer
}

// Callbacks have no context, and belong to no task.
func ExampleCurrentOn() {
	runVirtually(func(ctx context.Context) error {
		l := loop.Running(ctx)
		l.CallSoon(func() { fmt.Println("in a callback:", task.CurrentOn(l)) })
		fmt.Println("in a task:", task.CurrentOn(l) == task.Current(ctx))
		return task.Yield(ctx)
	})
	// Output:
	// in a task: true
	// in a callback: <nil>
}

// All tells who is still at work. Tasks without a name of their own are counted,
// by each loop for itself.
func ExampleAll() {
	runVirtually(func(ctx context.Context) error {
		sleep := func(ctx context.Context) error { return task.Sleep(ctx, time.Second) }
		task.Go(ctx, sleep)
		task.Go(ctx, sleep, task.Name("sleeper"))
		for _, t := range task.All(ctx) {
			fmt.Println(t.Name())
		}
		err := task.Sleep(ctx, time.Minute)
		fmt.Println("left:", len(task.All(ctx)))
		return err
	})
	// Output:
	// Task-1
	// Task-2
	// sleeper
	// left: 1
}

// A loop knows its tasks, also before it runs.
func ExampleAllOn() {
	l := loop.New()
	hello := task.CreateOn(l, func(ctx context.Context) (string, error) { return "hello", nil })
	fmt.Println(len(task.AllOn(l)))
	fmt.Println(task.RunUntilComplete(l, hello))
	fmt.Println(len(task.AllOn(l)), l.Close())
	// Output:
	// 1
	// hello <nil>
	// 0 <nil>
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
		err := task.Go(outer, func(ctx context.Context) error {
			return task.Sleep(outer, time.Second) // ctx was meant
		}, task.Name("child")).Join(outer)
		fmt.Println(errors.Is(err, task.ErrNotCurrent))
		fmt.Println(err)
		return nil
	})
	// Output:
	// true
	// task: await through the context of task "main" while task "child" is running: await with the context that the running coroutine was given
}
