package main

import (
	"context"
	"fmt"
	"testing"

	"github.com/goasyncio/asyncio/cmd/loopbench/internal/bench"
	"github.com/goasyncio/asyncio/cmd/loopbench/internal/report"
	"github.com/goasyncio/asyncio/cmd/loopbench/internal/traffic"
)

// BenchmarkWorkload is loopbench's table for go test -bench, on the peers that are part of the program; the names are
// those that loopbench -format gobench prints. One operation is the workload's own, not one call of it, so that the
// figures mean the same.
//
//	go test -run=- -bench=/yield ./cmd/loopbench
func BenchmarkWorkload(b *testing.B) {
	for _, w := range bench.Workloads() {
		if w.Sweep {
			continue
		}
		b.Run(w.Name, func(b *testing.B) {
			for _, k := range knownPeers() {
				if k.runtime != bench.Compiled || k.observed != "" {
					continue
				}
				m, err := k.start(b.Context(), nil)
				if err != nil {
					b.Fatal(err)
				}
				p := peer{Peer: k.Peer, measurer: m, only: k.only}
				if !p.does(w) {
					continue
				}
				b.Run("peer="+k.Name, func(b *testing.B) { benchmark(b, w, &p) })
			}
		})
	}
}

func benchmark(b *testing.B, w *bench.Workload, p *peer) {
	params := w.Params(1)
	do, rounds := p.Measure, 1
	if w.Service != "" {
		server, err := p.Serve(b.Context(), w.Service)
		if err != nil {
			b.Fatal(err)
		}
		defer server.Close()
		do = func(ctx context.Context, w *bench.Workload, params bench.Params) (bench.Sample, error) {
			return traffic.Measure(ctx, w, params, server)
		}
	}
	switch {
	case w.Service != "" && w.Metric == bench.Resident:
		rounds = b.N
	case w.Fresh:
		do, rounds = p.MeasureFresh, b.N
	case w.Metric == bench.CPU:
		// What is measured is not what passes: a whole round is the least that can be done.
		rounds = b.N
	case w.Batched:
		params.Ops = b.N
		// While b.N is still small, as small a batch will do.
		params.Width = min(params.Width, max(b.N, 100))
	default:
		params.Ops = b.N
	}
	var all bench.Sample
	b.ResetTimer()
	for range rounds {
		sample, err := do(b.Context(), w, params)
		if err != nil {
			b.Fatal(err)
		}
		all.Add(sample)
	}
	b.StopTimer()
	b.ReportMetric(0, "ns/op") // the elapsed time, set-up included, is not what is measured
	b.ReportMetric(all.PerOp(), report.GobenchUnit(w.Metric.String()))
	if t := all.Traffic; t != nil {
		b.ReportMetric(t.ServerCPU/float64(all.Ops), "server-cpu-ns/op")
	}
	if all.Counted && !w.Fresh {
		b.ReportAllocs()
		b.ReportMetric(all.Bytes/float64(all.Ops), "B/op")
		b.ReportMetric(all.Allocs/float64(all.Ops), "allocs/op")
	}
}

// BenchmarkStreamEchoBusy is stream_echo_1 on a loop that never idles: two tasks yield for ever. With one processor Go's
// runtime looks for what has arrived only now and then.
func BenchmarkStreamEchoBusy(b *testing.B) {
	for _, processors := range []int{1, 2} {
		b.Run(fmt.Sprintf("GOMAXPROCS=%d", processors), func(b *testing.B) {
			server, err := startServer(b.Context(), report.Subject, "echo_busy", fmt.Sprintf("GOMAXPROCS=%d", processors))
			if err != nil {
				b.Fatal(err)
			}
			defer server.Close()
			w := &bench.Workload{Name: "stream_echo_busy", Metric: bench.Latency, Service: "echo_busy"}
			b.ResetTimer()
			sample, err := traffic.Measure(b.Context(), w, bench.Params{Ops: b.N, Width: 1}, server)
			if err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
			b.ReportMetric(0, "ns/op")
			d := bench.Distribute(sample.Latencies)
			b.ReportMetric(d.P50, "p50-ns/op")
			b.ReportMetric(d.P99, "p99-ns/op")
		})
	}
}
