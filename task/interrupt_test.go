//go:build unix

package task_test

import (
	"context"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// interrupt is Ctrl+C.
func interrupt(t *testing.T) {
	t.Helper()
	check.NoError(t, syscall.Kill(syscall.Getpid(), syscall.SIGINT))
}

func TestRunHandlesAnInterrupt(t *testing.T) {
	awaits := func(ctx context.Context) error { return second(newFuture[int](ctx).Await(ctx)) }
	tests := []struct {
		name string
		main func(t *testing.T, ctx context.Context) error
		want error
	}{
		{"while main waits", func(t *testing.T, ctx context.Context) error {
			interrupt(t)
			err := awaits(ctx)
			check.Cancelled(t, err, "")
			return err
		}, loop.ErrKeyboardInterrupt},
		{"while main is busy", func(t *testing.T, ctx context.Context) error {
			interrupt(t)
			for {
				if err := task.Yield(ctx); err != nil {
					check.Cancelled(t, err, "")
					return err
				}
			}
		}, loop.ErrKeyboardInterrupt},
		{"which main takes back", func(t *testing.T, ctx context.Context) error {
			interrupt(t)
			check.Cancelled(t, awaits(ctx), "")
			return nil
		}, nil},
		{"which makes main fail", func(t *testing.T, ctx context.Context) error {
			interrupt(t)
			check.Cancelled(t, awaits(ctx), "")
			return errTest
		}, errTest},
		{"twice", func(t *testing.T, ctx context.Context) error {
			interrupt(t)
			check.Cancelled(t, awaits(ctx), "")
			interrupt(t)
			err := awaits(ctx)
			check.Cancelled(t, err, "") // when the Runner is closed
			return err
		}, loop.ErrKeyboardInterrupt},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := second(task.Run(context.Background(), task.Void(func(ctx context.Context) error {
				return test.main(t, ctx)
			}), virtually(), task.WithInterrupt()))
			check.Equal(t, "error", err, test.want)
		})
	}
}

func TestRunThatWasCancelledOtherwiseTooIsNotInterrupted(t *testing.T) {
	check.Cancelled(t, second(task.Run(context.Background(), task.Void(func(ctx context.Context) error {
		task.Current(ctx).Cancel()
		check.Cancelled(t, task.Yield(ctx), "")
		interrupt(t)
		return second(newFuture[int](ctx).Await(ctx))
	}), virtually(), task.WithInterrupt())), "")
}

// A Ctrl+C that is handled only when main has ended cuts the shutdown short. There may be
// very many tasks: that they are destroyed is said once.
func TestRunThatIsInterruptedInItsShutdownSaysItOnce(t *testing.T) {
	var r *check.Reports
	err := second(task.Run(context.Background(), func(ctx context.Context) (int, error) {
		l := loop.Running(ctx)
		r = check.Collect(l)
		for range 5 {
			task.Go(ctx, func(ctx context.Context) error {
				_ = task.Sleep(ctx, time.Hour)
				return task.Sleep(ctx, time.Hour) // cleans up
			})
		}
		tick(ctx)
		l.CallSoon(func() { // in the last iteration of the run
			// As the goroutine that receives signals does when one comes now.
			_, err := l.CallSoonThreadsafe(func() { l.Kernel().Raise(loop.ErrKeyboardInterrupt) })
			check.NoError(t, err)
		})
		return 1, nil
	}, virtually(), task.WithInterrupt()))
	check.Equal(t, "error", err, loop.ErrKeyboardInterrupt)
	all := r.Taken()
	check.Equal(t, "reports", len(all), 1)
	check.Equal(t, "message", all[0].Message, "The shutdown was cut short: 5 pending tasks are destroyed, this one first")
	check.Equal(t, "its error", all[0].Err, loop.ErrKeyboardInterrupt)
	check.Equal(t, "its task", strings.Contains(all[0].Task.String(), "Task-2"), true)
}

func TestRunnerCanBeUsedAfterAnInterrupt(t *testing.T) {
	r := task.NewRunner(virtually(), task.WithInterrupt())
	for range 2 { // each run has a first interrupt of its own
		err := second(task.RunIn(r, context.Background(), task.Void(func(ctx context.Context) error {
			interrupt(t)
			return second(newFuture[int](ctx).Await(ctx))
		})))
		check.Equal(t, "error", err, loop.ErrKeyboardInterrupt)
		v, err := task.RunIn(r, context.Background(), returns(0, 42))
		check.NoError(t, err)
		check.Equal(t, "result", v, 42)
	}
	check.NoError(t, r.Close())
}
