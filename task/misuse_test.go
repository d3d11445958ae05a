package task_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// operations are all that suspend, for tests of what they refuse.
var operations = []struct {
	name string
	call func(ctx context.Context, l *loop.Loop) error
}{
	{"Future.Await", func(ctx context.Context, l *loop.Loop) error {
		_, err := future.New[int](l).Await(ctx)
		return err
	}},
	{"Sleep", func(ctx context.Context, l *loop.Loop) error { return task.Sleep(ctx, time.Second) }},
	{"Sleep for no time", func(ctx context.Context, l *loop.Loop) error { return task.Sleep(ctx, 0) }},
	{"Yield", func(ctx context.Context, l *loop.Loop) error { return task.Yield(ctx) }},
	{"Wait", func(ctx context.Context, l *loop.Loop) error {
		_, _, err := task.Wait(ctx, []*future.Future[int]{future.New[int](l)})
		return err
	}},
	{"WaitFor", func(ctx context.Context, l *loop.Loop) error {
		_, err := task.WaitFor(ctx, future.New[int](l), time.Second)
		return err
	}},
	{"WaitFor for no time", func(ctx context.Context, l *loop.Loop) error {
		_, err := task.WaitFor(ctx, future.New[int](l), 0)
		return err
	}},
	{"WaitFor without a limit", func(ctx context.Context, l *loop.Loop) error {
		_, err := task.WaitFor(ctx, task.Void(func(context.Context) error { return errors.New("was called") }), task.Forever)
		return err
	}},
	{"Wait with a limit", func(ctx context.Context, l *loop.Loop) error {
		_, _, err := task.Wait(ctx, []*future.Future[int]{future.New[int](l)}, task.Within(time.Second))
		return err
	}},
	{"StaggeredRace", func(ctx context.Context, l *loop.Loop) error {
		_, _, _, err := task.StaggeredRace(ctx, []task.Coroutine[int]{seven}, time.Second)
		return err
	}},
	{"ShutdownDefaultExecutor", func(ctx context.Context, l *loop.Loop) error {
		return task.ShutdownDefaultExecutor(ctx, time.Second)
	}},
	{"Receive", func(ctx context.Context, l *loop.Loop) error {
		_, _, err := task.Receive(ctx, make(chan int))
		return err
	}},
	{"ToThread", func(ctx context.Context, l *loop.Loop) error {
		_, err := task.ToThread(ctx, func(context.Context) (int, error) { return 0, errors.New("was called") })
		return err
	}},
	{"ToThreadUntilDone", func(ctx context.Context, l *loop.Loop) error {
		_, err := task.ToThreadUntilDone(ctx, func(context.Context) (int, error) { return 0, errors.New("was called") })
		return err
	}},
	{"WithTimeout", func(ctx context.Context, l *loop.Loop) error {
		return task.WithTimeout(ctx, time.Second, func(context.Context) error { return errors.New("was called") })
	}},
	{"WithGroup", func(ctx context.Context, l *loop.Loop) error {
		return task.WithGroup(ctx, func(context.Context, *task.Group) error { return errors.New("was called") })
	}},
}

func TestAwaitOutsideOfATaskIsRefused(t *testing.T) {
	l := newTestLoop(t)
	for _, op := range operations {
		for name, ctx := range map[string]context.Context{
			"a plain context":    context.Background(),
			"a callback's":       loop.NewContext(context.Background(), l),
			"a cancelled one":    cancelledContext(),
			"one with a timeout": deadlineContext(t),
		} {
			t.Run(op.name+" with "+name, func(t *testing.T) {
				check.Is(t, op.call(ctx, l), future.ErrNoTask, "context carries no task")
			})
		}
	}
}

func cancelledContext() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

func deadlineContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	t.Cleanup(cancel)
	return ctx
}

func TestAwaitThroughTheContextOfAnotherTaskIsRefused(t *testing.T) {
	for _, op := range operations {
		t.Run(op.name, func(t *testing.T) {
			runTest(t, func(outer context.Context) {
				l := loop.Running(outer)
				thief := task.Go(outer, func(context.Context) error {
					return op.call(outer, l)
				}, task.Name("thief"))
				_, err := thief.Await(outer)
				check.Is(t, err, task.ErrNotCurrent, `"main"`, `"thief"`)
			})
		})
	}
}

func TestAwaitInACallbackThroughATasksContextIsRefused(t *testing.T) {
	for _, op := range operations {
		t.Run(op.name, func(t *testing.T) {
			runTest(t, func(ctx context.Context) {
				var err error
				loop.Running(ctx).CallSoon(func() { err = op.call(ctx, loop.Running(ctx)) })
				tick(ctx)
				check.Is(t, err, task.ErrNotCurrent, `"main"`, "no task is running")
			})
		})
	}
}

func TestAwaitOnAForeignGoroutineIsRefused(t *testing.T) {
	for _, op := range operations {
		t.Run(op.name, func(t *testing.T) {
			runTest(t, func(ctx context.Context) {
				l := loop.Running(ctx)
				result := make(chan error)
				go func() { result <- op.call(ctx, l) }()
				// The task holds the loop while it waits for that goroutine.
				check.Is(t, <-result, task.ErrNotCurrent, `"main"`, "goroutine")
				next, ok := l.Kernel().Next()
				check.Equal(t, "something is scheduled", ok, false)
				check.Equal(t, "at", next, time.Time{})
				_, err := l.DefaultExecutor()
				check.NoError(t, err)
				tick(ctx) // the task is none the worse
			})
		})
	}
}

func TestAwaitThroughTheContextOfAFinishedTaskIsRefused(t *testing.T) {
	for _, op := range operations {
		t.Run(op.name, func(t *testing.T) {
			runTest(t, func(ctx context.Context) {
				var stale context.Context
				_, err := task.Go(ctx, func(ctx context.Context) error {
					stale = ctx
					return nil
				}, task.Name("gone")).Await(ctx)
				check.NoError(t, err)
				check.Is(t, op.call(stale, loop.Running(ctx)), task.ErrNotCurrent, `"gone"`, `"main"`)
			})
		})
	}
}

// In asyncio the error arrives one iteration after the await.
func TestAwaitOfAPendingFutureOfAnotherLoopFails(t *testing.T) {
	other := newTestLoop(t)
	f := future.New[int](other)
	runTest(t, func(ctx context.Context) {
		ran := false
		loop.Running(ctx).CallSoon(func() { ran = true })
		_, err := f.Await(ctx)
		check.Is(t, err, future.ErrOtherLoop, "<Task", "name='main'", "got", "<Future 0x", "different loop")
		check.Equal(t, "an iteration has passed", ran, true)
	})
}

func TestAwaitOfADoneFutureOfAnotherLoopSucceeds(t *testing.T) {
	f := future.New[int](newTestLoop(t))
	check.NoError(t, f.SetResult(3))
	runTest(t, func(ctx context.Context) { gives(t, ctx, f, 3) })
}

func TestAwaitOfItselfFails(t *testing.T) {
	l := newTestLoop(t)
	var self *task.Task[int]
	ran := false
	self = task.CreateOn(l, func(ctx context.Context) (int, error) {
		l.CallSoon(func() { ran = true })
		return self.Await(ctx)
	}, task.Name("narcissus"))
	_, err := task.RunUntilComplete(l, self)
	check.Is(t, err, task.ErrAwaitsItself, "<Task", "narcissus")
	check.Equal(t, "an iteration has passed", ran, true)
	check.Is(t, self.Err(), task.ErrAwaitsItself)
}

func TestLoopIsRequired(t *testing.T) {
	ctx := context.Background()
	coro := returns(0, 1)
	for name, call := range map[string]func(){
		"Create":        func() { task.Create(ctx, coro) },
		"Go":            func() { task.Go(ctx, func(context.Context) error { return nil }) },
		"CreateOn":      func() { task.CreateOn(nil, coro) },
		"EnsureFuture":  func() { task.EnsureFuture(ctx, coro) },
		"Gather":        func() { task.Gather(ctx, coro) },
		"Gather none":   func() { task.Gather(ctx, []task.Coroutine[int]{}...) },
		"GatherSettled": func() { task.GatherSettled(ctx, coro) },
		"Shield":        func() { task.Shield(ctx, coro) },
		"AsCompleted":   func() { task.AsCompleted(ctx, []*task.Task[int]{}) },
		"All":           func() { task.All(ctx) },
		"NewTimeout":    func() { task.NewTimeout(ctx, time.Second) },
		"future.New":    func() { future.New[int](nil) },
	} {
		t.Run(name, func(t *testing.T) {
			check.Is(t, check.Panics(t, call), loop.ErrNotRunning, "no running event loop")
		})
	}
}

func TestCurrentIsNilWithoutALoop(t *testing.T) {
	check.Equal(t, "Current", task.Current(context.Background()), nil)
}

func TestNilIsRefused(t *testing.T) {
	type call = func(ctx context.Context, l *loop.Loop) error
	panics := func(fn func(ctx context.Context, l *loop.Loop)) call {
		return func(ctx context.Context, l *loop.Loop) error { return check.Panics(t, func() { fn(ctx, l) }) }
	}
	for _, test := range []struct {
		name string
		rule error
		call call
	}{
		{"Create", task.ErrNilCoroutine, panics(func(ctx context.Context, l *loop.Loop) { task.Create[int](ctx, nil) })},
		{"CreateOn", task.ErrNilCoroutine, panics(func(ctx context.Context, l *loop.Loop) { task.CreateOn[int](l, nil) })},
		{"Go", task.ErrNilCoroutine, panics(func(ctx context.Context, l *loop.Loop) { task.Go(ctx, nil) })},
		{"EnsureFuture", task.ErrNilCoroutine, panics(func(ctx context.Context, l *loop.Loop) { task.EnsureFuture[int](ctx, nil) })},
		{"Gather", task.ErrNilCoroutine, panics(func(ctx context.Context, l *loop.Loop) { task.Gather(ctx, future.Awaitable[int](nil)) })},
		{"Gather of a nil coroutine", task.ErrNilCoroutine, panics(func(ctx context.Context, l *loop.Loop) {
			task.Gather(ctx, task.Coroutine[int](nil))
		})},
		{"Shield", task.ErrNilCoroutine, panics(func(ctx context.Context, l *loop.Loop) { task.Shield[int](ctx, nil) })},
		{"AsCompleted", task.ErrNilCoroutine, panics(func(ctx context.Context, l *loop.Loop) {
			task.AsCompleted(ctx, []future.Waitable{nil})
		})},
		{"WaitFor", task.ErrNilCoroutine, func(ctx context.Context, l *loop.Loop) error {
			_, err := task.WaitFor[int](ctx, nil, time.Second)
			return err
		}},
		{"Wait", task.ErrNilCoroutine, func(ctx context.Context, l *loop.Loop) error {
			_, _, err := task.Wait(ctx, []future.Waitable{nil})
			return err
		}},
		{"RunCoroutineThreadsafe", task.ErrNilCoroutine, func(ctx context.Context, l *loop.Loop) error {
			return task.RunCoroutineThreadsafe[int](l, nil).Err()
		}},
		{"ToThread", loop.ErrNilFunc, func(ctx context.Context, l *loop.Loop) error {
			_, err := task.ToThread[int](ctx, nil)
			return err
		}},
		{"WithTimeout", loop.ErrNilFunc, func(ctx context.Context, l *loop.Loop) error {
			return task.WithTimeout(ctx, time.Second, nil)
		}},
		{"WithGroup", loop.ErrNilFunc, func(ctx context.Context, l *loop.Loop) error { return task.WithGroup(ctx, nil) }},
		{"RunInExecutor", loop.ErrNilFunc, func(ctx context.Context, l *loop.Loop) error {
			_, err := task.RunInExecutor[int](l, nil, nil).Await(ctx)
			return err
		}},
		{"AddDoneCallback", loop.ErrNilFunc, panics(func(ctx context.Context, l *loop.Loop) {
			task.Create(ctx, returns(0, 1)).AddDoneCallback(nil)
		})},
	} {
		t.Run(test.name, func(t *testing.T) {
			runTest(t, func(ctx context.Context) {
				check.Is(t, test.call(ctx, loop.Running(ctx)), test.rule, ": ")
				ticks(ctx, 2)
			})
		})
	}
}

func TestRunOfANilMainIsRefused(t *testing.T) {
	_, err := task.RunUntilComplete[int](newTestLoop(t), nil)
	check.Is(t, err, task.ErrNilCoroutine, "RunUntilComplete")
	_, err = task.Run[int](context.Background(), nil)
	check.Is(t, err, task.ErrNilCoroutine, "Run")
}

func TestCreateOnAClosedLoopIsRefused(t *testing.T) {
	l := newTestLoop(t)
	check.NoError(t, l.Close())
	ctx := loop.NewContext(context.Background(), l)
	for name, call := range map[string]func(){
		"Create":   func() { task.Create(ctx, returns(0, 1)) },
		"CreateOn": func() { task.CreateOn(l, returns(0, 1)) },
		"Gather":   func() { task.Gather(ctx, returns(0, 1)) },
	} {
		t.Run(name, func(t *testing.T) {
			check.Is(t, check.Panics(t, call), loop.ErrClosed, "task: ")
			check.Equal(t, "tasks", len(task.All(ctx)), 0)
		})
	}
	_, err := task.RunUntilComplete(l, returns(0, 1))
	check.Is(t, err, loop.ErrClosed, "RunUntilComplete")
}

func TestEnsureFutureOnAClosedLoopIsRefused(t *testing.T) {
	l := newTestLoop(t)
	ctx := loop.NewContext(context.Background(), l)
	check.NoError(t, l.Close())
	check.Is(t, check.Panics(t, func() {
		task.EnsureFuture(ctx, future.Awaitable[int](task.Coroutine[int](func(context.Context) (int, error) {
			t.Error("the coroutine was started")
			return 0, nil
		})))
	}), loop.ErrClosed)
}

func TestCreateOnAForeignGoroutineIsRefused(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		refused := make(chan error)
		go func() {
			refused <- check.Panics(t, func() { task.Create(ctx, returns(0, 1)) })
		}()
		check.Is(t, <-refused, loop.ErrWrongGoroutine, "Create", "CallSoonThreadsafe")
		check.Equal(t, "tasks", len(task.All(ctx)), 1)
	})
}

// The race detector sees whether the error was made by looking at what the other loop is
// changing.
func TestRefusalOfAFutureOfAnotherLoopDoesNotLookAtIt(t *testing.T) {
	for name, refused := range map[string]func(ctx context.Context, f *future.Future[int]) error{
		"Wait": func(ctx context.Context, f *future.Future[int]) error {
			_, _, err := task.Wait(ctx, []*future.Future[int]{f})
			return err
		},
		"Shield": func(ctx context.Context, f *future.Future[int]) error {
			return check.Panics(t, func() { task.Shield(ctx, f) })
		},
		"Gather": func(ctx context.Context, f *future.Future[int]) error {
			return check.Panics(t, func() { task.Gather(ctx, f) })
		},
		"AsCompleted": func(ctx context.Context, f *future.Future[int]) error {
			return check.Panics(t, func() { task.AsCompleted(ctx, []*future.Future[int]{f}) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			other := newTestLoop(t)
			f := future.New[int](other)
			run, ended := make(chan struct{}), make(chan error)
			go func() {
				<-run
				other.CallSoon(func() {
					f.AddDoneCallback(other.Stop)
					_ = f.SetResult(1)
				})
				ended <- other.RunForever()
			}()
			runTest(t, func(ctx context.Context) {
				close(run)
				check.Is(t, refused(ctx, f), future.ErrOtherLoop, "<Future 0x")
			})
			check.NoError(t, <-ended)
		})
	}
}

func TestFuturesOfAnotherLoopAreRefused(t *testing.T) {
	for name, call := range map[string]func(ctx context.Context, foreign future.Typed[int]){
		"EnsureFuture": func(ctx context.Context, foreign future.Typed[int]) { task.EnsureFuture(ctx, foreign) },
		"Gather": func(ctx context.Context, foreign future.Typed[int]) {
			task.Gather(ctx, future.Typed[int](newFuture[int](ctx)), foreign)
		},
		"GatherSettled": func(ctx context.Context, foreign future.Typed[int]) { task.GatherSettled(ctx, foreign) },
		"Shield":        func(ctx context.Context, foreign future.Typed[int]) { task.Shield(ctx, foreign) },
		"AsCompleted": func(ctx context.Context, foreign future.Typed[int]) {
			task.AsCompleted(ctx, []future.Typed[int]{foreign})
		},
	} {
		t.Run(name, func(t *testing.T) {
			other := newTestLoop(t)
			check.Collect(other)
			for outline, foreign := range map[string]future.Typed[int]{
				"<Future 0x":      future.New[int](other),
				`<Task "Task-1">`: task.CreateOn(other, returns(0, 1)),
			} {
				runTest(t, func(ctx context.Context) {
					err := check.Panics(t, func() { call(ctx, foreign) })
					check.Is(t, err, future.ErrOtherLoop, "task: ", outline, "belongs to a different loop")
				})
				_, err := task.RunUntilComplete(newTestLoop(t), foreign)
				check.Is(t, err, future.ErrOtherLoop, "RunUntilComplete")
			}
		})
	}
}

// refusedArguments are values that nothing may be done with on the loop of a test, and
// what says so.
func refusedArguments(t *testing.T) map[string]struct {
	f    future.Typed[int]
	rule error
} {
	other := newTestLoop(t)
	done := future.New[int](other)
	check.NoError(t, done.SetResult(1))
	tk := task.CreateOn(other, seven)
	t.Cleanup(func() { check.NoError(t, second(task.RunUntilComplete(other, tk))) })
	return map[string]struct {
		f    future.Typed[int]
		rule error
	}{
		"a nil future":               {(*future.Future[int])(nil), task.ErrNilCoroutine},
		"a nil task":                 {(*task.Task[int])(nil), task.ErrNilCoroutine},
		"nil":                        {nil, task.ErrNilCoroutine},
		"a zero future":              {new(future.Future[int]), loop.ErrNotRunning},
		"a zero task":                {new(task.Task[int]), loop.ErrNotRunning},
		"a future of another loop":   {future.New[int](other), future.ErrOtherLoop},
		"a done one of another loop": {done, future.ErrOtherLoop},
		"a task of another loop":     {tk, future.ErrOtherLoop},
	}
}

// Whatever takes several things looks at all of them first: what is refused has started
// no coroutine, and registered nothing with the futures.
func TestArgumentThatIsRefusedLeavesNothingBehind(t *testing.T) {
	type typed = future.Typed[int]
	panics := func(call func()) error { return check.Panics(t, call) }
	orphan := task.Coro(func(context.Context) (int, error) {
		t.Error("the coroutine was started")
		return 0, nil
	})
	for name, call := range map[string]func(ctx context.Context, good, bad typed) error{
		"Gather": func(ctx context.Context, good, bad typed) error {
			return panics(func() { task.Gather(ctx, []awaitable{good, orphan, bad}...) })
		},
		"GatherSettled": func(ctx context.Context, good, bad typed) error {
			return panics(func() { task.GatherSettled(ctx, []awaitable{good, orphan, bad}...) })
		},
		"Gather of futures": func(ctx context.Context, good, bad typed) error {
			return panics(func() { task.Gather(ctx, good, bad) })
		},
		"Wait": func(ctx context.Context, good, bad typed) error {
			_, _, err := task.Wait(ctx, []typed{good, bad}, task.Within(time.Second))
			return err
		},
		"AsCompleted": func(ctx context.Context, good, bad typed) error {
			return panics(func() { task.AsCompleted(ctx, []typed{good, bad}, task.Within(time.Second)) })
		},
		"WaitFor for no time": func(ctx context.Context, good, bad typed) error {
			_, err := task.WaitFor(ctx, bad, 0)
			return err
		},
		"Shield": func(ctx context.Context, good, bad typed) error { return panics(func() { task.Shield(ctx, bad) }) },
		"EnsureFuture": func(ctx context.Context, good, bad typed) error {
			return panics(func() { task.EnsureFuture(ctx, bad) })
		},
	} {
		for kind, bad := range refusedArguments(t) {
			t.Run(name+" of "+kind, func(t *testing.T) {
				runTest(t, func(ctx context.Context) {
					good := newFuture[int](ctx)
					check.Is(t, call(ctx, good, bad.f), bad.rule, "task: ")
					check.Equal(t, "the other future", good.String(), "<Future pending>")
					check.Equal(t, "tasks", len(task.All(ctx)), 1)
					_, scheduled := loop.Running(ctx).Kernel().Next()
					check.Equal(t, "something is scheduled", scheduled, false)
					tick(ctx)
				})
			})
		}
	}
}

func TestGatherThatIsRefusedStartsNoCoroutine(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		orphan := func(context.Context) (int, error) {
			t.Error("the coroutine was started")
			return 0, nil
		}
		err := check.Panics(t, func() { task.Gather(ctx, task.Coro(orphan), nil) })
		check.Is(t, err, task.ErrNilCoroutine, "Gather")
		tick(ctx)
	})
}

func TestAwaitOfNilIsRefused(t *testing.T) {
	var f *future.Future[int]
	var tk *task.Task[int]
	runTest(t, func(ctx context.Context) {
		for name, err := range map[string]error{
			"Future.Await":      second(f.Await(ctx)),
			"Task.Await":        second(tk.Await(ctx)),
			"Task.Join":         tk.Join(ctx),
			"Join of a future":  task.Join(ctx, f),
			"Join of a task":    task.Join(ctx, tk),
			"WaitFor a future":  second(task.WaitFor(ctx, f, time.Second)),
			"WaitFor a task":    second(task.WaitFor(ctx, tk, task.Forever)),
			"a coroutine of it": second(task.Coroutine[int](f.Await)(ctx)),
		} {
			t.Run(name, func(t *testing.T) { check.Is(t, err, task.ErrNilCoroutine) })
		}
	})
}

func TestCombinatorsOnAForeignGoroutineAreRefused(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		f := newFuture[int](ctx)
		for name, call := range map[string]func(){
			"Gather":      func() { task.Gather(ctx, f) },
			"Gather none": func() { task.Gather(ctx, []*intFuture{}...) },
			"Shield":      func() { task.Shield(ctx, f) },
			"AsCompleted": func() { task.AsCompleted(ctx, []*intFuture{f}) },
		} {
			refused := make(chan error)
			go func() { refused <- check.Panics(t, call) }()
			check.Is(t, <-refused, loop.ErrWrongGoroutine, name[:6])
		}
		check.Equal(t, "the future", f.String(), "<Future pending>")
	})
}

func TestRunInsideOfALoopIsRefused(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		l := loop.Running(ctx)
		other := newTestLoop(t)
		check.Is(t, l.RunForever(), loop.ErrRunning, "RunForever")
		check.Is(t, other.RunForever(), loop.ErrRunning, "RunForever")
		check.Is(t, l.Close(), loop.ErrRunning, "Close")
		check.Is(t, second(task.Run(ctx, neverRun)), loop.ErrRunning, "Run")
		check.Is(t, second(task.Run(context.Background(), neverRun)), loop.ErrRunning, "Run")
		check.Is(t, task.Main(context.Background(), never), loop.ErrRunning, "Run")
		check.Is(t, second(task.RunUntilComplete(l, task.Coro(neverRun))), loop.ErrRunning, "RunUntilComplete")
		check.Is(t, second(task.RunUntilComplete(other, task.Coro(neverRun))), loop.ErrRunning, "RunUntilComplete")
		tick(ctx) // the loop still runs
	})
}

func TestWaitOfNothingIsRefused(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		_, _, err := task.Wait(ctx, []*task.Task[int]{})
		check.Is(t, err, task.ErrNothingToWait, "Wait", "empty")
		_, _, err = task.Wait[future.Waitable](ctx, nil)
		check.Is(t, err, task.ErrNothingToWait)
	})
}

// A misused await must not disturb the task that it was tried with.
func TestAwaitThatIsRefusedLeavesBothTasksAlone(t *testing.T) {
	runTest(t, func(outer context.Context) {
		f := newFuture[int](outer)
		thief := task.Create(outer, func(ctx context.Context) (int, error) {
			if _, err := f.Await(outer); !errors.Is(err, task.ErrNotCurrent) {
				return 0, fmt.Errorf("not refused: %w", err)
			}
			return f.Await(ctx)
		})
		tick(outer)
		check.NoError(t, f.SetResult(5))
		gives(t, outer, f, 5)
		gives(t, outer, thief, 5)
	})
}

// A value together with an error would tell whoever ignores the error that all is
// well.
func TestAwaitThatIsRefusedGivesNoValue(t *testing.T) {
	runTest(t, func(outer context.Context) {
		done := task.Create(outer, seven)
		gives(t, outer, done, 7)
		_, err := task.Create(outer, func(context.Context) (int, error) {
			v, err := done.Await(outer)
			check.Is(t, err, task.ErrNotCurrent)
			check.Equal(t, "value", v, 0)
			return 0, nil
		}).Await(outer)
		check.NoError(t, err)
	})
}

// The refusal must not touch what belongs to the loop, not even to make the part
// of it that tasks need.
func TestCreateThatIsRefusedLeavesTheLoopAlone(t *testing.T) {
	l := newTestLoop(t)
	l.CallSoon(func() {
		refused := make(chan error)
		go func() {
			refused <- check.Panics(t, func() { task.CreateOn(l, seven) })
		}()
		_ = task.FactoryOf(l) // makes it meanwhile
		check.Is(t, <-refused, loop.ErrWrongGoroutine, "Create")
		l.Stop()
	})
	check.NoError(t, l.RunForever())
}
