package tasktest_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest"
)

// neverSuspends and suspends are functions of which it is known whether they suspend.
var (
	neverSuspends = map[string]func(ctx context.Context) error{
		"nothing": func(context.Context) error { return nil },
		"await of a future that is done": func(ctx context.Context) error {
			f := future.New[int](loop.Running(ctx))
			_ = f.SetResult(1)
			_, err := f.Await(ctx)
			return err
		},
		"an eager task that is done at once": func(ctx context.Context) error {
			return task.Go(ctx, func(context.Context) error { return nil }, task.Eager()).Err()
		},
	}
	suspends = map[string]func(ctx context.Context) error{
		"yield": task.Yield,
		"sleep": func(ctx context.Context) error { return task.Sleep(ctx, time.Second) },
		"await of a task": func(ctx context.Context) error {
			_, err := task.Go(ctx, func(context.Context) error { return nil }).Await(ctx)
			return err
		},
	}
)

func TestNeverSuspendsPasses(t *testing.T) {
	tasktest.Table(t, neverSuspends, func(ctx context.Context, t *tasktest.T, fn func(ctx context.Context) error) {
		if err := t.NeverSuspends(ctx, fn); err != nil {
			t.Error(err)
		}
	})
}

func TestSuspendsPasses(t *testing.T) {
	tasktest.Table(t, suspends, func(ctx context.Context, t *tasktest.T, fn func(ctx context.Context) error) {
		if err := t.Suspends(ctx, fn); err != nil {
			t.Error(err)
		}
	})
}

func TestNeverSuspendsFailsAndSaysWhere(t *testing.T) {
	wantHeard(t, hear(t, func(ctx context.Context, t *tasktest.T) {
		for range 2 {
			_ = t.NeverSuspends(ctx, func(ctx context.Context) error {
				if err := task.Sleep(ctx, time.Second); err != nil {
					return err
				}
				return task.Yield(ctx)
			})
		}
	}), `
NeverSuspends: the task suspended in task.Sleep, called at suspends_test.go:59
NeverSuspends: the task suspended in task.Sleep, called at suspends_test.go:59`)
}

func TestNeverSuspendsFailsForEachFunctionThatSuspends(t *testing.T) {
	for name, fn := range suspends {
		if hear(t, func(ctx context.Context, t *tasktest.T) { _ = t.NeverSuspends(ctx, fn) }) == "" {
			t.Errorf("NeverSuspends does not notice: %s", name)
		}
	}
}

func TestSuspendsFailsForEachFunctionThatNeverSuspends(t *testing.T) {
	for _, fn := range neverSuspends {
		wantHeard(t, hear(t, func(ctx context.Context, t *tasktest.T) { _ = t.Suspends(ctx, fn) }),
			"Suspends: the task did not suspend")
	}
}

func TestSuspendsReturnsTheError(t *testing.T) {
	failure := errors.New("failure")
	tasktest.Run(t, func(ctx context.Context, t *tasktest.T) {
		if err := t.NeverSuspends(ctx, func(context.Context) error { return failure }); err != failure {
			t.Errorf("NeverSuspends returns %v", err)
		}
		err := t.Suspends(ctx, func(ctx context.Context) error { return errors.Join(task.Yield(ctx), failure) })
		if !errors.Is(err, failure) {
			t.Errorf("Suspends returns %v", err)
		}
	})
}
