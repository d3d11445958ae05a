package plaingo

import (
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/goasyncio/asyncio/cmd/loopbench/internal/bench"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestWorkloadsDoTheWorkTheyCount(t *testing.T) {
	for _, w := range bench.Workloads() {
		if w.Service != "" {
			if Services()[w.Service] == nil {
				t.Errorf("%s: plain Go does not serve it", w.Name)
			}
			continue
		}
		do := Workloads()[w.Implementation()]
		if do == nil {
			t.Errorf("%s: plain Go does not do it", w.Name)
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
}

func TestBarrierHoldsEveryoneUntilTheLast(t *testing.T) {
	b := newBarrier(2)
	passed := make(chan struct{})
	go func() {
		b.wait()
		close(passed)
	}()
	select {
	case <-passed:
		t.Fatal("passed alone")
	default:
	}
	b.wait()
	select {
	case <-passed:
	case <-time.After(time.Minute):
		t.Fatal("still waiting with both there")
	}
}
