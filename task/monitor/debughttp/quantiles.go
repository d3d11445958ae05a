package debughttp

import (
	"time"

	"github.com/goasyncio/asyncio/loop"
)

// quantiles sum up what a histogram has counted since it was as before.
func quantiles(now, before loop.Histogram[time.Duration]) Quantiles {
	since := now.Sub(before)
	return Quantiles{
		P50: since.Quantile(0.5).Seconds(),
		P99: since.Quantile(0.99).Seconds(),
		Max: since.Quantile(1).Seconds(),
	}
}
