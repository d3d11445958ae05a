package plaingo

import (
	"sync"
	"sync/atomic"

	"github.com/goasyncio/asyncio/cmd/loopbench/internal/bench"
)

// callSoonChain has one worker run functions that come through a channel. Each function sends the next one.
func callSoonChain(p bench.Params, watch *bench.Stopwatch) error {
	work := make(chan func(), 1)
	left := p.Ops
	var step func()
	step = func() {
		if left--; left > 0 {
			work <- step
		} else {
			close(work)
		}
	}
	watch.Start()
	work <- step
	for fn := range work {
		fn()
	}
	watch.Stop(p.Ops - left)
	return nil
}

// callSoonBatch starts every function with a go statement.
func callSoonBatch(p bench.Params, watch *bench.Stopwatch) error {
	var ran atomic.Int64
	watch.Start()
	for range p.Batches() {
		var all sync.WaitGroup
		all.Add(p.Width)
		for range p.Width {
			go func() {
				ran.Add(1)
				all.Done()
			}()
		}
		all.Wait()
	}
	watch.Stop(int(ran.Load()))
	return nil
}
