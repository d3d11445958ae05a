package monitor

import (
	"context"
	"fmt"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync"

	"github.com/goasyncio/asyncio/task/internal/sched"
)

// labelKey is the profiler's label of the goroutines that run coroutines, by which the
// watchdog finds the stack of one of them. Its value is the number of the loop, and one of
// the goroutine.
const labelKey = "asyncio.worker"

// seats are the goroutines on which a loop's coroutines run, with their tasks. The
// watchdog looks there for whoever has the baton: it must not read it off the loop.
type seats struct {
	loop int

	mu  sync.Mutex
	all map[uintptr]*seat // by goroutine; changed by the owner of the baton only

	early map[*sched.Task]*seat // of tasks that had begun before; for the owner of the baton
}

// seat is a goroutine on which coroutines run. It may be another one's later, since the
// identities of goroutines are used again.
type seat struct {
	seats    *seats
	label    string
	labelled context.Context // with the label, and no other
	end      func()          // leave

	task *sched.Task // guarded by the lock of the seats
	id   uint64
}

// at returns the calling goroutine's seat. The caller owns the baton.
func (s *seats) at(goroutine uintptr) *seat {
	if found := s.all[goroutine]; found != nil {
		return found
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = make(map[uintptr]*seat)
	}
	n := &seat{seats: s, label: fmt.Sprintf("%d/%d", s.loop, len(s.all)+1)}
	n.labelled = pprof.WithLabels(context.Background(), pprof.Labels(labelKey, n.label))
	n.end = n.leave
	s.all[goroutine] = n
	return n
}

// labels adds the label of the calling goroutine. It is an observer's.
func (s *seats) labels(t *sched.Task, ctx context.Context) context.Context {
	return s.at(t.Goroutine()).withLabel(ctx)
}

// withLabel returns a context with the labels of ctx and that of the goroutine.
func (n *seat) withLabel(ctx context.Context) context.Context {
	some := false
	pprof.ForLabels(ctx, func(string, string) bool { some = true; return false })
	if !some {
		return n.labelled // as a rule
	}
	return pprof.WithLabels(ctx, pprof.Labels(labelKey, n.label))
}

// begin is an observer's.
func (s *seats) begin(t *sched.Task) (end func()) {
	n := s.at(t.Goroutine())
	n.take(t)
	pprof.SetGoroutineLabels(t.Sched().Labelled())
	return n.end
}

func (n *seat) take(t *sched.Task) {
	id := uint64(0)
	if t != nil {
		id = idOf(t)
	}
	n.seats.mu.Lock()
	n.task, n.id = t, id
	n.seats.mu.Unlock()
}

func (n *seat) leave() {
	n.take(nil)
	pprof.SetGoroutineLabels(context.Background())
}

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
		ctx := n.withLabel(t.Context())
		sch.Visit(t, func() { pprof.SetGoroutineLabels(ctx) })
	}
}

// finished is an observer's. It is for tasks whose begin nobody has observed.
func (s *seats) finished(t *sched.Task) {
	if len(s.early) == 0 {
		return
	}
	if n := s.early[t]; n != nil {
		delete(s.early, t)
		n.take(nil)
	}
}

// occupant returns the task that runs on a goroutine, and the label of the goroutine. Any
// goroutine may call it.
func (s *seats) occupant(goroutine uintptr) (t *sched.Task, id uint64, label string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := s.all[goroutine]; n != nil {
		return n.task, n.id, n.label
	}
	return nil, 0, ""
}

// idOf returns the id of a task: the number of tasks that were created on its loop when it
// was. The caller owns the baton.
func idOf(t *sched.Task) uint64 {
	created := t.Kernel().Counters().TasksCreated
	return created - uint64(uint32(created)-t.Serial())
}

// coroutineOf is the function of a task. Any goroutine may call it.
func coroutineOf(t *sched.Task) Frame {
	name, place, _ := strings.Cut(t.Origin(), " at ")
	f := Frame{Func: name}
	if i := strings.LastIndexByte(place, ':'); i > 0 {
		f.File = place[:i]
		f.Line, _ = strconv.Atoi(place[i+1:])
	}
	return f
}

// described is a task as an incident shows it. Any goroutine may call it.
func (w *watched) described(t *sched.Task, id uint64) *Task {
	return &Task{ID: id, Loop: w.number, Name: t.Name(), Coroutine: coroutineOf(t), State: StateRunning}
}
