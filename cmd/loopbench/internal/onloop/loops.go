package onloop

import (
	"context"
	"errors"
	"sync"

	"github.com/goasyncio/asyncio/cmd/loopbench/internal/bench"
	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
)

// A share is what one of several loops does: ops operations. It calls begin when everything is set up, which returns when
// all loops are, and returns how many operations it did.
type share func(ctx context.Context, ops int, begin func()) (did int, err error)

// many runs as many loops at once as p is wide, each on a goroutine of its own. The stopwatch runs while any of them is at
// work; it does not run while they are opened and closed.
func (f Flavour) many(do share, p bench.Params, watch *bench.Stopwatch, opts ...loop.Option) error {
	var ready, worked, closed sync.WaitGroup
	gate := make(chan struct{})
	did, failed := make([]int, p.Width), make([]error, p.Width)
	ready.Add(p.Width)
	worked.Add(p.Width)
	for i := range p.Width {
		closed.Go(func() {
			begin := sync.OnceFunc(func() {
				ready.Done()
				<-gate
			})
			loops, stop := f.loops(opts...)
			defer stop()
			failed[i] = task.Main(context.Background(), func(ctx context.Context) error {
				defer worked.Done()
				defer begin() // if it fails before
				var err error
				did[i], err = do(ctx, p.Batches(), begin)
				return err
			}, loops)
		})
	}
	ready.Wait()
	watch.Start()
	close(gate)
	worked.Wait()
	sum := 0
	for _, n := range did {
		sum += n
	}
	watch.Stop(sum)
	closed.Wait()
	return errors.Join(failed...)
}

// yieldShare is yield_100.
func yieldShare(ctx context.Context, ops int, begin func()) (did int, err error) {
	finished := future.New[int](loop.Running(ctx))
	running := bench.LoopTasks
	for i := range bench.LoopTasks {
		steps := bench.Part(ops, bench.LoopTasks, i)
		task.Go(ctx, func(ctx context.Context) error {
			for range steps {
				if err := task.Yield(ctx); err != nil {
					return err
				}
			}
			did += steps
			if running--; running == 0 {
				return finished.SetResult(did)
			}
			return nil
		})
	}
	if err := task.Yield(ctx); err != nil {
		return 0, err
	}
	begin()
	return finished.Await(ctx)
}
