package bench

import "time"

// Runtime is what a peer's code runs on.
type Runtime int

const (
	// Compiled is Go: this program itself.
	Compiled Runtime = iota
	// Python is an interpreter of Python, whichever loop it runs.
	Python
	// Node is Node.js.
	Node
)

// Takes returns about how long a round takes at a scale, with everything around it: the warm-up, the set-up, the start of a
// server. It is what it took on some machine. For an estimate of the time left only the proportions matter.
func (w *Workload) Takes(on Runtime, scale float64) time.Duration {
	overhead := 0.06
	switch {
	case w.Service != "":
		overhead = [...]float64{Compiled: 0.07, Python: 0.28, Node: 0.4}[on]
	case w.Fresh:
		overhead = [...]float64{Compiled: 0.08, Python: 0.2, Node: 0.2}[on]
	}
	full := fullRound(w.Name)[on]
	return time.Duration((overhead + scale*max(full-overhead, 0)) * float64(time.Second))
}

// fullRound returns the seconds of a round at full size, by runtime.
func fullRound(workload string) [3]float64 {
	switch workload {
	case "call_soon_chain":
		return [...]float64{0.26, 0.7, 0.4}
	case "call_soon_batch":
		return [...]float64{0.27, 0.6, 0.4}
	case "timer_add_cancel":
		return [...]float64{0.29, 1.6, 1.8}
	case "timer_fire":
		return [...]float64{1.5, 1.8, 1.5}
	case "yield_1", "yield_10", "yield_100":
		return [...]float64{0.32, 0.9, 0.29}
	case "yield_1k", "yield_10k":
		return [...]float64{0.42, 1.0, 0.33}
	case "yield_100k":
		return [...]float64{2, 2.5, 1.0}
	case "yield_1M":
		return [...]float64{12, 10, 5}
	case "timer_add_cancel_1", "timer_add_cancel_10", "timer_add_cancel_100", "timer_add_cancel_1k", "timer_add_cancel_10k":
		return [...]float64{0.29, 1.2, 0.7}
	case "timer_add_cancel_100k":
		return [...]float64{0.3, 1.5, 1.4}
	case "timer_add_cancel_1M":
		return [...]float64{1, 8, 8}
	case "create_await":
		return [...]float64{0.4, 0.7, 0.35}
	case "gather_nop":
		return [...]float64{0.4, 1.4, 0.3}
	case "taskgroup_nop":
		return [...]float64{0.4, 1.4, 0}
	case "async_tree_none":
		return [...]float64{0.5, 1.1, 0.3}
	case "future_pingpong":
		return [...]float64{0.4, 0.8, 0.3}
	case "event_fanout":
		return [...]float64{2, 2.4, 1.5}
	case "cancel_storm":
		return [...]float64{2.2, 4, 13}
	case "wait_for_nofire":
		return [...]float64{0.8, 0.6, 0.6}
	case "lock_contended":
		return [...]float64{0.5, 1.2, 0.4}
	case "semaphore_contended":
		return [...]float64{0.5, 0.9, 0}
	case "condition_pingpong":
		return [...]float64{0.6, 0.5, 0}
	case "queue_pingpong":
		return [...]float64{0.6, 0.6, 0.4}
	case "queue_throughput":
		return [...]float64{1.2, 0.4, 0.4}
	case "barrier_rounds":
		return [...]float64{0.4, 1.9, 0}
	case "threadsafe_roundtrip":
		return [...]float64{0.08, 0.7, 0.5}
	case "threadsafe_throughput":
		return [...]float64{0.45, 2.9, 4}
	case "to_thread_roundtrip":
		return [...]float64{0.09, 0.8, 0.4}
	case "sleep_accuracy":
		return [...]float64{0.95, 0.95, 0.85}
	case "memory_parked":
		return [...]float64{1.5, 2.2, 1.0}
	case "stream_echo_1":
		return [...]float64{0.3, 0.7, 0.8}
	case "stream_echo_50":
		return [...]float64{0.5, 1.4, 1.6}
	case "stream_echo_1000":
		return [...]float64{0.9, 2.3, 2.3}
	case "stream_lines":
		return [...]float64{0.9, 2.0, 2.3}
	case "stream_throughput":
		return [...]float64{0.5, 1.2, 1.7}
	case "stream_throughput_tls":
		return [...]float64{0.5, 0.8, 1.2}
	case "stream_idle_10k":
		return [...]float64{1.5, 3.5, 2.8}
	case "stream_connect":
		return [...]float64{0.8, 3, 2.6}
	case "stream_cancel":
		return [...]float64{0.5, 1.3, 0}
	case "pair_echo":
		return [...]float64{0.5, 2, 0}
	case "loops_1", "loops_2", "loops_4", "loops_8", "loops_16", "loops_32", "loops_64":
		return [...]float64{0.4, 0, 0}
	case "loops_echo_1", "loops_echo_2", "loops_echo_4", "loops_echo_8", "loops_echo_16", "loops_echo_32", "loops_echo_64":
		return [...]float64{0.4, 0, 0}
	}
	return [...]float64{0.5, 1.2, 1}
}
