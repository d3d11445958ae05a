package main

import (
	"context"
	"fmt"
	"time"

	"github.com/goasyncio/asyncio/cmd/loopbench/internal/bench"
	"github.com/goasyncio/asyncio/cmd/loopbench/internal/report"
	"github.com/goasyncio/asyncio/cmd/loopbench/internal/traffic"
)

// session does the rounds of a run, and keeps what they have measured so far.
//
// A round does all workloads, and each workload on all peers, one right after the other. So whatever else the machine
// does for a while affects all peers of a workload alike, and never all rounds. Another peer is first in each round.
// Before it is measured, a peer does a little of the workload as a warm-up, and a peer that is done soon repeats it: a
// few milliseconds say more about what ran before, and about memory touched for the first time, than about the
// workload.
type session struct {
	*options
	peers    []*peer
	progress *progress

	samples map[pair][]bench.Sample
	failed  map[pair]bool
	notes   []string
}

type pair struct{ workload, peer string }

// The share of a round that is done before it, and is not measured. A server's is larger because it has just been
// started.
const (
	warmUp       = 0.05
	warmUpServer = 0.25
)

// A round that measures elapsed time lasts at least leastRound, unless that takes more than maxRepetitions.
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

// rounds returns the number of rounds for w.
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

// plan returns the number of rounds for each pair.
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

// measure does one round of one workload on one peer. A peer that has failed at a workload does it no more, because the
// rounds of the peers are compared in pairs.
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

// round repeats the workload until it has lasted long enough.
func (s *session) round(ctx context.Context, w *bench.Workload, p *peer) (bench.Sample, error) {
	do, warm := p.Measure, warmUp
	switch {
	case w.Service != "":
		server, err := p.Serve(ctx, w.Service)
		if err != nil {
			return bench.Sample{}, err
		}
		defer server.Close()
		do = func(ctx context.Context, w *bench.Workload, params bench.Params) (bench.Sample, error) {
			return traffic.Measure(ctx, w, params, server)
		}
		warm = warmUpServer
	case w.Fresh:
		do = p.MeasureFresh
	}
	repeated := w.Metric == bench.Wall
	if repeated || (w.Service != "" && w.Metric == bench.Latency) {
		if _, err := do(ctx, w, w.Params(s.scale*warm)); err != nil {
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

// results returns what was measured, in the order of workloads and peers.
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
