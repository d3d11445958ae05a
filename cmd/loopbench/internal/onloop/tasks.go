package onloop

import (
	"context"
	"slices"

	"github.com/goasyncio/asyncio/cmd/loopbench/internal/bench"
	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
)

func yield(ctx context.Context, p bench.Params, watch *bench.Stopwatch) error {
	steps := p.Batches()
	finished := future.New[int](loop.Running(ctx))
	running, done := p.Width, 0
	worker := func(ctx context.Context) error {
		for range steps {
			if err := task.Yield(ctx); err != nil {
				return err
			}
		}
		done += steps
		if running--; running == 0 {
			return finished.SetResult(done)
		}
		return nil
	}
	for range p.Width {
		task.Go(ctx, worker)
	}
	// Every worker is in its first yield when this one returns.
	if err := task.Yield(ctx); err != nil {
		return err
	}
	watch.Start()
	_, err := finished.Await(ctx)
	watch.Stop(done)
	return err
}

func createAwait(ctx context.Context, p bench.Params, watch *bench.Stopwatch) error {
	sum := 0
	watch.Start()
	for range p.Ops {
		v, err := task.Create(ctx, nop).Await(ctx)
		if err != nil {
			return err
		}
		sum += v
	}
	watch.Stop(sum)
	return nil
}

func gatherNop(ctx context.Context, p bench.Params, watch *bench.Stopwatch) error {
	sum := 0
	watch.Start()
	for range p.Batches() {
		children := slices.Repeat([]task.Coroutine[int]{nop}, p.Width)
		results, err := task.Gather(ctx, children...).Await(ctx)
		if err != nil {
			return err
		}
		for _, v := range results {
			sum += v
		}
	}
	watch.Stop(sum)
	return nil
}

func taskgroupNop(ctx context.Context, p bench.Params, watch *bench.Stopwatch) error {
	ran := 0
	child := func(context.Context) error {
		ran++
		return nil
	}
	watch.Start()
	for range p.Batches() {
		err := task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
			for range p.Width {
				g.Go(child)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	watch.Stop(ran)
	return nil
}

func asyncTree(ctx context.Context, p bench.Params, watch *bench.Stopwatch) error {
	levels, tasks := bench.Tree(p.Width)
	ran := 0
	var node func(level int) task.Coroutine[int]
	node = func(level int) task.Coroutine[int] {
		return func(ctx context.Context) (int, error) {
			ran++
			if level == 0 {
				return 0, nil
			}
			children := make([]task.Coroutine[int], bench.Fanout)
			for i := range children {
				children[i] = node(level - 1)
			}
			return 0, task.Join(ctx, task.Gather(ctx, children...))
		}
	}
	watch.Start()
	for range p.Ops {
		if _, err := node(levels)(ctx); err != nil {
			return err
		}
	}
	watch.Stop(ran / (tasks + 1))
	return nil
}

func futurePingpong(ctx context.Context, p bench.Params, watch *bench.Stopwatch) error {
	l := loop.Running(ctx)
	ping, pong := future.New[int](l), (*future.Future[int])(nil)
	other := task.Go(ctx, func(ctx context.Context) error {
		for range p.Ops {
			v, err := ping.Await(ctx)
			if err != nil {
				return err
			}
			ping = future.New[int](l)
			if err := pong.SetResult(v); err != nil {
				return err
			}
		}
		return nil
	})
	if err := task.Yield(ctx); err != nil {
		return err
	}
	trips := 0
	watch.Start()
	for i := range p.Ops {
		pong = future.New[int](l)
		if err := ping.SetResult(i); err != nil {
			return err
		}
		v, err := pong.Await(ctx)
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

func memoryParked(ctx context.Context, p bench.Params, watch *bench.Stopwatch) error {
	pending := future.New[int](loop.Running(ctx))
	parked := 0
	tasks := make([]*task.Task[struct{}], 0, p.Width)
	watch.Start()
	for range p.Width {
		tasks = append(tasks, task.Go(ctx, func(ctx context.Context) error {
			parked++
			_, err := pending.Await(ctx)
			return err
		}))
	}
	err := task.Yield(ctx)
	watch.Stop(parked)
	if err != nil {
		return err
	}
	if err := pending.SetResult(0); err != nil {
		return err
	}
	return task.Join(ctx, task.Gather(ctx, tasks...))
}
