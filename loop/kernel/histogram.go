package kernel

import (
	"math/bits"
	"time"
)

// Histogram counts durations in buckets that double in width. Buckets[0] has those up to
// 1 µs, Buckets[i] those up to 1<<i µs and beyond the bucket before, the last one all that
// are longer.
type Histogram struct {
	Buckets [28]uint64
	Sum     time.Duration
}

// Add counts a duration. A negative one counts as 0.
func (h *Histogram) Add(d time.Duration) {
	d = max(d, 0)
	n := uint64(d+time.Microsecond-1) / uint64(time.Microsecond)
	if n > 0 {
		n--
	}
	h.Buckets[min(bits.Len64(n), len(h.Buckets)-1)]++
	h.Sum += d
}
