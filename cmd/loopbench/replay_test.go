package main

import (
	"bufio"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/cmd/loopbench/internal/bench"
)

// recorded is what the rounds of a run took, in the order of the run.
type recorded struct {
	key  pair
	took time.Duration
}

// recording reads a file whose lines are a workload, a peer, and the seconds of a round.
func recording(t *testing.T, name string) []recorded {
	t.Helper()
	file, err := os.Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var all []recorded
	for lines := bufio.NewScanner(file); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		seconds, err := strconv.ParseFloat(fields[2], 64)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, recorded{pair{fields[0], fields[1]}, time.Duration(seconds * float64(time.Second))})
	}
	return all
}

// The recordings are of real runs: one that went through all rounds of a workload before the next, at a tenth of the size,
// and one that went through all workloads in each round, at full size, with each round as long as the only one recorded.
func TestTimeLeftIsRightWithinAFifth(t *testing.T) {
	runtimes := make(map[string]bench.Runtime)
	for _, k := range knownPeers() {
		runtimes[k.Name] = k.runtime
	}
	workloads := make(map[string]*bench.Workload)
	for _, w := range bench.Workloads() {
		workloads[w.Name] = w
	}
	full := recording(t, "rounds_full.txt")
	for name, c := range map[string]struct {
		rounds []recorded
		scale  float64
		// slower is how much slower the machine is.
		slower float64
		// without is a runtime whose peers don't take part.
		without bench.Runtime
	}{
		"quick look":                 {recording(t, "rounds_quick.txt"), 0.1, 1, -1},
		"quick look, slow machine":   {recording(t, "rounds_quick.txt"), 0.1, 3, -1},
		"quick look without Python":  {recording(t, "rounds_quick.txt"), 0.1, 1, bench.Python},
		"quick look without Node.js": {recording(t, "rounds_quick.txt"), 0.1, 1, bench.Node},
		"full run":                   {append(append(full, full...), full...), 1, 1, -1},
		"full run, slow machine":     {append(append(full, full...), full...), 1, 3, -1},
	} {
		t.Run(name, func(t *testing.T) {
			plan := make(map[pair]planned)
			var truth time.Duration
			var rounds []recorded
			for _, r := range c.rounds {
				if runtimes[r.key.peer] == c.without {
					continue
				}
				r.took = time.Duration(float64(r.took) * c.slower)
				rounds = append(rounds, r)
				truth += r.took
				w := workloads[r.key.workload]
				plan[r.key] = planned{plan[r.key].rounds + 1, w.Takes(runtimes[r.key.peer], c.scale)}
			}
			p, _, measure := simulated(plan)
			whole := truth
			told := false
			for _, r := range rounds {
				measure(r.key, r.took)
				truth -= r.took
				left, ok := p.remaining()
				told = told || ok
				// After the first few rows, and until the end is near.
				if truth > whole*9/10 || truth < whole/20 {
					continue
				}
				if !ok {
					t.Fatalf("nothing is known after %v of %v", whole-truth, whole)
				}
				if off := float64(left) / float64(truth); off < 0.8 || off > 1.2 {
					t.Errorf("after %v on %v: %v left, estimated %v (%.2f)", r.key.workload, r.key.peer, truth, left, off)
				}
			}
			if !told {
				t.Error("the time left was never told")
			}
		})
	}
}
