package task_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
)

// A timeout around something that comes from another goroutine, for which the loop
// goes to sleep, beside many other timeouts.
func BenchmarkWaitForOutside(b *testing.B) {
	for _, live := range []int{0, 100_000} {
		b.Run(fmt.Sprintf("live=%d", live), func(b *testing.B) {
			_, err := task.Run(context.Background(), task.Void(func(ctx context.Context) error {
				l := loop.Running(ctx)
				for i := range live {
					l.CallLater(time.Hour+time.Duration(i*7919%live)*time.Millisecond, func() {})
				}
				asked := make(chan *future.Future[int])
				defer close(asked)
				go func() {
					for f := range asked {
						_, _ = l.CallSoonThreadsafe(func() { _ = f.SetResult(1) })
					}
				}()
				for b.Loop() {
					f := future.New[int](l)
					asked <- f
					if _, err := task.WaitFor(ctx, f, time.Minute); err != nil {
						return err
					}
				}
				return nil
			}))
			if err != nil {
				b.Fatal(err)
			}
		})
	}
}
