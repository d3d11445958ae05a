package plaingo

import (
	"sync"
	"time"

	"github.com/goasyncio/asyncio/cmd/loopbench/internal/bench"
)

// threadsafeRoundtrip sends a function to a goroutine that owns some state, and waits for the answer.
func threadsafeRoundtrip(p bench.Params, watch *bench.Stopwatch) error {
	type request struct {
		do     func() int
		answer chan int
	}
	requests := make(chan request)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for r := range requests {
			r.answer <- r.do()
		}
	}()
	sum := 0
	watch.Start()
	for range p.Ops {
		start := time.Now()
		r := request{do: func() int { return 1 }, answer: make(chan int, 1)}
		requests <- r
		sum += <-r.answer
		watch.Observe(time.Since(start))
	}
	watch.Stop(sum)
	close(requests)
	<-ended
	return nil
}

// threadsafeThroughput has several goroutines send functions to one that runs them.
func threadsafeThroughput(p bench.Params, watch *bench.Stopwatch) error {
	each := p.Batches()
	ran := 0
	callback := func() { ran++ }
	work := make(chan func(), 1024)
	var producers sync.WaitGroup
	producers.Add(p.Width)
	watch.Start()
	for range p.Width {
		go func() {
			defer producers.Done()
			for range each {
				work <- callback
			}
		}()
	}
	go func() {
		producers.Wait()
		close(work)
	}()
	for fn := range work {
		fn()
	}
	watch.Stop(ran)
	return nil
}

// toThreadRoundtrip starts a goroutine, as Go programs do for blocking work.
func toThreadRoundtrip(p bench.Params, watch *bench.Stopwatch) error {
	sum := 0
	watch.Start()
	for range p.Ops {
		start := time.Now()
		result := make(chan int, 1)
		go func() { result <- 1 }()
		sum += <-result
		watch.Observe(time.Since(start))
	}
	watch.Stop(sum)
	return nil
}
