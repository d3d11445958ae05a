package bench

import (
	"fmt"
	"runtime"
	"time"
)

// Stopwatch measures a workload that is compiled into this program. The workload starts it after the set-up, stops it
// before the tear-down, and tells it how many operations were done; both as often as there are set-ups. What it reads
// (elapsed time, processor time, resident memory) depends on the metric, which the workload need not know.
//
// Start collects garbage first: otherwise a workload, or a peer, would pay for the garbage of the one before. So a
// workload starts it once, unless there is a set-up between its batches.
type Stopwatch struct {
	metric Metric
	epoch  time.Time
	sample Sample

	// blind is set if the system cannot measure the metric.
	blind  bool
	began  float64
	before runtime.MemStats
}

// NewStopwatch returns a stopwatch for the metric m.
func NewStopwatch(m Metric) *Stopwatch { return &Stopwatch{metric: m, epoch: time.Now()} }

// Start starts the measurement, or goes on with it.
func (s *Stopwatch) Start() {
	runtime.GC()
	runtime.ReadMemStats(&s.before)
	s.began = s.read()
}

// Stop stops the measurement. Since Start, ops operations were done.
func (s *Stopwatch) Stop(ops int) {
	s.sample.Total += s.read() - s.began
	var after runtime.MemStats
	runtime.ReadMemStats(&after)
	s.sample.Allocs += float64(after.Mallocs - s.before.Mallocs)
	s.sample.Bytes += float64(after.TotalAlloc - s.before.TotalAlloc)
	s.sample.Ops += ops
}

// Observe adds the time of one operation to the distribution.
func (s *Stopwatch) Observe(d time.Duration) {
	s.sample.Latencies = append(s.sample.Latencies, int64(d))
}

// Sample returns what was measured, or an error if it cannot be right.
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
		used := CPUTime()
		s.blind = s.blind || used == 0
		return float64(used)
	case Resident:
		resident := ResidentBytes()
		s.blind = s.blind || resident == 0
		return float64(resident)
	default:
		return float64(time.Since(s.epoch))
	}
}

// Sample is one round of one workload on one peer.
type Sample struct {
	// Ops is the number of operations that were done, as counted by the peer.
	Ops int `json:"ops"`
	// Total is their cost together, in nanoseconds or bytes.
	Total float64 `json:"total"`
	// Counted says that the peer can count what it allocates: Allocs objects of Bytes bytes in total.
	Counted bool    `json:"counted,omitempty"`
	Allocs  float64 `json:"allocs,omitempty"`
	Bytes   float64 `json:"bytes,omitempty"`
	// Latencies are the times of the single operations in nanoseconds, if the metric is Latency.
	Latencies []int64 `json:"latencies,omitempty"`
	// Traffic is what client and server have used, if the workload has a server.
	Traffic *Traffic `json:"traffic,omitempty"`
}

// Traffic is what the operations of a sample have taken at both ends, in nanoseconds.
type Traffic struct {
	Elapsed float64 `json:"elapsed"`
	// ServerCPU and ClientCPU are processor time, user and system. They are 0 if the system does not tell.
	ServerCPU float64 `json:"server_cpu"`
	ClientCPU float64 `json:"client_cpu"`
}

// Add adds another sample to this one.
func (s *Sample) Add(more Sample) {
	s.Ops += more.Ops
	s.Total += more.Total
	s.Counted = more.Counted
	s.Allocs += more.Allocs
	s.Bytes += more.Bytes
	s.Latencies = append(s.Latencies, more.Latencies...)
	if more.Traffic != nil {
		if s.Traffic == nil {
			s.Traffic = &Traffic{}
		}
		s.Traffic.Elapsed += more.Traffic.Elapsed
		s.Traffic.ServerCPU += more.Traffic.ServerCPU
		s.Traffic.ClientCPU += more.Traffic.ClientCPU
	}
}

// Check returns an error if the sample cannot be a measurement.
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

// PerOp returns the sample's figure: the cost of an operation, or the median of the distribution.
func (s Sample) PerOp() float64 {
	if len(s.Latencies) > 0 {
		return Distribute(s.Latencies).P50
	}
	return s.Total / float64(s.Ops)
}
