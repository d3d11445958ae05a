package task_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/timers"
)

// These are the tests of package loop that need coroutines.

func TestLoopRunUntilCompleteTakesVirtualTime(t *testing.T) {
	l := newTestLoop(t)
	before := l.Time()
	v, err := task.RunUntilComplete(l, returns(100*time.Millisecond, "result"))
	noError(t, err)
	equal(t, "result", v, "result")
	equal(t, "time", l.Time().Sub(before), 100*time.Millisecond)
}

func TestLoopRunUntilCompleteDoesNotNest(t *testing.T) {
	l := newTestLoop(t)
	runTestOn(t, l, func(ctx context.Context) {
		_, err := task.RunUntilComplete(l, task.Void(func(context.Context) error {
			t.Error("the inner coroutine was started")
			return nil
		}))
		isError(t, err, loop.ErrRunning)
		tick(ctx) // the outer run goes on
		equal(t, "IsRunning", l.IsRunning(), true)
	})
}

func TestLoopRunOfASecondLoopInACoroutineIsRefused(t *testing.T) {
	l, other := newTestLoop(t), newTestLoop(t)
	other.CallSoon(func() { t.Error("the other loop ran") })
	runTestOn(t, l, func(ctx context.Context) {
		isError(t, other.RunForever(), loop.ErrRunning)
		equal(t, "other.IsRunning", other.IsRunning(), false)
		equal(t, "the running loop is the first", loop.Running(ctx) == l && l.IsRunning(), true)
		tick(ctx)
	})
}

func TestLoopRunUntilCompleteOnAClosedLoopIsRefused(t *testing.T) {
	l := newTestLoop(t)
	noError(t, l.Close())
	_, err := task.RunUntilComplete(l, task.Void(func(context.Context) error {
		t.Error("the coroutine was started")
		return nil
	}))
	isError(t, err, loop.ErrClosed)
	isError(t, panicOf(t, func() { task.CreateOn(l, returns(0, 1)) }), loop.ErrClosed)
	isError(t, panicOf(t, func() {
		task.RunInExecutor(l, nil, func() (int, error) { return 1, nil })
	}), loop.ErrClosed)
}

func TestLoopRunUntilCompleteRefusesAFutureOfAnotherLoop(t *testing.T) {
	l, other := newTestLoop(t), newTestLoop(t)
	_, err := task.RunUntilComplete(l, future.New[int](other))
	isError(t, err, future.ErrOtherLoop)
}

func TestLoopStoppedBeforeTheCoroutineIsDone(t *testing.T) {
	l := newTestLoop(t)
	tk := task.CreateOn(l, func(ctx context.Context) (int, error) {
		l.Stop()
		return task.SleepResult(ctx, time.Second, 7)
	})
	_, err := task.RunUntilComplete(l, tk)
	isError(t, err, task.ErrStopped)
	equal(t, "Done", tk.Done(), false)
	v, err := task.RunUntilComplete(l, tk) // it goes on where it was
	noError(t, err)
	equal(t, "result", v, 7)
}

func TestLoopOrphanedRunDoesNotStopTheNext(t *testing.T) {
	l := newTestLoop(t)
	exit := &loop.SystemExit{Code: 1}
	l.CallSoon(func() { panic(exit) })
	_, err := task.RunUntilComplete(l, returns(100*time.Millisecond, 1))
	isError(t, err, exit)
	before := l.Time()
	v, err := task.RunUntilComplete(l, returns(200*time.Millisecond, 2))
	noError(t, err)
	equal(t, "result", v, 2)
	equal(t, "time", l.Time().Sub(before), 200*time.Millisecond)
}

func TestLoopKeyboardInterruptInACoroutineEndsTheRunUnreported(t *testing.T) {
	l := newTestLoop(t)
	r := collectReports(l)
	_, err := task.RunUntilComplete(l, fails[int](0, loop.ErrKeyboardInterrupt))
	isError(t, err, loop.ErrKeyboardInterrupt)
	for range 3 {
		runtime.GC() // the task is lost
		l.Poll()
	}
	equal(t, "reports", r.messages(), []string{})

	// The first run has left no wish to stop behind.
	called := false
	l.CallSoon(func() {
		l.CallSoon(func() {
			called = true
			l.Stop()
		})
	})
	noError(t, l.RunForever())
	equal(t, "called", called, true)
}

func TestLoopUnretrievedExceptionIsReported(t *testing.T) {
	l := newTestLoop(t)
	r := collectReports(l)
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
		got = r.taken()
	}
	if len(got) != 1 {
		t.Fatalf("%d reports", len(got))
	}
	equal(t, "message", got[0].Message, "Task exception was never retrieved")
	isError(t, got[0].Err, errTest)
}

func TestLoopTaskFactoryMakesTheTasks(t *testing.T) {
	l := newTestLoop(t)
	equal(t, "a factory at first", task.FactoryOf(l) != nil, false)
	var seen []string
	task.SetFactory(l, func(on *loop.Loop, s task.Settings) task.Settings {
		equal(t, "the factory's loop", on == l, true)
		seen = append(seen, s.Name)
		s.Name = "factory " + s.Name
		return s
	})
	equal(t, "a factory afterwards", task.FactoryOf(l) != nil, true)
	tk := task.CreateOn(l, returns(0, 1), task.Name("a"))
	equal(t, "name", tk.Name(), "factory a")
	runTestOn(t, l, func(ctx context.Context) {
		equal(t, "name of a task of EnsureFuture", task.EnsureFuture(ctx, future.Awaitable[int](returns(0, 1))).(*task.Task[int]).Name(), "factory ")
		gives(t, ctx, future.Awaitable[int](tk), 1)
	})
	task.SetFactory(l, nil)
	equal(t, "name without a factory", task.CreateOn(l, returns(0, 1), task.Name("b")).Name(), "b")
	equal(t, "names that the factory saw", seen, []string{"a", "", ""})
}

func TestLoopTaskKeepsTheNameItIsCreatedWith(t *testing.T) {
	l := newTestLoop(t)
	tk := task.CreateOn(l, returns(0, 1), task.Name("test_task"))
	equal(t, "name", tk.Name(), "test_task")
	task.SetFactory(l, func(_ *loop.Loop, s task.Settings) task.Settings { return s })
	tk = task.CreateOn(l, returns(0, 1), task.Name("test_task"))
	equal(t, "name with a factory", tk.Name(), "test_task")
}

func TestLoopEnsureFutureOnAClosedLoopIsRefused(t *testing.T) {
	l := newTestLoop(t)
	ctx := loop.NewContext(context.Background(), l)
	noError(t, l.Close())
	isError(t, panicOf(t, func() {
		task.EnsureFuture(ctx, future.Awaitable[int](task.Coroutine[int](func(context.Context) (int, error) {
			t.Error("the coroutine was started")
			return 0, nil
		})))
	}), loop.ErrClosed)
}

func TestLoopRunInExecutorRunsOnAnotherGoroutine(t *testing.T) {
	l := newTestLoop(t)
	home := loop.Goroutine()
	f := task.RunInExecutor(l, nil, func() (string, error) {
		equal(t, "on the goroutine of the loop", loop.Goroutine() == home, false)
		return "result", nil
	})
	v, err := task.RunUntilComplete(l, f)
	noError(t, err)
	equal(t, "result", v, "result")
}

func TestLoopRunInExecutorUsesTheExecutorGiven(t *testing.T) {
	l := newTestLoop(t)
	own := &countingExecutor{}
	l.SetDefaultExecutor(own)
	v, err := task.RunUntilComplete(l, task.RunInExecutor(l, nil, func() (int, error) { return 1, nil }))
	noError(t, err)
	equal(t, "result", v, 1)
	equal(t, "functions of the default executor", own.submitted, 1)
	given := &countingExecutor{}
	v, err = task.RunUntilComplete(l, task.RunInExecutor(l, given, func() (int, error) { return 2, nil }))
	noError(t, err)
	equal(t, "result", v, 2)
	equal(t, "functions of the given executor", given.submitted, 1)
	equal(t, "functions of the default executor", own.submitted, 1)
}

// countingExecutor is a pool that counts.
type countingExecutor struct {
	loop.Pool
	submitted int
}

func (e *countingExecutor) Submit(fn func()) error {
	e.submitted++
	return e.Pool.Submit(fn)
}

func TestLoopExecutorFinishesAfterTheLoopIsClosed(t *testing.T) {
	l := newTestLoop(t)
	r := collectReports(l)
	begun, finish := make(chan struct{}), make(chan struct{})
	f := task.RunInExecutor(l, nil, func() (int, error) {
		close(begun)
		<-finish
		return 1, errTest
	})
	pool, err := l.DefaultExecutor()
	noError(t, err)
	<-begun
	f.Cancel()
	l.Poll()
	l.Poll()
	noError(t, l.Close())
	close(finish)
	noError(t, pool.Shutdown(context.Background()))
	equal(t, "Cancelled", f.Cancelled(), true)
	equal(t, "reports", r.messages(), []string{})
}

func TestLoopShutdownDefaultExecutorGivesUpAfterItsTimeout(t *testing.T) {
	l := newTestLoop(t)
	finish := make(chan struct{})
	f := task.RunInExecutor(l, nil, func() (int, error) {
		<-finish
		return 1, nil
	})
	pool, err := l.DefaultExecutor()
	noError(t, err)
	runTestOn(t, l, func(ctx context.Context) {
		err := task.ShutdownDefaultExecutor(ctx, time.Nanosecond)
		isError(t, err, context.DeadlineExceeded, "the executor did not finish within 1ns")
		_, err = task.RunInExecutor(l, nil, func() (int, error) { return 2, nil }).Await(ctx)
		isError(t, err, loop.ErrExecutorShutdown)
		close(finish)
		gives(t, ctx, future.Awaitable[int](f), 1)
	})
	noError(t, pool.Shutdown(context.Background()))
}

func TestLoopCancellationOfAWaitIsPrompt(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		input := make(chan []byte) // on which nothing ever comes
		tk := task.Go(ctx, func(ctx context.Context) error {
			_, _, err := task.Receive(ctx, input)
			return err
		})
		tick(ctx)
		tk.Cancel()
		_, err := tk.Await(ctx)
		isCancellation(t, err, "")
		equal(t, "time", elapsed(ctx), time.Duration(0))
	})
}

// countedClock counts how often its loop sleeps.
type countedClock struct {
	*timers.Virtual
	slept int
}

func (c *countedClock) Sleep(until time.Time, wake <-chan struct{}) {
	c.slept++
	c.Virtual.Sleep(until, wake)
}

func TestLoopTinySleepsDoNotSpin(t *testing.T) {
	c := &countedClock{Virtual: timers.NewVirtual(time.Time{})}
	l := loop.New(loop.WithClock(c))
	defer l.Close()
	runTestOn(t, l, func(ctx context.Context) {
		for _, d := range []time.Duration{10 * time.Millisecond, 100 * time.Microsecond, time.Microsecond, 10 * time.Nanosecond, 1} {
			noError(t, task.Sleep(ctx, d))
		}
	})
	equal(t, "sleeps", c.slept, 5)
}

func TestLoopCloseInACoroutineIsRefused(t *testing.T) {
	l := newTestLoop(t)
	runTestOn(t, l, func(ctx context.Context) {
		isError(t, l.Close(), loop.ErrRunning)
		tick(ctx)
		equal(t, "IsClosed", l.IsClosed(), false)
	})
}

func TestLoopIsThatOfTheContextInsideOfACoroutine(t *testing.T) {
	l := newTestLoop(t)
	ctx := context.Background()
	_, ok := loop.FromContext(ctx)
	equal(t, "a loop outside", ok, false)
	isError(t, panicOf(t, func() { loop.Running(ctx) }), loop.ErrNotRunning)
	runTestOn(t, l, func(ctx context.Context) {
		equal(t, "the loop inside is the running one", loop.Running(ctx) == l, true)
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		equal(t, "the loop in a derived context", loop.Running(ctx) == l, true)
	})
}

func TestLoopReportsSlowStepsOfTasksInDebugMode(t *testing.T) {
	var text bytes.Buffer
	c := timers.NewVirtual(time.Time{})
	l := loop.New(loop.WithClock(c), loop.WithDebug(), loop.WithLogger(slog.New(slog.NewTextHandler(&text, nil))))
	defer l.Close()
	runTestOn(t, l, func(ctx context.Context) {
		gives(t, ctx, future.Awaitable[int](task.Create(ctx, func(ctx context.Context) (int, error) {
			c.Advance(99 * time.Millisecond)
			tick(ctx)
			c.Advance(time.Second)
			return 1, nil
		}, task.Name("sluggish"))), 1)
	})
	if n := strings.Count(text.String(), "Executing <Task"); n != 1 ||
		!strings.Contains(text.String(), "sluggish") || !strings.Contains(text.String(), "took 1.000 seconds") {
		t.Errorf("%d slow steps were logged: %s", n, text.String())
	}
}

func TestLoopDebugModeKnowsTheGoroutinesOfCoroutines(t *testing.T) {
	l := newTestLoop(t)
	l.SetDebug(true)
	runTestOn(t, l, func(ctx context.Context) {
		var order []string
		add := func(name string) func() { return func() { order = append(order, name) } }
		l.CallSoon(add("soon"))
		l.CallLater(0, add("later"))
		l.CallAt(l.Time(), add("at"))
		done := make(chan struct{})
		go func() {
			defer close(done)
			isError(t, panicOf(t, func() { l.CallSoon(add("never")) }), loop.ErrWrongGoroutine)
		}()
		<-done
		ticks(ctx, 3)
		equal(t, "calls", order, []string{"soon", "later", "at"})
	})
}

// onLoop checks what loop.OnLoop says, and what it says in a new goroutine.
func onLoop(t testing.TB, where string, want bool) {
	t.Helper()
	if loop.OnLoop() != want {
		t.Errorf("OnLoop %s is %t", where, !want)
	}
	other := make(chan bool)
	go func() { other <- loop.OnLoop() }()
	if <-other {
		t.Errorf("OnLoop is true in a goroutine started %s", where)
	}
}

func TestLoopOnLoopIsTrueWhereverACoroutineRuns(t *testing.T) {
	l := newTestLoop(t)
	onLoop(t, "before the run", false)
	runTestOn(t, l, func(ctx context.Context) {
		onLoop(t, "in a new goroutine's first coroutine", true)
		yielding := func(where string) *task.Task[struct{}] {
			return task.Go(ctx, func(ctx context.Context) error {
				onLoop(t, where+", at its beginning", true)
				tick(ctx)
				onLoop(t, where+", after a handoff", true)
				return nil
			})
		}
		a, b := yielding("in a task among others"), yielding("in another task among others")
		_, err := task.Gather(ctx, future.Awaitable[struct{}](a), b).Await(ctx)
		noError(t, err)
		onLoop(t, "after being resumed by a task", true)

		// Tasks that never suspend: goroutines take one after the other.
		var quick []future.Awaitable[struct{}]
		for i := range 10 {
			quick = append(quick, task.Go(ctx, func(context.Context) error {
				onLoop(t, fmt.Sprintf("in quick task %d", i), true)
				return nil
			}))
		}
		_, err = task.Gather(ctx, quick...).Await(ctx)
		noError(t, err)

		task.Go(ctx, func(ctx context.Context) error {
			onLoop(t, "in an eager task", true)
			tick(ctx)
			onLoop(t, "in an eager task that was resumed", true)
			return nil
		}, task.Eager())
		onLoop(t, "after an eager start", true)

		noError(t, task.Sleep(ctx, time.Second))
		onLoop(t, "after the loop slept", true)
		l.CallSoon(func() { onLoop(t, "in a callback", true) })
		f := newFuture[int](ctx)
		f.AddDoneCallback(func() { onLoop(t, "in a done callback", true) })
		noError(t, f.SetResult(1))
		ticks(ctx, 2)

		_, err = task.ToThread(ctx, func(context.Context) (int, error) {
			onLoop(t, "in an executor", false)
			return 1, nil
		})
		noError(t, err)
		onLoop(t, "after an executor", true)
	})
	onLoop(t, "after the run", false)

	task.CreateOn(l, func(ctx context.Context) (int, error) {
		defer onLoop(t, "in a coroutine that is unwound", true)
		return newFuture[int](ctx).Await(ctx)
	})
	l.SetExceptionHandler(func(*loop.Loop, loop.ExceptionContext) {}) // it is destroyed pending
	l.Poll()
	noError(t, l.Close())
}

func TestLoopOnLoopInDebugMode(t *testing.T) {
	l := newTestLoop(t)
	l.SetDebug(true)
	runTestOn(t, l, func(ctx context.Context) {
		onLoop(t, "in a coroutine", true)
		tick(ctx)
		onLoop(t, "in a coroutine that was resumed", true)
	})
}

func TestLoopFatalErrorOfATaskLeavesTheRestForTheNextRun(t *testing.T) {
	l := newTestLoop(t)
	var order []string
	add := func(name string) task.Coroutine[struct{}] {
		return task.Void(func(context.Context) error {
			order = append(order, name)
			return nil
		})
	}
	task.CreateOn(l, add("a"))
	exit := task.CreateOn(l, func(context.Context) (int, error) { return 0, &loop.SystemExit{Code: 4} })
	task.CreateOn(l, add("b"))
	l.CallSoon(func() { order = append(order, "callback") })
	err := l.RunForever()
	isError(t, err, exit.Err())
	equal(t, "before", order, []string{"a"})
	l.Poll()
	equal(t, "afterwards", order, []string{"a", "b", "callback"})
}

func TestLoopPollRunsOneIterationOfTasks(t *testing.T) {
	l := newTestLoop(t)
	var order []string
	for _, name := range []string{"a", "b"} {
		task.CreateOn(l, task.Void(func(ctx context.Context) error {
			for i := range 3 {
				order = append(order, fmt.Sprint(name, i))
				tick(ctx)
			}
			return nil
		}))
	}
	want := []string{}
	for i := range 3 {
		l.Poll()
		want = append(want, fmt.Sprint("a", i), fmt.Sprint("b", i))
		equal(t, "steps", order, want)
	}
	l.Poll()
	if next, ok := l.Poll(); ok {
		t.Errorf("something is left, due at %v", next)
	}
}

func TestLoopCancelledTimersOfUnwoundCoroutines(t *testing.T) {
	l := newTestLoop(t)
	l.SetExceptionHandler(func(_ *loop.Loop, e loop.ExceptionContext) {
		equal(t, "report", e.Message, "Task was destroyed but it is pending!")
	})
	cancelled := false
	task.CreateOn(l, task.Void(func(ctx context.Context) error {
		h := l.CallLater(time.Hour, func() { t.Error("the timer fired") })
		defer func() {
			h.Cancel()
			cancelled = true
		}()
		return task.Sleep(ctx, time.Minute)
	}))
	l.Poll()
	noError(t, l.Close())
	equal(t, "cancelled", cancelled, true)
}
