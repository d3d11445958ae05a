package task_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

func TestTaskBelongsToItsLoop(t *testing.T) {
	for range 3 {
		l := newTestLoop(t)
		tk := task.CreateOn(l, returns(0, "ok"))
		check.Equal(t, "loop", tk.Loop(), l)
		got, err := task.RunUntilComplete(l, tk)
		check.NoError(t, err)
		check.Equal(t, "result", got, "ok")
		check.Equal(t, "done", tk.Done(), true)
		again, err := tk.Result()
		check.NoError(t, err)
		check.Equal(t, "result", again, "ok")
	}
}

func TestCoroutineThatIsCalledMakesNoTask(t *testing.T) {
	for _, debug := range []bool{false, true} {
		t.Run(fmt.Sprintf("debug=%t", debug), func(t *testing.T) {
			l := newTestLoop(t)
			l.SetDebug(debug)
			inner := func(v int) task.Coroutine[int] {
				return func(ctx context.Context) (int, error) { return v, nil }
			}
			got, err := task.RunUntilComplete(l, task.Coroutine[int](func(ctx context.Context) (int, error) {
				a, err := inner(42)(ctx)
				check.NoError(t, err)
				b, err := inner(1000).Await(ctx)
				check.Equal(t, "tasks", len(task.All(ctx)), 1)
				return a + b, err
			}))
			check.NoError(t, err)
			check.Equal(t, "result", got, 1042)
		})
	}
}

func TestCreatedTaskBeginsInTheNextIteration(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		begun := false
		tk := task.Create(ctx, func(context.Context) (int, error) {
			begun = true
			return 1, nil
		}, task.Name("No-op"))
		check.Equal(t, "name", tk.Name(), "No-op")
		check.Equal(t, "begun", begun, false)
		gives(t, ctx, tk, 1)
		check.Equal(t, "begun", begun, true)
	})
}

func TestEnsureFuture(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		f, tk := newFuture[int](ctx), task.Create(ctx, returns(0, 1))
		if got := task.EnsureFuture(ctx, f); got != future.Typed[int](f) {
			t.Errorf("a future became %v", got)
		}
		if got := task.EnsureFuture(ctx, tk); got != future.Typed[int](tk) {
			t.Errorf("a task became %v", got)
		}
		for name, aw := range map[string]awaitable{"coroutine": returns(time.Second, 42), "awaitable": answer{}} {
			got := task.EnsureFuture(ctx, aw)
			if _, ok := got.(*intTask); !ok {
				t.Errorf("the %s became %v", name, got)
			}
			check.Equal(t, "loop", got.Loop(), loop.Running(ctx))
			gives(t, ctx, got, 42)
		}
	})
}

func TestFutureThatACoroutineReturnsIsNotAwaited(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		f := newFuture[int](ctx)
		tk := task.Create(ctx, func(context.Context) (*intFuture, error) { return f, nil })
		got, err := tk.Await(ctx)
		check.NoError(t, err)
		check.Equal(t, "result", got, f)
		check.Equal(t, "done", f.Done(), false)
	})
}

// callbacks counts the callbacks of a future.
func callbacks(w future.Waitable) (n int) {
	w.Kernel().Awaited(func(kernel.Job) { n++ })
	return n
}

func TestAwaitResumesOneIterationAfterTheResult(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		f := newFuture[int](ctx)
		tk := task.Create(ctx, waits[int](f))
		tick(ctx)
		check.Equal(t, "callbacks", callbacks(f), 1)
		check.NoError(t, f.SetResult(10))
		check.Equal(t, "done", tk.Done(), false)
		tick(ctx)
		check.Equal(t, "done", tk.Done(), true)
		gives(t, ctx, tk, 10)
	})
}

func TestAwaitAndRunUntilCompleteAddOneCallbackEach(t *testing.T) {
	l := newTestLoop(t)
	f := future.New[int](l)
	tk := task.CreateOn(l, waits[int](f))
	l.CallSoon(func() {
		l.CallSoon(func() {
			check.Equal(t, "callbacks of the future", callbacks(f), 1)
			check.Equal(t, "callbacks of the task", callbacks(tk), 1)
			check.NoError(t, f.SetResult(1))
		})
	})
	_, err := task.RunUntilComplete(l, tk)
	check.NoError(t, err)
	check.Equal(t, "callbacks of the task", callbacks(tk), 0)
}

func TestCurrentTask(t *testing.T) {
	l := newTestLoop(t)
	check.Equal(t, "outside", task.CurrentOn(l), nil)
	var inside []task.Any
	tk := task.CreateOn(l, task.Void(func(ctx context.Context) error {
		err := task.Yield(ctx)
		inside = append(inside, task.Current(ctx), task.CurrentOn(l))
		return err
	}))
	_, err := task.RunUntilComplete(l, tk)
	check.NoError(t, err)
	check.Equal(t, "inside", inside, []task.Any{tk, tk})
	check.Equal(t, "afterwards", task.CurrentOn(l), nil)
}

func TestCurrentTaskOfInterleavingTasks(t *testing.T) {
	l := newTestLoop(t)
	check.RunOn(t, l, func(ctx context.Context) {
		first, second := newFuture[int](ctx), newFuture[int](ctx)
		var a, b *intTask
		a = task.Create(ctx, func(ctx context.Context) (int, error) {
			check.Equal(t, "a begins", task.CurrentOn(l), task.Any(a))
			gives(t, ctx, first, 0)
			check.Equal(t, "a goes on", task.CurrentOn(l), task.Any(a))
			return 0, second.SetResult(0)
		})
		b = task.Create(ctx, func(ctx context.Context) (int, error) {
			check.Equal(t, "b begins", task.CurrentOn(l), task.Any(b))
			check.NoError(t, first.SetResult(0))
			check.Equal(t, "b goes on", task.CurrentOn(l), task.Any(b))
			gives(t, ctx, second, 0)
			check.Equal(t, "b goes on", task.CurrentOn(l), task.Any(b))
			return 0, nil
		})
		gives(t, ctx, a, 0)
		gives(t, ctx, b, 0)
	})
	check.Equal(t, "afterwards", task.CurrentOn(l), nil)
}

func TestAllTasksAreThoseThatAreNotDone(t *testing.T) {
	l := newTestLoop(t)
	ctx := loop.NewContext(context.Background(), l)
	check.Equal(t, "at first", len(task.All(ctx)), 0)
	a, b := task.CreateOn(l, returns(2*time.Second, 1)), task.CreateOn(l, returns(time.Second, 2))
	check.Equal(t, "created", task.All(ctx), []task.Any{a, b})
	_, err := task.RunUntilComplete(l, b)
	check.NoError(t, err)
	check.Equal(t, "one is done", task.All(ctx), []task.Any{a})
	_, err = task.RunUntilComplete(l, a)
	check.NoError(t, err)
	check.Equal(t, "both are done", len(task.All(ctx)), 0)
}

func TestTaskNames(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		pattern := regexp.MustCompile(`^Task-(\d+)$`)
		last := 0
		for range 3 {
			tk := task.Go(ctx, task.Yield)
			check.Equal(t, "has a number", pattern.MatchString(tk.Name()), true)
			n := 0
			_, err := fmt.Sscanf(tk.Name(), "Task-%d", &n)
			check.NoError(t, err)
			check.Equal(t, "numbers grow", n > last, true)
			last = n
		}
		tk := task.Go(ctx, task.Yield, task.Name("987654321"))
		check.Equal(t, "name", tk.Name(), "987654321")
		tk.SetName("renamed")
		check.Equal(t, "name", tk.Name(), "renamed")
		tick(ctx)
	})
}

func TestTaskKeepsTheNameItIsCreatedWith(t *testing.T) {
	l := newTestLoop(t)
	tk := task.CreateOn(l, returns(0, 1), task.Name("test_task"))
	check.Equal(t, "name", tk.Name(), "test_task")
	check.NoError(t, second(task.RunUntilComplete(l, tk)))
	seen := ""
	task.SetFactory(l, func(_ *loop.Loop, s task.Settings) task.Settings {
		seen = s.Name
		return s
	})
	tk = task.CreateOn(l, returns(0, 1), task.Name("test_task"))
	check.Equal(t, "name that the factory gets", seen, "test_task")
	check.Equal(t, "name with a factory", tk.Name(), "test_task")
	check.NoError(t, second(task.RunUntilComplete(l, tk)))
}

// However a task ends, it keeps its coroutine: as CPython's get_coro does.
func TestCoroutineStaysWhenTheTaskIsDone(t *testing.T) {
	for name, coro := range map[string]task.Coroutine[int]{
		"with a result":     func(ctx context.Context) (int, error) { return 1, task.Yield(ctx) },
		"without a suspend": func(context.Context) (int, error) { return 1, nil },
		"failed":            func(ctx context.Context) (int, error) { return 0, errTest },
		"panicked":          func(ctx context.Context) (int, error) { panic(errTest) },
		"cancelled":         func(ctx context.Context) (int, error) { return 0, sleepsLong(ctx) },
	} {
		for _, opts := range [][]task.Option{nil, {task.Eager()}} {
			calls := 0
			runTest(t, func(ctx context.Context) {
				tk := task.Create(ctx, func(ctx context.Context) (int, error) {
					calls++
					return coro(ctx)
				}, opts...)
				finishedAtOnce := tk.Done()
				isTheCoroutine := func(when string) {
					t.Helper()
					known := tk.Coroutine()
					if known == nil {
						t.Errorf("%s, %v: there is no coroutine %s", name, opts != nil, when)
						return
					}
					before := calls
					func() {
						defer func() { _ = recover() }()
						_, _ = known(context.Background())
					}()
					check.Equal(t, name+": it is the coroutine of the task", calls, before+1)
				}
				if finishedAtOnce {
					check.Equal(t, name+": eager", opts != nil, true)
					check.Equal(t, name+": coroutine", tk.Coroutine() == nil, true)
					_ = tk.Err()
					return
				}
				isTheCoroutine("at first")
				tick(ctx)
				tk.Cancel()
				_, _ = tk.Await(ctx)
				check.Equal(t, name+": done", tk.Done(), true)
				isTheCoroutine("at the end")
			})
		}
	}
}

func TestCoroutineStaysWhenTheTaskIsCancelledBeforeItBegins(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		tk := task.Create(ctx, idler)
		tk.Cancel()
		check.Cancelled(t, second(tk.Await(ctx)), "")
		v, err := tk.Coroutine()(ctx)
		check.NoError(t, err)
		check.Equal(t, "result", v, 5)
	})
}

func idler(ctx context.Context) (int, error) { return 5, task.Yield(ctx) }

func TestTaskString(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		f := newFuture[int](ctx)
		waiting := task.Create(ctx, waits[int](f), task.Name("w"))
		nested := task.Create(ctx, waits[int](waiting), task.Name("n"))
		failed := task.Create(ctx, fails[int](0, errTest), task.Name("f"))
		cancelled := task.Create(ctx, idler, task.Name("c"))
		tk := task.Create(ctx, idler, task.Name("x"))
		matches := func(what string, tk fmt.Stringer, pattern string) {
			t.Helper()
			if text := tk.String(); !regexp.MustCompile("^" + pattern + "$").MatchString(text) {
				t.Errorf("%s: got %s, want %s", what, text, pattern)
			}
		}
		coro := `coro=<task_test\.idler at task_test\.go:\d+>`
		matches("pending", tk, `<Task pending name='x' `+coro+`>`)
		tk.AddDoneCallback(noop)
		matches("with a callback", tk, `<Task pending name='x' `+coro+` cb=\[task_test\.noop at task_test\.go:\d+\]>`)
		cancelled.AddDoneCallback(noop)
		cancelled.Cancel()
		matches("cancelling", cancelled, `<Task cancelling name='c' `+coro+` cb=\[.*\]>`)
		ticks(ctx, 3)
		matches("finished", tk, `<Task finished name='x' `+coro+` result=5>`)
		matches("cancelled", cancelled, `<Task cancelled name='c' `+coro+`>`)
		matches("failed", failed, `<Task finished name='f' coro=<.*> exception="test error">`)
		matches("waiting", waiting, `<Task pending name='w' coro=<.*> wait_for=<Future pending cb=\[Task\.wakeup\(w\)\]> cb=\[Task\.wakeup\(n\)\]>`)
		matches("waiting for a task", nested, `<Task pending name='n' coro=<.*> wait_for=<Task name='w'>>`)
		check.Is(t, failed.Err(), errTest)
		check.NoError(t, f.SetResult(1))
		gives(t, ctx, nested, 1)
		check.Equal(t, "waits", strings.Contains(waiting.String(), "wait_for"), false)
	})
}

func TestTaskSaysInDebugModeWhereItWasCreated(t *testing.T) {
	var text strings.Builder
	log := slog.New(slog.NewTextHandler(&text, nil))
	l, clock := tasktest.NewLoop(t, tasktest.LoopOptions(loop.WithLogger(log)))
	l.SetExceptionHandler(nil)
	check.RunOn(t, l, func(ctx context.Context) {
		before := task.Create(ctx, idler)
		l.SetDebug(true)
		after := task.Go(ctx, func(context.Context) error { clock.Advance(time.Second); return errTest })
		created := regexp.MustCompile(` created at task_test\.go:\d+>$`)
		check.Equal(t, "before", created.MatchString(before.String()), false)
		check.Equal(t, "after", created.MatchString(after.String()), true)
		ticks(ctx, 2)
	})
	check.NoError(t, l.Close())
	for _, part := range []string{"Executing <Task finished name='Task-3' coro=<task_test.TestTaskSays", " took 1.000 seconds",
		"Task exception was never retrieved", "created at task_test.go:"} {
		check.Contains(t, text.String(), part)
	}
}

func noop() {}

func TestTaskStringWhenTheResultContainsTheTask(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		tk := task.Create(ctx, func(ctx context.Context) ([]task.Any, error) { return task.All(ctx), nil }, task.Name("snake"))
		_, err := tk.Await(ctx)
		check.NoError(t, err)
		text := tk.String()
		check.Equal(t, "it ends: "+text, strings.Count(text, "snake"), 2)
		check.Equal(t, "with dots", strings.Contains(text, "result=..."), true)
		f := newFuture[any](ctx)
		check.NoError(t, f.SetResult(f))
		check.Equal(t, "a future", f.String(), "<Future finished result=<Future finished result=...>>")
	})
}

// collected waits until the loop has been told of what the garbage collector has
// found, or it is clear that there is nothing.
func collected(ctx context.Context, got *check.Reports) []loop.ExceptionContext {
	for range 10 {
		runtime.GC()
		sentinel := make(chan struct{})
		runtime.AddCleanup(&struct{ p *int }{new(int)}, func(c chan struct{}) { close(c) }, sentinel)
		runtime.GC()
		<-sentinel
		ticks(ctx, 2)
		if all := got.Taken(); len(all) > 0 {
			return all
		}
	}
	return nil
}

func TestExceptionThatNobodyRetrievesIsReported(t *testing.T) {
	for _, test := range []struct {
		name     string
		message  string
		abandon  func(ctx context.Context)
		reported bool
	}{
		{"of a task", "Task exception was never retrieved", func(ctx context.Context) {
			task.Create(ctx, fails[int](0, errTest))
		}, true},
		{"of a future", "Future exception was never retrieved", func(ctx context.Context) {
			check.NoError(t, newFuture[int](ctx).SetException(errTest))
		}, true},
		{"retrieved by Err", "", func(ctx context.Context) {
			f := newFuture[int](ctx)
			check.NoError(t, f.SetException(errTest))
			check.Is(t, f.Err(), errTest)
		}, false},
		{"retrieved by Result", "", func(ctx context.Context) {
			f := newFuture[int](ctx)
			check.NoError(t, f.SetException(errTest))
			_, err := f.Result()
			check.Is(t, err, errTest)
		}, false},
		{"retrieved by an await", "", func(ctx context.Context) {
			_, err := task.Create(ctx, fails[int](0, errTest)).Await(ctx)
			check.Is(t, err, errTest)
		}, false},
		{"forgotten by Cancel", "", func(ctx context.Context) {
			tk := task.Create(ctx, fails[int](0, errTest))
			ticks(ctx, 3)
			check.Equal(t, "done", tk.Done(), true)
			check.Equal(t, "Cancel", tk.Cancel(), false)
		}, false},
		{"a future forgotten by Cancel", "", func(ctx context.Context) {
			f := newFuture[int](ctx)
			check.NoError(t, f.SetException(errTest))
			check.Equal(t, "Cancel", f.Cancel(), false)
		}, false},
		{"a result", "", func(ctx context.Context) { check.NoError(t, newFuture[int](ctx).SetResult(1)) }, false},
		{"a retrieved result", "", func(ctx context.Context) {
			f := newFuture[int](ctx)
			check.NoError(t, f.SetResult(1))
			gives(t, ctx, f, 1)
		}, false},
		{"a pending future", "", func(ctx context.Context) { newFuture[int](ctx) }, false},
		{"a cancelled task", "", func(ctx context.Context) { task.Create(ctx, returns(0, 1)).Cancel() }, false},
	} {
		for _, debug := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, debug=%t", test.name, debug), func(t *testing.T) {
				l := newTestLoop(t)
				l.SetDebug(debug)
				got := check.Collect(l)
				check.RunOn(t, l, func(ctx context.Context) {
					test.abandon(ctx)
					ticks(ctx, 3)
					all := collected(ctx, got)
					if !test.reported {
						check.Equal(t, "reports", len(all), 0)
						return
					}
					if len(all) != 1 {
						t.Fatalf("got reports %v", all)
					}
					check.Equal(t, "message", all[0].Message, test.message)
					check.Equal(t, "exception", all[0].Err, errTest)
					check.Equal(t, "reports again", len(collected(ctx, got)), 0)
				})
			})
		}
	}
}

func TestExceptionOfALostTaskIsReported(t *testing.T) {
	l := newTestLoop(t)
	r := check.Collect(l)
	func() {
		task.CreateOn(l, fails[int](0, errTest))
		for range 3 {
			l.Poll()
		}
	}()
	var got []loop.ExceptionContext
	for guard := time.Now().Add(20 * time.Second); len(got) == 0 && time.Now().Before(guard); {
		runtime.GC()
		runtime.Gosched()
		l.Poll()
		got = r.Taken()
	}
	if len(got) != 1 {
		t.Fatalf("%d reports", len(got))
	}
	check.Equal(t, "message", got[0].Message, "Task exception was never retrieved")
	check.Is(t, got[0].Err, errTest)
}

func TestCloseReportsPendingTasks(t *testing.T) {
	l := newTestLoop(t)
	got := check.Collect(l)
	tk := task.CreateOn(l, returns(time.Hour, 1), task.Name("left behind"))
	check.RunOn(t, l, func(ctx context.Context) { ticks(ctx, 2) })
	check.Equal(t, "reports", got.Messages(), []string{})
	check.NoError(t, l.Close())
	all := got.Taken()
	if len(all) != 1 {
		t.Fatalf("got reports %v", all)
	}
	check.Equal(t, "message", all[0].Message, "Task was destroyed but it is pending!")
	check.Equal(t, "task", all[0].Task, fmt.Stringer(tk))
	check.Equal(t, "tasks", len(task.All(loop.NewContext(context.Background(), l))), 0)
}

func TestTaskThatFailsDoesNotDisturbTheLoop(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		tk := task.Create(ctx, fails[int](time.Second, errTest))
		_, err := tk.Await(ctx)
		check.Is(t, err, errTest)
		_, again := tk.Await(ctx)
		check.Equal(t, "the same error", errors.Is(again, err), true)
	})
}

// A task is a future of its own making: nobody else completes it.
func TestTaskHasNoSetters(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		tk := task.Create(ctx, returns(0, 1))
		var f any = tk
		if _, ok := f.(interface{ SetResult(int) error }); ok {
			t.Error("a task has SetResult")
		}
		if _, ok := f.(interface{ SetException(error) error }); ok {
			t.Error("a task has SetException")
		}
		if _, ok := f.(future.Typed[int]); !ok {
			t.Error("a task is no future")
		}
		gives(t, ctx, tk, 1)
	})
}

func TestDebugModeIsOffUnlessAskedFor(t *testing.T) {
	for want, opts := range map[bool][]task.RunOption{false: nil, true: {task.WithDebug()}} {
		got, err := task.Run(context.Background(), func(ctx context.Context) (bool, error) {
			return loop.Running(ctx).Debug(), nil
		}, opts...)
		check.NoError(t, err)
		check.Equal(t, "debug", got, want)
	}
}

// What leads into the engine must not lead to completing a task.
func TestTaskCannotBeCompletedThroughItsKernel(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		tk := task.Create(ctx, seven)
		owner := tk.Kernel().Owner()
		switch owner.(type) {
		case interface{ Execute() }, interface{ Release() }, interface{ Finish(error) }, interface{ Wake() bool }:
			t.Errorf("a method of %T completes the task", owner)
		}
		switch f := any(tk.Kernel()).(type) {
		case interface{ Finish(error) }, interface{ Wake() bool }, interface{ SetMessage(string) }:
			t.Errorf("a method of %T completes the task", f)
		}
		gives(t, ctx, tk, 7)
	})
}
