package monitor

import (
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task/internal/labels"
	"github.com/goasyncio/asyncio/task/internal/sched"
)

// seats are the goroutines on which a loop's coroutines run, with their tasks. The
// watchdog looks there for whoever has the baton: it must not read it off the loop.
type seats struct {
	mu   sync.Mutex
	all  map[uintptr]*seat // by goroutine; changed by the owner of the baton only
	high atomic.Uint32     // the high half of the ids of tasks

	// For the owner of the baton.
	latest    *seat // that was taken, on the goroutine
	goroutine uintptr
	early     map[*sched.Task]*seat // of tasks that had begun before there was a monitor
}

// seat is a goroutine on which coroutines run. It may be another one's later, since the
// identities of goroutines are used again.
type seat struct {
	seats *seats
	label string // of the profiler; without one until the goroutine has begun a task
	end   func() // leave
	task  atomic.Pointer[sched.Task]
}

// at returns the seat of a goroutine. The caller owns the baton.
func (s *seats) at(goroutine uintptr) *seat {
	if goroutine != s.goroutine { // or it goes on with another task
		n := s.all[goroutine]
		if n == nil {
			n = s.add(goroutine)
		}
		s.latest, s.goroutine = n, goroutine
	}
	return s.latest
}

// add adds a goroutine.
func (s *seats) add(goroutine uintptr) *seat {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = make(map[uintptr]*seat)
	}
	n := &seat{seats: s}
	n.end = n.leave
	s.all[goroutine] = n
	return n
}

// begin is an observer's. The goroutine has its label.
func (s *seats) begin(t *sched.Task) (end func()) {
	n := s.at(t.Goroutine())
	if n.label == "" {
		n.named(t)
	}
	n.take(t)
	return n.end
}

// named notes the label of the goroutine, which calls it.
func (n *seat) named(t *sched.Task) {
	label := labels.Of(t.Sched()).Worker()
	n.seats.mu.Lock()
	defer n.seats.mu.Unlock()
	n.label = label
}

func (n *seat) take(t *sched.Task) {
	if high := uint32(idOf(t) >> 32); high != n.seats.high.Load() {
		n.seats.high.Store(high)
	}
	n.task.Store(t)
}

func (n *seat) leave() { n.task.Store(nil) }

// fill seats the tasks that have begun before there was a monitor. It runs on the loop's
// own goroutine.
func (s *seats) fill(sch *sched.Sched) {
	s.early = make(map[*sched.Task]*seat)
	for t := range sch.Tasks() {
		if t.Goroutine() == 0 {
			continue
		}
		n := s.at(t.Goroutine())
		n.take(t)
		s.early[t] = n
		sch.Visit(t, func() {
			labels.Of(sch).Apply(t)
			n.named(t)
		})
	}
}

// finished is an observer's. It is for tasks whose begin nobody has observed.
func (s *seats) finished(t *sched.Task) {
	if len(s.early) == 0 {
		return
	}
	if n := s.early[t]; n != nil {
		delete(s.early, t)
		n.task.Store(nil)
	}
}

// occupant returns the task that runs on a goroutine, if any, and the label of the goroutine.
// Any goroutine may call it.
func (s *seats) occupant(goroutine uintptr) (t *sched.Task, id uint64, label string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.all[goroutine]
	if n == nil {
		return nil, 0, ""
	}
	if t = n.task.Load(); t != nil {
		id = uint64(s.high.Load())<<32 | uint64(t.Serial())
	}
	return t, id, n.label
}

// idOf returns the id of a task: the number of tasks that were created on its loop when it
// was. The caller owns the baton.
func idOf(t *sched.Task) uint64 {
	created := t.Kernel().Counters().TasksCreated
	return created - uint64(uint32(created)-t.Serial())
}

// described is a task that is running, as an incident shows it. Any goroutine may call it.
func (w *watched) described(t *sched.Task, id uint64, now time.Time) *Task {
	d := &Task{ID: id, Loop: w.number, Name: t.Name(), State: StateRunning}
	if fn := t.Function(); reflect.TypeOf(fn).Kind() == reflect.Func {
		d.Coroutine = w.monitor.symbols.function(kernel.EntryOf(fn))
	} else {
		d.Coroutine.Func = fmt.Sprintf("%T", fn)
	}
	d.Since, d.Before = w.ages.since(id, now)
	d.Created = w.monitor.symbols.created(t.Created())
	return d
}
