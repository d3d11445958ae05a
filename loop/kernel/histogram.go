package kernel

import (
	"math/bits"
	"time"
)

// Histogram counts values in buckets that double in width. A value of a histogram of
// durations is in nanoseconds, and the first bucket ends at a microsecond.
type Histogram struct {
	Buckets [28]uint64
	Sum     uint64
}

// Add counts a number. Bucket i has those from 1<<(i-1), exclusive, to 1<<i, inclusive;
// the last one all that are greater.
func (h *Histogram) Add(n uint64) {
	h.add(n, n)
}

// AddDuration counts a duration. Its buckets are those of Add, in microseconds.
func (h *Histogram) AddDuration(d time.Duration) {
	n := uint64(max(d, 0))
	h.add((n+999)/1000, n)
}

func (h *Histogram) add(n, value uint64) {
	if n > 0 {
		n--
	}
	h.Buckets[min(bits.Len64(n), len(h.Buckets)-1)]++
	h.Sum += value
}
