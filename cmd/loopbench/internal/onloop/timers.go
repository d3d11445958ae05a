package onloop

import (
	"context"
	"time"

	"github.com/goasyncio/asyncio/cmd/loopbench/internal/bench"
	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
)

func timerAddCancel(ctx context.Context, p bench.Params, watch *bench.Stopwatch) error {
	l := loop.Running(ctx)
	random := bench.NewRandom()
	fired := 0
	fire := func() { fired++ }
	live := make([]*loop.TimerHandle, 0, p.Width)
	watch.Start()
	for range p.Batches() {
		live = live[:0]
		for range p.Width {
			live = append(live, l.CallLater(random.Between(time.Second, 3601*time.Second), fire))
		}
		for _, timer := range live {
			timer.Cancel()
		}
		if err := task.Yield(ctx); err != nil {
			return err
		}
	}
	watch.Stop(p.Batches()*p.Width - fired)
	return nil
}

func timerFire(ctx context.Context, p bench.Params, watch *bench.Stopwatch) error {
	l := loop.Running(ctx)
	random := bench.NewRandom()
	fired := 0
	watch.Start()
	for range p.Batches() {
		done := future.New[int](l)
		fire := func() {
			if fired++; fired%p.Width == 0 {
				_ = done.SetResult(0)
			}
		}
		start := l.Time()
		for range p.Width {
			l.CallAt(start.Add(random.Between(p.Span/2, p.Span*3/2)), fire)
		}
		if _, err := done.Await(ctx); err != nil {
			return err
		}
	}
	watch.Stop(fired)
	return nil
}

func sleepAccuracy(ctx context.Context, p bench.Params, watch *bench.Stopwatch) error {
	random := bench.NewRandom()
	watch.Start()
	for range p.Ops {
		d := random.Between(p.Span/10, p.Span)
		start := time.Now()
		if err := task.Sleep(ctx, d); err != nil {
			return err
		}
		watch.Observe(time.Since(start) - d)
	}
	watch.Stop(p.Ops)
	return nil
}
