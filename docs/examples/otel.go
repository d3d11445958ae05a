package examples

import (
	"context"
	"errors"
	"math"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/goasyncio/asyncio/loop"
)

// Observe shows the statistics of a loop to OpenTelemetry, until the registration is taken
// back. There are no observable histograms, so one becomes counters: NAME.sum, NAME.count,
// and NAME.bucket, whose attribute le is a bound in seconds, which counts all values up to
// that.
func Observe(meter metric.Meter, l *loop.Loop) (metric.Registration, error) {
	instruments := map[string]metric.Float64Observable{}
	var all []metric.Observable
	var failed []error
	for m := range observations(loop.Stats{}) {
		if instruments[m.Name] != nil {
			continue
		}
		var i metric.Float64Observable
		var err error
		if m.Kind == loop.KindGauge {
			i, err = meter.Float64ObservableUpDownCounter(m.Name, metric.WithUnit(m.Unit), metric.WithDescription(m.Help))
		} else {
			i, err = meter.Float64ObservableCounter(m.Name, metric.WithUnit(m.Unit), metric.WithDescription(m.Help))
		}
		instruments[m.Name] = i
		all = append(all, i)
		failed = append(failed, err)
	}
	if err := errors.Join(failed...); err != nil {
		return nil, err
	}
	return meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		for m, attributes := range observations(l.Stats()) {
			o.ObserveFloat64(instruments[m.Name], m.Value, metric.WithAttributes(attributes...))
		}
		return nil
	}, all...)
}

// observations yields the metrics of a loop, and counters in place of histograms.
func observations(s loop.Stats) func(yield func(loop.Metric, []attribute.KeyValue) bool) {
	return func(yield func(loop.Metric, []attribute.KeyValue) bool) {
		for m := range s.Metrics() {
			if m.Kind == loop.KindHistogram {
				if !asCounters(m, yield) {
					return
				}
				continue
			}
			var attributes []attribute.KeyValue
			if m.Attribute != "" {
				attributes = append(attributes, attribute.String(m.Attribute, m.AttributeValue))
			}
			if !yield(m, attributes) {
				return
			}
		}
	}
}

func asCounters(m loop.Metric, yield func(loop.Metric, []attribute.KeyValue) bool) bool {
	counter := func(name, unit string, value float64) loop.Metric {
		return loop.Metric{Name: m.Name + name, Unit: unit, Help: m.Help, Kind: loop.KindCounter, Value: value}
	}
	var count uint64
	for bound, n := range m.Histogram.Buckets() {
		count += n
		le := bound.Seconds()
		if bound == math.MaxInt64 {
			le = math.Inf(1)
		}
		if !yield(counter(".bucket", "{value}", float64(count)), []attribute.KeyValue{attribute.Float64("le", le)}) {
			return false
		}
	}
	return yield(counter(".count", "{value}", float64(count)), nil) &&
		yield(counter(".sum", m.Unit, m.Histogram.Sum.Seconds()), nil)
}
