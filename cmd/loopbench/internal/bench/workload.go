// Package bench is the vocabulary that every part of loopbench shares: what a workload is, how much of it to do,
// and what one round of it measured.
//
// A workload is only a name and a size here. Each peer (the loop, plain goroutines, an interpreter running one of
// the embedded scripts) brings its own implementation of it under the same name, is handed the same Params, and
// answers with a Sample. Nothing in this package knows how a peer does its work.
package bench

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Metric is what a workload's stopwatch reads.
type Metric int

const (
	// Wall is elapsed time for each operation.
	Wall Metric = iota
	// CPU is processor time, user and system, for each operation: what waiting costs when waiting itself is free.
	CPU
	// Resident is the growth of the process's resident memory for each operation.
	Resident
	// Latency is the distribution of single operations, each timed on its own; its figure is the median.
	Latency
)

// String names the metric as the scripts know it.
func (m Metric) String() string {
	switch m {
	case Wall:
		return "wall"
	case CPU:
		return "cpu"
	case Resident:
		return "resident"
	case Latency:
		return "latency"
	}
	return "Metric(" + strconv.Itoa(int(m)) + ")"
}

// Params says how much of a workload to do in one round.
type Params struct {
	// Ops is how many operations to do; a peer rounds it up to whole batches.
	Ops int `json:"ops"`
	// Width is how many things exist at once: tasks, timers, producers. Zero where the workload is sequential.
	Width int `json:"width"`
	// Span is the stretch of time that deadlines are spread over, or the longest sleep.
	Span time.Duration `json:"span_ns"`
}

// Batches is how many times Width operations must be done to make up Ops.
func (p Params) Batches() int { return max(1, (p.Ops+p.Width-1)/p.Width) }

// keptWidth is the width below which scale does not shrink a workload: fewer tasks than this would make it another
// workload, and no longer make it any faster.
const keptWidth = 100

// Workload is one thing that every peer can be asked to do.
type Workload struct {
	Name string
	// operation describes one operation; %s stands for the width.
	operation string
	Metric    Metric
	Full      Params
	// Rounds is how often it is measured unless the user says otherwise; zero for the usual number.
	Rounds int
	// Batched tells that operations come Width at a time, so that Ops is rounded up to whole batches.
	Batched bool
	// Fresh asks for a process that has done nothing before.
	Fresh bool
	// Sweep marks a point that exists only to draw cost against scale; it is measured on request.
	Sweep bool
	// Family names the curve that the workload is a point of, and Width is its place on it. One implementation,
	// known by the family's name, serves all its points.
	Family string
}

// Implementation is the name by which the peers know what to do.
func (w *Workload) Implementation() string {
	if w.Family != "" {
		return w.Family
	}
	return w.Name
}

// Done is how many operations a peer that was given p must have done in the end.
func (w *Workload) Done(p Params) int {
	if w.Batched {
		return p.Batches() * p.Width
	}
	return p.Ops
}

// Params is the size of one round at a scale; 1 is the full size.
func (w *Workload) Params(scale float64) Params {
	p := w.Full
	p.Ops = max(1, int(float64(p.Ops)*scale))
	if scale < 1 && p.Width > keptWidth {
		p.Width = max(keptWidth, int(float64(p.Width)*scale))
	}
	if w.Metric == Resident {
		// Its operations are the tasks that exist at once: more of them would be no better a measurement.
		p.Ops = p.Width
	}
	if scale < 1 && w.Metric == CPU {
		// As many timers a second as at full size, over a shorter time.
		p.Span = max(10*time.Millisecond, time.Duration(float64(p.Span)*scale))
	}
	return p
}

// Operation says in words what one operation is when done with p.
func (w *Workload) Operation(p Params) string {
	if strings.Contains(w.operation, "%s") {
		width := p.Width
		if w.Name == "async_tree_none" {
			_, width = Tree(width)
		}
		return fmt.Sprintf(w.operation, Count(width))
	}
	return w.operation
}

// Unit is what a figure of this workload counts.
func (w *Workload) Unit() string {
	if w.Metric == Resident {
		return "B/op"
	}
	return "ns/op"
}

// Fanout is how many children a node of async_tree_none gathers.
const Fanout = 6

// Tree is the deepest tree of async_tree_none with no more than width tasks: its levels below the root, and its
// tasks, which the root is not one of. A tree has at least one level.
func Tree(width int) (levels, tasks int) {
	levels, tasks = 1, Fanout
	for level := Fanout * Fanout; tasks+level <= width; level *= Fanout {
		levels++
		tasks += level
	}
	return levels, tasks
}

// Count prints a number of things with a separator between thousands.
func Count(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Workloads is the table of everything that can be measured, in the order in which it is reported.
func Workloads() []*Workload {
	table := []*Workload{
		{Name: "call_soon_chain", operation: "a callback schedules the next one", Full: Params{Ops: 200_000}},
		{Name: "call_soon_batch", operation: "one of %s callbacks scheduled at once", Batched: true, Full: Params{Ops: 200_000, Width: 200_000}},
		timers(200_000, false),
		{Name: "timer_fire", operation: "one of %s timers fires (CPU time)", Batched: true, Metric: CPU, Rounds: 3,
			Full: Params{Ops: 100_000, Width: 100_000, Span: time.Second}},
		yields(1, false),
		yields(100, false),
		yields(10_000, false),
		yields(100_000, false),
		{Name: "create_await", operation: "create a task and await it", Full: Params{Ops: 50_000}},
		{Name: "gather_nop", operation: "one of %s tasks gathered", Batched: true, Full: Params{Ops: 100_000, Width: 100_000}},
		{Name: "taskgroup_nop", operation: "one of %s tasks in a group", Batched: true, Full: Params{Ops: 100_000, Width: 100_000}},
		{Name: "async_tree_none", operation: "a tree of %s tasks, 6 to a gather", Full: Params{Ops: 1, Width: 55_986}},
		{Name: "future_pingpong", operation: "round trip of two tasks over futures", Full: Params{Ops: 50_000}},
		{Name: "event_fanout", operation: "one of %s waiters of an event", Batched: true, Full: Params{Ops: 100_000, Width: 100_000}},
		{Name: "cancel_storm", operation: "one of %s tasks cancelled, joined", Batched: true, Rounds: 3, Full: Params{Ops: 100_000, Width: 100_000}},
		{Name: "wait_for_nofire", operation: "wait_for of one yield, 60 s", Full: Params{Ops: 30_000}},
		{Name: "lock_contended", operation: "%s tasks: acquire, yield, release", Batched: true, Full: Params{Ops: 50_000, Width: 100}},
		{Name: "semaphore_contended", operation: "%s tasks: acquire 1 of 10, yield", Batched: true, Full: Params{Ops: 50_000, Width: 100}},
		{Name: "condition_pingpong", operation: "round trip of two tasks, one condition", Full: Params{Ops: 20_000}},
		{Name: "queue_pingpong", operation: "round trip of two tasks, two queues", Full: Params{Ops: 30_000}},
		{Name: "queue_throughput", operation: "put and get through a queue of %s", Full: Params{Ops: 100_000, Width: 100}},
		{Name: "barrier_rounds", operation: "%s tasks pass a barrier once", Full: Params{Ops: 10_000, Width: 10}},
		{Name: "threadsafe_roundtrip", operation: "a thread runs a coroutine on the loop", Metric: Latency, Full: Params{Ops: 5_000}},
		{Name: "threadsafe_throughput", operation: "a callback from one of %s threads", Batched: true, Full: Params{Ops: 400_000, Width: 4}},
		{Name: "to_thread_roundtrip", operation: "run a no-op in a thread, await it", Metric: Latency, Full: Params{Ops: 5_000}},
		{Name: "sleep_accuracy", operation: "how late a sleep of 1..10 ms wakes", Metric: Latency, Rounds: 3,
			Full: Params{Ops: 150, Span: 10 * time.Millisecond}},
		{Name: "memory_parked", operation: "resident bytes of one of %s tasks", Metric: Resident, Rounds: 3, Fresh: true,
			Full: Params{Ops: 100_000, Width: 100_000}},
	}
	for n := 1; n <= 1_000_000; n *= 10 {
		table = append(table, yields(n, true))
	}
	for n := 1; n <= 1_000_000; n *= 10 {
		table = append(table, timers(n, true))
	}
	// The curves share the points that the table has anyway.
	seen := make(map[string]bool)
	distinct := table[:0]
	for _, w := range table {
		if !seen[w.Name] {
			seen[w.Name] = true
			distinct = append(distinct, w)
		}
	}
	return distinct
}

func yields(n int, sweep bool) *Workload {
	w := &Workload{Name: "yield_" + short(n), operation: "one step of one of %s tasks", Sweep: sweep, Batched: true, Family: "yield",
		Full: Params{Ops: max(200_000, n), Width: n}}
	if n == 1 {
		w.operation = "one step of the only task"
	}
	if n >= 1_000_000 {
		w.Rounds = 2
	}
	return w
}

func timers(n int, sweep bool) *Workload {
	w := &Workload{Name: "timer_add_cancel", operation: "add and cancel one of %s timers", Sweep: sweep, Batched: true, Family: "timer_add_cancel",
		Full: Params{Ops: max(200_000, n), Width: n}}
	if n == 1 {
		w.operation = "add and cancel the only timer"
	}
	if n != 200_000 {
		w.Name += "_" + short(n)
	}
	if n >= 1_000_000 {
		w.Rounds = 2
	}
	return w
}

func short(n int) string {
	switch {
	case n >= 1_000_000:
		return strconv.Itoa(n/1_000_000) + "M"
	case n >= 1_000:
		return strconv.Itoa(n/1_000) + "k"
	}
	return strconv.Itoa(n)
}
