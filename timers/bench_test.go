package timers_test

import (
	"io"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/timers"
)

// systemClock returns a clock that is closed when the benchmark ends.
func systemClock(b *testing.B) timers.Clock {
	c := timers.System()
	if closer, ok := c.(io.Closer); ok {
		b.Cleanup(func() { _ = closer.Close() })
	}
	return c
}

// What a sleep costs that another goroutine ends at once, by how far away its deadline is,
// and whether that is the same each time, as that of a timer which stays the first, or a
// later one.
func BenchmarkSystemSleepWoken(b *testing.B) {
	for _, bench := range []struct {
		name  string
		ahead time.Duration
		moves bool
	}{
		{"never", 0, false},
		{"far/same", time.Hour, false},
		{"far/later", time.Hour, true},
		{"near/same", 5 * time.Millisecond, false},
		{"near/later", 5 * time.Millisecond, true},
	} {
		b.Run(bench.name, func(b *testing.B) {
			c := systemClock(b)
			ask, wake := make(chan struct{}, 1), make(chan struct{}, 1)
			defer close(ask)
			go func() {
				for range ask {
					select {
					case wake <- struct{}{}:
					default: // the deadline had come
					}
				}
			}()
			var until time.Time
			b.ReportAllocs()
			for b.Loop() {
				if bench.ahead > 0 && (bench.moves || time.Until(until) <= 0) {
					until = c.Now().Add(bench.ahead)
				}
				ask <- struct{}{}
				c.Sleep(until, wake)
			}
		})
	}
}

// How late a sleep ends, also while other goroutines keep all processors busy. The time of
// an operation is mostly sleep; what it costs is processor time.
func BenchmarkSystemSleepLateness(b *testing.B) {
	for _, bench := range []struct {
		ahead time.Duration
		busy  bool
	}{
		{50 * time.Microsecond, false},
		{3300 * time.Microsecond, false},
		{3300 * time.Microsecond, true},
		{100 * time.Millisecond, false},
	} {
		name := bench.ahead.String()
		if bench.busy {
			name += "/busy"
		}
		b.Run(name, func(b *testing.B) {
			if bench.busy {
				defer yielding()()
			}
			c := systemClock(b)
			var late []time.Duration
			b.ReportAllocs()
			for b.Loop() {
				until := c.Now().Add(bench.ahead)
				c.Sleep(until, nil)
				late = append(late, c.Now().Sub(until))
			}
			slices.Sort(late)
			for _, q := range []struct {
				name  string
				share int
			}{{"p50-late-ns", 50}, {"p99-late-ns", 99}} {
				b.ReportMetric(float64(late[len(late)*q.share/100]), q.name)
			}
		})
	}
}

// yielding starts two goroutines for each processor that always have something to do, until
// stop is called.
func yielding() (stop func()) {
	var stopped atomic.Bool
	var all sync.WaitGroup
	for range 2 * runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for !stopped.Load() {
				runtime.Gosched()
			}
		})
	}
	return func() {
		stopped.Store(true)
		all.Wait()
	}
}
