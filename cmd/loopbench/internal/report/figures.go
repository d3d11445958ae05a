package report

import (
	"math"
	"strconv"

	"github.com/goasyncio/asyncio/cmd/loopbench/internal/bench"
)

// percentiles are the parts of a distribution that are shown. percentilesOf returns their values.
var percentiles = []string{"p50", "p90", "p99", "p99.9", "max"}

func percentilesOf(d *bench.Distribution) []float64 {
	return []float64{d.P50, d.P90, d.P99, d.P999, d.Max}
}

// formatFigure formats the figure of a workload: a duration, or a size.
func formatFigure(unit string, v float64) string {
	if unit == "B/op" {
		return formatBytes(v)
	}
	return formatNanos(v)
}

// formatNanos formats a duration with three significant digits. It is negative if a sleep ended early.
func formatNanos(ns float64) string {
	switch abs := math.Abs(ns); {
	case abs < 999.5:
		return digits(ns) + " ns"
	case abs < 999.5e3:
		return digits(ns/1e3) + " µs"
	case abs < 999.5e6:
		return digits(ns/1e6) + " ms"
	}
	return digits(ns/1e9) + " s"
}

// digits formats v with three significant digits, or more if it is larger than that.
func digits(v float64) string {
	switch abs := math.Abs(v); {
	case abs < 9.995:
		return strconv.FormatFloat(v, 'f', 2, 64)
	case abs < 99.95:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 0, 64)
}

// formatRatio formats a factor.
func formatRatio(v float64) string { return digits(v) + "x" }

// formatAllocs formats a number of allocations.
func formatAllocs(v float64) string {
	if v < 0.005 {
		return "0"
	}
	return digits(v)
}
