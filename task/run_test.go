package task_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
	"github.com/goasyncio/asyncio/timers"
)

// virtually makes a run live on a virtual clock.
func virtually() task.RunOption {
	return task.WithLoopOptions(loop.WithClock(timers.NewVirtual(time.Time{})))
}

// neverRun is a coroutine that must not be called.
func neverRun(context.Context) (int, error) { panic("the coroutine was called") }

func TestRunReturnsTheOutcomeOfMainAndClosesTheLoop(t *testing.T) {
	for _, test := range []struct {
		name string
		main task.Coroutine[int]
		want int
		err  error
	}{
		{"result", returns(time.Second, 42), 42, nil},
		{"error", fails[int](time.Second, errTest), 0, errTest},
	} {
		t.Run(test.name, func(t *testing.T) {
			var l *loop.Loop
			v, err := task.Run(context.Background(), func(ctx context.Context) (int, error) {
				l = loop.Running(ctx)
				return test.main(ctx)
			}, virtually())
			check.Equal(t, "result", v, test.want)
			check.Equal(t, "error", err, test.err)
			check.Equal(t, "loop closed", l.IsClosed(), true)
		})
	}
}

func TestRunOptions(t *testing.T) {
	debug := task.Coroutine[bool](func(ctx context.Context) (bool, error) { return loop.Running(ctx).Debug(), nil })
	v, err := task.Run(context.Background(), debug)
	check.NoError(t, err)
	check.Equal(t, "debug mode", v, false)
	v, err = task.Run(context.Background(), debug, task.WithDebug())
	check.NoError(t, err)
	check.Equal(t, "debug mode", v, true)

	made := []*loop.Loop{}
	l, err := task.Run(context.Background(), func(ctx context.Context) (*loop.Loop, error) {
		return loop.Running(ctx), nil
	}, task.WithLoopFactory(func() *loop.Loop {
		made = append(made, loop.New())
		return made[len(made)-1]
	}))
	check.NoError(t, err)
	check.Equal(t, "loops made", made, []*loop.Loop{l})
	check.Equal(t, "loop closed", l.IsClosed(), true)
}

func TestRunnerOptions(t *testing.T) {
	made := loop.New()
	for _, test := range []struct {
		name  string
		opts  []task.RunOption
		debug bool
	}{
		{"none", nil, false},
		{"debug", []task.RunOption{task.WithDebug()}, true},
		{"factory", []task.RunOption{task.WithLoopFactory(func() *loop.Loop { return made })}, false},
	} {
		r := task.NewRunner(test.opts...)
		l, err := r.Loop()
		check.NoError(t, err)
		check.Equal(t, test.name+": debug mode", l.Debug(), test.debug)
		check.Equal(t, test.name+": it is the factory's", l == made, test.name == "factory")
		check.NoError(t, r.Close())
	}
}

func TestRunInsideOfARunIsRefused(t *testing.T) {
	main := func(ctx context.Context) error {
		check.Is(t, second(task.Run(ctx, neverRun)), loop.ErrRunning, "cannot be called from a running event loop")
		check.Is(t, second(task.Run(context.Background(), neverRun)), loop.ErrRunning)
		called := newFuture[error](ctx)
		loop.Running(ctx).CallSoon(func() {
			check.NoError(t, called.SetResult(second(task.Run(context.Background(), neverRun))))
		})
		inCallback, err := called.Await(ctx)
		check.Is(t, inCallback, loop.ErrRunning)
		return err
	}
	check.NoError(t, second(task.Run(context.Background(), task.Void(main))))
}

func TestRunCancelsTheTasksThatAreLeft(t *testing.T) {
	var reported *check.Reports
	var left, swallows *task.Task[struct{}]
	cleaned := false
	v, err := task.Run(context.Background(), func(ctx context.Context) (int, error) {
		reported = check.Collect(loop.Running(ctx))
		left = task.Go(ctx, func(ctx context.Context) error {
			err := sleepsLong(ctx)
			check.NoError(t, task.Sleep(ctx, time.Minute)) // it is cancelled once, and waited for
			cleaned = true
			return err
		})
		swallows = task.Go(ctx, func(ctx context.Context) error {
			_ = sleepsLong(ctx)
			return nil
		})
		return 123, task.Yield(ctx)
	}, virtually())
	check.NoError(t, err)
	check.Equal(t, "result", v, 123)
	check.Equal(t, "cancelled", left.Cancelled(), true)
	check.Equal(t, "cleaned up", cleaned, true)
	check.Equal(t, "the other one is done, too", swallows.Done() && !swallows.Cancelled(), true)
	check.Equal(t, "reports", reported.Messages(), []string{})
}

func TestRunReportsTasksThatFailAtItsEnd(t *testing.T) {
	var reported *check.Reports
	var left *task.Task[struct{}]
	v, err := task.Run(context.Background(), func(ctx context.Context) (int, error) {
		reported = check.Collect(loop.Running(ctx))
		left = task.Go(ctx, failsWhenCancelled(errTest))
		return 123, task.Yield(ctx)
	}, virtually())
	check.NoError(t, err)
	check.Equal(t, "result", v, 123)
	all := reported.Taken()
	if len(all) != 1 {
		t.Fatalf("there are %d reports: %v", len(all), all)
	}
	check.Equal(t, "message", all[0].Message, "unhandled exception during asyncio.run() shutdown")
	check.Equal(t, "error", all[0].Err, errTest)
	check.Equal(t, "task", any(all[0].Task), any(left))
}

func TestRunAbandonsTasksThatBeginAtItsEnd(t *testing.T) {
	var reported *check.Reports
	ended := false
	check.NoError(t, second(task.Run(context.Background(), task.Void(func(ctx context.Context) error {
		reported = check.Collect(loop.Running(ctx))
		task.Go(ctx, func(outer context.Context) error {
			_ = sleepsLong(outer)
			task.Go(ctx, func(ctx context.Context) error {
				defer func() { ended = true }()
				return sleepsLong(ctx)
			})
			return task.Yield(outer)
		})
		return task.Yield(ctx)
	}), virtually())))
	check.Equal(t, "reports", reported.Messages(), []string{"Task was destroyed but it is pending!"})
	check.Equal(t, "its deferred functions were run", ended, true)
}

func TestRunReturnsTheCauseWhenItsContextEnds(t *testing.T) {
	t.Run("before", func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(context.Background())
		cancel(errTest)
		check.Is(t, second(task.Run(ctx, neverRun, virtually())), errTest)
	})
	t.Run("while it runs", func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(context.Background())
		var inside error
		check.Is(t, second(task.Run(ctx, task.Void(func(ctx context.Context) error {
			cancel(errTest)
			inside = second(newFuture[int](ctx).Await(ctx))
			check.NoError(t, task.Yield(ctx)) // it is cancelled once
			return inside
		}), virtually())), errTest)
		check.Cancelled(t, inside, "")
	})
	t.Run("by a deadline", func(t *testing.T) {
		ctx, cancel := context.WithDeadline(context.Background(), time.Unix(0, 0))
		defer cancel()
		check.Is(t, second(task.Run(ctx, neverRun, virtually())), context.DeadlineExceeded)
	})
	t.Run("and main does not care", func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(context.Background())
		v, err := task.Run(ctx, func(ctx context.Context) (int, error) {
			cancel(errTest)
			_, _ = newFuture[int](ctx).Await(ctx)
			return 42, nil
		}, virtually())
		check.NoError(t, err)
		check.Equal(t, "result", v, 42)
	})
	t.Run("and main fails", func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(context.Background())
		check.Is(t, second(task.Run(ctx, func(ctx context.Context) (int, error) {
			cancel(errTest)
			_, _ = newFuture[int](ctx).Await(ctx)
			return 0, errBody
		}, virtually())), errBody)
	})
}

func TestRunReturnsAFatalError(t *testing.T) {
	for name, fatal := range map[string]error{"interrupt": loop.ErrKeyboardInterrupt, "exit": &loop.SystemExit{Code: 3}} {
		t.Run(name, func(t *testing.T) {
			var left *task.Task[struct{}]
			err := second(task.Run(context.Background(), task.Void(func(ctx context.Context) error {
				left = task.Go(ctx, sleepsLong)
				task.Go(ctx, func(context.Context) error { return fatal })
				return sleepsLong(ctx)
			}), virtually()))
			check.Equal(t, "error", err, fatal)
			check.Equal(t, "the other task is cancelled", left.Cancelled(), true)
		})
	}
}

func TestRunReturnsACancellationOfMain(t *testing.T) {
	check.Cancelled(t, second(task.Run(context.Background(), task.Void(func(ctx context.Context) error {
		task.Current(ctx).Cancel("enough")
		return sleepsLong(ctx)
	}), virtually())), "enough")
}

type runKey struct{}

func TestRunnerRunsSeveralCoroutinesOnOneLoop(t *testing.T) {
	r := task.NewRunner(virtually())
	ctx := context.Background()
	var background *task.Task[int]
	first, err := task.RunIn(r, ctx, func(ctx context.Context) (*loop.Loop, error) {
		background = task.Create(ctx, returns(time.Second, 11))
		return loop.Running(ctx), nil
	})
	check.NoError(t, err)
	v, err := task.RunIn(r, ctx, func(ctx context.Context) (int, error) {
		check.Equal(t, "loop", loop.Running(ctx), first)
		return background.Await(ctx) // it goes on in this run
	})
	check.NoError(t, err)
	check.Equal(t, "result", v, 11)
	check.Is(t, second(task.RunIn(r, ctx, fails[int](0, errTest))), errTest)
	v, err = task.RunIn(r, ctx, returns(0, 42)) // an error does not end the Runner
	check.NoError(t, err)
	check.Equal(t, "result", v, 42)
	l, err := r.Loop()
	check.NoError(t, err)
	check.Equal(t, "loop", l, first)
	check.NoError(t, r.Close())
	check.Equal(t, "loop closed", l.IsClosed(), true)
	check.Is(t, second(r.Loop()), task.ErrRunnerClosed)
}

func TestRunnerRunsWhatAnAwaitableAwaits(t *testing.T) {
	r := task.NewRunner(virtually())
	l, err := r.Loop()
	check.NoError(t, err)
	f := future.New[int](l)
	l.CallLater(time.Second, func() { check.NoError(t, f.SetResult(7)) })
	v, err := task.RunIn(r, context.Background(), f.Await)
	check.NoError(t, err)
	check.Equal(t, "result", v, 7)
	check.NoError(t, r.Close())
}

func TestRunnerIsClosedOnce(t *testing.T) {
	for _, used := range []bool{false, true} {
		r := task.NewRunner(virtually())
		var l *loop.Loop
		if used {
			var err error
			l, err = r.Loop()
			check.NoError(t, err)
		}
		check.NoError(t, r.Close())
		check.NoError(t, r.Close())
		check.Equal(t, "loop closed", l == nil || l.IsClosed(), true)
		check.Is(t, second(r.Loop()), task.ErrRunnerClosed, "Runner.Loop")
		check.Is(t, second(task.RunIn(r, context.Background(), neverRun)), task.ErrRunnerClosed)
	}
}

func TestRunnerCannotBeUsedFromItsOwnRun(t *testing.T) {
	r := task.NewRunner(virtually())
	check.NoError(t, second(task.RunIn(r, context.Background(), task.Void(func(ctx context.Context) error {
		check.Is(t, r.Close(), loop.ErrRunning, "Runner.Close")
		check.Is(t, second(task.RunIn(r, context.Background(), neverRun)), loop.ErrRunning)
		return task.Yield(ctx) // neither has done any harm
	}))))
	check.NoError(t, r.Close())
}

func TestRunnerWithoutACoroutine(t *testing.T) {
	r := task.NewRunner()
	check.Is(t, second(task.RunIn[int](r, context.Background(), nil)), task.ErrNilCoroutine, "Run")
	check.NoError(t, r.Close())
}

func TestRunnerWhoseLoopWasClosed(t *testing.T) {
	r := task.NewRunner(virtually())
	l, err := r.Loop()
	check.NoError(t, err)
	check.NoError(t, l.Close())
	check.NoError(t, r.Close())
}

func TestRunnerWhoseLoopWasStopped(t *testing.T) {
	r := task.NewRunner(virtually())
	var main task.Any
	err := second(task.RunIn(r, context.Background(), task.Void(func(ctx context.Context) error {
		main = task.Current(ctx)
		loop.Running(ctx).Stop()
		return sleepsLong(ctx)
	})))
	check.Is(t, err, task.ErrStopped, "RunUntilComplete")
	check.Equal(t, "main is done", main.Done(), false)
	check.NoError(t, r.Close())
	check.Equal(t, "main is cancelled", main.Cancelled(), true)
}

func TestRunUntilCompleteTakesAnyAwaitable(t *testing.T) {
	l := newTestLoop(t)
	f := future.New[int](l)
	l.CallLater(time.Second, func() { check.NoError(t, f.SetResult(7)) })
	v, err := task.RunUntilComplete[int](l, f)
	check.NoError(t, err)
	check.Equal(t, "result of the future", v, 7)
	v, err = task.RunUntilComplete[int](l, task.CreateOn(l, returns(time.Second, 8)))
	check.NoError(t, err)
	check.Equal(t, "result of the task", v, 8)
	check.Is(t, second(task.RunUntilComplete(l, fails[int](0, errTest))), errTest)
}

func TestRunUntilCompleteTakesVirtualTime(t *testing.T) {
	l := newTestLoop(t)
	before := l.Time()
	v, err := task.RunUntilComplete(l, returns(100*time.Millisecond, "result"))
	check.NoError(t, err)
	check.Equal(t, "result", v, "result")
	check.Equal(t, "time", l.Time().Sub(before), 100*time.Millisecond)
}

func TestRunUntilCompleteDoesNotNest(t *testing.T) {
	l := newTestLoop(t)
	check.RunOn(t, l, func(ctx context.Context) {
		_, err := task.RunUntilComplete(l, task.Void(func(context.Context) error {
			t.Error("the inner coroutine was started")
			return nil
		}))
		check.Is(t, err, loop.ErrRunning)
		tick(ctx) // the outer run goes on
		check.Equal(t, "IsRunning", l.IsRunning(), true)
	})
}

func TestRunUntilCompleteOnAClosedLoopIsRefused(t *testing.T) {
	l := newTestLoop(t)
	check.NoError(t, l.Close())
	_, err := task.RunUntilComplete(l, task.Void(func(context.Context) error {
		t.Error("the coroutine was started")
		return nil
	}))
	check.Is(t, err, loop.ErrClosed)
	check.Is(t, check.Panics(t, func() { task.CreateOn(l, returns(0, 1)) }), loop.ErrClosed)
	check.Is(t, check.Panics(t, func() {
		task.RunInExecutor(l, nil, func() (int, error) { return 1, nil })
	}), loop.ErrClosed)
}

func TestRunUntilCompleteRefusesAFutureOfAnotherLoop(t *testing.T) {
	l, other := newTestLoop(t), newTestLoop(t)
	_, err := task.RunUntilComplete(l, future.New[int](other))
	check.Is(t, err, future.ErrOtherLoop, "RunUntilComplete", "<Future 0x")
}

func TestRunUntilCompleteOfALoopThatIsStopped(t *testing.T) {
	l := newTestLoop(t)
	x := 0
	tk := task.CreateOn(l, task.Void(func(ctx context.Context) error {
		for {
			if err := task.Sleep(ctx, 100*ms); err != nil {
				return err
			}
			x++
			if x == 2 {
				l.Stop()
			}
		}
	}))
	_, err := task.RunUntilComplete(l, tk)
	check.Is(t, err, task.ErrStopped, "Task-1")
	check.Equal(t, "x", x, 2)
	check.Equal(t, "time", l.Time().Sub(start), 200*ms)
	check.Equal(t, "done", tk.Done(), false)
	tk.Cancel()
	_, err = task.RunUntilComplete(l, tk)
	check.Cancelled(t, err, "")
}

func TestRunUntilCompleteGoesOnAfterAStop(t *testing.T) {
	l := newTestLoop(t)
	tk := task.CreateOn(l, func(ctx context.Context) (int, error) {
		l.Stop()
		return task.SleepResult(ctx, time.Second, 7)
	})
	_, err := task.RunUntilComplete(l, tk)
	check.Is(t, err, task.ErrStopped)
	check.Equal(t, "Done", tk.Done(), false)
	v, err := task.RunUntilComplete(l, tk) // it goes on where it was
	check.NoError(t, err)
	check.Equal(t, "result", v, 7)
}

func TestRunUntilCompleteThatIsOrphanedDoesNotStopTheNext(t *testing.T) {
	l := newTestLoop(t)
	exit := &loop.SystemExit{Code: 1}
	l.CallSoon(func() { panic(exit) })
	_, err := task.RunUntilComplete(l, returns(100*time.Millisecond, 1))
	check.Is(t, err, exit)
	before := l.Time()
	v, err := task.RunUntilComplete(l, returns(200*time.Millisecond, 2))
	check.NoError(t, err)
	check.Equal(t, "result", v, 2)
	check.Equal(t, "time", l.Time().Sub(before), 200*time.Millisecond)
}

// A task that ends so ends the run; a future that is given such an exception does not, as
// in asyncio.
func TestRunUntilCompleteOfAFutureWithAFatalErrorRunsUntilItIsStopped(t *testing.T) {
	l := newTestLoop(t)
	exit := &loop.SystemExit{Code: 1}
	f := future.New[int](l)
	check.NoError(t, f.SetException(exit))
	before := l.Time()
	l.CallLater(time.Second, l.Stop)
	check.Equal(t, "error", second(task.RunUntilComplete(l, f)), error(exit))
	check.Equal(t, "time", l.Time().Sub(before), time.Second)
}

func TestRunUntilCompleteEndsUnreportedWithAKeyboardInterrupt(t *testing.T) {
	l := newTestLoop(t)
	r := check.Collect(l)
	_, err := task.RunUntilComplete(l, fails[int](0, loop.ErrKeyboardInterrupt))
	check.Is(t, err, loop.ErrKeyboardInterrupt)
	check.RunOn(t, l, func(ctx context.Context) {
		check.Equal(t, "reports", len(collected(ctx, r)), 0) // the task is lost
	})

	// The first run has left no wish to stop behind.
	called := false
	l.CallSoon(func() {
		l.CallSoon(func() {
			called = true
			l.Stop()
		})
	})
	check.NoError(t, l.RunForever())
	check.Equal(t, "called", called, true)
}

// shy is a result that does not want to be looked at.
type shy struct{ t *testing.T }

func (s shy) String() string {
	s.t.Error("the result was formatted")
	return ""
}

func TestRunDoesNotFormatTheResult(t *testing.T) {
	v, err := task.Run(context.Background(), returns(0, shy{t}), virtually())
	check.NoError(t, err)
	if v.t != t {
		t.Error("it is another result")
	}
}

func TestRunKeepsTheErrorOfMainThoughTasksFailAtItsEnd(t *testing.T) {
	err := second(task.Run(context.Background(), task.Void(func(ctx context.Context) error {
		check.Collect(loop.Running(ctx))
		task.Go(ctx, failsWhenCancelled(errTest))
		tick(ctx)
		return errBody
	}), virtually()))
	check.Equal(t, "error", err, errBody)
	check.Equal(t, "it is the other one", errors.Is(err, errTest), false)
}

func TestRunUntilCompleteThatIsStoppedLeavesTheFutureAlone(t *testing.T) {
	l := newTestLoop(t)
	f := future.New[int](l)
	l.CallSoon(l.Stop)
	_, err := task.RunUntilComplete(l, f)
	check.Is(t, err, task.ErrStopped)
	check.Equal(t, "the future", f.String(), "<Future pending>")
}

func TestRunUntilCompleteThatFailsLeavesTheFuturesExceptionAlone(t *testing.T) {
	l := newTestLoop(t)
	check.Collect(l)
	f := future.New[int](l)
	l.CallSoon(func() {
		check.NoError(t, f.SetException(errTest))
		panic(loop.ErrKeyboardInterrupt)
	})
	_, err := task.RunUntilComplete(l, f)
	check.Is(t, err, loop.ErrKeyboardInterrupt)
	check.Equal(t, "retrieved", f.Retrieved(), false)
}
