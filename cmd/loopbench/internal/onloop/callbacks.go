package onloop

import (
	"context"

	"github.com/goasyncio/asyncio/cmd/loopbench/internal/bench"
	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
)

func callSoonChain(ctx context.Context, p bench.Params, watch *bench.Stopwatch) error {
	l := loop.Running(ctx)
	done := future.New[int](l)
	left := p.Ops
	var step func()
	step = func() {
		if left--; left > 0 {
			l.CallSoon(step)
		} else {
			_ = done.SetResult(0)
		}
	}
	watch.Start()
	l.CallSoon(step)
	_, err := done.Await(ctx)
	watch.Stop(p.Ops - left)
	return err
}

func callSoonBatch(ctx context.Context, p bench.Params, watch *bench.Stopwatch) error {
	l := loop.Running(ctx)
	ran := 0
	watch.Start()
	for range p.Batches() {
		done := future.New[int](l)
		callback := func() {
			if ran++; ran%p.Width == 0 {
				_ = done.SetResult(0)
			}
		}
		for range p.Width {
			l.CallSoon(callback)
		}
		if _, err := done.Await(ctx); err != nil {
			return err
		}
	}
	watch.Stop(ran)
	return nil
}
