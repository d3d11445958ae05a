package bench

import (
	"fmt"
	"runtime"
	"time"
)

// Stopwatch is what a workload compiled into this program holds while it runs: it is started after the set-up,
// stopped before the tear-down, as often as there are batches, and told how many operations were really done.
// What it reads (elapsed time, processor time, resident memory) is the workload's metric, so that the workload
// itself need not know.
//
// Start collects garbage first. Otherwise the collector would charge one workload, or one peer, for the litter of
// the one before. So a workload starts it once, unless there is a set-up between its batches.
type Stopwatch struct {
	metric Metric
	epoch  time.Time
	sample Sample

	// blind is set once the system did not tell what the metric asks for.
	blind  bool
	began  float64
	before runtime.MemStats
}

// NewStopwatch returns a stopwatch that reads m.
func NewStopwatch(m Metric) *Stopwatch { return &Stopwatch{metric: m, epoch: time.Now()} }

// Start begins a measured stretch.
func (s *Stopwatch) Start() {
	runtime.GC()
	runtime.ReadMemStats(&s.before)
	s.began = s.read()
}

// Stop ends the stretch, in which ops operations were done.
func (s *Stopwatch) Stop(ops int) {
	s.sample.Total += s.read() - s.began
	var after runtime.MemStats
	runtime.ReadMemStats(&after)
	s.sample.Allocs += float64(after.Mallocs - s.before.Mallocs)
	s.sample.Bytes += float64(after.TotalAlloc - s.before.TotalAlloc)
	s.sample.Ops += ops
}

// Observe adds one operation's own duration to the distribution.
func (s *Stopwatch) Observe(d time.Duration) {
	s.sample.Latencies = append(s.sample.Latencies, int64(d))
}

// Sample is what has been measured; err says why it can't be trusted.
func (s *Stopwatch) Sample() (Sample, error) {
	if s.blind {
		return s.sample, fmt.Errorf("bench: stopwatch: this system does not tell a process its %s figure", s.metric)
	}
	s.sample.Counted = true
	return s.sample, s.sample.Check(s.metric)
}

func (s *Stopwatch) read() float64 {
	switch s.metric {
	case CPU:
		used := cpuTime()
		s.blind = s.blind || used == 0
		return float64(used)
	case Resident:
		resident := residentBytes()
		s.blind = s.blind || resident == 0
		return float64(resident)
	default:
		return float64(time.Since(s.epoch))
	}
}

// Sample is one round of one workload on one peer.
type Sample struct {
	// Ops is how many operations were done, by the peer's own count.
	Ops int `json:"ops"`
	// Total is what they cost together: nanoseconds, or bytes.
	Total float64 `json:"total"`
	// Counted tells whether the peer can count what it allocated: Allocs objects of Bytes bytes in total.
	Counted bool    `json:"counted,omitempty"`
	Allocs  float64 `json:"allocs,omitempty"`
	Bytes   float64 `json:"bytes,omitempty"`
	// Latencies are the single operations in nanoseconds, for a workload whose metric is a distribution.
	Latencies []int64 `json:"latencies,omitempty"`
}

// Add makes one sample of two.
func (s *Sample) Add(more Sample) {
	s.Ops += more.Ops
	s.Total += more.Total
	s.Counted = more.Counted
	s.Allocs += more.Allocs
	s.Bytes += more.Bytes
	s.Latencies = append(s.Latencies, more.Latencies...)
}

// Check tells whether a sample can be a measurement at all.
func (s Sample) Check(m Metric) error {
	switch {
	case s.Ops <= 0:
		return fmt.Errorf("bench: sample: no operation was done")
	case m == Latency && len(s.Latencies) != s.Ops:
		return fmt.Errorf("bench: sample: %d operations but %d latencies", s.Ops, len(s.Latencies))
	case m == Wall && s.Total <= 0:
		return fmt.Errorf("bench: sample: %d operations took no time", s.Ops)
	}
	return nil
}

// PerOp is the sample's figure: the cost of an operation, or the median of the distribution.
func (s Sample) PerOp() float64 {
	if len(s.Latencies) > 0 {
		return Distribute(s.Latencies).P50
	}
	return s.Total / float64(s.Ops)
}
