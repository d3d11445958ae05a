package sync

import (
	"context"
	"testing"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
)

// contend runs tasks that share n operations.
func contend(b *testing.B, tasks, n int, operation func(ctx context.Context, number int) error) {
	b.Helper()
	b.ReportAllocs()
	l := loop.New()
	defer l.Close()
	_, err := task.RunUntilComplete(l, task.Void(func(ctx context.Context) error {
		b.ResetTimer()
		defer b.StopTimer()
		return task.WithGroup(ctx, func(_ context.Context, g *task.Group) error {
			for number := range tasks {
				each := n / tasks
				if number < n%tasks {
					each++
				}
				g.Go(func(ctx context.Context) error {
					for range each {
						if err := operation(ctx, number); err != nil {
							return err
						}
					}
					return nil
				})
			}
			return nil
		})
	}))
	if err != nil {
		b.Fatal(err)
	}
}

// 100 tasks share a lock; an operation is acquire, yield, release.
func BenchmarkLockContended(b *testing.B) {
	var l Lock
	contend(b, 100, b.N, func(ctx context.Context, _ int) error {
		if err := l.Acquire(ctx); err != nil {
			return err
		}
		if err := task.Yield(ctx); err != nil {
			return err
		}
		return l.Release()
	})
}

// 100 tasks share ten permits; an operation is acquire, yield, release.
func BenchmarkSemaphoreContended(b *testing.B) {
	s := NewSemaphore(10)
	contend(b, 100, b.N, func(ctx context.Context, _ int) error {
		if err := s.Acquire(ctx); err != nil {
			return err
		}
		if err := task.Yield(ctx); err != nil {
			return err
		}
		s.Release()
		return nil
	})
}

// Two tasks take turns; an operation is one turn.
func BenchmarkConditionPingpong(b *testing.B) {
	var c Condition
	turn := 0
	contend(b, 2, b.N, func(ctx context.Context, number int) error {
		if err := c.Acquire(ctx); err != nil {
			return err
		}
		for turn != number {
			if err := c.Wait(ctx); err != nil {
				return err
			}
		}
		turn = 1 - number
		if err := c.Notify(1); err != nil {
			return err
		}
		return c.Release()
	})
}

// Two tasks pass an item back and forth through two queues; an operation is one Put
// and one Get.
func BenchmarkQueuePingpong(b *testing.B) {
	var queues [2]Queue[int]
	if err := queues[0].PutNowait(0); err != nil {
		b.Fatal(err)
	}
	contend(b, 2, b.N, func(ctx context.Context, number int) error {
		item, err := queues[number].Get(ctx)
		if err != nil {
			return err
		}
		return queues[1-number].Put(ctx, item+1)
	})
}

// A producer and a consumer share a queue for 100 items; an operation is one item.
func BenchmarkQueueThroughput(b *testing.B) {
	b.ReportAllocs()
	l := loop.New()
	defer l.Close()
	q := NewQueue[int](100)
	_, err := task.RunUntilComplete(l, task.Void(func(ctx context.Context) error {
		b.ResetTimer()
		defer b.StopTimer()
		return task.WithGroup(ctx, func(_ context.Context, g *task.Group) error {
			g.Go(func(ctx context.Context) error {
				for i := range b.N {
					if err := q.Put(ctx, i); err != nil {
						return err
					}
				}
				q.Shutdown(false)
				return nil
			})
			g.Go(func(ctx context.Context) error {
				for _, err := range q.All(ctx) {
					if err != nil {
						return err
					}
				}
				return nil
			})
			return nil
		})
	}))
	if err != nil {
		b.Fatal(err)
	}
}

// Ten tasks pass a barrier again and again; an operation is one task passing it.
func BenchmarkBarrierRounds(b *testing.B) {
	const parties = 10
	barrier := NewBarrier(parties)
	whole := (b.N + parties - 1) / parties * parties
	contend(b, parties, whole, func(ctx context.Context, _ int) error {
		_, err := barrier.Wait(ctx)
		return err
	})
}
