package monitor_test

import (
	"context"
	"testing"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/monitor"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// inThread calls fn off the loop, which runs meanwhile.
func inThread(ctx context.Context, fn func() error) error {
	_, err := task.ToThread(ctx, func(context.Context) (struct{}, error) { return struct{}{}, fn() })
	return err
}

func TestCancelNeedsTheIDAndTheName(t *testing.T) {
	m := monitor.New()
	defer m.Close()
	_, err := task.Run(t.Context(), func(ctx context.Context) (struct{}, error) {
		forever := future.New[int](loop.Running(ctx))
		victim := task.Create(ctx, func(ctx context.Context) (int, error) { return forever.Await(ctx) }, task.Name("victim"))
		id := uint64(2)
		check.Is(t, inThread(ctx, func() error { return m.Cancel(ctx, 1, id, "other", "no") }), monitor.ErrNoTask, "task 2", "'other'")
		check.Is(t, inThread(ctx, func() error { return m.Cancel(ctx, 1, id+1, "victim", "no") }), monitor.ErrNoTask)
		check.Is(t, inThread(ctx, func() error { return m.Cancel(ctx, 2, id, "victim", "no") }), loop.ErrInvalidArgument, "no loop 2")
		check.Is(t, inThread(ctx, func() error { return m.Cancel(ctx, 0, id, "victim", "no") }), loop.ErrInvalidArgument, "no loop 0")
		check.False(t, "cancelled", victim.Done() || victim.Cancelling() > 0)
		check.NoError(t, inThread(ctx, func() error { return m.Cancel(ctx, 1, id, "victim", "cancelled by a test") }))
		_, err := victim.Await(ctx)
		check.Is(t, err, future.ErrCancelled, "cancelled by a test")
		return struct{}{}, nil
	}, task.WithLoopOptions(m.Watch()))
	check.NoError(t, err)
}

func TestCancelGivesUpWithItsContext(t *testing.T) {
	m := monitor.New()
	defer m.Close()
	_, err := task.Run(t.Context(), func(ctx context.Context) (struct{}, error) {
		over, cancel := context.WithCancel(t.Context())
		cancel()
		done := make(chan struct{})
		go func() {
			defer close(done)
			check.Is(t, m.Cancel(over, 1, 1, "Task-1", "too late"), context.Canceled)
		}()
		<-done // the loop is blocked meanwhile
		return struct{}{}, task.Yield(ctx)
	}, task.WithLoopOptions(m.Watch()))
	check.NoError(t, err)
}
