package task_test

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// Whoever waits for others in a context that ends is interrupted once. If it were
// interrupted again and again, the loop would never be idle.
func TestContextThatEndsInterruptsAWaitForOthersOnce(t *testing.T) {
	// cleansUp ends the context, and then takes a minute for its own cancellation.
	cleansUp := func(end func()) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			end()
			_, err := newFuture[int](ctx).Await(ctx)
			check.Cancelled(t, err, "")
			check.NoError(t, task.Sleep(ctx, time.Minute))
			return err
		}
	}
	for name, waits := range map[string]func(ctx context.Context, end func()) error{
		"group": func(ctx context.Context, end func()) error {
			return task.WithGroup(ctx, func(_ context.Context, g *task.Group) error {
				g.Go(cleansUp(end))
				return nil
			})
		},
		"race": func(ctx context.Context, end func()) error {
			_, _, _, err := task.StaggeredRace(ctx, []task.Coroutine[struct{}]{task.Void(cleansUp(end))}, task.Forever)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			l, clock := tasktest.NewLoop(t, patience)
			main := task.CreateOn(l, task.Void(func(ctx context.Context) error {
				derived, end := context.WithCancelCause(ctx)
				return waits(derived, func() { end(errTest) })
			}))
			busy := 0
			for next, ok := l.Time(), true; !ok || !next.After(l.Time()); {
				if next, ok, _ = l.Poll(); ok {
					busy++
				} else {
					runtime.Gosched() // the news is on its way
				}
				if busy > 100 {
					t.Fatal("the loop is never idle")
				}
			}
			clock.Advance(time.Minute)
			for range 10 {
				_, _, err := l.Poll()
				check.NoError(t, err)
			}
			_, err := main.Result()
			check.Is(t, err, errTest)
		})
	}
}

// The scope of a timeout ends twice: when the time is over, and when its body is.
func TestContextOfATimeoutThatExpiredStaysEnded(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		var scope context.Context
		var ended <-chan struct{}
		check.Is(t, task.WithTimeout(ctx, time.Second, func(ctx context.Context) error {
			scope, ended = ctx, ctx.Done()
			return task.Sleep(ctx, time.Hour)
		}), future.ErrTimeout)
		<-ended
		check.Equal(t, "error of the scope", scope.Err(), context.DeadlineExceeded)
	})
}

// The news of the end comes from a goroutine of package context. A clock that jumps must
// not be faster.
func TestContextThatEndsIsNoticedBeforeTheClockJumps(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		for range 100 {
			derived, end := context.WithCancelCause(ctx)
			loop.Running(ctx).CallSoon(func() { end(errTest) })
			check.Is(t, task.Sleep(derived, time.Hour), errTest)
		}
		check.Equal(t, "time", elapsed(ctx), time.Duration(0))
	})
}

// What a task awaits after it has cancelled itself gets the request. If that refuses it,
// the task goes on.
func TestCancelOfItselfIsDeliveredToWhatATaskAwaits(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		stubborn := task.Create(ctx, func(ctx context.Context) (int, error) {
			_, err := newFuture[int](ctx).Await(ctx)
			check.Cancelled(t, err, "tea")
			return 1, nil
		})
		tick(ctx)
		gives(t, ctx, task.Create(ctx, func(ctx context.Context) (int, error) {
			task.Current(ctx).Cancel("tea")
			v, err := stubborn.Await(ctx)
			tick(ctx) // the request has been delivered
			return v, err
		}), 1)
	})
}

// notAFuture is awaited in a task.
type notAFuture struct{}

func (notAFuture) Await(ctx context.Context) (int, error) { return newFuture[int](ctx).Await(ctx) }

// As in asyncio, the tasks that a gather has made for its arguments are its own affair.
func TestGatherLeavesNoReportOfItsTasksAtClose(t *testing.T) {
	for name, gather := range map[string]func(ctx context.Context){
		"coroutine": func(ctx context.Context) { task.Gather(ctx, returns(time.Hour, 1)) },
		"awaitable": func(ctx context.Context) { task.Gather[int](ctx, notAFuture{}) },
	} {
		t.Run(name, func(t *testing.T) {
			l := newTestLoop(t)
			got := check.Collect(l)
			check.RunOn(t, l, func(ctx context.Context) {
				gather(ctx)
				tick(ctx)
			})
			check.NoError(t, l.Close())
			check.Equal(t, "reports", got.Messages(), []string{})
		})
	}
}
