package monitor

import (
	"runtime/metrics"
	"slices"
	"time"
)

// schedulerWaits reads how long goroutines have waited for a processor. If that is long, a
// step that takes long may not be to blame for it.
type schedulerWaits struct {
	sample []metrics.Sample
	fixed  *metrics.Float64Histogram // of a test, in place of the runtime's
}

// read returns how many waits there were so far, by how long they were.
func (s *schedulerWaits) read() []uint64 {
	h := s.histogram()
	if h == nil {
		return nil
	}
	return slices.Clone(h.Counts)
}

func (s *schedulerWaits) histogram() *metrics.Float64Histogram {
	if s.fixed != nil {
		return s.fixed
	}
	if s.sample == nil {
		s.sample = []metrics.Sample{{Name: "/sched/latencies:seconds"}}
	}
	metrics.Read(s.sample)
	if s.sample[0].Value.Kind() != metrics.KindFloat64Histogram {
		return nil // this version of Go does not have it
	}
	return s.sample[0].Value.Float64Histogram()
}

// since returns how long the longest wait was since read has returned before.
func (s *schedulerWaits) since(before []uint64) time.Duration {
	h := s.histogram()
	if h == nil {
		return 0
	}
	return longest(before, h)
}

// longest is the lower bound of the last bucket that has grown.
func longest(before []uint64, now *metrics.Float64Histogram) time.Duration {
	for i := min(len(before), len(now.Counts)) - 1; i > 0; i-- {
		if now.Counts[i] > before[i] {
			return time.Duration(now.Buckets[i] * float64(time.Second))
		}
	}
	return 0
}
