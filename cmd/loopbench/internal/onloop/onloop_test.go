package onloop

import (
	"slices"
	"testing"

	"go.uber.org/goleak"

	"github.com/goasyncio/asyncio/cmd/loopbench/internal/bench"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestWorkloadsDoTheWorkTheyCountOnEveryFlavour(t *testing.T) {
	for _, flavour := range slices.Concat(Flavours(), Observed()) {
		workloads := flavour.Workloads()
		t.Run(flavour.Name, func(t *testing.T) {
			for _, w := range bench.Workloads() {
				if w.Service != "" {
					if len(flavour.Only) == 0 && flavour.Services()[w.Service] == nil {
						t.Errorf("%s is not served", w.Name)
					}
					continue
				}
				do := workloads[w.Implementation()]
				if do == nil {
					several := w.Family == "loops" || w.Family == "loops_echo"
					if flavour.alone && several {
						continue
					}
					if len(flavour.Only) == 0 || slices.Contains(flavour.Only, w.Name) {
						t.Errorf("%s is not implemented", w.Name)
					}
					continue
				}
				t.Run(w.Name, func(t *testing.T) {
					p := w.Params(0.0005)
					watch := bench.NewStopwatch(w.Metric)
					if err := do(p, watch); err != nil {
						t.Fatal(err)
					}
					sample, err := watch.Sample()
					if err != nil {
						t.Fatal(err)
					}
					if want := w.Done(p); sample.Ops != want {
						t.Errorf("did %d operations, want %d", sample.Ops, want)
					}
				})
			}
		})
	}
}
