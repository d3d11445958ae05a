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
	c := costOf(w.Name)
	tenth, full := c.tenth[on], c.full[on]
	var seconds float64
	if scale >= 0.1 {
		seconds = tenth + (full-tenth)*(scale-0.1)/0.9
	} else {
		// What is left if nothing is done: the start of a program, the collection of garbage.
		nothing := max(0, (tenth-full/10)/0.9)
		seconds = nothing + (tenth-nothing)*scale/0.1
	}
	return time.Duration(seconds * float64(time.Second))
}

// cost is how many seconds a round takes at a tenth of the size and at full size, by runtime.
type cost struct{ tenth, full [3]float64 }

// costOf returns the cost of a workload, measured on two virtual processors of a Xeon at 2.5 GHz. A new workload needs a line
// here only if it takes much longer than most.
func costOf(workload string) cost {
	switch workload {
	case "call_soon_chain":
		return cost{[3]float64{0.1, 0.12, 0.14}, [3]float64{0.24, 0.76, 0.4}}
	case "call_soon_batch":
		return cost{[3]float64{0.08, 0.063, 0.067}, [3]float64{0.28, 0.58, 0.38}}
	case "timer_add_cancel":
		return cost{[3]float64{0.055, 0.12, 0.13}, [3]float64{0.32, 1.1, 0.86}}
	case "timer_fire":
		return cost{[3]float64{0.16, 0.16, 0.16}, [3]float64{1.5, 1.5, 1.5}}
	case "yield_1":
		return cost{[3]float64{0.1, 0.11, 0.1}, [3]float64{0.29, 0.95, 0.34}}
	case "yield_100", "yield_10":
		return cost{[3]float64{0.053, 0.071, 0.089}, [3]float64{0.28, 0.56, 0.33}}
	case "yield_10k":
		return cost{[3]float64{0.064, 0.081, 0.12}, [3]float64{0.48, 0.72, 0.3}}
	case "yield_100k":
		return cost{[3]float64{0.15, 0.21, 0.13}, [3]float64{1.6, 2.1, 0.8}}
	case "create_await":
		return cost{[3]float64{0.063, 0.08, 0.18}, [3]float64{0.46, 0.64, 0.57}}
	case "gather_nop":
		return cost{[3]float64{0.058, 0.11, 0.073}, [3]float64{0.3, 1.3, 0.29}}
	case "taskgroup_nop":
		return cost{[3]float64{0.044, 0.12, 0}, [3]float64{0.29, 1.3, 0}}
	case "async_tree_none":
		return cost{[3]float64{0.053, 0.056, 0.17}, [3]float64{0.35, 0.88, 0.36}}
	case "future_pingpong":
		return cost{[3]float64{0.047, 0.086, 0.071}, [3]float64{0.26, 0.65, 0.33}}
	case "event_fanout":
		return cost{[3]float64{0.24, 0.3, 0.14}, [3]float64{2.3, 2.1, 1.8}}
	case "cancel_storm":
		return cost{[3]float64{0.15, 0.35, 1.2}, [3]float64{0.92, 3.5, 10}}
	case "wait_for_nofire":
		return cost{[3]float64{0.059, 0.052, 0.057}, [3]float64{0.27, 0.39, 0.26}}
	case "lock_contended":
		return cost{[3]float64{0.041, 0.092, 0.055}, [3]float64{0.25, 0.71, 0.28}}
	case "semaphore_contended":
		return cost{[3]float64{0.042, 0.057, 0}, [3]float64{0.26, 0.51, 0}}
	case "condition_pingpong":
		return cost{[3]float64{0.065, 0.056, 0}, [3]float64{0.25, 0.42, 0}}
	case "queue_pingpong":
		return cost{[3]float64{0.052, 0.065, 0.053}, [3]float64{0.25, 0.6, 0.28}}
	case "queue_throughput":
		return cost{[3]float64{0.076, 0.052, 0.062}, [3]float64{0.29, 0.29, 0.27}}
	case "barrier_rounds":
		return cost{[3]float64{0.043, 0.15, 0}, [3]float64{0.24, 1.5, 0}}
	case "threadsafe_roundtrip":
		return cost{[3]float64{0.0068, 0.066, 0.088}, [3]float64{0.021, 0.43, 0.3}}
	case "threadsafe_throughput":
		return cost{[3]float64{0.036, 0.5, 0.33}, [3]float64{0.25, 4.1, 0.8}}
	case "to_thread_roundtrip":
		return cost{[3]float64{0.0054, 0.085, 0.076}, [3]float64{0.013, 0.58, 0.21}}
	case "sleep_accuracy":
		return cost{[3]float64{0.099, 0.1, 0.097}, [3]float64{0.88, 0.94, 0.76}}
	case "memory_parked":
		return cost{[3]float64{0.13, 0.27, 0.21}, [3]float64{1.2, 1.9, 0.46}}
	case "stream_echo_1":
		return cost{[3]float64{0.038, 0.19, 0.27}, [3]float64{0.21, 0.44, 0.47}}
	case "stream_echo_50":
		return cost{[3]float64{0.086, 0.3, 0.38}, [3]float64{0.42, 1.2, 0.98}}
	case "stream_echo_1000":
		return cost{[3]float64{0.1, 0.29, 0.39}, [3]float64{0.78, 1.5, 1.3}}
	case "stream_lines":
		return cost{[3]float64{0.098, 0.39, 0.4}, [3]float64{0.81, 1.9, 1.2}}
	case "stream_throughput":
		return cost{[3]float64{0.057, 0.18, 0.26}, [3]float64{0.44, 0.48, 0.64}}
	case "stream_throughput_tls":
		return cost{[3]float64{0.087, 0.23, 0.31}, [3]float64{0.35, 0.58, 0.51}}
	case "stream_idle_10k":
		return cost{[3]float64{0.17, 0.37, 0.43}, [3]float64{1.2, 2.6, 1.9}}
	case "stream_connect":
		return cost{[3]float64{0.063, 0.29, 0.4}, [3]float64{0.57, 1.2, 1.5}}
	case "stream_cancel":
		return cost{[3]float64{0.055, 0.089, 0}, [3]float64{0.32, 0.43, 0}}
	case "pair_echo":
		return cost{[3]float64{0.05, 0.12, 0}, [3]float64{0.26, 1.1, 0}}
	case "loops_1":
		return cost{[3]float64{0.037, 0, 0}, [3]float64{0.26, 0, 0}}
	case "loops_2":
		return cost{[3]float64{0.046, 0, 0}, [3]float64{0.29, 0, 0}}
	case "loops_4", "loops_8", "loops_16", "loops_32", "loops_64":
		return cost{[3]float64{0.046, 0, 0}, [3]float64{0.29, 0, 0}}
	case "loops_echo_1":
		return cost{[3]float64{0.035, 0, 0}, [3]float64{0.25, 0, 0}}
	case "loops_echo_2":
		return cost{[3]float64{0.032, 0, 0}, [3]float64{0.28, 0, 0}}
	case "loops_echo_4", "loops_echo_8", "loops_echo_16", "loops_echo_32", "loops_echo_64":
		return cost{[3]float64{0.029, 0, 0}, [3]float64{0.27, 0, 0}}
	case "yield_1k":
		return cost{[3]float64{0.055, 0.075, 0.1}, [3]float64{0.28, 0.53, 0.32}}
	case "yield_1M":
		return cost{[3]float64{2, 2.5, 1}, [3]float64{20, 10, 5}}
	case "timer_add_cancel_1":
		return cost{[3]float64{0.055, 0.2, 0.13}, [3]float64{0.26, 2, 0.8}}
	case "timer_add_cancel_10", "timer_add_cancel_100", "timer_add_cancel_1k", "timer_add_cancel_10k":
		return cost{[3]float64{0.055, 0.1, 0.09}, [3]float64{0.25, 0.72, 0.35}}
	case "timer_add_cancel_100k":
		return cost{[3]float64{0.055, 0.11, 0.12}, [3]float64{0.29, 0.82, 0.8}}
	case "timer_add_cancel_1M":
		return cost{[3]float64{0.07, 0.55, 0.6}, [3]float64{0.42, 4.8, 5.8}}
	}
	return cost{[3]float64{0.05, 0.1, 0.1}, [3]float64{0.4, 1, 0.5}}
}
