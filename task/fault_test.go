package task_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
	"github.com/goasyncio/asyncio/timers"
)

// panickingExecutor cannot even say that it does not work.
type panickingExecutor struct{ loop.Pool }

func (*panickingExecutor) Submit(func()) error { panic(errTest) }

func TestExecutorThatPanicsDoesNotKeepTheClockHeld(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		loop.Running(ctx).SetDefaultExecutor(new(panickingExecutor))
		check.Is(t, check.Panics(t, func() {
			_, _ = task.ToThread(ctx, func(context.Context) (int, error) { return 1, nil })
		}), errTest)
		check.NoError(t, task.Sleep(ctx, time.Hour))
	})
}

func TestShutdownOfTheDefaultExecutorThatIsRefusedShutsNothingDown(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		refused := make(chan error)
		go func() { refused <- task.ShutdownDefaultExecutor(ctx, time.Second) }()
		check.Is(t, <-refused, task.ErrNotCurrent)
		v, err := task.ToThread(ctx, func(context.Context) (int, error) { return 7, nil })
		check.NoError(t, err)
		check.Equal(t, "result", v, 7)
	})
}

func TestRunUntilCompleteThatIsRefusedLeavesNoTask(t *testing.T) {
	other := newTestLoop(t)
	orphan := task.Void(func(context.Context) error {
		t.Error("the coroutine was started")
		return nil
	})
	runTest(t, func(ctx context.Context) {
		check.Is(t, second(task.RunUntilComplete(other, orphan)), loop.ErrRunning, "RunUntilComplete", "another loop")
		check.Is(t, second(task.RunUntilComplete(loop.Running(ctx), orphan)), loop.ErrRunning)
	})
	check.Equal(t, "tasks", len(task.AllOn(other)), 0)
	check.RunOn(t, other, tick)
}

func TestRunnerWhoseLoopWasClosedSaysSo(t *testing.T) {
	r := task.NewRunner()
	l, err := r.Loop()
	check.NoError(t, err)
	check.NoError(t, l.Close())
	check.Is(t, second(task.RunIn(r, context.Background(), seven)), loop.ErrClosed, "Run", "closed=true")
	check.Is(t, r.Run(context.Background(), func(context.Context) error { return nil }), loop.ErrClosed)
	check.NoError(t, r.Close())
}

func TestFactoryThatGivesNoContextLeavesIt(t *testing.T) {
	type key struct{}
	runTest(t, func(ctx context.Context) {
		task.SetFactory(loop.Running(ctx), func(*loop.Loop, task.Settings) task.Settings {
			return task.Settings{Name: "by the factory"}
		})
		tk := task.Create(context.WithValue(ctx, key{}, 3), func(ctx context.Context) (any, error) {
			return ctx.Value(key{}), task.Yield(ctx)
		})
		check.Equal(t, "name", tk.Name(), "by the factory")
		gives[any](t, ctx, tk, 3)
	})
}

func TestDebugModeIsThatOfTheRun(t *testing.T) {
	made := func() *loop.Loop { return loop.New(loop.WithClock(timers.NewVirtual(time.Time{}))) }
	debugging := func(ctx context.Context) (bool, error) { return loop.Running(ctx).Debug(), nil }
	for name, test := range map[string]struct {
		opts []task.RunOption
		want bool
	}{
		"by default":                         {nil, false},
		"with WithDebug":                     {[]task.RunOption{task.WithDebug()}, true},
		"with the option of the loop":        {[]task.RunOption{task.WithLoopOptions(loop.WithDebug())}, true},
		"with a factory":                     {[]task.RunOption{task.WithLoopFactory(made)}, false},
		"with WithDebug before a factory":    {[]task.RunOption{task.WithDebug(), task.WithLoopFactory(made)}, true},
		"with WithDebug after a factory":     {[]task.RunOption{task.WithLoopFactory(made), task.WithDebug()}, true},
		"with a factory whose loop is in it": {[]task.RunOption{task.WithLoopFactory(func() *loop.Loop { return loop.New(loop.WithDebug()) })}, true},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := task.Run(context.Background(), debugging, test.opts...)
			check.NoError(t, err)
			check.Equal(t, "debug mode", got, test.want)
		})
	}
}

func TestLoopFactoryIsRefused(t *testing.T) {
	none := task.WithLoopFactory(func() *loop.Loop { return nil })
	some := task.WithLoopFactory(func() *loop.Loop {
		t.Error("the factory was called in vain")
		return nil
	})
	check.Is(t, second(task.Run(context.Background(), seven, none)), loop.ErrInvalidArgument, "WithLoopFactory", "nil")
	check.Is(t, second(task.Run(context.Background(), seven, some, virtually())), loop.ErrInvalidArgument, "WithLoopFactory", "WithLoopOptions")
	r := task.NewRunner(none)
	_, err := r.Loop()
	check.Is(t, err, loop.ErrInvalidArgument)
	check.NoError(t, r.Close())
}

func TestRaceThatAFatalErrorEndsIsOver(t *testing.T) {
	l := newTestLoop(t)
	ended := false
	race := task.CreateOn(l, func(ctx context.Context) (int, error) {
		_, index, _, err := task.StaggeredRace(ctx, []task.Coroutine[int]{
			fails[int](0, loop.ErrKeyboardInterrupt),
			func(ctx context.Context) (int, error) {
				t.Error("the next coroutine was started")
				return 0, nil
			},
		}, task.Forever)
		ended = true
		check.Equal(t, "index", index, -1)
		return 0, err
	})
	for range 2 { // the second run is what the first has left
		check.Equal(t, "error", second(task.RunUntilComplete(l, race)), loop.ErrKeyboardInterrupt)
	}
	check.Equal(t, "the race has ended", ended, true)
	check.Is(t, race.Err(), loop.ErrKeyboardInterrupt)
	check.Equal(t, "tasks", len(task.AllOn(l)), 0)
}

// t.FailNow in main must not leave a goroutine that takes every Ctrl+C. TestMain finds
// goroutines that are left.
func TestRunThatEndsByGoexitLetsGoOfInterrupts(t *testing.T) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = task.Run(context.Background(), func(context.Context) (int, error) {
			runtime.Goexit()
			return 0, errors.New("went on")
		}, virtually(), task.WithInterrupt())
	}()
	<-done
}
