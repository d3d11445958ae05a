package loop

import (
	"iter"
	"math"
	"time"
)

// Histogram counts values in buckets that double in width. The first bucket of durations
// has those up to a microsecond, the first bucket of integers those up to 1, and the last
// bucket has no upper bound. The zero Histogram is empty. It is plain data, which may be
// copied. JSON has durations in nanoseconds.
type Histogram[V int64 | time.Duration] struct {
	Counts [28]uint64 `json:"counts"` // Counts[i] is how many values are at most 1<<i, in microseconds or as they are, and in no bucket before
	Sum    V          `json:"sum"`    // of all values
}

// Count returns the number of values.
func (h Histogram[V]) Count() uint64 {
	var sum uint64
	for _, n := range h.Counts {
		sum += n
	}
	return sum
}

// Quantile returns an upper bound of the smallest values that are a part q of all, such as
// 0.99: that of the bucket in which the greatest of them is. It is the least upper bound if
// q is 0 or less, and that of all values if q is 1 or more. If the value is in the last
// bucket, which has none, Quantile returns its lower bound, as Prometheus does. An empty
// histogram has the quantile 0.
func (h Histogram[V]) Quantile(q float64) V {
	count := h.Count()
	if count == 0 {
		return 0
	}
	rank := uint64(math.Ceil(min(max(q, 0), 1) * float64(count)))
	rank = min(max(rank, 1), count)
	last := len(h.Counts) - 1
	for i, n := range h.Counts[:last] {
		if rank <= n {
			return bound[V](i)
		}
		rank -= n
	}
	return bound[V](last - 1)
}

// Buckets yields the upper bounds of the buckets, inclusive, and how many values each
// bucket has. The bound of the last one is the greatest number there is.
func (h Histogram[V]) Buckets() iter.Seq2[V, uint64] {
	return func(yield func(upper V, count uint64) bool) {
		last := len(h.Counts) - 1
		for i, n := range h.Counts {
			upper := V(int64(math.MaxInt64))
			if i < last {
				upper = bound[V](i)
			}
			if !yield(upper, n) {
				return
			}
		}
	}
}

// Sub returns what the histogram has counted since it was like an earlier one.
func (h Histogram[V]) Sub(earlier Histogram[V]) Histogram[V] {
	d := Histogram[V]{Sum: h.Sum - earlier.Sum}
	for i, n := range h.Counts {
		d.Counts[i] = n - earlier.Counts[i]
	}
	return d
}

// bound is the upper bound of a bucket, except the last one.
func bound[V int64 | time.Duration](i int) V { return unit[V]() << i }

// unit is the upper bound of the first bucket.
func unit[V int64 | time.Duration]() V {
	var v V
	if _, is := any(v).(time.Duration); is {
		u := time.Microsecond
		return V(u)
	}
	return 1
}
