package bench

import (
	"fmt"
	"math"
	"slices"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Median returns the middle value, or the mean of the two in the middle. It is NaN if there are no values.
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

// Distribution is how the times of single operations are distributed, in nanoseconds. The percentiles come from an HDR
// histogram and are right to three significant figures. Max is exact, and no percentile is above it.
type Distribution struct {
	N    int     `json:"n"`
	P50  float64 `json:"p50"`
	P90  float64 `json:"p90"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p99_9"`
	Max  float64 `json:"max"`
}

// significant is the number of significant figures that the histogram keeps: as many as are printed.
const significant = 3

// Distribute returns the distribution of the latencies, of which there must be some.
//
// The latency of a sleep that ends early is negative, which a histogram does not take. Counting it as zero would hide
// it. So if there are such latencies, the distances from the least one are recorded, and the percentiles moved back;
// they are right to three figures of these distances.
func Distribute(latencies []int64) Distribution {
	origin, latest := min(0, slices.Min(latencies)), slices.Max(latencies)
	histogram := hdrhistogram.New(1, latest-origin, significant)
	for _, latency := range latencies {
		if err := histogram.RecordValue(latency - origin); err != nil {
			// The range was made for them: they would have to be centuries apart.
			panic(fmt.Errorf("bench: distribution: %w", err))
		}
	}
	at := func(percentile float64) float64 {
		// The histogram answers with the upper end of a bucket, which nothing may have reached.
		return float64(min(histogram.ValueAtPercentile(percentile)+origin, latest))
	}
	return Distribution{N: len(latencies), P50: at(50), P90: at(90), P99: at(99), P999: at(99.9), Max: float64(latest)}
}
