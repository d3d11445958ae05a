package task_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// What the library calls of the program, apart from coroutines and callbacks: the done
// callbacks of a Concurrent, and methods that a type of the program overrides. They may
// do what callbacks may, and fail as callbacks do.

// submitted runs a task to its end whose Concurrent has the callback, while a bystander
// suspends again and again and a sleeper waits. It returns what the bystander returned.
func submitted(ctx context.Context, callback func()) error {
	l := loop.Running(ctx)
	sleeper := task.Go(ctx, func(ctx context.Context) error { return task.Sleep(ctx, time.Hour) }, task.Name("sleeper"))
	defer sleeper.Cancel()
	tick(ctx)
	bystander := task.Go(ctx, func(ctx context.Context) error {
		for range 5 {
			if err := task.Yield(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	done := future.New[struct{}](l)
	c := task.RunCoroutineThreadsafe(l, func(context.Context) (int, error) { return 1, nil })
	c.AddDoneCallback(callback)
	c.AddDoneCallback(func() { _ = done.SetResult(struct{}{}) })
	if _, err := done.Await(ctx); err != nil {
		return err
	}
	return bystander.Join(ctx)
}

func TestConcurrentCallbackMayUseTheLoop(t *testing.T) {
	tree, ran := "", 0
	for name, callback := range map[string]func(l *loop.Loop){
		"show the tasks": func(l *loop.Loop) { tree = task.FormatTaskTree(loop.NewContext(context.Background(), l)) },
		"create a task":  func(l *loop.Loop) { task.CreateOn(l, func(context.Context) (int, error) { ran++; return 1, nil }) },
		"create an eager task": func(l *loop.Loop) {
			task.CreateOn(l, func(ctx context.Context) (int, error) { ran++; return 1, task.Yield(ctx) }, task.Eager())
		},
	} {
		t.Run(name, func(t *testing.T) {
			runTest(t, func(ctx context.Context) {
				check.NoError(t, submitted(ctx, func() { callback(loop.Running(ctx)) }))
			})
		})
	}
	check.Equal(t, "tasks that ran", ran, 2)
	if !strings.Contains(tree, "sleeper in ") {
		t.Errorf("the tree does not show the sleeper: %s", tree)
	}
}

func TestConcurrentCallbackThatPanicsIsReported(t *testing.T) {
	l := newTestLoop(t)
	reports := check.Collect(l)
	check.RunOn(t, l, func(ctx context.Context) {
		check.NoError(t, submitted(ctx, func() { panic(errTest) }))
		all := reports.Taken()
		check.Equal(t, "number of reports", len(all), 1)
		check.Is(t, all[0].Err, errTest)
		if !strings.HasPrefix(all[0].Message, "Exception in callback task_test.") {
			t.Errorf("the report does not name the callback: %s", all[0].Message)
		}
		ticks(ctx, 2) // the sleeper ends
		check.Equal(t, "tasks", len(task.All(ctx)), 1)
	})
}

func TestConcurrentCallbackThatExitsEndsTheRun(t *testing.T) {
	l := newTestLoop(t)
	later, unwound := false, false
	exited(func() {
		_, _ = task.RunUntilComplete(l, task.Void(func(ctx context.Context) error {
			defer func() { unwound = true }()
			c := task.RunCoroutineThreadsafe(l, func(context.Context) (int, error) { return 1, nil })
			c.AddDoneCallback(runtime.Goexit)
			c.AddDoneCallback(func() { later = true })
			return task.Sleep(ctx, time.Hour)
		}))
		t.Error("the run goes on")
	})
	check.NoError(t, l.Close())
	check.Equal(t, "the second callback was called", later, true)
	check.Equal(t, "the main coroutine was unwound", unwound, true)
}

// exited calls fn on a goroutine of its own, which fn may end, and waits for that.
func exited(fn func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		fn()
	}()
	<-done
}

// overridden is a future with a Result method of the program's.
type overridden struct {
	*future.Future[int]
	result func() (int, error)
}

func (o overridden) Result() (int, error) { return o.result() }

func TestOverriddenResultMayPanic(t *testing.T) {
	bad := func(ctx context.Context) overridden {
		return overridden{newFuture[int](ctx), func() (int, error) { panic(errTest) }}
	}
	for name, combine := range map[string]func(ctx context.Context, f overridden) error{
		"gather": func(ctx context.Context, f overridden) error {
			_, err := task.Gather(ctx, f).Await(ctx)
			return err
		},
		"gather settled": func(ctx context.Context, f overridden) error {
			_, err := task.GatherSettled(ctx, f).Await(ctx)
			return err
		},
		"gather of the same twice": func(ctx context.Context, f overridden) error {
			_, err := task.Gather(ctx, future.Awaitable[int](f.Future), future.Awaitable[int](f)).Await(ctx)
			return err
		},
		"gather with another": func(ctx context.Context, f overridden) error {
			g := task.Gather(ctx, future.Awaitable[int](returns(ms, 1)), future.Awaitable[int](f))
			_, err := g.Await(ctx)
			return err
		},
		"shield": func(ctx context.Context, f overridden) error {
			_, err := task.Shield(ctx, f).Await(ctx)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			runTest(t, func(ctx context.Context) {
				bystander := task.Go(ctx, func(ctx context.Context) error { ticks(ctx, 10); return nil })
				f := bad(ctx)
				task.Go(ctx, func(context.Context) error { return f.SetResult(1) })
				err := combine(ctx, f)
				var p *task.PanicError
				check.Equal(t, "is a panic", errors.As(err, &p), true)
				check.Is(t, err, errTest)
				check.NoError(t, bystander.Join(ctx))
			})
		})
	}
}

func TestOverriddenResultIsGathered(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		l := loop.Running(ctx)
		f := overridden{newFuture[int](ctx), func() (int, error) {
			// It may do what callbacks may.
			task.CreateOn(l, func(context.Context) (int, error) { return 0, nil }, task.Eager())
			return 7, nil
		}}
		l.CallSoon(func() { check.NoError(t, f.SetResult(1)) })
		gives(t, ctx, task.Gather(ctx, f), []int{7})
	})
}

// Not on the goroutine of the task that has completed the future, nor on that of any other.
func TestOverriddenResultRunsOnTheLoopsGoroutine(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		var own, got uintptr
		loop.Running(ctx).CallSoon(func() { own = kernel.Goroutine() })
		f := overridden{newFuture[int](ctx), func() (int, error) { got = kernel.Goroutine(); return 7, nil }}
		task.Go(ctx, func(context.Context) error { return f.SetResult(1) })
		gives(t, ctx, task.Gather(ctx, future.Typed[int](f), future.Typed[int](task.Create(ctx, returns(0, 8)))), []int{7, 8})
		check.Equal(t, "it ran on the loop's goroutine", got == own, true)
	})
}

func TestEagerTaskThatExitsEndsTheRun(t *testing.T) {
	for name, start := range map[string]func(ctx context.Context, exit func(context.Context) error){
		"created": func(ctx context.Context, exit func(context.Context) error) {
			task.Go(ctx, exit, task.Eager())
		},
		"in a group": func(ctx context.Context, exit func(context.Context) error) {
			_ = task.WithGroup(ctx, func(_ context.Context, g *task.Group) error {
				g.Go(exit, task.Eager())
				return nil
			})
		},
		"in a callback": func(ctx context.Context, exit func(context.Context) error) {
			l := loop.Running(ctx)
			l.CallSoon(func() { task.CreateOn(l, task.Void(exit), task.Eager()) })
		},
		"by a factory": func(ctx context.Context, exit func(context.Context) error) {
			task.SetFactory(loop.Running(ctx), task.EagerFactory)
			task.Go(ctx, exit)
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := newTestLoop(t)
			reports := check.Collect(l)
			unwound := false
			exited(func() {
				_, _ = task.RunUntilComplete(l, task.Void(func(ctx context.Context) error {
					defer func() { unwound = true }()
					start(ctx, func(context.Context) error { runtime.Goexit(); return nil })
					return task.Sleep(ctx, time.Hour)
				}))
				t.Error("the run goes on")
			})
			check.NoError(t, l.Close())
			check.Equal(t, "the main coroutine was unwound", unwound, true)
			check.Equal(t, "reports", reports.Messages(), []string{})
		})
	}
}

func TestFactoryMayExit(t *testing.T) {
	l := newTestLoop(t)
	exited(func() {
		_, _ = task.RunUntilComplete(l, task.Void(func(ctx context.Context) error {
			task.SetFactory(l, func(_ *loop.Loop, s task.Settings) task.Settings { runtime.Goexit(); return s })
			task.Go(ctx, func(context.Context) error { return nil })
			t.Error("the task goes on")
			return nil
		}))
		t.Error("the run goes on")
	})
	check.NoError(t, l.Close())
}

func TestCloseGoesOnWhenTheHandlerExits(t *testing.T) {
	l := newTestLoop(t)
	told, unwound := 0, 0
	check.RunOn(t, l, func(ctx context.Context) {
		for range 3 {
			task.Go(ctx, func(ctx context.Context) error {
				defer func() { unwound++ }()
				return task.Sleep(ctx, time.Hour)
			})
		}
		tick(ctx)
	})
	c := task.RunCoroutineThreadsafe(l, func(context.Context) (int, error) { return 1, nil })
	l.SetExceptionHandler(func(*loop.Loop, loop.ExceptionContext) { told++; runtime.Goexit() })
	exited(func() {
		_ = l.Close()
		t.Error("Close returned, although the handler ended its goroutine")
	})
	check.Equal(t, "reports", told, 3)
	check.Equal(t, "tasks that were unwound", unwound, 3)
	check.Is(t, c.Err(), loop.ErrClosed)
}
