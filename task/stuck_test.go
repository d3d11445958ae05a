package task_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
	"github.com/goasyncio/asyncio/timers"
)

// hastyClock is a virtual clock that has no patience.
type hastyClock struct{ *timers.Virtual }

func (c hastyClock) Watch(_ time.Duration, stuck func()) { c.Virtual.Watch(time.Nanosecond, stuck) }

// logged passes on what is logged.
type logged chan string

func (l logged) Write(text []byte) (int, error) {
	l <- string(text)
	return len(text), nil
}

func TestLoopOnAVirtualClockSaysWhatItWaitsFor(t *testing.T) {
	for name, test := range map[string]struct {
		wait func(ctx context.Context, over chan struct{}) error
		want []string
	}{
		"a hold": {func(ctx context.Context, over chan struct{}) error {
			release := loop.Running(ctx).Hold()
			go func() {
				<-over
				release()
			}()
			return task.Sleep(ctx, time.Hour)
		}, []string{"held for 10s of real time, by task_test.TestLoop", "at stuck_test.go:"}},
		"a thread": {func(ctx context.Context, over chan struct{}) error {
			_, err := task.ToThread(ctx, func(context.Context) (int, error) {
				<-over
				return 0, nil
			})
			return err
		}, []string{"held for 10s of real time, by task_test.TestLoop", "at stuck_test.go:"}},
		"what never comes by itself": {func(ctx context.Context, over chan struct{}) error {
			_, _, err := task.Receive(ctx, over)
			return err
		}, []string{"nothing to jump to", "Pending: <Task pending name='waiter'", ">. If"}},
		"several tasks": {func(ctx context.Context, over chan struct{}) error {
			receive := func(ctx context.Context) error {
				_, _, err := task.Receive(ctx, over)
				return err
			}
			first, second := task.Go(ctx, receive), task.Go(ctx, receive)
			return errors.Join(receive(ctx), first.Join(ctx), second.Join(ctx))
		}, []string{"Pending: <Task pending name='waiter'", "> and 2 more. If"}},
	} {
		t.Run(name, func(t *testing.T) {
			log := make(logged, 10)
			over := make(chan struct{})
			l := loop.New(loop.WithClock(hastyClock{timers.NewVirtual(time.Time{})}), loop.WithLogger(slog.New(slog.NewTextHandler(log, nil))))
			waiter := task.CreateOn(l, func(ctx context.Context) (int, error) { return 0, test.wait(ctx, over) }, task.Name("waiter"))
			got := make(chan string, 1)
			go func() {
				got <- <-log
				close(over)
			}()
			check.NoError(t, second(task.RunUntilComplete(l, waiter)))
			text := <-got
			for _, want := range append(test.want, "level=WARN") {
				if !strings.Contains(text, want) {
					t.Errorf("%q does not say %q", text, want)
				}
			}
			check.NoError(t, l.Close())
			check.Equal(t, "more messages", len(log), 0)
		})
	}
}
