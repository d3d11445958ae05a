package tracing_test

import (
	"context"
	"io"
	"runtime/pprof"
	"runtime/trace"
	"testing"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tracing"
)

// BenchmarkTask creates a task and awaits it, with everything that can be installed.
func BenchmarkTask(b *testing.B) {
	for _, row := range benchmarks {
		b.Run(row.name, func(b *testing.B) {
			row.run(b, func(ctx context.Context) error {
				for range b.N {
					if err := task.Go(ctx, brief).Join(ctx); err != nil {
						return err
					}
				}
				return nil
			})
		})
	}
}

// BenchmarkStep suspends a task, which is its own successor.
func BenchmarkStep(b *testing.B) {
	for _, row := range benchmarks {
		b.Run(row.name, func(b *testing.B) {
			row.run(b, func(ctx context.Context) error {
				return task.Go(ctx, func(ctx context.Context) error {
					for range b.N {
						if err := task.Yield(ctx); err != nil {
							return err
						}
					}
					return nil
				}).Join(ctx)
			})
		})
	}
}

type benchmark struct {
	name    string
	options tracing.Options
	traced  bool
	labels  pprof.LabelSet
}

var benchmarks = []benchmark{
	{name: "nothing"},
	{name: "labels", options: tracing.Options{Labels: true}},
	{name: "labels_in_do", options: tracing.Options{Labels: true}, labels: pprof.Labels("k", "v")},
	{name: "names", options: tracing.Options{Names: true}},
	{name: "trace_off", options: tracing.Options{Trace: true}},
	{name: "trace_on_without", traced: true},
	{name: "trace_on", options: tracing.Options{Trace: true}, traced: true},
	{name: "steps_on", options: tracing.Options{Steps: true}, traced: true},
}

func (row benchmark) run(b *testing.B, fn func(ctx context.Context) error) {
	b.ReportAllocs()
	_, err := task.Run(context.Background(), func(ctx context.Context) (int, error) {
		defer tracing.Install(loop.Running(ctx), row.options)()
		if row.traced {
			if err := trace.Start(io.Discard); err != nil {
				return 0, err
			}
			defer trace.Stop()
		}
		b.ResetTimer()
		var err error
		pprof.Do(ctx, row.labels, func(ctx context.Context) { err = fn(ctx) })
		return 0, err
	})
	if err != nil {
		b.Fatal(err)
	}
}
