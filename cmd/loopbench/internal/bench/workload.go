// Package bench has the types that all parts of loopbench share: what a workload is, how much of it to do, and what
// one round of it has measured.
//
// Here a workload is only a name and a size. Each peer (the loop, plain goroutines, an interpreter that runs one of
// the embedded scripts) implements it under the same name, gets the same Params, and returns a Sample.
package bench

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Metric is what is measured of a workload.
type Metric int

const (
	// Wall is elapsed time for each operation.
	Wall Metric = iota
	// CPU is processor time, user and system, for each operation. It is for workloads that mostly wait.
	CPU
	// Resident is the growth of the process's resident memory for each operation.
	Resident
	// Latency is the distribution of the times of single operations. Its figure is the median.
	Latency
)

// String returns the name that the scripts know.
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
	// Ops is the number of operations. A peer rounds it up to whole batches.
	Ops int `json:"ops"`
	// Width is the number of things that exist at once: tasks, timers, producers. It is zero if the workload is
	// sequential.
	Width int `json:"width"`
	// Span is the time over which deadlines are spread, or the longest sleep.
	Span time.Duration `json:"span_ns"`
}

// Batches returns the number of batches of Width operations that Ops makes.
func (p Params) Batches() int { return max(1, (p.Ops+p.Width-1)/p.Width) }

// keptWidth is the width below which scale does not shrink a workload: with fewer tasks it would be another workload,
// and hardly faster.
const keptWidth = 100

// Workload is something that peers can be asked to do.
type Workload struct {
	Name string
	// operation describes one operation; %s stands for the width.
	operation string
	Metric    Metric
	Full      Params
	// Rounds is the number of rounds unless the user says otherwise. Zero means the usual number.
	Rounds int
	// Batched says that operations come Width at a time, so that Ops is rounded up to whole batches.
	Batched bool
	// Fresh asks for a process that has done nothing before.
	Fresh bool
	// Service is what a server of the peer does, in a process of its own, for a client that is the same for all peers.
	// It is "" if a peer does the whole workload itself.
	Service string
	// Sweep marks a point that exists only for the curves of cost against scale. It is measured on request.
	Sweep bool
	// Family names the curve of which the workload is a point, at Width. All its points have one implementation,
	// under the family's name.
	Family string
}

// Implementation returns the name under which peers implement the workload.
func (w *Workload) Implementation() string {
	if w.Family != "" {
		return w.Family
	}
	return w.Name
}

// Done returns the number of operations that a peer must do if it gets p.
func (w *Workload) Done(p Params) int {
	if w.Batched {
		return p.Batches() * p.Width
	}
	return p.Ops
}

// Params returns the size of one round at a scale. The full size is 1.
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
		p.Span = max(min(p.Span, 10*time.Millisecond), time.Duration(float64(p.Span)*scale))
	}
	return p
}

// Operation says what one operation is, at the size p.
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

// Unit returns the unit of the figures.
func (w *Workload) Unit() string {
	if w.Metric == Resident {
		return "B/op"
	}
	return "ns/op"
}

// Fanout is the number of children that a node of async_tree_none gathers.
const Fanout = 6

// Tree returns the size of the deepest tree of async_tree_none with no more than width tasks, but at least one level:
// its levels below the root, and its tasks without the root.
func Tree(width int) (levels, tasks int) {
	levels, tasks = 1, Fanout
	for level := Fanout * Fanout; tasks+level <= width; level *= Fanout {
		levels++
		tasks += level
	}
	return levels, tasks
}

// Count formats a number with separators between thousands.
func Count(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Workloads returns all workloads, in the order in which they are reported.
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
	table = append(table, streams()...)
	for _, n := range []int{1, 2, 4} {
		table = append(table, loops(n, false))
	}
	for _, n := range []int{1, 2, 4} {
		table = append(table, loopsEcho(n, false))
	}
	for n := 1; n <= 1_000_000; n *= 10 {
		table = append(table, yields(n, true))
	}
	for n := 1; n <= 1_000_000; n *= 10 {
		table = append(table, timers(n, true))
	}
	for n := 8; n <= 64; n *= 2 {
		table = append(table, loops(n, true), loopsEcho(n, true))
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

// The sizes of what the stream workloads send.
const (
	// MessageSize is the size of a request of the services echo and echo_busy, and of pair_echo.
	MessageSize = 1024
	// LineSize is the size of a line of the service lines, newline included. Pipelined lines are sent at once.
	LineSize  = 64
	Pipelined = 16
	// BlockSize is the size of a write of the service bulk, and BulkSize that of an operation.
	BlockSize = 64 << 10
	BulkSize  = 1 << 20
)

// streams returns the workloads of streams: first those whose client is this program.
func streams() []*Workload {
	return []*Workload{
		{Name: "stream_echo_1", operation: "a request of 1 KiB echoed", Metric: Latency, Service: "echo", Full: Params{Ops: 5_000, Width: 1}},
		{Name: "stream_echo_50", operation: "1 KiB echoed on one of %s connections", Batched: true, Service: "echo", Full: Params{Ops: 20_000, Width: 50}},
		{Name: "stream_echo_1000", operation: "1 KiB echoed on one of %s connections", Batched: true, Service: "echo", Full: Params{Ops: 20_000, Width: 1_000}},
		{Name: "stream_lines", operation: "a line of 64 B answered, %s connections", Batched: true, Service: "lines", Full: Params{Ops: 80_000, Width: 50}},
		{Name: "stream_throughput", operation: "1 MiB sent by the server", Service: "bulk", Full: Params{Ops: 500}},
		{Name: "stream_throughput_tls", operation: "1 MiB sent by the server, TLS 1.3", Service: "bulk_tls", Full: Params{Ops: 100}},
		{Name: "stream_idle_10k", operation: "resident bytes, one of %s connections", Metric: Resident, Rounds: 3, Service: "echo",
			Full: Params{Ops: 10_000, Width: 10_000}},
		{Name: "stream_connect", operation: "connect, a byte each way, close", Service: "byte", Full: Params{Ops: 5_000, Width: 50}},
		{Name: "stream_cancel", operation: "a read timed out after 1 ms (CPU time)", Batched: true, Metric: CPU, Rounds: 3,
			Full: Params{Ops: 20_000, Width: 100, Span: time.Millisecond}},
		{Name: "pair_echo", operation: "1 KiB echoed within the process", Full: Params{Ops: 20_000}},
	}
}

// LoopTasks is the number of tasks that yield on each loop of loops_N.
const LoopTasks = 100

// Part returns the size of a part, from 0, of n things that are divided between so many as evenly as possible.
func Part(n, parts, part int) int {
	size := n / parts
	if part < n%parts {
		size++
	}
	return size
}

func loops(n int, sweep bool) *Workload {
	w := &Workload{Name: "loops_" + short(n), operation: "a step of 100 tasks on each of %s loops", Sweep: sweep, Batched: true, Family: "loops",
		Full: Params{Ops: 400_000, Width: n}}
	if n == 1 {
		w.operation = "a step of 100 tasks on the only loop"
	}
	return w
}

func loopsEcho(n int, sweep bool) *Workload {
	w := &Workload{Name: "loops_echo_" + short(n), operation: "1 KiB echoed on each of %s loops", Sweep: sweep, Batched: true, Family: "loops_echo",
		Full: Params{Ops: 40_000, Width: n}}
	if n == 1 {
		w.operation = "1 KiB echoed on the only loop"
	}
	return w
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
