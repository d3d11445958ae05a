package plaingo

import (
	"sync"
	"time"

	"github.com/goasyncio/asyncio/cmd/loopbench/internal/bench"
)

func timerAddCancel(p bench.Params, watch *bench.Stopwatch) error {
	random := bench.NewRandom()
	live := make([]*time.Timer, 0, p.Width)
	stopped := 0
	watch.Start()
	for range p.Batches() {
		live = live[:0]
		for range p.Width {
			live = append(live, time.AfterFunc(random.Between(time.Second, 3601*time.Second), func() {}))
		}
		for _, timer := range live {
			if timer.Stop() {
				stopped++
			}
		}
	}
	watch.Stop(stopped)
	return nil
}

func timerFire(p bench.Params, watch *bench.Stopwatch) error {
	random := bench.NewRandom()
	watch.Start()
	for range p.Batches() {
		var all sync.WaitGroup
		all.Add(p.Width)
		start := time.Now()
		for range p.Width {
			deadline := random.Between(p.Span/2, p.Span*3/2)
			time.AfterFunc(deadline-time.Since(start), all.Done)
		}
		all.Wait()
	}
	watch.Stop(p.Batches() * p.Width)
	return nil
}

func sleepAccuracy(p bench.Params, watch *bench.Stopwatch) error {
	random := bench.NewRandom()
	watch.Start()
	for range p.Ops {
		d := random.Between(p.Span/10, p.Span)
		start := time.Now()
		time.Sleep(d)
		watch.Observe(time.Since(start) - d)
	}
	watch.Stop(p.Ops)
	return nil
}
