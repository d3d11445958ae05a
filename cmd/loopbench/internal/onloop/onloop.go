// Package onloop implements every workload with this module: its loop, futures, tasks and package sync.
//
// Each workload runs on a loop of its own, which is opened before the measured stretch and closed after it. A loop
// can be set up in several ways, here called flavours, which are compared: they differ in how control passes from
// task to task, and in whether tasks are eager.
package onloop

import (
	"context"
	"time"

	"github.com/goasyncio/asyncio/cmd/loopbench/internal/bench"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/timers"
)

// Flavour is a way to set a loop up.
type Flavour struct {
	Name string
	What string
	// Only names the workloads for which this flavour can make a difference. If it is empty, all can.
	Only []string

	// alone says that only one loop at a time can be set up in this way.
	alone bool
	// setUp is called with each new loop, and stop when that has done its work.
	setUp func(l *loop.Loop) (stop func())
}

// Flavours returns all flavours, the default first.
func Flavours() []Flavour {
	eager := []string{"create_await", "gather_nop", "taskgroup_nop", "async_tree_none"}
	return []Flavour{
		{Name: "loop", What: "this module, tasks that switch through channels", setUp: func(*loop.Loop) func() { return func() {} }},
		{Name: "loop-iterpull", What: "this module, tasks that switch with iter.Pull", setUp: func(l *loop.Loop) func() {
			task.SetHandoff(l, task.IterPull)
			return func() {}
		}},
		{Name: "loop-eager", What: "this module with the eager task factory", Only: eager, setUp: func(l *loop.Loop) func() {
			task.SetFactory(l, task.EagerFactory)
			return func() {}
		}},
	}
}

// Func runs a workload once, at the size p. The stopwatch runs during the part that is measured.
type Func func(p bench.Params, watch *bench.Stopwatch) error

// Workloads returns the implementations of the workloads on a loop of this flavour, by their names in
// bench.Workloads.
func (f Flavour) Workloads() map[string]Func {
	all := map[string]coroutine{
		"call_soon_chain":       callSoonChain,
		"call_soon_batch":       callSoonBatch,
		"timer_add_cancel":      timerAddCancel,
		"timer_fire":            timerFire,
		"yield":                 yield,
		"create_await":          createAwait,
		"gather_nop":            gatherNop,
		"taskgroup_nop":         taskgroupNop,
		"async_tree_none":       asyncTree,
		"future_pingpong":       futurePingpong,
		"event_fanout":          eventFanout,
		"cancel_storm":          cancelStorm,
		"wait_for_nofire":       waitForNofire,
		"lock_contended":        lockContended,
		"semaphore_contended":   semaphoreContended,
		"condition_pingpong":    conditionPingpong,
		"queue_pingpong":        queuePingpong,
		"queue_throughput":      queueThroughput,
		"barrier_rounds":        barrierRounds,
		"threadsafe_roundtrip":  threadsafeRoundtrip,
		"threadsafe_throughput": threadsafeThroughput,
		"to_thread_roundtrip":   toThreadRoundtrip,
		"sleep_accuracy":        sleepAccuracy,
		"memory_parked":         memoryParked,
		"stream_cancel":         streamCancel,
	}
	funcs := make(map[string]Func)
	for name, do := range all {
		funcs[name] = func(p bench.Params, watch *bench.Stopwatch) error { return f.run(do, p, watch) }
	}
	funcs["pair_echo"] = func(p bench.Params, watch *bench.Stopwatch) error {
		return f.run(pairEcho, p, watch, loop.WithClock(timers.NewVirtual(time.Time{})))
	}
	if f.alone {
		return funcs
	}
	funcs["loops"] = func(p bench.Params, watch *bench.Stopwatch) error { return f.many(yieldShare, p, watch) }
	funcs["loops_echo"] = func(p bench.Params, watch *bench.Stopwatch) error { return f.many(echoShare, p, watch) }
	if len(f.Only) == 0 {
		return funcs
	}
	some := make(map[string]Func)
	for _, name := range f.Only {
		some[name] = funcs[name]
	}
	return some
}

// coroutine is a workload, run by the main task of a loop.
type coroutine func(ctx context.Context, p bench.Params, watch *bench.Stopwatch) error

func (f Flavour) run(do coroutine, p bench.Params, watch *bench.Stopwatch, opts ...loop.Option) error {
	main := func(ctx context.Context) error { return do(ctx, p, watch) }
	loops, stop := f.loops(opts...)
	defer stop()
	return task.Main(context.Background(), main, loops)
}

// loops makes a run use a loop of this flavour. The caller must call stop when it is over.
func (f Flavour) loops(opts ...loop.Option) (loops task.RunOption, stop func()) {
	stops := func() {}
	return task.WithLoopFactory(func() *loop.Loop {
		l := loop.New(opts...)
		stops = f.setUp(l)
		return l
	}), func() { stops() }
}

// nop is a coroutine that does nothing.
func nop(context.Context) (int, error) { return 1, nil }
