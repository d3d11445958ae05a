package onloop

import (
	"context"
	"slices"

	"github.com/goasyncio/asyncio/cmd/loopbench/internal/bench"
	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/sync"
	"github.com/goasyncio/asyncio/task"
)

// contend runs Width tasks that share Ops passages of a critical section equally.
func contend(ctx context.Context, p bench.Params, watch *bench.Stopwatch, acquire func(context.Context) error, release func() error) error {
	each := p.Batches()
	done := 0
	worker := task.Void(func(ctx context.Context) error {
		for range each {
			if err := acquire(ctx); err != nil {
				return err
			}
			err := task.Yield(ctx)
			if err := release(); err != nil {
				return err
			}
			if err != nil {
				return err
			}
		}
		done += each
		return nil
	})
	return watched(ctx, p.Width, worker, watch, func() int { return done })
}

// watched runs n tasks of one coroutine while the stopwatch runs. When they have ended, done returns the number of
// their operations.
func watched(ctx context.Context, n int, worker task.Coroutine[struct{}], watch *bench.Stopwatch, done func() int) error {
	watch.Start()
	workers := slices.Repeat([]task.Coroutine[struct{}]{worker}, n)
	err := task.Join(ctx, task.Gather(ctx, workers...))
	watch.Stop(done())
	return err
}

func lockContended(ctx context.Context, p bench.Params, watch *bench.Stopwatch) error {
	var lock sync.Lock
	return contend(ctx, p, watch, lock.Acquire, lock.Release)
}

func semaphoreContended(ctx context.Context, p bench.Params, watch *bench.Stopwatch) error {
	semaphore := sync.NewSemaphore(10)
	return contend(ctx, p, watch, semaphore.Acquire, func() error {
		semaphore.Release()
		return nil
	})
}

func eventFanout(ctx context.Context, p bench.Params, watch *bench.Stopwatch) error {
	for range p.Batches() {
		var event sync.Event
		finished := future.New[int](loop.Running(ctx))
		woken := 0
		waiter := func(ctx context.Context) error {
			if err := event.Wait(ctx); err != nil {
				return err
			}
			if woken++; woken == p.Width {
				return finished.SetResult(woken)
			}
			return nil
		}
		for range p.Width {
			task.Go(ctx, waiter)
		}
		if err := task.Yield(ctx); err != nil {
			return err
		}
		watch.Start()
		event.Set()
		_, err := finished.Await(ctx)
		watch.Stop(woken)
		if err != nil {
			return err
		}
	}
	return nil
}

func conditionPingpong(ctx context.Context, p bench.Params, watch *bench.Stopwatch) error {
	var cond sync.Condition
	turn := 0
	play := func(ctx context.Context, me int) (rounds int, err error) {
		for range p.Ops {
			if err := cond.Acquire(ctx); err != nil {
				return rounds, err
			}
			for turn != me {
				if err := cond.Wait(ctx); err != nil {
					return rounds, err
				}
			}
			turn = 1 - me
			rounds++
			if err := cond.Notify(1); err != nil {
				return rounds, err
			}
			if err := cond.Release(); err != nil {
				return rounds, err
			}
		}
		return rounds, nil
	}
	watch.Start()
	other := task.Create(ctx, func(ctx context.Context) (int, error) { return play(ctx, 1) })
	if _, err := play(ctx, 0); err != nil {
		return err
	}
	rounds, err := other.Await(ctx)
	watch.Stop(rounds)
	return err
}

func barrierRounds(ctx context.Context, p bench.Params, watch *bench.Stopwatch) error {
	barrier := sync.NewBarrier(p.Width)
	rounds := 0
	party := task.Void(func(ctx context.Context) error {
		for range p.Ops {
			index, err := barrier.Wait(ctx)
			if err != nil {
				return err
			}
			if index == 0 {
				rounds++
			}
		}
		return nil
	})
	return watched(ctx, p.Width, party, watch, func() int { return rounds })
}
