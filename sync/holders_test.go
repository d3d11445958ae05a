package sync

import (
	"context"
	"errors"
	"testing"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// holderOf returns who has the lock, as far as it is known.
func holderOf(l *Lock) kernel.Awaiter { return l.holder }

// self is the task of ctx.
func self(ctx context.Context) kernel.Awaiter {
	return ctx.Value(kernel.AwaiterKey{}).(kernel.Awaiter)
}

func TestTrackHoldersRemembersWhoHasALock(t *testing.T) {
	run(t, func(ctx context.Context) {
		TrackHolders(loop.Running(ctx), true)
		var l Lock
		check.NoError(t, l.Acquire(ctx)) // of a lock that knows no loop yet
		check.Equal(t, "holder", holderOf(&l), self(ctx))
		other := spawn(ctx, func(ctx context.Context) error {
			check.NoError(t, l.Acquire(ctx)) // waiting
			check.Equal(t, "holder", holderOf(&l), self(ctx))
			return l.Release()
		})
		yield(ctx)
		check.NoError(t, l.Release())
		check.Equal(t, "holder of a free lock", holderOf(&l), nil)
		succeeds(t, ctx, other)
		check.Equal(t, "holder of a free lock", holderOf(&l), nil)
		check.NoError(t, l.Acquire(ctx)) // of a lock that knows its loop
		check.Equal(t, "holder", holderOf(&l), self(ctx))
		TrackHolders(loop.Running(ctx), false)
		check.NoError(t, l.Release())
		check.NoError(t, l.Acquire(ctx))
		check.Equal(t, "holder of which no track is kept", holderOf(&l), nil)
	})
}

func TestTrackHoldersTellsOfConditionsToo(t *testing.T) {
	run(t, func(ctx context.Context) {
		TrackHolders(loop.Running(ctx), true)
		c := NewCondition(nil)
		waiting := spawn(ctx, func(ctx context.Context) error {
			return c.With(ctx, func() error {
				err := c.Wait(ctx)
				check.Equal(t, "holder after Wait", holderOf(&c.own), self(ctx))
				return err
			})
		})
		yield(ctx)
		check.NoError(t, c.With(ctx, func() error {
			check.Equal(t, "holder", holderOf(&c.own), self(ctx))
			return c.Notify(1)
		}))
		succeeds(t, ctx, waiting)
	})
}

func TestTrackHoldersLeavesTheFutureOfAWaiterAsItIs(t *testing.T) {
	run(t, func(ctx context.Context) {
		var texts []string
		for _, on := range []bool{false, true} {
			TrackHolders(loop.Running(ctx), on)
			var l Lock
			check.NoError(t, l.Acquire(ctx))
			waiter := task.Go(ctx, l.Acquire, task.Name("waiter"))
			yield(ctx)
			texts = append(texts, waiter.String())
			check.True(t, "cancelled", waiter.Cancel("enough"))
			check.True(t, "cancelled again", waiter.Cancel("too much"))
			check.Cancelled(t, waiter.Join(ctx), "enough")
		}
		check.Equal(t, "description", texts[1], texts[0])
	})
}

func TestTrackHoldersRefusesMisuse(t *testing.T) {
	check.Is(t, check.Panics(t, func() { TrackHolders(nil, true) }), loop.ErrInvalidArgument, "sync: TrackHolders")
	run(t, func(ctx context.Context) {
		l, wrong := loop.Running(ctx), make(chan error)
		go func() {
			defer func() {
				err, _ := recover().(error)
				wrong <- err
			}()
			TrackHolders(l, true)
		}()
		if err := <-wrong; !errors.Is(err, loop.ErrWrongGoroutine) {
			t.Errorf("another goroutine: %v", err)
		}
	})
}
