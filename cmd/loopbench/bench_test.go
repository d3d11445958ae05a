package main

import (
	"testing"

	"github.com/goasyncio/asyncio/cmd/loopbench/internal/bench"
	"github.com/goasyncio/asyncio/cmd/loopbench/internal/report"
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
				if !k.compiled {
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
	switch {
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
	if !w.Fresh {
		b.ReportAllocs()
		b.ReportMetric(all.Bytes/float64(all.Ops), "B/op")
		b.ReportMetric(all.Allocs/float64(all.Ops), "allocs/op")
	}
}
