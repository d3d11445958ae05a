package bench

import (
	"math"
	"slices"
)

// Median is the middle of the values, or the mean of the two in the middle. It is NaN where there are none.
func Median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	mid := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[mid]
	}
	return (sorted[mid-1] + sorted[mid]) / 2
}

// Distribution sums up single operations, in nanoseconds. The figures are order statistics of all of them, not
// estimates from buckets: a run has few enough to keep, and a sleep may end early, which a histogram of
// magnitudes cannot hold.
type Distribution struct {
	N    int     `json:"n"`
	P50  float64 `json:"p50"`
	P90  float64 `json:"p90"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p99_9"`
	Max  float64 `json:"max"`
}

// Distribute sums up the latencies, which must not be empty.
func Distribute(latencies []int64) Distribution {
	sorted := slices.Sorted(slices.Values(latencies))
	at := func(q float64) float64 {
		// The smallest value that at least the share q of all values does not exceed.
		i := int(math.Ceil(q*float64(len(sorted)))) - 1
		return float64(sorted[min(max(i, 0), len(sorted)-1)])
	}
	return Distribution{N: len(sorted), P50: at(0.50), P90: at(0.90), P99: at(0.99), P999: at(0.999), Max: at(1)}
}
