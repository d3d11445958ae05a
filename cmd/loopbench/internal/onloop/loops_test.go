package onloop

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/goasyncio/asyncio/cmd/loopbench/internal/bench"
)

func TestLoopsBeginTogether(t *testing.T) {
	var ready atomic.Int32
	var early atomic.Bool
	share := func(_ context.Context, ops int, begin func()) (int, error) {
		ready.Add(1)
		begin()
		if ready.Load() != 3 {
			early.Store(true)
		}
		return ops, nil
	}
	watch := bench.NewStopwatch(bench.Wall)
	if err := Flavours()[0].many(share, bench.Params{Ops: 10, Width: 3}, watch); err != nil {
		t.Fatal(err)
	}
	if sample, err := watch.Sample(); err != nil || sample.Ops != 12 || early.Load() {
		t.Errorf("%d operations (%v), one began too early: %t", sample.Ops, err, early.Load())
	}
}

func TestLoopThatFailsInItsSetUpDoesNotKeepTheOthersWaiting(t *testing.T) {
	failure := errors.New("no memory")
	var first atomic.Bool
	share := func(_ context.Context, ops int, begin func()) (int, error) {
		if first.CompareAndSwap(false, true) {
			return 0, failure
		}
		begin()
		return ops, nil
	}
	err := Flavours()[0].many(share, bench.Params{Ops: 10, Width: 3}, bench.NewStopwatch(bench.Wall))
	if !errors.Is(err, failure) {
		t.Errorf("got %v", err)
	}
}
