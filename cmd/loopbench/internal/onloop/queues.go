package onloop

import (
	"context"

	"github.com/goasyncio/asyncio/cmd/loopbench/internal/bench"
	"github.com/goasyncio/asyncio/sync"
	"github.com/goasyncio/asyncio/task"
)

func queuePingpong(ctx context.Context, p bench.Params, watch *bench.Stopwatch) error {
	ping, pong := sync.NewQueue[int](1), sync.NewQueue[int](1)
	other := task.Go(ctx, func(ctx context.Context) error {
		for range p.Ops {
			v, err := ping.Get(ctx)
			if err != nil {
				return err
			}
			if err := pong.Put(ctx, v); err != nil {
				return err
			}
		}
		return nil
	})
	trips := 0
	watch.Start()
	for i := range p.Ops {
		if err := ping.Put(ctx, i); err != nil {
			return err
		}
		v, err := pong.Get(ctx)
		if err != nil {
			return err
		}
		if v == i {
			trips++
		}
	}
	watch.Stop(trips)
	return other.Join(ctx)
}

func queueThroughput(ctx context.Context, p bench.Params, watch *bench.Stopwatch) error {
	queue := sync.NewQueue[int](p.Width)
	got := 0
	watch.Start()
	producer := task.Go(ctx, func(ctx context.Context) error {
		for i := range p.Ops {
			if err := queue.Put(ctx, i); err != nil {
				return err
			}
		}
		return nil
	})
	for range p.Ops {
		if _, err := queue.Get(ctx); err != nil {
			return err
		}
		got++
	}
	watch.Stop(got)
	return producer.Join(ctx)
}
