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

// suspensions are all ways to be suspended for ever, or for long.
var suspensions = []struct {
	name string
	wait func(ctx context.Context) error
}{
	{"a future", func(ctx context.Context) error {
		_, err := newFuture[int](ctx).Await(ctx)
		return err
	}},
	{"a sleep", func(ctx context.Context) error { return task.Sleep(ctx, time.Hour) }},
	{"another task", func(ctx context.Context) error {
		_, err := task.Create(ctx, returns(time.Hour, 1)).Await(ctx)
		return err
	}},
	{"a gather", func(ctx context.Context) error {
		_, err := task.Gather(ctx, []awaitable{returns(time.Hour, 1), newFuture[int](ctx)}...).Await(ctx)
		return err
	}},
	{"a settled gather", func(ctx context.Context) error {
		_, err := task.GatherSettled(ctx, returns(time.Hour, 1)).Await(ctx)
		return err
	}},
	{"a wait", func(ctx context.Context) error {
		_, _, err := task.Wait(ctx, []future.Waitable{newFuture[int](ctx), task.Create(ctx, returns(time.Hour, 1))})
		return err
	}},
	{"a wait with a timeout", func(ctx context.Context) error {
		_, _, err := task.Wait(ctx, []future.Waitable{newFuture[int](ctx)}, task.Within(time.Hour))
		return err
	}},
	{"a wait_for", func(ctx context.Context) error {
		_, err := task.WaitFor(ctx, returns(time.Hour, 1), time.Minute)
		return err
	}},
	{"a shield", func(ctx context.Context) error {
		_, err := task.Shield(ctx, returns(time.Hour, 1)).Await(ctx)
		return err
	}},
	{"as completed", func(ctx context.Context) error {
		for _, err := range task.AsCompleted(ctx, []*future.Future[int]{newFuture[int](ctx)}) {
			return err
		}
		return nil
	}},
	{"a group", func(ctx context.Context) error {
		return task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
			g.Go(sleepsLong)
			return nil
		})
	}},
	{"the body of a group", func(ctx context.Context) error {
		return task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
			return task.Sleep(ctx, time.Hour)
		})
	}},
	{"a timeout", func(ctx context.Context) error {
		return task.WithTimeout(ctx, time.Minute, func(ctx context.Context) error { return task.Sleep(ctx, time.Hour) })
	}},
	{"a thread", func(ctx context.Context) error {
		_, err := task.ToThread(ctx, func(ctx context.Context) (int, error) {
			<-ctx.Done()
			return 0, ctx.Err()
		})
		return err
	}},
	{"a thread, until done", func(ctx context.Context) error {
		_, err := task.ToThreadUntilDone(ctx, func(ctx context.Context) (int, error) {
			<-ctx.Done()
			return 0, ctx.Err()
		})
		return err
	}},
	{"a channel", func(ctx context.Context) error {
		_, _, err := task.Receive(ctx, make(chan int))
		return err
	}},
	{"a future, through a context with a timeout", func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, time.Hour)
		defer cancel()
		_, err := newFuture[int](ctx).Await(ctx)
		return err
	}},
}

func TestCloseUnwindsSuspendedTasks(t *testing.T) {
	for _, s := range suspensions {
		for _, debug := range []bool{false, true} {
			t.Run(s.name+map[bool]string{true: " in debug mode"}[debug], func(t *testing.T) {
				l := newTestLoop(t)
				l.SetDebug(debug)
				got := check.Collect(l)
				var events []string
				var late error
				task.CreateOn(l, task.Void(func(ctx context.Context) error {
					defer func() {
						events = append(events, "outer deferred")
						if value := recover(); value != nil {
							t.Errorf("there is something to recover: %v", value)
						}
					}()
					defer func() {
						events = append(events, "awaits")
						late = check.ErrorOf(func() error { return s.wait(ctx) })
						events = append(events, "refused")
					}()
					events = append(events, "waits")
					err := s.wait(ctx)
					events = append(events, "went on")
					return err
				}), task.Name("victim"))
				check.RunOn(t, l, func(ctx context.Context) { ticks(ctx, 3) })
				check.Equal(t, "before Close", events, []string{"waits"})
				check.NoError(t, l.Close())
				check.Equal(t, "after Close", events, []string{"waits", "awaits", "refused", "outer deferred"})
				check.Is(t, late, loop.ErrClosed)
				for _, e := range got.Taken() {
					check.Equal(t, "report", e.Message, "Task was destroyed but it is pending!")
				}
			})
		}
	}
}

func TestCloseUnwindsInTheOrderOfCreation(t *testing.T) {
	l := newTestLoop(t)
	got := check.Collect(l)
	var order []int
	for i := range 5 {
		task.CreateOn(l, task.Void(func(ctx context.Context) error {
			defer func() { order = append(order, i) }()
			return task.Sleep(ctx, time.Duration(5-i)*time.Hour)
		}))
	}
	check.RunOn(t, l, func(ctx context.Context) { ticks(ctx, 2) })
	check.NoError(t, l.Close())
	check.Equal(t, "unwound", order, []int{0, 1, 2, 3, 4})
	check.Equal(t, "reports", len(got.Messages()), 5)
}

func TestCloseNeverStartsATask(t *testing.T) {
	l := newTestLoop(t)
	got := check.Collect(l)
	tk := task.CreateOn(l, func(context.Context) (int, error) {
		t.Error("the coroutine ran")
		return 0, nil
	})
	check.NoError(t, l.Close())
	check.Equal(t, "done", tk.Done(), false)
	all := got.Taken()
	if len(all) != 1 || all[0].Message != "Task was destroyed but it is pending!" || all[0].Task != task.Any(tk) {
		t.Errorf("got reports %v", all)
	}
}

func TestCloseEndsTheContextsOfTasks(t *testing.T) {
	l := newTestLoop(t)
	check.Collect(l)
	ended := make(chan error, 1)
	tk := task.CreateOn(l, returns(time.Hour, 1))
	go func() {
		<-tk.Context().Done()
		ended <- tk.Context().Err()
	}()
	check.RunOn(t, l, func(ctx context.Context) { tick(ctx) })
	check.NoError(t, l.Close())
	check.Is(t, <-ended, context.Canceled)
}

func TestCloseReportsAPanicOfAnUnwoundCoroutine(t *testing.T) {
	l := newTestLoop(t)
	got := check.Collect(l)
	second := false
	task.CreateOn(l, task.Void(func(ctx context.Context) error {
		defer panic(errTest)
		return task.Sleep(ctx, time.Hour)
	}))
	task.CreateOn(l, task.Void(func(ctx context.Context) error {
		defer func() { second = true }()
		return task.Sleep(ctx, time.Hour)
	}))
	check.RunOn(t, l, func(ctx context.Context) { tick(ctx) })
	check.NoError(t, l.Close())
	check.Equal(t, "the other task was unwound", second, true)
	found := 0
	for _, e := range got.Taken() {
		var p *task.PanicError
		if errors.As(e.Err, &p) {
			found++
			check.Is(t, e.Err, errTest)
		}
	}
	check.Equal(t, "reports of the panic", found, 1)
}

// What is scheduled by a coroutine that is being unwound goes nowhere, and is
// refused or harmless.
func TestCloseMakesWhatAnUnwoundCoroutineDoesHarmless(t *testing.T) {
	l := newTestLoop(t)
	check.Collect(l)
	f := future.New[int](l)
	var set, created error
	task.CreateOn(l, task.Void(func(ctx context.Context) error {
		defer func() {
			set = f.SetResult(1)
			created = check.Panics(t, func() { task.Create(ctx, returns(0, 1)) })
		}()
		return task.Sleep(ctx, time.Hour)
	}))
	waiter := task.CreateOn(l, waits[int](f))
	check.RunOn(t, l, func(ctx context.Context) { tick(ctx) })
	check.NoError(t, l.Close())
	check.NoError(t, set)
	check.Is(t, created, loop.ErrClosed)
	check.Equal(t, "the waiting task is done", waiter.Done(), false)
}

// onOwnGoroutine runs fn and reports whether it returned, as opposed to ending its
// goroutine.
func onOwnGoroutine(fn func()) (returned bool) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		fn()
		returned = true
	}()
	<-done
	return returned
}

func TestGoexitInACoroutineEndsTheGoroutineOfTheLoop(t *testing.T) {
	deep := func(ctx context.Context) (int, error) {
		runtime.Goexit()
		return 0, nil
	}
	for name, coro := range map[string]task.Coroutine[int]{
		"at once": deep,
		"after a suspension": func(ctx context.Context) (int, error) {
			tick(ctx)
			return deep(ctx)
		},
		"in a timeout": func(ctx context.Context) (v int, err error) {
			err = task.WithTimeout(ctx, time.Second, func(ctx context.Context) error {
				tick(ctx)
				v, err = deep(ctx)
				return err
			})
			return v, err
		},
		"while another is suspended": func(ctx context.Context) (int, error) {
			task.Create(ctx, returns(time.Hour, 1))
			tick(ctx)
			return deep(ctx)
		},
	} {
		for _, debug := range []bool{false, true} {
			t.Run(name+map[bool]string{true: " in debug mode"}[debug], func(t *testing.T) {
				l := newTestLoop(t)
				l.SetDebug(debug)
				check.Collect(l)
				deferred := false
				tk := task.CreateOn(l, func(ctx context.Context) (int, error) {
					defer func() { deferred = true }()
					return coro(ctx)
				})
				if onOwnGoroutine(func() { _, _ = task.RunUntilComplete(l, tk) }) {
					t.Error("RunUntilComplete returned")
				}
				check.Equal(t, "deferred functions ran", deferred, true)
				check.Equal(t, "done", tk.Done(), true)
				check.Is(t, tk.Err(), task.ErrGoexit)
				check.Equal(t, "the loop runs", l.IsRunning(), false)
				got, err := task.RunUntilComplete(l, returns(time.Second, 7)) // it can be run again
				check.NoError(t, err)
				check.Equal(t, "result", got, 7)
			})
		}
	}
}

func TestGoexitInAnEagerStartEndsTheGoroutineOfTheLoop(t *testing.T) {
	l := newTestLoop(t)
	check.Collect(l)
	var child *task.Task[int]
	if onOwnGoroutine(func() {
		_, _ = task.RunUntilComplete(l, task.Void(func(ctx context.Context) error {
			child = task.Create(ctx, func(ctx context.Context) (int, error) {
				runtime.Goexit()
				return 0, nil
			}, task.Eager())
			tick(ctx)
			return nil
		}))
	}) {
		t.Error("RunUntilComplete returned")
	}
	if child != nil {
		check.Is(t, child.Err(), task.ErrGoexit)
	}
}

func TestGoexitInsideOfRunStillClosesTheLoop(t *testing.T) {
	for name, exit := range map[string]func(ctx context.Context){
		"in a coroutine": func(context.Context) { runtime.Goexit() },
		"in a callback": func(ctx context.Context) {
			loop.Running(ctx).CallSoon(runtime.Goexit)
			tick(ctx)
		},
	} {
		for _, handoff := range []task.Handoff{task.Channels, task.IterPull} {
			t.Run(name+" on "+handoff.String(), func(t *testing.T) {
				l := loop.New()
				task.SetHandoff(l, handoff)
				check.Collect(l)
				var other *task.Task[int]
				ended := false
				if onOwnGoroutine(func() {
					_, _ = task.Run(context.Background(), func(ctx context.Context) (int, error) {
						other = task.Create(ctx, func(ctx context.Context) (int, error) {
							defer func() { ended = true }()
							return 0, task.Sleep(ctx, time.Hour)
						})
						tick(ctx)
						exit(ctx)
						return 0, nil
					}, task.WithLoopFactory(func() *loop.Loop { return l }))
				}) {
					t.Error("Run returned")
				}
				check.Equal(t, "the loop is closed", l.IsClosed(), true)
				check.Equal(t, "the other task was cancelled", other.Cancelled(), true)
				check.Equal(t, "the other coroutine has ended", ended, true)
			})
		}
	}
}

func TestPanicInACoroutineBecomesItsException(t *testing.T) {
	for name, start := range map[string]func(context.Context, task.Coroutine[int]) *task.Task[int]{
		"a task": func(ctx context.Context, c task.Coroutine[int]) *task.Task[int] { return task.Create(ctx, c) },
		"an eager one": func(ctx context.Context, c task.Coroutine[int]) *task.Task[int] {
			return task.Create(ctx, c, task.Eager())
		},
		"after a suspension": func(ctx context.Context, c task.Coroutine[int]) *task.Task[int] {
			return task.Create(ctx, func(ctx context.Context) (int, error) {
				tick(ctx)
				return c(ctx)
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			runTest(t, func(ctx context.Context) {
				var p *task.PanicError
				_, err := start(ctx, explode).Await(ctx)
				if !errors.As(err, &p) {
					t.Fatalf("got %v", err)
				}
				check.Equal(t, "Value", p.Value, any("oh"))
				check.Equal(t, "Error()", p.Error(), "panic: oh ["+kernel.FuncName(explode)+"]")
				check.Equal(t, "the stack names the culprit", strings.Contains(string(p.Stack), "explode"), true)
				_, err = start(ctx, func(context.Context) (int, error) { panic(errTest) }).Await(ctx)
				check.Is(t, err, errTest)
			})
		})
	}
}

func explode(context.Context) (int, error) { panic("oh") }
