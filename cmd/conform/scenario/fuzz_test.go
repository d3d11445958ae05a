package scenario_test

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/goasyncio/asyncio/cmd/conform/scenario"
)

// seeds are some hundred bytes each, from a generator of our own, so that the
// programs of an ordinary test run are varied and always the same.
func seeds(n int) [][]byte {
	rng := rand.New(rand.NewPCG(1, 2))
	seeds := make([][]byte, n)
	for i := range seeds {
		seeds[i] = make([]byte, 40+i%120)
		for j := range seeds[i] {
			seeds[i][j] = byte(rng.Uint32())
		}
	}
	return seeds
}

// FuzzPrograms checks what must hold for every program, without an oracle: the
// run ends and leaves no goroutine behind, the library neither panics nor
// returns an error that asyncio does not have, time does not run backwards, and
// the trace is the same in every run and on every engine.
func FuzzPrograms(f *testing.F) {
	f.Add([]byte{})
	for _, seed := range seeds(300) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		before := goleak.IgnoreCurrent()
		source := (&generator{data: data}).program()
		program, err := scenario.Parse(source)
		if err != nil {
			t.Fatalf("the generator wrote a bad program: %v\n%s", err, source)
		}
		var first []string
		for _, engine := range scenario.Engines() {
			for range 2 {
				trace, err := scenario.Run(program, engine)
				if err != nil {
					t.Fatalf("%s: %v\n%s", engine, err, source)
				}
				if first == nil {
					first = trace
				}
				if !slices.Equal(trace, first) {
					t.Fatalf("%s: the same program gave two traces\n%s\n\nthe one:\n%s\n\nthe other:\n%s",
						engine, source, strings.Join(first, "\n"), strings.Join(trace, "\n"))
				}
			}
		}
		var now int64
		for _, line := range first {
			clock, rest, _ := strings.Cut(line, " ")
			then, err := strconv.ParseInt(clock, 10, 64)
			if err != nil || then < now || strings.Contains(rest, "(") {
				t.Fatalf("not a line of a trace at time %d: %q\n%s", now, line, source)
			}
			now = then
		}
		if err := goleak.Find(before); err != nil {
			t.Fatalf("%v\n%s", err, source)
		}
	})
}
