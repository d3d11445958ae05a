package task_test

import (
	"context"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

func TestMainReturnsTheErrorOfTheCoroutine(t *testing.T) {
	for name, want := range map[string]error{"no error": nil, "an error": errTest} {
		t.Run(name, func(t *testing.T) {
			var l *loop.Loop
			err := task.Main(context.Background(), func(ctx context.Context) error {
				l = loop.Running(ctx)
				check.Equal(t, "name", task.Current(ctx).Name(), "Task-1")
				return failsAfter(time.Second, want)(ctx)
			}, virtually())
			check.Equal(t, "error", err, want)
			check.Equal(t, "time", l.Time().Sub(time.Unix(0, 0)), time.Second)
			check.Equal(t, "loop closed", l.IsClosed(), true)
		})
	}
}

func TestMainCancelsTheTasksThatAreLeft(t *testing.T) {
	var left *task.Task[struct{}]
	check.NoError(t, task.Main(context.Background(), func(ctx context.Context) error {
		left = task.Go(ctx, sleepsLong)
		return task.Yield(ctx)
	}, virtually()))
	check.Equal(t, "cancelled", left.Cancelled(), true)
}

func TestMainReturnsTheCauseWhenItsContextEnds(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	var inside error
	check.Equal(t, "error", task.Main(ctx, func(ctx context.Context) error {
		cancel(errTest)
		inside = sleepsLong(ctx)
		return inside
	}, virtually()), errTest)
	check.Cancelled(t, inside, "")
}

func TestMainTakesTheOptionsOfRun(t *testing.T) {
	l := loop.New()
	check.NoError(t, task.Main(context.Background(), func(ctx context.Context) error {
		check.Equal(t, "loop", loop.Running(ctx), l)
		return nil
	}, task.WithLoopFactory(func() *loop.Loop { return l })))
	check.Equal(t, "loop closed", l.IsClosed(), true)

	debug := false
	check.NoError(t, task.Main(context.Background(), func(ctx context.Context) error {
		debug = loop.Running(ctx).Debug()
		return nil
	}, task.WithDebug()))
	check.Equal(t, "debug mode", debug, true)
}

func TestMainReturnsAPanic(t *testing.T) {
	err := task.Main(context.Background(), func(context.Context) error { panic(errTest) }, virtually())
	check.Is(t, err, errTest, "panic")
}

func TestMainInsideOfARunIsRefused(t *testing.T) {
	check.NoError(t, task.Main(context.Background(), func(ctx context.Context) error {
		check.Is(t, task.Main(ctx, never), loop.ErrRunning, "cannot be called from a running event loop")
		check.Is(t, task.Main(context.Background(), never), loop.ErrRunning)
		return nil
	}, virtually()))
}

func TestMainWithoutACoroutineIsRefused(t *testing.T) {
	check.Is(t, task.Main(context.Background(), nil), task.ErrNilCoroutine, "Run")
}

func TestRunnerRun(t *testing.T) {
	r := task.NewRunner(virtually())
	var first *loop.Loop
	var background *task.Task[struct{}]
	check.NoError(t, r.Run(context.Background(), func(ctx context.Context) error {
		first = loop.Running(ctx)
		background = task.Go(ctx, sleepsFor(time.Second))
		return nil
	}))
	check.Equal(t, "error", r.Run(context.Background(), func(ctx context.Context) error {
		check.Equal(t, "loop", loop.Running(ctx), first)
		check.NoError(t, background.Join(ctx)) // it goes on in this run
		return errTest
	}), errTest)
	check.Is(t, r.Run(context.Background(), nil), task.ErrNilCoroutine)
	check.NoError(t, r.Close())
	check.Is(t, r.Run(context.Background(), never), task.ErrRunnerClosed)
}
