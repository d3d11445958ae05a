package main

import (
	"context"
	"fmt"
	"time"

	"github.com/goasyncio/asyncio/cmd/loopbench/internal/bench"
	"github.com/goasyncio/asyncio/cmd/loopbench/internal/report"
)

// session is the rounds of a run and what they measured so far.
//
// A round does all workloads, and a workload all peers, one right after the other: whatever else the machine does
// for a while hits all peers of a workload alike, and never all rounds of one. Who comes first changes from round to
// round. Before it is measured at a workload a peer does a little of it unmeasured, and a peer that is done soon does it
// again and again: a few milliseconds say more about what ran before, and about memory touched for the first time, than
// about the workload.
type session struct {
	*options
	peers    []*peer
	progress *progress

	samples map[pair][]bench.Sample
	failed  map[pair]bool
	notes   []string
}

type pair struct{ workload, peer string }

// warmUp is the share of a round that is done unmeasured before it.
const warmUp = 0.05

// A round of a workload that reads elapsed time lasts at least this long, unless it takes too many repetitions.
const (
	leastRound     = 200 * time.Millisecond
	maxRepetitions = 50
)

func (s *session) run(ctx context.Context) {
	s.samples = make(map[pair][]bench.Sample)
	s.failed = make(map[pair]bool)
	last := 0
	for _, w := range s.workloads {
		last = max(last, s.rounds(w))
	}
	s.progress.begin(s.plan())
	defer s.progress.end()
	for round := range last {
		for _, w := range s.workloads {
			if round >= s.rounds(w) {
				continue
			}
			for i := range s.peers {
				p := s.peers[(i+round)%len(s.peers)]
				if !p.does(w) || s.failed[pair{w.Name, p.Name}] {
					continue
				}
				if ctx.Err() != nil {
					return
				}
				s.progress.next(round+1, last, w.Name, p.Name)
				s.measure(ctx, w, p)
				s.progress.done(pair{w.Name, p.Name})
			}
		}
	}
}

// rounds is how often to measure w.
func (s *session) rounds(w *bench.Workload) int {
	usual := usualRounds
	for _, p := range s.peers {
		if !p.compiled {
			usual = roundsWithOther
		}
	}
	switch {
	case s.count > 0:
		return s.count
	case w.Rounds > 0:
		return min(w.Rounds, usual)
	}
	return usual
}

// plan is how often each pair is to be measured.
func (s *session) plan() map[pair]int {
	plan := make(map[pair]int)
	for _, w := range s.workloads {
		for _, p := range s.peers {
			if p.does(w) {
				plan[pair{w.Name, p.Name}] = s.rounds(w)
			}
		}
	}
	return plan
}

// measure does one round of one workload on one peer. A peer that fails at a workload is not asked again: the rounds of
// the peers must stay pairs.
func (s *session) measure(ctx context.Context, w *bench.Workload, p *peer) {
	key := pair{w.Name, p.Name}
	sample, err := s.round(ctx, w, p)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		s.failed[key] = true
		s.progress.drop(key)
		s.notes = append(s.notes, fmt.Sprintf("%s gave up %s: %v", p.Name, w.Name, err))
		return
	}
	s.samples[key] = append(s.samples[key], sample)
}

// round measures until there is enough of it.
func (s *session) round(ctx context.Context, w *bench.Workload, p *peer) (bench.Sample, error) {
	do := p.Measure
	if w.Fresh {
		do = p.MeasureFresh
	}
	repeated := w.Metric == bench.Wall
	if repeated {
		if _, err := do(ctx, w, w.Params(s.scale*warmUp)); err != nil {
			return bench.Sample{}, err
		}
	}
	params := w.Params(s.scale)
	least := float64(leastRound) * min(1, s.scale)
	var all bench.Sample
	for n := 1; ; n++ {
		sample, err := do(ctx, w, params)
		if err == nil && sample.Ops != w.Done(params) {
			err = fmt.Errorf("%s: %s did %d operations, want %d", p.Name, w.Name, sample.Ops, w.Done(params))
		}
		if err != nil {
			return bench.Sample{}, err
		}
		all.Add(sample)
		if !repeated || all.Total >= least || n == maxRepetitions {
			return all, nil
		}
	}
}

// results is what was measured, in the order of the tables of workloads and peers.
func (s *session) results() []report.Workload {
	var results []report.Workload
	for _, w := range s.workloads {
		params := w.Params(s.scale)
		result := report.Workload{Name: w.Name, Operation: w.Operation(params), Unit: w.Unit(), Metric: w.Metric.String(),
			Params: params, Sweep: w.Sweep, Family: w.Family}
		for _, p := range s.peers {
			if samples := s.samples[pair{w.Name, p.Name}]; len(samples) > 0 {
				result.Results = append(result.Results, report.Summarise(p.Name, samples))
			}
		}
		if len(result.Results) > 0 {
			results = append(results, result)
		}
	}
	return results
}
