package plaingo

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/goasyncio/asyncio/cmd/loopbench/internal/bench"
)

// contend runs Width goroutines that share Ops passages of a critical section equally.
func contend(p bench.Params, watch *bench.Stopwatch, acquire, release func()) error {
	each := p.Batches()
	var done atomic.Int64
	var finished sync.WaitGroup
	finished.Add(p.Width)
	watch.Start()
	for range p.Width {
		go func() {
			defer finished.Done()
			for range each {
				acquire()
				runtime.Gosched()
				release()
			}
			done.Add(int64(each))
		}()
	}
	finished.Wait()
	watch.Stop(int(done.Load()))
	return nil
}

func lockContended(p bench.Params, watch *bench.Stopwatch) error {
	var mutex sync.Mutex
	return contend(p, watch, mutex.Lock, mutex.Unlock)
}

// semaphoreContended uses a buffered channel, which is the usual semaphore in Go.
func semaphoreContended(p bench.Params, watch *bench.Stopwatch) error {
	slots := make(chan struct{}, 10)
	return contend(p, watch, func() { slots <- struct{}{} }, func() { <-slots })
}

func eventFanout(p bench.Params, watch *bench.Stopwatch) error {
	for range p.Batches() {
		var woken atomic.Int64
		var started, finished sync.WaitGroup
		started.Add(p.Width)
		finished.Add(p.Width)
		event := make(chan struct{})
		for range p.Width {
			go func() {
				started.Done()
				<-event
				woken.Add(1)
				finished.Done()
			}()
		}
		started.Wait()
		watch.Start()
		close(event)
		finished.Wait()
		watch.Stop(int(woken.Load()))
	}
	return nil
}

// conditionPingpong has two goroutines take turns with one condition variable.
func conditionPingpong(p bench.Params, watch *bench.Stopwatch) error {
	var mutex sync.Mutex
	cond := sync.NewCond(&mutex)
	turn := 0
	play := func(me int) int {
		rounds := 0
		for range p.Ops {
			mutex.Lock()
			for turn != me {
				cond.Wait()
			}
			turn = 1 - me
			rounds++
			cond.Signal()
			mutex.Unlock()
		}
		return rounds
	}
	answered := make(chan int)
	watch.Start()
	go func() { answered <- play(1) }()
	play(0)
	watch.Stop(<-answered)
	return nil
}

// barrier is a cyclic barrier, which package sync does not have.
type barrier struct {
	mutex   sync.Mutex
	passed  sync.Cond
	parties int
	waiting int
	round   int
}

func newBarrier(parties int) *barrier {
	b := &barrier{parties: parties}
	b.passed.L = &b.mutex
	return b
}

func (b *barrier) wait() {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if b.waiting++; b.waiting == b.parties {
		b.waiting = 0
		b.round++
		b.passed.Broadcast()
		return
	}
	for round := b.round; round == b.round; {
		b.passed.Wait()
	}
}

func barrierRounds(p bench.Params, watch *bench.Stopwatch) error {
	b := newBarrier(p.Width)
	var finished sync.WaitGroup
	finished.Add(p.Width)
	watch.Start()
	for range p.Width {
		go func() {
			defer finished.Done()
			for range p.Ops {
				b.wait()
			}
		}()
	}
	finished.Wait()
	watch.Stop(b.round)
	return nil
}
