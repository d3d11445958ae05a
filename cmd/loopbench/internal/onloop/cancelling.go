package onloop

import (
	"context"
	"time"

	"github.com/goasyncio/asyncio/cmd/loopbench/internal/bench"
	"github.com/goasyncio/asyncio/task"
)

func cancelStorm(ctx context.Context, p bench.Params, watch *bench.Stopwatch) error {
	sleeper := func(ctx context.Context) error { return task.Sleep(ctx, time.Hour) }
	cancelled := 0
	watch.Start()
	for range p.Batches() {
		tasks := make([]*task.Task[struct{}], 0, p.Width)
		for range p.Width {
			tasks = append(tasks, task.Go(ctx, sleeper))
		}
		if err := task.Yield(ctx); err != nil {
			return err
		}
		for _, t := range tasks {
			t.Cancel()
		}
		if _, _, err := task.Wait(ctx, tasks); err != nil {
			return err
		}
		for _, t := range tasks {
			if t.Cancelled() {
				cancelled++
			}
		}
	}
	watch.Stop(cancelled)
	return nil
}

func waitForNofire(ctx context.Context, p bench.Params, watch *bench.Stopwatch) error {
	step := task.Coro(func(ctx context.Context) (int, error) { return 1, task.Yield(ctx) })
	sum := 0
	watch.Start()
	for range p.Ops {
		v, err := task.WaitFor(ctx, step, time.Minute)
		if err != nil {
			return err
		}
		sum += v
	}
	watch.Stop(sum)
	return nil
}
