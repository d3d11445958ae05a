// Package plaingo does every workload with what Go brings along: goroutines, channels, package sync, contexts and
// errgroup. It is what a Go user would write who has never heard of an event loop, and so the honest answer to
// "do I need one?".
//
// It shares no rule with the loop but the count of operations: goroutines run on all processors and in no
// particular order, where the loop's tasks run on one and in a fixed order. Where Go has no counterpart in its
// library (a cyclic barrier) the usual few lines stand in.
package plaingo

import "github.com/goasyncio/asyncio/cmd/loopbench/internal/bench"

// Func does a workload once at the size p, and lets the stopwatch run during the part that is measured.
type Func func(p bench.Params, watch *bench.Stopwatch) error

// Workloads is what this peer can do, by the names of bench.Workloads.
func Workloads() map[string]Func {
	return map[string]Func{
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
	}
}
