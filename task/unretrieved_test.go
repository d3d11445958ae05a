package task_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

func TestCloseReportsExceptionsThatNobodyRetrieved(t *testing.T) {
	l := newTestLoop(t)
	got := check.Collect(l)
	var kept *future.Future[int]
	check.RunOn(t, l, func(ctx context.Context) {
		task.Create(ctx, fails[int](0, errTest), task.Name("first"))
		kept = newFuture[int](ctx)
		check.NoError(t, kept.SetException(errTest))
		retrieved := task.Create(ctx, fails[int](0, errTest))
		task.Create(ctx, explode, task.Name("second"))
		check.Is(t, retrieved.Join(ctx), errTest)
		check.NoError(t, task.Sleep(ctx, time.Second))
		task.Create(ctx, fails[int](0, errTest), task.Name("third"))
		ticks(ctx, 2)
	})
	check.Equal(t, "reports before Close", got.Messages(), []string{})
	check.NoError(t, l.Close())
	all := got.Taken()
	var names []string
	for _, e := range all {
		names = append(names, e.Message)
	}
	check.Equal(t, "messages", names, []string{
		"Future exception was never retrieved",
		"Task exception was never retrieved",
		"Task exception was never retrieved",
		"Task exception was never retrieved",
	})
	for i, part := range []string{"<Future finished", "name='second'", "name='first'", "name='third'"} {
		check.Contains(t, all[i].Future.String(), part)
	}
	var p *task.PanicError
	check.Equal(t, "the panic is reported as one", errors.As(all[1].Err, &p), true)
	check.Contains(t, all[1].Err.Error(), "task_test.explode at ")
	check.Is(t, kept.Err(), errTest) // it still has it
	check.NoError(t, l.Close())
	check.Equal(t, "reports afterwards", len(got.Taken()), 0)
}

func TestRunReportsATaskThatFailedInTheBackground(t *testing.T) {
	var told []loop.ExceptionContext
	_, err := task.Run(context.Background(), func(ctx context.Context) (int, error) {
		loop.Running(ctx).SetExceptionHandler(func(_ *loop.Loop, e loop.ExceptionContext) { told = append(told, e) })
		task.Go(ctx, func(context.Context) error { return errTest })
		return 0, task.Yield(ctx)
	})
	check.NoError(t, err)
	check.Equal(t, "number of reports", len(told), 1)
	check.Is(t, told[0].Err, errTest)
}

func TestFutureThatFailsAfterCloseIsReportedOnceLost(t *testing.T) {
	l := newTestLoop(t)
	told := make(chan loop.ExceptionContext, 1)
	l.SetExceptionHandler(func(_ *loop.Loop, e loop.ExceptionContext) { told <- e })
	check.NoError(t, l.Close())
	check.NoError(t, future.New[int](l).SetException(errTest))
	guard := time.Now().Add(20 * time.Second)
	for len(told) == 0 && time.Now().Before(guard) {
		runtime.GC()
		runtime.Gosched()
	}
	check.Is(t, (<-told).Err, errTest)
}

// An ownError refers to the task that fails with it.
type ownError struct {
	ctx  context.Context
	text string
}

func (e *ownError) Error() string { return e.text }

func TestExceptionThatRefersToItsTaskIsCollected(t *testing.T) {
	l := newTestLoop(t)
	got := check.Collect(l)
	var lost weak.Pointer[ownError]
	check.RunOn(t, l, func(ctx context.Context) {
		task.Go(ctx, func(ctx context.Context) error {
			e := &ownError{ctx, "refers to its task"}
			lost = weak.Make(e)
			return fmt.Errorf("wrapped: %w", e)
		}, task.Name("selfish"))
		ticks(ctx, 2)
		all := collected(ctx, got)
		check.Equal(t, "number of reports", len(all), 1)
		check.Equal(t, "text", all[0].Err.Error(), "wrapped: refers to its task")
		check.Contains(t, all[0].Future.String(), "name='selfish'")
		check.Equal(t, "the error is gone", lost.Value() == nil, true)
	})
}

func TestLostExceptionDoesNotWakeALoopInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := loop.New()
		defer l.Close()
		got := check.Collect(l)
		_, err := task.RunUntilComplete(l, task.Void(func(ctx context.Context) error {
			task.Go(ctx, func(context.Context) error { return errTest })
			if err := task.Sleep(ctx, time.Millisecond); err != nil {
				return err
			}
			go func() { // while the loop sleeps
				time.Sleep(time.Second)
				for range 3 {
					runtime.GC()
				}
			}()
			return task.Sleep(ctx, time.Hour)
		}))
		check.NoError(t, err)
		check.NoError(t, l.Close())
		check.Equal(t, "reports", got.Messages(), []string{"Task exception was never retrieved"})
	})
}

func TestGoexitIsNotReportedLater(t *testing.T) {
	l := newTestLoop(t)
	got := check.Collect(l)
	exited(func() {
		_, _ = task.RunUntilComplete(l, task.Void(func(context.Context) error { runtime.Goexit(); return nil }))
	})
	check.NoError(t, l.Close())
	check.Equal(t, "reports", got.Messages(), []string{})
}
