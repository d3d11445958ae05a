package loop

import (
	"time"

	"github.com/goasyncio/asyncio/loop/kernel"
)

// Stats is what a loop has counted since it was made: see [Loop.Stats]. It is plain data.
// JSON has durations in nanoseconds.
type Stats struct {
	Iterations uint64 `json:"iterations"`
	Sleeps     uint64 `json:"sleeps"`
	Callbacks  uint64 `json:"callbacks"` // functions of the program that the loop called
	Steps      uint64 `json:"steps"`     // stretches of tasks, from one await to the next; not the first one of an eager task
	Internal   uint64 `json:"internal"`  // callbacks of the library itself
	Dropped    uint64 `json:"dropped"`   // handles that were cancelled before it was their turn
	TimersSet  uint64 `json:"timersSet"`
	Posted     uint64 `json:"posted"`     // handles from other goroutines
	Exceptions uint64 `json:"exceptions"` // calls of the exception handler

	TasksCreated   uint64 `json:"tasksCreated"`
	TasksReturned  uint64 `json:"tasksReturned"`
	TasksFailed    uint64 `json:"tasksFailed"`
	TasksCancelled uint64 `json:"tasksCancelled"`
	TasksDestroyed uint64 `json:"tasksDestroyed"` // pending when the loop was closed
	WorkersStarted uint64 `json:"workersStarted"` // goroutines that were started for coroutines

	Tasks          int `json:"tasks"`          // that are unfinished now
	Ready          int `json:"ready"`          // handles in the ready queue now
	Inbox          int `json:"inbox"`          // handles from other goroutines that the loop has not collected
	Timers         int `json:"timers"`         // that are set now
	Workers        int `json:"workers"`        // goroutines of coroutines
	IdleWorkers    int `json:"idleWorkers"`    // those of them that wait for a task
	Threads        int `json:"threads"`        // functions that the default executor runs, if that is a *Pool
	ThreadsWaiting int `json:"threadsWaiting"` // functions that wait in its line

	Batch     Histogram[int64]         `json:"batch"`     // how many handles iterations began with; the sum is of those that were taken
	Lag       Histogram[time.Duration] `json:"lag"`       // how late timers were found due, by the loop's clock
	StepTimes Histogram[time.Duration] `json:"stepTimes"` // of steps and callbacks in debug mode, by the loop's clock
	Probe     Histogram[time.Duration] `json:"probe"`     // what a monitor's handles from another goroutine have waited; 0 on a loop that slept

	Timed time.Time     `json:"timed,omitzero"` // since when Busy and Idle are measured: the first call of Stats
	Busy  time.Duration `json:"busy"`           // of real time, while the loop was running and awake
	Idle  time.Duration `json:"idle"`           // of real time, while it was running and slept

	Time    time.Time     `json:"time,omitzero"`     // when the counters were read, zero if they never were
	Blocked time.Duration `json:"blocked,omitempty"` // how long the loop has not answered a question for them, 0 if it has
	Asleep  bool          `json:"asleep,omitempty"`  // it sleeps
}

// patienceForStats is how long Stats waits for a loop that is busy.
const patienceForStats = 5 * time.Millisecond

// Stats returns what the loop has counted since it was made, and its lengths now. A loop
// that sleeps is not woken. A busy loop answers between two callbacks. If it does not do so
// within 5 ms, Stats returns the latest answer, of the time Stats.Time, and Stats.Blocked
// says for how long the loop has kept somebody waiting; what concerns other goroutines, as
// Inbox, Threads, Busy and Idle, is of now. A loop that does not run is shown as it was at
// the end of its last run.
//
// The first call makes the loop measure how long it is busy and idle, which costs two looks
// at the machine's clock each time it sleeps. Any goroutine may call Stats, tasks and
// callbacks included, also when the loop is closed. asyncio has nothing of the kind.
func (l *Loop) Stats() Stats {
	r := l.kernel.Read(patienceForStats)
	s := Stats{
		Sleeps:         r.Sleeps,
		Callbacks:      r.Handles[kernel.OfProgram],
		Steps:          r.Handles[kernel.Step],
		Internal:       r.Handles[kernel.Internal] + r.Handles[kernel.OnLoopGoroutine],
		Dropped:        r.Dropped,
		TimersSet:      r.TimersSet,
		Posted:         r.Posted,
		Exceptions:     r.Exceptions,
		TasksCreated:   r.TasksCreated,
		TasksReturned:  r.TasksReturned,
		TasksFailed:    r.TasksFailed,
		TasksCancelled: r.TasksCancelled,
		TasksDestroyed: r.TasksDestroyed,
		WorkersStarted: r.WorkersStarted,
		Tasks:          int(r.TasksCreated - r.TasksReturned - r.TasksFailed - r.TasksCancelled - r.TasksDestroyed),
		Ready:          r.Ready,
		Inbox:          r.Inbox,
		Timers:         r.Timers,
		Workers:        int(r.WorkersStarted - r.WorkersEnded),
		IdleWorkers:    r.IdleWorkers,
		Lag:            Histogram[time.Duration]{Counts: r.Lag.Buckets, Sum: r.Lag.Sum},
		StepTimes:      Histogram[time.Duration]{Counts: r.StepTimes.Buckets, Sum: r.StepTimes.Sum},
		Probe:          Histogram[time.Duration]{Counts: r.Probe.Buckets, Sum: r.Probe.Sum},
		Timed:          r.Timed,
		Busy:           r.Busy,
		Idle:           r.Idle,
		Time:           r.Taken,
		Blocked:        r.Blocked,
		Asleep:         r.Asleep,
	}
	for i, n := range r.Batch {
		s.Iterations += n
		s.Batch.Counts[min(i, len(s.Batch.Counts)-1)] += n
	}
	s.Batch.Sum = int64(s.Callbacks + s.Steps + s.Internal + s.Dropped)
	s.Threads, s.ThreadsWaiting = l.executor.load()
	return s
}

// Utilization returns which part of the time between two snapshots the loop was busy, from
// 0 to 1. It is 0 if the loop has not been running meanwhile. It is Node's event loop
// utilization.
func (s Stats) Utilization(since Stats) float64 {
	busy, idle := s.Busy-since.Busy, s.Idle-since.Idle
	if busy+idle <= 0 {
		return 0
	}
	return float64(busy) / float64(busy+idle)
}

// Sub returns what the loop has counted since an earlier snapshot. Lengths and times are
// those of s.
func (s Stats) Sub(earlier Stats) Stats {
	d := s
	for _, count := range []struct{ now, before *uint64 }{
		{&d.Iterations, &earlier.Iterations},
		{&d.Sleeps, &earlier.Sleeps},
		{&d.Callbacks, &earlier.Callbacks},
		{&d.Steps, &earlier.Steps},
		{&d.Internal, &earlier.Internal},
		{&d.Dropped, &earlier.Dropped},
		{&d.TimersSet, &earlier.TimersSet},
		{&d.Posted, &earlier.Posted},
		{&d.Exceptions, &earlier.Exceptions},
		{&d.TasksCreated, &earlier.TasksCreated},
		{&d.TasksReturned, &earlier.TasksReturned},
		{&d.TasksFailed, &earlier.TasksFailed},
		{&d.TasksCancelled, &earlier.TasksCancelled},
		{&d.TasksDestroyed, &earlier.TasksDestroyed},
		{&d.WorkersStarted, &earlier.WorkersStarted},
	} {
		*count.now -= *count.before
	}
	d.Batch = s.Batch.Sub(earlier.Batch)
	d.Lag = s.Lag.Sub(earlier.Lag)
	d.StepTimes = s.StepTimes.Sub(earlier.StepTimes)
	d.Busy -= earlier.Busy
	d.Idle -= earlier.Idle
	return d
}
