package plaingo

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/goasyncio/asyncio/cmd/loopbench/internal/bench"
)

func yield(p bench.Params, watch *bench.Stopwatch) error {
	steps := p.Batches()
	var started, finished sync.WaitGroup
	var done atomic.Int64
	gate := make(chan struct{})
	started.Add(p.Width)
	finished.Add(p.Width)
	for range p.Width {
		go func() {
			started.Done()
			<-gate
			for range steps {
				runtime.Gosched()
			}
			done.Add(int64(steps))
			finished.Done()
		}()
	}
	started.Wait()
	watch.Start()
	close(gate)
	finished.Wait()
	watch.Stop(int(done.Load()))
	return nil
}

// createAwait starts one goroutine after the other, and receives the result of each from a channel.
func createAwait(p bench.Params, watch *bench.Stopwatch) error {
	sum := 0
	watch.Start()
	for range p.Ops {
		result := make(chan int, 1)
		go func() { result <- 1 }()
		sum += <-result
	}
	watch.Stop(sum)
	return nil
}

// gatherNop fills a slice, each element by a goroutine of its own.
func gatherNop(p bench.Params, watch *bench.Stopwatch) error {
	ran := 0
	watch.Start()
	for range p.Batches() {
		results := make([]int, p.Width)
		var all sync.WaitGroup
		all.Add(p.Width)
		for i := range results {
			go func() {
				results[i] = 1
				all.Done()
			}()
		}
		all.Wait()
		ran += sum(results)
	}
	watch.Stop(ran)
	return nil
}

func taskgroupNop(p bench.Params, watch *bench.Stopwatch) error {
	var ran atomic.Int64
	watch.Start()
	for range p.Batches() {
		group, _ := errgroup.WithContext(context.Background())
		for range p.Width {
			group.Go(func() error {
				ran.Add(1)
				return nil
			})
		}
		if err := group.Wait(); err != nil {
			return err
		}
	}
	watch.Stop(int(ran.Load()))
	return nil
}

// asyncTree waits for six children at each node, with an errgroup.
func asyncTree(p bench.Params, watch *bench.Stopwatch) error {
	levels, tasks := bench.Tree(p.Width)
	var ran atomic.Int64
	var node func(level int) error
	node = func(level int) error {
		ran.Add(1)
		if level == 0 {
			return nil
		}
		var group errgroup.Group
		for range bench.Fanout {
			group.Go(func() error { return node(level - 1) })
		}
		return group.Wait()
	}
	watch.Start()
	for range p.Ops {
		if err := node(levels); err != nil {
			return err
		}
	}
	watch.Stop(int(ran.Load()) / (tasks + 1))
	return nil
}

// memoryParked parks goroutines on a channel that is not closed yet.
func memoryParked(p bench.Params, watch *bench.Stopwatch) error {
	pending := make(chan struct{})
	var started, finished sync.WaitGroup
	started.Add(p.Width)
	finished.Add(p.Width)
	watch.Start()
	for range p.Width {
		go func() {
			started.Done()
			<-pending
			finished.Done()
		}()
	}
	started.Wait()
	watch.Stop(p.Width)
	close(pending)
	finished.Wait()
	return nil
}

func sum(values []int) int {
	total := 0
	for _, v := range values {
		total += v
	}
	return total
}
