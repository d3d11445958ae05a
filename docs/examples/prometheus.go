package examples

import (
	"math"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/goasyncio/asyncio/loop"
)

// Collector shows the statistics of a loop to Prometheus. Register it as
//
//	prometheus.MustRegister(examples.Collector{Loop: l})
type Collector struct{ Loop *loop.Loop }

// Describe implements [prometheus.Collector].
func (c Collector) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(c, ch) }

// Collect implements [prometheus.Collector].
func (c Collector) Collect(ch chan<- prometheus.Metric) {
	for m := range c.Loop.Stats().Metrics() {
		name := strings.ReplaceAll(m.Name, ".", "_")
		if m.Unit == "s" {
			name += "_seconds"
		}
		if m.Kind == loop.KindCounter {
			name += "_total"
		}
		var labels, values []string
		if m.Attribute != "" {
			labels = []string{m.Attribute[strings.LastIndex(m.Attribute, ".")+1:]}
			values = []string{m.AttributeValue}
		}
		desc := prometheus.NewDesc(name, m.Help, labels, nil)
		switch m.Kind {
		case loop.KindCounter:
			ch <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, m.Value, values...)
		case loop.KindGauge:
			ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, m.Value, values...)
		case loop.KindHistogram:
			buckets, count := map[float64]uint64{}, uint64(0)
			for bound, n := range m.Histogram.Buckets() {
				count += n                 // Prometheus counts all up to a bound
				if bound < math.MaxInt64 { // the rest is in count
					buckets[bound.Seconds()] = count
				}
			}
			ch <- prometheus.MustNewConstHistogram(desc, count, m.Histogram.Sum.Seconds(), buckets, values...)
		}
	}
}
