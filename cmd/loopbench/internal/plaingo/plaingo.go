// Package plaingo implements every workload without an event loop: with goroutines, channels, package sync, contexts
// and errgroup, as most Go programs do. It is the honest answer to "do I need a loop?".
//
// It does the same number of operations as the loop, but goroutines run on all processors and in any order, while the
// tasks of a loop run on one processor and in a fixed order. What Go's libraries do not have (a cyclic barrier) is
// written here in a few lines.
package plaingo

import "github.com/goasyncio/asyncio/cmd/loopbench/internal/bench"

// Func runs a workload once, at the size p. The stopwatch runs during the part that is measured.
type Func func(p bench.Params, watch *bench.Stopwatch) error

// Workloads returns the implementations of the workloads, by their names in bench.Workloads.
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
		"stream_cancel":         streamCancel,
		"pair_echo":             pairEcho,
		"loops":                 groupsOfYields,
		"loops_echo":            groupsOfEchoes,
	}
}
