package tracing

import (
	"context"
	"io"
	"runtime/pprof"
	"runtime/trace"
	"testing"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/internal/labels"
	"github.com/goasyncio/asyncio/task/internal/sched"
)

// BenchmarkHooks is what a task costs from its creation to its end, without the switches
// to and from it, which take longer than most of it.
func BenchmarkHooks(b *testing.B) {
	for _, row := range []struct {
		name    string
		options Options
		traced  bool
		labels  pprof.LabelSet
	}{
		{name: "labels", options: Options{Labels: true}},
		{name: "labels_of_context", options: Options{Labels: true}, labels: pprof.Labels("k", "v")},
		{name: "names", options: Options{Names: true}},
		{name: "trace_off", options: Options{Trace: true}},
		{name: "trace_on", options: Options{Trace: true}, traced: true},
	} {
		b.Run(row.name, func(b *testing.B) {
			b.ReportAllocs()
			pprof.Do(context.Background(), row.labels, func(ctx context.Context) {
				_, err := task.Run(ctx, func(ctx context.Context) (int, error) {
					t := sched.Running(ctx)
					values := t.Values()
					Install(loop.Running(ctx), row.options)
					tr := tracerOf(t.Sched())
					if row.traced {
						if err := trace.Start(io.Discard); err != nil {
							return 0, err
						}
						defer trace.Stop()
					}
					b.ResetTimer()
					for range b.N {
						t.SetValues(values)
						tr.created(t)
						if row.options.Labels {
							labels.Of(t.Sched()).Apply(t)
						}
						if row.options.Trace {
							if end := tr.begin(t); end != nil {
								end()
							}
							tr.finished(t)
						}
						pprof.SetGoroutineLabels(ctx)
					}
					return 0, nil
				})
				if err != nil {
					b.Fatal(err)
				}
			})
		})
	}
}
