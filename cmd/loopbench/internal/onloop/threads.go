package onloop

import (
	"context"
	"errors"
	"time"

	"github.com/goasyncio/asyncio/cmd/loopbench/internal/bench"
	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
)

func threadsafeRoundtrip(ctx context.Context, p bench.Params, watch *bench.Stopwatch) error {
	l := loop.Running(ctx)
	done := future.New[int](l)
	client := func() error {
		sum := 0
		watch.Start()
		for range p.Ops {
			start := time.Now()
			v, err := task.RunCoroutineThreadsafe(l, nop).Result(context.Background())
			if err != nil {
				return err
			}
			watch.Observe(time.Since(start))
			sum += v
		}
		watch.Stop(sum)
		return nil
	}
	go func() {
		err := client()
		_, _ = l.CallSoonThreadsafe(func() {
			if err != nil {
				_ = done.SetException(err)
			} else {
				_ = done.SetResult(0)
			}
		})
	}()
	_, err := done.Await(ctx)
	return err
}

func threadsafeThroughput(ctx context.Context, p bench.Params, watch *bench.Stopwatch) error {
	l := loop.Running(ctx)
	done := future.New[int](l)
	each := p.Batches()
	ran := 0
	callback := func() {
		if ran++; ran == each*p.Width {
			_ = done.SetResult(ran)
		}
	}
	gate := make(chan struct{})
	refused := make(chan error, p.Width)
	for range p.Width {
		go func() {
			<-gate
			var failed error
			for range each {
				if _, err := l.CallSoonThreadsafe(callback); err != nil {
					failed = errors.Join(failed, err)
				}
			}
			refused <- failed
		}()
	}
	watch.Start()
	close(gate)
	_, err := done.Await(ctx)
	watch.Stop(ran)
	for range p.Width {
		err = errors.Join(err, <-refused)
	}
	return err
}

func toThreadRoundtrip(ctx context.Context, p bench.Params, watch *bench.Stopwatch) error {
	sum := 0
	watch.Start()
	for range p.Ops {
		start := time.Now()
		v, err := task.ToThread(ctx, nop)
		if err != nil {
			return err
		}
		watch.Observe(time.Since(start))
		sum += v
	}
	watch.Stop(sum)
	return nil
}
