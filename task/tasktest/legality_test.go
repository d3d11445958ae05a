package tasktest

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// corners are programs that random ones seldom come near.
var corners = []program{
	// The thread's result comes behind two timers and before the third.
	{
		tasks: [][]op{
			{{kind: thread}}, {{kind: await, arg: 0}, {kind: yield}}, {{kind: await, arg: 1}},
			{
				{kind: later, d: 1, body: []op{{kind: set, arg: 0}}},
				{kind: later, d: 1, body: []op{{kind: set, arg: 1}}},
				{kind: later, d: 1},
			},
		},
		futures: 2,
	},
	// Timers with different deadlines are due at once, and come by their deadlines.
	{tasks: [][]op{{{kind: later, d: 0}, {kind: later, d: -1}, {kind: later, d: 0}, {kind: yield}}}},
	// Two results come in any order, between any two of the other handles.
	{tasks: [][]op{{{kind: thread}}, {{kind: thread}}, {{kind: soon}, {kind: yield}, {kind: soon}}}},
	// A result comes after a cancellation, or just before.
	{tasks: [][]op{{{kind: thread}, {kind: yield}}, {{kind: yield}, {kind: cancel, arg: 0}}}},
	// The clock does not wait for a thread that the loop waits for, and another one.
	{tasks: [][]op{{{kind: thread}, {kind: sleep, d: 1}}, {{kind: sleep, d: 1}, {kind: thread}}}},
}

// samples draws n programs that have few enough ways to run, with all of their traces.
func samples(seed uint64, n, most int) map[*program]map[string]bool {
	all := map[*program]map[string]bool{}
	for r := rand.New(rand.NewPCG(seed, 0)); len(all) < n; {
		p := randomProgram(r, 3, 3)
		if want, ok := traces(p, most); ok {
			all[&p] = want
		}
	}
	return all
}

// explored returns the traces of a program that Explore finds when nothing limits it.
func explored(t *testing.T, p *program, opts ...Option) map[string]bool {
	all := map[string]bool{}
	opts = append(opts, Strategy(Deepening()), Schedules(1<<30), For(time.Hour))
	Explore(t, func(ctx context.Context, t *T) {
		all[p.run(ctx, t)] = true
	}, opts...)
	return all
}

// lacks returns one of the wanted traces that was not found, if there is any.
func lacks(found, want map[string]bool) (trace string, missing bool) {
	for _, trace := range slices.Sorted(maps.Keys(want)) {
		if !found[trace] {
			return trace, true
		}
	}
	return "", false
}

func TestExploreYieldsExactlyTheTracesThatAsyncioPermits(t *testing.T) {
	total := 0
	programs := samples(1, 200, 2000)
	for _, p := range corners {
		p.swallow = make([]bool, len(p.tasks))
		all, ok := traces(p, 1_000_000)
		if !ok {
			t.Fatalf("there are too many ways to run\n%v", p)
		}
		programs[&p] = all
	}
	for p, want := range programs {
		found := explored(t, p)
		total += len(want)
		if trace, missing := lacks(found, want); missing {
			t.Errorf("asyncio permits a trace of\n%v\nthat Explore does not find:\n%s", p, trace)
		}
		if trace, more := lacks(want, found); more {
			t.Errorf("Explore finds a trace of\n%v\nthat asyncio does not permit:\n%s", p, trace)
		}
	}
	if total < 1000 {
		t.Errorf("all the programs together have %d traces, which proves little", total)
	}
}

func TestExploreAtLevelTasksYieldsTheTracesOfOutsideToo(t *testing.T) {
	more := 0
	for p, want := range samples(2, 100, 50) {
		found := explored(t, p, Level(Tasks))
		if trace, missing := lacks(found, want); missing {
			t.Errorf("asyncio permits a trace of\n%v\nthat Explore does not find:\n%s", p, trace)
		}
		if len(found) > len(want) {
			more++
		}
	}
	if more < 20 {
		t.Errorf("the order of tasks makes a difference to %d programs, want 20 at least", more)
	}
}

// Threads are left out: in Run their results arrive when they arrive.
func TestExploreBeginsWithTheOrderOfRun(t *testing.T) {
	for p := range samples(3, 200, 2000) {
		if p.has(thread) {
			continue
		}
		var want, got string
		Run(t, func(ctx context.Context, t *T) { want = p.run(ctx, t) })
		Explore(t, func(ctx context.Context, t *T) { got = p.run(ctx, t) }, Schedules(1))
		if got != want {
			t.Errorf("the first schedule of\n%v\nwent\n%s\nand the run\n%s", p, got, want)
		}
	}
}
