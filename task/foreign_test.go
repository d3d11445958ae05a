package task_test

import (
	"context"
	"errors"
	"testing"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
)

// A goroutine that the program has started in a task may await with the task's context
// long after that, while the task awaits, ends and gets other names: that is refused
// without a look at anything that belongs to the loop, which the race detector checks.
func TestAwaitOnAForeignGoroutineRacesWithNothing(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		l := loop.Running(ctx)
		pending := newFuture[int](ctx)
		for range 50 {
			done := make(chan struct{})
			tk := task.Go(ctx, func(ctx context.Context) error {
				self := task.Current(ctx)
				go func() {
					defer close(done)
					for range 20 {
						for _, err := range []error{
							task.Yield(ctx),
							task.Join(ctx, pending),
							task.Join(context.Background(), pending),
							task.Join(context.Background(), self),
						} {
							if !errors.Is(err, task.ErrNotCurrent) && !errors.Is(err, future.ErrNoTask) {
								t.Errorf("not refused: %v", err)
							}
						}
					}
				}()
				self.SetName("renamed")
				return task.Yield(ctx)
			})
			f := newFuture[int](ctx)
			pending.AddDoneCallback(func() {})
			tick(ctx)
			tk.SetName("again")
			noError(t, tk.Join(ctx))
			f.Cancel()
			l.CallSoon(func() {})
			<-done
		}
	})
}
