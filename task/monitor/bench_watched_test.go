package monitor

import (
	"context"
	"fmt"
	"testing"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// BenchmarkWatched shows what it costs that a loop is watched: compare watched=true with
// watched=false.
func BenchmarkWatched(b *testing.B) {
	each := func(name string, main func(ctx context.Context, b *testing.B)) {
		for _, watched := range []bool{false, true} {
			b.Run(fmt.Sprintf("%s/watched=%t", name, watched), func(b *testing.B) {
				b.ReportAllocs()
				m := New()
				defer m.Close()
				var opts []loop.Option
				if watched {
					opts = append(opts, m.Watch())
				}
				l := loop.New(opts...)
				defer l.Close()
				check.RunOn(b, l, func(ctx context.Context) { main(ctx, b) })
			})
		}
	}
	for _, tasks := range []int{1, 100} {
		each(fmt.Sprintf("yield_%d", tasks), func(ctx context.Context, b *testing.B) {
			var all []*task.Task[struct{}]
			b.ResetTimer()
			for n := range tasks {
				all = append(all, task.Go(ctx, func(ctx context.Context) error {
					for range b.N/tasks + min(1, max(0, b.N%tasks-n)) {
						if err := task.Yield(ctx); err != nil {
							return err
						}
					}
					return nil
				}))
			}
			for _, t := range all {
				check.NoError(b, t.Join(ctx))
			}
		})
	}
	each("create_await", func(ctx context.Context, b *testing.B) {
		nop := func(ctx context.Context) error { return nil }
		b.ResetTimer()
		for range b.N {
			if err := task.Go(ctx, nop).Join(ctx); err != nil {
				b.Fatal(err)
			}
		}
	})
}
