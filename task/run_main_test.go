package task_test

import (
	"context"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
)

func TestMainReturnsTheErrorOfTheCoroutine(t *testing.T) {
	for name, want := range map[string]error{"no error": nil, "an error": errTest} {
		t.Run(name, func(t *testing.T) {
			var l *loop.Loop
			err := task.Main(context.Background(), func(ctx context.Context) error {
				l = loop.Running(ctx)
				equal(t, "name", task.Current(ctx).Name(), "Task-1")
				return failsAfter(time.Second, want)(ctx)
			}, virtually())
			equal(t, "error", err, want)
			equal(t, "time", l.Time().Sub(time.Unix(0, 0)), time.Second)
			equal(t, "loop closed", l.IsClosed(), true)
		})
	}
}

func TestMainCancelsTheTasksThatAreLeft(t *testing.T) {
	var left *task.Task[struct{}]
	noError(t, task.Main(context.Background(), func(ctx context.Context) error {
		left = task.Go(ctx, sleepsLong)
		return task.Yield(ctx)
	}, virtually()))
	equal(t, "cancelled", left.Cancelled(), true)
}

func TestMainReturnsTheCauseWhenItsContextEnds(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	var inside error
	equal(t, "error", task.Main(ctx, func(ctx context.Context) error {
		cancel(errTest)
		inside = sleepsLong(ctx)
		return inside
	}, virtually()), errTest)
	isCancellation(t, inside, "")
}

func TestMainTakesTheOptionsOfRun(t *testing.T) {
	l := loop.New()
	noError(t, task.Main(context.Background(), func(ctx context.Context) error {
		equal(t, "loop", loop.Running(ctx), l)
		return nil
	}, task.WithLoopFactory(func() *loop.Loop { return l })))
	equal(t, "loop closed", l.IsClosed(), true)

	debug := false
	noError(t, task.Main(context.Background(), func(ctx context.Context) error {
		debug = loop.Running(ctx).Debug()
		return nil
	}, task.WithDebug()))
	equal(t, "debug mode", debug, true)
}

func TestMainReturnsAPanic(t *testing.T) {
	err := task.Main(context.Background(), func(context.Context) error { panic(errTest) }, virtually())
	isError(t, err, errTest, "panic")
}

func TestMainInsideOfARunIsRefused(t *testing.T) {
	noError(t, task.Main(context.Background(), func(ctx context.Context) error {
		isError(t, task.Main(ctx, never), loop.ErrRunning, "cannot be called from a running event loop")
		isError(t, task.Main(context.Background(), never), loop.ErrRunning)
		return nil
	}, virtually()))
}

func TestMainWithoutACoroutineIsRefused(t *testing.T) {
	isError(t, task.Main(context.Background(), nil), task.ErrNilCoroutine, "Run")
}

func TestRunnerRun(t *testing.T) {
	r := task.NewRunner(virtually())
	var first *loop.Loop
	var background *task.Task[struct{}]
	noError(t, r.Run(context.Background(), func(ctx context.Context) error {
		first = loop.Running(ctx)
		background = task.Go(ctx, sleepsFor(time.Second))
		return nil
	}))
	equal(t, "error", r.Run(context.Background(), func(ctx context.Context) error {
		equal(t, "loop", loop.Running(ctx), first)
		noError(t, background.Join(ctx)) // it goes on in this run
		return errTest
	}), errTest)
	isError(t, r.Run(context.Background(), nil), task.ErrNilCoroutine)
	noError(t, r.Close())
	isError(t, r.Run(context.Background(), never), task.ErrRunnerClosed)
}
