package plaingo

import (
	"errors"
	"runtime"
	"sync"

	"github.com/goasyncio/asyncio/cmd/loopbench/internal/bench"
)

// A share is what one of several groups of goroutines does: ops operations. It calls begin when everything is set up, which
// returns when all groups are, and returns how many operations it did.
type share func(ops int, begin func()) (did int, err error)

// many has as many groups do their share at once as p is wide.
func many(do share, p bench.Params, watch *bench.Stopwatch) error {
	var ready, worked sync.WaitGroup
	gate := make(chan struct{})
	did, failed := make([]int, p.Width), make([]error, p.Width)
	ready.Add(p.Width)
	for i := range p.Width {
		worked.Go(func() {
			begin := sync.OnceFunc(func() {
				ready.Done()
				<-gate
			})
			defer begin() // if it fails before
			did[i], failed[i] = do(p.Batches(), begin)
		})
	}
	ready.Wait()
	watch.Start()
	close(gate)
	worked.Wait()
	watch.Stop(sum(did))
	return errors.Join(failed...)
}

func groupsOfYields(p bench.Params, watch *bench.Stopwatch) error {
	return many(func(ops int, begin func()) (int, error) {
		var started, finished sync.WaitGroup
		gate := make(chan struct{})
		did := make([]int, bench.LoopTasks)
		started.Add(bench.LoopTasks)
		for i := range did {
			steps := bench.Part(ops, bench.LoopTasks, i)
			finished.Go(func() {
				started.Done()
				<-gate
				for range steps {
					runtime.Gosched()
				}
				did[i] = steps
			})
		}
		started.Wait()
		begin()
		close(gate)
		finished.Wait()
		return sum(did), nil
	}, p, watch)
}

func groupsOfEchoes(p bench.Params, watch *bench.Stopwatch) error {
	return many(func(ops int, begin func()) (int, error) {
		trips, end, err := echoes(ops, begin)
		return trips, errors.Join(err, end())
	}, p, watch)
}
