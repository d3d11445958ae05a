package loop

import (
	"time"

	"github.com/goasyncio/asyncio/loop/kernel"
)

// Stats is what a loop has counted since it was made: see [Loop.Stats].
type Stats struct {
	Iterations uint64
	Sleeps     uint64
	Callbacks  uint64 // functions of the program that the loop called
	Steps      uint64 // stretches of tasks, from one await to the next
	Internal   uint64 // callbacks of the library itself
	Dropped    uint64 // handles that were cancelled before it was their turn
	TimersSet  uint64
	Posted     uint64 // handles from other goroutines
	Exceptions uint64 // calls of the exception handler

	TasksCreated   uint64
	TasksReturned  uint64
	TasksFailed    uint64
	TasksCancelled uint64
	TasksDestroyed uint64 // pending when the loop was closed
	WorkersStarted uint64 // goroutines that were started for coroutines

	Tasks          int // that are unfinished now
	Ready          int // handles in the ready queue now
	Inbox          int // handles from other goroutines that the loop has not collected
	Timers         int // timers that are set now
	Workers        int // goroutines of coroutines
	IdleWorkers    int // those of them that wait for a task
	Threads        int // functions that the default executor runs, if that is a *Pool
	ThreadsWaiting int // functions that wait for it

	Batch     Histogram // of handles that iterations began with
	Lag       Histogram // how late timers were found due, by the loop's clock
	StepTimes Histogram // of steps and callbacks in debug mode, by the loop's clock
	Probe     Histogram // what a monitor's handles from another goroutine have waited; 0 on a loop that slept

	Timed time.Time     // since when Busy and Idle are measured: the first call of Stats
	Busy  time.Duration // of real time, while the loop was running and awake
	Idle  time.Duration // of real time, while it was running and slept

	Time    time.Time     // when the counters were read
	Blocked time.Duration // how long the loop has not answered a question for them, 0 if it has
	Asleep  bool          // it sleeps
}

// patienceForStats is how long Stats waits for a loop that is busy.
const patienceForStats = 5 * time.Millisecond

// Stats returns what the loop has counted since it was made, and its lengths now. It does
// not wake a loop that sleeps. A busy loop answers between two callbacks; if it does not
// do so within 5 ms, Stats returns the latest answer, from the time Stats.Time, and
// Stats.Blocked says how long the loop has kept somebody waiting. A loop that does not run
// is shown as it was at the end of its last run.
//
// The first call makes the loop measure how long it is busy and idle. Any goroutine may
// call it. asyncio has nothing of the kind.
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
		Lag:            Histogram{kernel: r.Lag},
		StepTimes:      Histogram{kernel: r.StepTimes},
		Probe:          Histogram{kernel: r.Probe},
		Timed:          r.Timed,
		Busy:           r.Busy,
		Idle:           r.Idle,
		Time:           r.Taken,
		Blocked:        r.Blocked,
		Asleep:         r.Asleep,
	}
	for _, n := range r.Batch {
		s.Iterations += n
	}
	return s
}

// Utilization returns which part of the time between two snapshots the loop was busy, from
// 0 to 1. It is Node's event loop utilization.
func (s Stats) Utilization(since Stats) float64 {
	busy, idle := s.Busy-since.Busy, s.Idle-since.Idle
	if busy+idle <= 0 {
		return 0
	}
	return float64(busy) / float64(busy+idle)
}

// Histogram counts values in buckets that double in width.
type Histogram struct{ kernel kernel.Histogram }
