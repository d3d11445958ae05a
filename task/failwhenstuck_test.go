package task_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
	"github.com/goasyncio/asyncio/timers"
)

// ticking calls fn with the option FailWhenStuck, whose ticks come one after the other. It
// returns how many there were.
func ticking(fn func(opt task.RunOption)) int {
	ticks, over := make(chan time.Time), make(chan struct{})
	counted := make(chan int)
	go func() {
		for n := 0; ; n++ {
			select {
			case ticks <- time.Time{}:
			case <-over:
				counted <- n
				return
			}
		}
	}()
	fn(task.FailWhenStuckAt(ticks))
	close(over)
	return <-counted
}

// onVirtual is the option of a loop on a virtual clock.
func onVirtual() task.RunOption {
	return task.WithLoopOptions(loop.WithClock(timers.NewVirtual(start)))
}

// eachOther awaits a task that awaits the task of ctx, and third that awaits that one.
func eachOther(ctx context.Context) error {
	main := task.Current(ctx)
	return task.Go(ctx, func(ctx context.Context) error { return main.Join(ctx) }, task.Name("other")).Join(ctx)
}

func TestFailWhenStuckFindsACircleOnAnyClock(t *testing.T) {
	for name, opts := range map[string][]task.RunOption{
		"virtual": {onVirtual()},
		"real":    nil,
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context()) // does not count
			defer cancel()
			ticking(func(opt task.RunOption) {
				err := task.Main(ctx, eachOther, append(opts, opt)...)
				check.Is(t, err, task.ErrStuck, "Task-1 awaits other, other awaits Task-1\nTask-1 in ", "└── other in ")
			})
		})
	}
}

func TestFailWhenStuckFindsAnIdleVirtualClock(t *testing.T) {
	ticking(func(opt task.RunOption) {
		err := task.Main(t.Context(), func(ctx context.Context) error {
			check.NoError(t, task.Sleep(ctx, time.Hour))
			_, err := future.New[int](loop.Running(ctx)).Await(ctx)
			return err
		}, onVirtual(), opt)
		check.Is(t, err, task.ErrStuck, "nothing is ready, no timer is set, and nobody holds the virtual clock\nTask-1 in ")
	})
}

func TestFailWhenStuckFindsTheEndOfARun(t *testing.T) {
	ticking(func(opt task.RunOption) {
		err := task.Main(t.Context(), func(ctx context.Context) error {
			task.Go(ctx, func(ctx context.Context) error {
				never := newFuture[int](ctx)
				_, _ = never.Await(ctx)
				_, err := newFuture[int](ctx).Await(ctx) // in spite of its cancellation
				return err
			}, task.Name("stubborn"))
			return task.Yield(ctx)
		}, onVirtual(), opt, task.WithLoopOptions(loop.WithLogger(slog.New(slog.DiscardHandler))))
		check.Is(t, err, task.ErrStuck, "stubborn in ")
	})
}

func TestFailWhenStuckLetsARunGoOn(t *testing.T) {
	const enough = 20 // ticks
	for name, test := range map[string]struct {
		opts []task.RunOption
		main func(ctx context.Context, news *future.Concurrent[int]) error
	}{
		"that holds the virtual clock": {[]task.RunOption{onVirtual()}, func(ctx context.Context, news *future.Concurrent[int]) error {
			defer loop.Running(ctx).Hold()()
			_, err := future.Wrap(loop.Running(ctx), news).Await(ctx)
			return err
		}},
		"that works in a thread": {[]task.RunOption{onVirtual()}, func(ctx context.Context, news *future.Concurrent[int]) error {
			_, err := task.ToThread(ctx, func(ctx context.Context) (int, error) { return news.Result(ctx) })
			return err
		}},
		"that waits for another goroutine": {nil, func(ctx context.Context, news *future.Concurrent[int]) error {
			_, err := future.Wrap(loop.Running(ctx), news).Await(ctx)
			return err
		}},
		"with a timeout": {nil, func(ctx context.Context, news *future.Concurrent[int]) error {
			timeout := task.NewTimeout(ctx, time.Hour)
			news.AddDoneCallback(func() {
				_, _ = loop.Running(ctx).CallSoonThreadsafe(func() { _ = timeout.Reschedule(loop.Running(ctx).Time()) })
			})
			err := timeout.Run(ctx, eachOther)
			check.Is(t, err, context.DeadlineExceeded)
			return nil
		}},
		"in which others await each other": {nil, func(ctx context.Context, news *future.Concurrent[int]) error {
			other := task.Go(ctx, eachOther)
			defer other.Cancel()
			_, err := future.Wrap(loop.Running(ctx), news).Await(ctx)
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			news := new(future.Concurrent[int])
			ticks, over := make(chan time.Time), make(chan struct{})
			go func() {
				defer close(over)
				for range enough {
					ticks <- time.Time{}
				}
				check.NoError(t, news.SetResult(1))
			}()
			err := task.Main(t.Context(), func(ctx context.Context) error { return test.main(ctx, news) }, append(test.opts, task.FailWhenStuckAt(ticks))...)
			check.NoError(t, err)
			<-over
		})
	}
}

func TestFailWhenStuckTicksByItself(t *testing.T) {
	err := task.Main(t.Context(), eachOther, task.FailWhenStuck())
	check.Is(t, err, task.ErrStuck)
}
