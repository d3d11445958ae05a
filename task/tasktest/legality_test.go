package tasktest

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// explored returns the traces of a program that Explore finds.
func explored(t *testing.T, p program, opts ...Option) map[string]bool {
	all := map[string]bool{}
	Explore(t, func(ctx context.Context, t *T) {
		all[p.run(ctx, t)] = true
	}, append(opts, Strategy(Deepening()), Schedules(1<<30), For(time.Hour), AllowRefusal())...)
	return all
}

func TestExploreYieldsExactlyTheTracesThatAsyncioPermits(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	n, total, most := 300, 0, 0
	for i := range n {
		p := randomProgram(r)
		want, ok := traces(p, false, 2000)
		for !ok {
			p = randomProgram(r)
			want, ok = traces(p, false, 2000)
		}
		got := explored(t, p)
		total, most = total+len(want), max(most, len(want))
		if !compare(t, fmt.Sprintf("program %d", i), p, got, want) {
			return
		}
	}
	t.Logf("%d programs, %d traces, at most %d of one", n, total, most)
}

// compare fails the test if two sets of traces differ.
func compare(t *testing.T, name string, p program, got, want map[string]bool) bool {
	t.Helper()
	if maps.Equal(got, want) {
		return true
	}
	report := func(what string, a, b map[string]bool) string {
		for _, trace := range slices.Sorted(maps.Keys(a)) {
			if !b[trace] {
				return what + "\n" + trace
			}
		}
		return ""
	}
	t.Errorf("%s: %d traces, want %d:\n%v%s%s", name, len(got), len(want), p,
		report("asyncio has no such trace:", got, want), report("missing:", want, got))
	return false
}

var _ = strings.Contains
