package plaingo

import "github.com/goasyncio/asyncio/cmd/loopbench/internal/bench"

// futurePingpong sends a value over an unbuffered channel, and gets it back over another.
func futurePingpong(p bench.Params, watch *bench.Stopwatch) error {
	return pingpong(p, watch, 0)
}

// queuePingpong does the same over channels with room for one value, as a queue has.
func queuePingpong(p bench.Params, watch *bench.Stopwatch) error {
	return pingpong(p, watch, 1)
}

func pingpong(p bench.Params, watch *bench.Stopwatch, room int) error {
	ping, pong := make(chan int, room), make(chan int, room)
	go func() {
		for v := range ping {
			pong <- v
		}
		close(pong)
	}()
	trips := 0
	watch.Start()
	for i := range p.Ops {
		ping <- i
		if <-pong == i {
			trips++
		}
	}
	watch.Stop(trips)
	close(ping)
	<-pong
	return nil
}

func queueThroughput(p bench.Params, watch *bench.Stopwatch) error {
	queue := make(chan int, p.Width)
	got := 0
	watch.Start()
	go func() {
		for i := range p.Ops {
			queue <- i
		}
		close(queue)
	}()
	for range queue {
		got++
	}
	watch.Stop(got)
	return nil
}
