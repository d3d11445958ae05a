package main

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/goasyncio/asyncio/cmd/loopbench/internal/bench"
	"github.com/goasyncio/asyncio/cmd/loopbench/internal/report"
	"github.com/goasyncio/asyncio/cmd/loopbench/internal/traffic"
)

// session does the rounds of a run, and keeps what they have measured so far.
//
// A round of a workload does it on all peers, one right after the other. So whatever else the machine does for a while
// affects all peers of a workload alike. Another peer is first in each round. Before it is measured, a peer does a little
// of the workload as a warm-up, and a peer that is done soon repeats it: a few milliseconds say more about what ran
// before, and about memory touched for the first time, than about the workload.
type session struct {
	*options
	peers    []*peer
	progress *progress
	// show is called with each workload that is finished, in their order.
	show func(w *report.Workload)

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

// run measures everything, or as much as it can until ctx ends, and shows it.
func (s *session) run(ctx context.Context) {
	s.samples = make(map[pair][]bench.Sample)
	s.failed = make(map[pair]bool)
	s.progress.begin(s.plan())
	shown := 0
	defer func() {
		s.progress.clear()
		for _, w := range s.workloads[shown:] {
			s.show(s.result(w))
		}
	}()
	finished := make(map[*bench.Workload]bool)
	for t := range s.turns() {
		for i := range s.peers {
			p := s.peers[(i+t.round)%len(s.peers)]
			key := pair{t.workload.Name, p.Name}
			if !p.does(t.workload) || s.failed[key] {
				continue
			}
			if ctx.Err() != nil {
				return
			}
			s.progress.next(t.where, key)
			s.measure(ctx, t.workload, p)
			s.progress.done(key)
		}
		finished[t.workload] = t.last
		if t.last {
			s.progress.clear()
		}
		for shown < len(s.workloads) && finished[s.workloads[shown]] {
			s.show(s.result(s.workloads[shown]))
			shown++
		}
	}
}

// turn is a round of one workload.
type turn struct {
	workload *bench.Workload
	round    int
	last     bool   // of the workload's rounds
	where    string // how far the run is
}

// turns returns all rounds, in their order. A quick look does all rounds of a workload, to have something to show, and
// then those of the next. A full run does one round of every workload, and then the next round: what disturbs the machine
// for a minute then spoils one round of many workloads, and never all rounds of one.
func (s *session) turns() iter.Seq[turn] {
	return func(yield func(turn) bool) {
		if !s.full {
			for i, w := range s.workloads {
				for round := range s.rounds(w) {
					where := fmt.Sprintf("%d of %d", i+1, len(s.workloads))
					if !yield(turn{w, round, round == s.rounds(w)-1, where}) {
						return
					}
				}
			}
			return
		}
		most := 0
		for _, w := range s.workloads {
			most = max(most, s.rounds(w))
		}
		for round := range most {
			for _, w := range s.workloads {
				where := fmt.Sprintf("round %d of %d", round+1, most)
				if round < s.rounds(w) && !yield(turn{w, round, round == s.rounds(w)-1, where}) {
					return
				}
			}
		}
	}
}

// rounds returns the number of rounds for w.
func (s *session) rounds(w *bench.Workload) int {
	usual := usualRounds
	for _, p := range s.peers {
		if p.runtime != bench.Compiled {
			usual = roundsWithOther
		}
	}
	if !s.full {
		usual = quickRounds
		if w.Service != "" || w.Fresh {
			usual = quickRoundsOfPrograms
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

// plan returns what will be done of each pair.
func (s *session) plan() map[pair]planned {
	plan := make(map[pair]planned)
	for _, w := range s.workloads {
		for _, p := range s.peers {
			if p.does(w) {
				plan[pair{w.Name, p.Name}] = planned{s.rounds(w), w.Takes(p.runtime, s.scale)}
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

// intended returns what is to be measured: results without figures, in the order of workloads and peers.
func (s *session) intended() []report.Workload {
	var all []report.Workload
	for _, w := range s.workloads {
		result := s.row(w)
		for _, p := range s.peers {
			if p.does(w) {
				result.Results = append(result.Results, report.Result{Peer: p.Name})
			}
		}
		all = append(all, *result)
	}
	return all
}

// results returns what was measured, in the same order.
func (s *session) results() []report.Workload {
	var results []report.Workload
	for _, w := range s.workloads {
		if result := s.result(w); len(result.Results) > 0 {
			results = append(results, *result)
		}
	}
	return results
}

// result returns what was measured of w.
func (s *session) result(w *bench.Workload) *report.Workload {
	result := s.row(w)
	for _, p := range s.peers {
		if samples := s.samples[pair{w.Name, p.Name}]; len(samples) > 0 {
			result.Results = append(result.Results, report.Summarise(p.Name, samples))
		}
	}
	return result
}

// row describes w.
func (s *session) row(w *bench.Workload) *report.Workload {
	params := w.Params(s.scale)
	return &report.Workload{Name: w.Name, Operation: w.Operation(params), Unit: w.Unit(), Metric: w.Metric.String(),
		Params: params, Sweep: w.Sweep, Family: w.Family}
}
