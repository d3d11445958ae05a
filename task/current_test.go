package task_test

import (
	"context"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

func TestCurrentOnIsTheTaskWhoseStepTheLoopRuns(t *testing.T) {
	l, other := newTestLoop(t), newTestLoop(t)
	check.Equal(t, "before the run", task.CurrentOn(l), nil)
	var inCallback, inFirst, inSecond task.Any
	second := task.CreateOn(l, func(ctx context.Context) (int, error) {
		inSecond = task.CurrentOn(l)
		return 2, nil
	})
	first := task.CreateOn(l, func(ctx context.Context) (int, error) {
		l.CallSoon(func() { inCallback = task.CurrentOn(l) })
		tick(ctx)
		inFirst = task.CurrentOn(l)
		check.Equal(t, "of another loop", task.CurrentOn(other), nil)
		return 1, nil
	})
	inCallback = first // to be overwritten
	_, err := task.RunUntilComplete(l, first)
	check.NoError(t, err)
	check.Equal(t, "in the one task", inFirst, task.Any(first))
	check.Equal(t, "in the other task", inSecond, task.Any(second))
	check.Equal(t, "in a callback", inCallback, nil)
	check.Equal(t, "after the run", task.CurrentOn(l), nil)
}

func TestCurrentOnDuringAnEagerStart(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		l := loop.Running(ctx)
		creator := task.Current(ctx)
		var inside task.Any
		tk := task.Create(ctx, func(ctx context.Context) (int, error) {
			inside = task.CurrentOn(l)
			return 0, task.Yield(ctx)
		}, task.Eager())
		check.Equal(t, "inside", inside, task.Any(tk))
		check.Equal(t, "afterwards", task.CurrentOn(l), creator)
		check.NoError(t, tk.Join(ctx))
	})
}

// A context may be captured; what it carries is another task then.
func TestCurrentOnIsNotThatOfACapturedContext(t *testing.T) {
	runTest(t, func(outer context.Context) {
		child := task.Go(outer, func(ctx context.Context) error {
			check.Equal(t, "Current with the captured context", task.Current(outer) == task.Current(ctx), false)
			check.Equal(t, "CurrentOn", task.CurrentOn(loop.Running(outer)), task.Current(ctx))
			return nil
		})
		check.NoError(t, child.Join(outer))
	})
}

func TestAllOnIsTheUnfinishedTasksOfTheLoop(t *testing.T) {
	l, other := newTestLoop(t), newTestLoop(t)
	check.Collect(l)
	check.Equal(t, "at first", len(task.AllOn(l)), 0)
	slow, quick := task.CreateOn(l, returns(2*time.Second, 1)), task.CreateOn(l, returns(time.Second, 2))
	check.Equal(t, "before the run", task.AllOn(l), []task.Any{slow, quick})
	check.Equal(t, "on another loop", len(task.AllOn(other)), 0)
	main := task.CreateOn(l, func(ctx context.Context) (int, error) {
		check.Equal(t, "in a task", task.AllOn(l), task.All(ctx))
		check.Equal(t, "in a task", len(task.AllOn(l)), 3)
		return quick.Await(ctx)
	})
	_, err := task.RunUntilComplete(l, main)
	check.NoError(t, err)
	check.Equal(t, "afterwards", task.AllOn(l), []task.Any{slow})
	check.NoError(t, l.Close())
	check.Equal(t, "of a closed loop", len(task.AllOn(l)), 0)
}
