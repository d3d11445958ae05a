package monitor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task/internal/sched"
	"github.com/goasyncio/asyncio/timers"
)

// Stuck looks for tasks that wait for each other, and returns them in sets, each in the
// order of creation. A task of a set awaits only what tasks of the set would complete, in a
// circle, or because it awaits one that is in a circle; also through a Gather, a group, and
// the like. So none of these can finish unless something outside cancels one, or sets the
// future of its gather by hand. A task is left out if a timeout is going to cancel it, or
// the end of a context may. So is one that waits for a lock, a queue or a future of the
// program, since anybody may release it.
//
// A set is also an incident of the kind [Stuck], once. A loop that sleeps for 5 seconds,
// with unfinished tasks, is looked at without being asked. Two further incidents are found
// on the way:
//
//   - The loop has slept for a second, its virtual clock has no timer to go on to, and nobody
//     holds it. By the contract of such a clock nothing can happen any more.
//   - Tasks wait for locks that they hold themselves, and sync.TrackHolders is on. That is a
//     suspicion (Incident.Suspect), because a lock has no owner.
//
// If a loop has not answered when ctx ends or 100 ms are over, the error is a
// [*BlockedError], and its sets are missing. The error matches [ErrClosed] if the monitor is
// closed. Any goroutine may call Stuck. The cost on the loop is some 100 ns for each task
// that awaits another one.
func (m *Monitor) Stuck(ctx context.Context) ([][]Task, error) {
	loops, err := m.selected("Stuck", 0)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, m.settings.looks.patience)
	defer cancel()
	type answer struct {
		sets [][]Task
		err  error
	}
	answers := make([]chan answer, len(loops))
	for i, w := range loops {
		answers[i] = make(chan answer, 1)
		ask := func() {
			sets, err := w.stuck(ctx, false)
			answers[i] <- answer{sets, err}
		}
		if w.loop.Kernel().RunsCaller() {
			ask()
		} else {
			go ask()
		}
	}
	sets := [][]Task{}
	for i, w := range loops {
		a := <-answers[i]
		sets = append(sets, a.sets...)
		if a.err != nil && err == nil && !errors.Is(a.err, loop.ErrClosed) {
			err = w.blocked(nil)
		}
	}
	return sets, err
}

// lookWhenAsleep looks at a loop that has slept for long.
func (m *Monitor) lookWhenAsleep(w *watched) {
	ctx, cancel := context.WithTimeout(context.Background(), m.settings.looks.patience)
	defer cancel()
	_, _ = w.stuck(ctx, true) // a loop that does not answer is awake
}

// longSleep is how long a loop with unfinished tasks sleeps until it is looked at.
const longSleep = 5 * time.Second

// untilLook is longSleep, or less on a virtual clock: there all sleeps should be short.
func (w *watched) untilLook() time.Duration {
	if _, virtual := w.loop.Kernel().Clock().(timers.Holder); virtual {
		return time.Second
	}
	return longSleep
}

// stuck looks for stuck sets, makes them known, and returns those that are certain.
func (w *watched) stuck(ctx context.Context, asleep bool) ([][]Task, error) {
	l := &stuckLook{asleep: asleep}
	k := w.loop.Kernel()
	take := func(s *sched.Sched) { l.take(s, k, w.monitor.settings.looks.pace.now()) }
	if k.RunsCaller() {
		l.fromStep = true
		take(sched.Of(k))
	} else if err := w.onLoop(ctx, take); err != nil {
		return nil, err
	}
	v := &view{w.monitor, w, l.camera.develop()}
	var rows []int32
	for i := range v.picture.rows {
		rows = append(rows, int32(i))
	}
	_ = w.album.stacks(ctx, v.picture, rows) // without them the places are missing
	var certain [][]Task
	var ids [stuckKinds][]uint64
	var found [][]Task
	for _, set := range l.sets {
		var tasks []Task
		for _, m := range set.members {
			t := v.task(int(m.row))
			t.Waits = nil
			if len(m.awaits) > 0 {
				t.Waits = &Waits{On: v.ids(m.awaits)}
			}
			v.locate(int(m.row), &t, false)
			tasks = append(tasks, t)
			ids[set.kind] = append(ids[set.kind], t.ID)
		}
		found = append(found, tasks)
		if set.kind == stuckForSure {
			certain = append(certain, tasks)
		}
	}
	fresh := w.stuckKnown.replace(asleep, ids)
	for i, set := range l.sets {
		if fresh(set.kind, found[i]) {
			w.monitor.report(w, Incident{
				Kind:    Stuck,
				Time:    w.monitor.settings.now(),
				Loop:    w.number,
				Text:    set.text,
				Tasks:   found[i],
				Suspect: set.kind == stuckPerhaps,
			}, loop.ExceptionContext{Message: set.text})
		}
	}
	return certain, nil
}

// stuckKind says how it is known that tasks are stuck.
type stuckKind int

const (
	stuckForSure stuckKind = iota // they await each other
	stuckPerhaps                  // they seem to have each other's locks
	stuckAlone                    // they wait, and nobody is going to wake the loop
	stuckKinds
)

// stuckLook is a look at a loop for stuck sets.
type stuckLook struct {
	asleep   bool // it has slept for long
	fromStep bool // the caller runs on it
	camera   camera
	sets     []stuckSet
}

type stuckSet struct {
	kind    stuckKind
	text    string
	members []stuckMember
}

// stuckMember is a task, and what it awaits, as rows of the picture.
type stuckMember struct {
	row    int32
	awaits []int32
}

// maxAlone is how many tasks are shown of a loop on which nothing can happen.
const maxAlone = 100

// take looks, on the loop.
func (l *stuckLook) take(s *sched.Sched, k *kernel.Kernel, now time.Time) {
	var sets [][]sched.StuckTask
	add := func(kind stuckKind, set []sched.StuckTask, text string) {
		sets = append(sets, set)
		l.sets = append(l.sets, stuckSet{kind: kind, text: text})
	}
	for _, set := range s.Stuck(false) {
		add(stuckForSure, set, sched.DescribeStuck(set)+
			": none of these can finish unless something outside cancels one, or sets the future of its gather by hand")
	}
	if k.Attention()&kernel.AttendHolders != 0 {
		for _, set := range s.Stuck(true) {
			if held := describeHeld(set); held != "" {
				add(stuckPerhaps, set, sched.DescribeStuck(set)+
					": it looks as if none of these can finish, because "+held+"; but a lock has no owner, and any task may release it")
			}
		}
	}
	if _, more := k.Next(); l.asleep && len(sets) == 0 && !more && k.Alone() {
		var all []sched.StuckTask
		for t := range s.Tasks() {
			all = append(all, sched.StuckTask{Task: t})
		}
		if n := len(all); n > 0 {
			add(stuckAlone, all[:min(n, maxAlone)], fmt.Sprintf("The loop is asleep with %d unfinished tasks, its virtual clock has no timer to go on to, "+
				"and nobody holds it: nothing can happen any more, unless another goroutine wakes the loop that should hold the clock", n))
		}
	}
	if len(sets) > 0 {
		l.see(s, sets, now)
	}
}

// describeHeld says who has what others of the set wait for. It is empty if no lock is
// involved.
func describeHeld(set []sched.StuckTask) string {
	var texts []string
	for _, m := range set {
		if m.Held == nil {
			continue
		}
		text := fmt.Sprintf("%s has acquired %v", kernel.Plain(m.Awaits[0].Name()), m.Held)
		if !slices.Contains(texts, text) {
			texts = append(texts, text)
		}
	}
	return strings.Join(texts, ", ")
}

// see takes a picture of the tasks of the sets.
func (l *stuckLook) see(s *sched.Sched, sets [][]sched.StuckTask, now time.Time) {
	rows := make(map[*sched.Task]int32)
	for _, set := range sets {
		for _, m := range set {
			rows[m.Task] = 0
		}
	}
	l.camera.begin(s, now)
	n := int32(0)
	for t := range s.Tasks() {
		if _, member := rows[t]; member {
			l.camera.see(t, l.fromStep)
			rows[t] = n
			n++
		}
	}
	for i, set := range sets {
		for _, m := range set {
			member := stuckMember{row: rows[m.Task]}
			for _, t := range m.Awaits {
				member.awaits = append(member.awaits, rows[t])
			}
			l.sets[i].members = append(l.sets[i].members, member)
		}
	}
}

// stuckKnown is the tasks of stuck sets that have been reported. A set that has one of them
// is no news, even if further tasks have come to wait for it.
type stuckKnown struct {
	mu  sync.Mutex
	ids [stuckKinds]map[uint64]bool
}

// replace notes which tasks are stuck now. It returns a function that tells whether a set is
// news. Whether the loop is alone was only looked at if it was asleep.
func (s *stuckKnown) replace(asleep bool, ids [stuckKinds][]uint64) (fresh func(kind stuckKind, set []Task) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.ids
	for kind := range stuckKinds {
		if kind == stuckAlone && !asleep {
			continue
		}
		s.ids[kind] = make(map[uint64]bool)
		for _, id := range ids[kind] {
			s.ids[kind][id] = true
		}
	}
	return func(kind stuckKind, set []Task) bool {
		for _, t := range set {
			if before[kind][t.ID] {
				return false
			}
		}
		return true
	}
}
