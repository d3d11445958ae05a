package task_test

import (
	"context"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
)

func TestCurrentOnIsTheTaskWhoseStepTheLoopRuns(t *testing.T) {
	l, other := newTestLoop(t), newTestLoop(t)
	equal(t, "before the run", task.CurrentOn(l), nil)
	var inCallback, inFirst, inSecond task.Any
	second := task.CreateOn(l, func(ctx context.Context) (int, error) {
		inSecond = task.CurrentOn(l)
		return 2, nil
	})
	first := task.CreateOn(l, func(ctx context.Context) (int, error) {
		l.CallSoon(func() { inCallback = task.CurrentOn(l) })
		tick(ctx)
		inFirst = task.CurrentOn(l)
		equal(t, "of another loop", task.CurrentOn(other), nil)
		return 1, nil
	})
	inCallback = first // to be overwritten
	_, err := task.RunUntilComplete(l, first)
	noError(t, err)
	equal(t, "in the one task", inFirst, task.Any(first))
	equal(t, "in the other task", inSecond, task.Any(second))
	equal(t, "in a callback", inCallback, nil)
	equal(t, "after the run", task.CurrentOn(l), nil)
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
		equal(t, "inside", inside, task.Any(tk))
		equal(t, "afterwards", task.CurrentOn(l), creator)
		noError(t, tk.Join(ctx))
	})
}

// A context may be captured; what it carries is another task then.
func TestCurrentOnIsNotThatOfACapturedContext(t *testing.T) {
	runTest(t, func(outer context.Context) {
		child := task.Go(outer, func(ctx context.Context) error {
			equal(t, "Current with the captured context", task.Current(outer) == task.Current(ctx), false)
			equal(t, "CurrentOn", task.CurrentOn(loop.Running(outer)), task.Current(ctx))
			return nil
		})
		noError(t, child.Join(outer))
	})
}

func TestAllOnIsTheUnfinishedTasksOfTheLoop(t *testing.T) {
	l, other := newTestLoop(t), newTestLoop(t)
	collectReports(l)
	equal(t, "at first", len(task.AllOn(l)), 0)
	slow, quick := task.CreateOn(l, returns(2*time.Second, 1)), task.CreateOn(l, returns(time.Second, 2))
	equal(t, "before the run", task.AllOn(l), []task.Any{slow, quick})
	equal(t, "on another loop", len(task.AllOn(other)), 0)
	main := task.CreateOn(l, func(ctx context.Context) (int, error) {
		equal(t, "in a task", task.AllOn(l), task.All(ctx))
		equal(t, "in a task", len(task.AllOn(l)), 3)
		return quick.Await(ctx)
	})
	_, err := task.RunUntilComplete(l, main)
	noError(t, err)
	equal(t, "afterwards", task.AllOn(l), []task.Any{slow})
	noError(t, l.Close())
	equal(t, "of a closed loop", len(task.AllOn(l)), 0)
}
