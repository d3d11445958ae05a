package plaingo

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/goasyncio/asyncio/cmd/loopbench/internal/bench"
)

// cancelStorm gives every goroutine its own context, because every task can be cancelled by itself, and has it sleep
// for an hour or until that context ends.
func cancelStorm(p bench.Params, watch *bench.Stopwatch) error {
	var cancelled atomic.Int64
	watch.Start()
	for range p.Batches() {
		var started, finished sync.WaitGroup
		started.Add(p.Width)
		finished.Add(p.Width)
		cancels := make([]context.CancelFunc, 0, p.Width)
		for range p.Width {
			ctx, cancel := context.WithCancel(context.Background())
			cancels = append(cancels, cancel)
			go func() {
				defer finished.Done()
				sleep := time.NewTimer(time.Hour)
				defer sleep.Stop()
				started.Done()
				select {
				case <-sleep.C:
				case <-ctx.Done():
					cancelled.Add(1)
				}
			}()
		}
		started.Wait()
		for _, cancel := range cancels {
			cancel()
		}
		finished.Wait()
	}
	watch.Stop(int(cancelled.Load()))
	return nil
}

// waitForNofire waits for the answer of a goroutine, with a deadline.
func waitForNofire(p bench.Params, watch *bench.Stopwatch) error {
	waitFor := func() (int, error) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		result := make(chan int, 1)
		go func() {
			runtime.Gosched()
			result <- 1
		}()
		select {
		case v := <-result:
			return v, nil
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		}
	}
	sum, failed := 0, error(nil)
	watch.Start()
	for range p.Ops {
		v, err := waitFor()
		failed = errors.Join(failed, err)
		sum += v
	}
	watch.Stop(sum)
	return failed
}
