package examples_test

import (
	"context"
	"encoding/json"
	"expvar"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	sdk "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/goasyncio/asyncio/docs/examples"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
)

// finished returns a loop that has run four tasks: main, and three that it has awaited, one
// of which has failed. It has set one timer.
func finished(t *testing.T) *loop.Loop {
	t.Helper()
	l := loop.New()
	t.Cleanup(func() { l.Close() })
	main := task.CreateOn(l, func(ctx context.Context) (struct{}, error) {
		if err := task.Sleep(ctx, time.Microsecond); err != nil {
			return struct{}{}, err
		}
		for _, err := range []error{nil, context.DeadlineExceeded, nil} {
			task.Create(ctx, func(context.Context) (struct{}, error) { return struct{}{}, err }).Join(ctx)
		}
		return struct{}{}, nil
	})
	if _, err := task.RunUntilComplete(l, main); err != nil {
		t.Fatal(err)
	}
	return l
}

func TestPublish(t *testing.T) {
	l := finished(t)
	examples.Publish("asyncio", l)
	var got loop.Stats
	if err := json.Unmarshal([]byte(expvar.Get("asyncio").String()), &got); err != nil {
		t.Fatal(err)
	}
	if got.TasksCreated != 4 || got.TasksFailed != 1 || got.Lag.Count() != 1 {
		t.Errorf("got %+v", got)
	}
}

func TestCollector(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(examples.Collector{Loop: finished(t)})
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string][]*dto.Metric{}
	for _, f := range families {
		found[f.GetName()] = f.GetMetric()
	}
	if m := found["asyncio_task_created_total"]; len(m) != 1 || m[0].GetCounter().GetValue() != 4 {
		t.Errorf("created: %v", m)
	}
	if m := found["asyncio_task_finished_total"]; len(m) != 4 {
		t.Errorf("finished: %v", m)
	}
	for _, m := range found["asyncio_task_finished_total"] {
		label := m.GetLabel()[0]
		want := map[string]float64{"returned": 3, "failed": 1}[label.GetValue()]
		if label.GetName() != "outcome" || m.GetCounter().GetValue() != want {
			t.Errorf("%v is %v, want %v", label, m.GetCounter().GetValue(), want)
		}
	}
	if m := found["asyncio_loop_time_seconds_total"]; len(m) != 2 {
		t.Errorf("time: %v", m)
	}
	if m := found["asyncio_task_count"]; len(m) != 1 || m[0].GetGauge() == nil {
		t.Errorf("count: %v", m)
	}
	m := found["asyncio_loop_lag_seconds"]
	if len(m) != 1 {
		t.Fatalf("lag: %v", m)
	}
	lag := m[0].GetHistogram()
	last := lag.GetBucket()[len(lag.GetBucket())-1]
	if lag.GetSampleCount() != 1 || lag.GetSampleSum() <= 0 || last.GetCumulativeCount() != 1 {
		t.Errorf("lag: %v", lag)
	}
}

func TestObserve(t *testing.T) {
	reader := sdk.NewManualReader()
	provider := sdk.NewMeterProvider(sdk.WithReader(reader))
	defer provider.Shutdown(t.Context())
	registration, err := examples.Observe(provider.Meter("test"), finished(t))
	if err != nil {
		t.Fatal(err)
	}
	var data metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &data); err != nil {
		t.Fatal(err)
	}
	found := map[string]metricdata.Sum[float64]{}
	for _, m := range data.ScopeMetrics[0].Metrics {
		found[m.Name] = m.Data.(metricdata.Sum[float64])
	}
	for name, want := range map[string]float64{"asyncio.task.created": 4, "asyncio.task.count": 0, "asyncio.loop.lag.count": 1} {
		points := found[name].DataPoints
		if len(points) != 1 || points[0].Value != want || found[name].IsMonotonic != (want > 0) {
			t.Errorf("%s: %+v", name, found[name])
		}
	}
	if n := len(found["asyncio.loop.lag.bucket"].DataPoints); n != 28 {
		t.Errorf("%d buckets", n)
	}
	for _, p := range found["asyncio.task.finished"].DataPoints {
		outcome, _ := p.Attributes.Value("asyncio.task.outcome")
		if want := map[string]float64{"returned": 3, "failed": 1}[outcome.AsString()]; p.Value != want {
			t.Errorf("%s: %v, want %v", outcome.AsString(), p.Value, want)
		}
	}
	if err := registration.Unregister(); err != nil {
		t.Fatal(err)
	}
	data = metricdata.ResourceMetrics{}
	if err := reader.Collect(t.Context(), &data); err != nil || len(data.ScopeMetrics) != 0 {
		t.Errorf("it is still observed: %v, %v", data, err)
	}
}
