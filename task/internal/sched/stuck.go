package sched

import (
	"fmt"
	"iter"

	"github.com/goasyncio/asyncio/loop/kernel"
)

// A stuck set is tasks each of which awaits only what tasks of the set would complete. So
// none of them can finish, unless something outside cancels one, or completes by hand what
// stands between them, such as the future of a gather.
//
// Stuck finds the greatest one the other way round. It begins with whoever can go on, and
// looks who can go on because of that, until there is nobody left. Whoever is left is
// stuck. Nothing is recorded for it while tasks run: what a future stands for is read off
// the callbacks on it.

// A Part is a callback on a future that is a part of something larger, such as a child of
// a gather. Its methods call nothing of the program.
type Part interface {
	completing
	// Parts is what the whole waits for, f among them, which the callback is on.
	Parts(f *kernel.Future) Parts
}

// Parts is what a future waits for that stands for others.
type Parts struct {
	Futures   iter.Seq[*kernel.Future]
	All       bool // it takes all of them to complete the whole: else one may do
	Cancelled bool // a cancellation of who awaits the whole reaches them
}

// Only is a single part.
func Only(f *kernel.Future, cancelled bool) Parts {
	return Parts{Futures: func(yield func(*kernel.Future) bool) { yield(f) }, Cancelled: cancelled}
}

// A completing job is one that may complete a future, the one that it returns, unless that
// is nil. All parts are, and some timers.
type completing interface{ AwaitedBy() *kernel.Future }

// An Interrupter is a job that cancels a task.
type Interrupter interface{ Interrupts() *Task }

// A Held is the owner of a future that completes when a task gives something back, by all
// appearances.
type Held interface {
	fmt.Stringer // what the task has, on any goroutine
	// Holder is the task that has it, nil if that is not known.
	Holder() kernel.Awaiter
}

// A StuckTask is a task of a stuck set.
type StuckTask struct {
	Task   *Task
	Awaits []*Task // those of the set that it awaits
	Held   Held    // what it waits for, if that is held by a task of the set
}

// Stuck returns the stuck sets, in the order of creation of their first tasks. No task of
// one set awaits one of another. The cost is some 100 ns for each task that awaits another
// one, and little for the others.
//
// With holders, a task that waits for what another one holds counts as awaiting that one.
// This is a guess: anybody may give it back.
func (s *Sched) Stuck(holders bool) [][]StuckTask { return s.stuck(holders, nil) }

// StuckWith is Stuck for the sets that the task t is in, alone. The end of the context that
// t was made with counts as nothing that lets it go on.
func (t *Task) StuckWith() []StuckTask {
	for _, set := range t.sched.stuck(false, t) {
		for _, m := range set {
			if m.Task == t {
				return set
			}
		}
	}
	return nil
}

func (s *Sched) stuck(holders bool, unwatched *Task) [][]StuckTask {
	w := waits{nodes: make(map[*kernel.Future]*wait)}
	for t := range s.Tasks() {
		w.look(t.Future())
		if holders && t.awaited != nil && !t.awaited.Done() {
			if held, ok := t.awaited.Owner().(Held); ok {
				w.hold(t.awaited, held)
			}
		}
	}
	var first []*wait // who can go on
	for _, n := range w.order {
		if !w.connect(n) {
			first = append(first, n)
		}
	}
	for _, n := range first {
		w.free(n)
	}
	for j := range s.kernel.Scheduled() {
		w.scheduled(j)
	}
	for n := s.watches.First(); n != nil; n = n.Next() {
		if watch := &n.Value; watch.task != unwatched || !watch.request {
			w.free(w.nodes[watch.task.Future()])
		}
	}
	return w.sets(s)
}

// waits is who waits for what.
type waits struct {
	nodes map[*kernel.Future]*wait
	order []*wait // as they were found
}

// wait is a task that awaits another one, or what stands for others; or it is such a whole.
type wait struct {
	task    *Task // nil for a whole
	parts   Parts
	held    Held    // whose the whole is to give back, or nil
	below   []*wait // what it waits for
	above   []*wait // who waits for it
	left    int     // how many of below must be free before it is
	isFree  bool
	stopped bool  // a cancellation is on its way to it
	seen    *Task // who looked at it last: see awaits
	set     *wait // another one of the same set, nil for the first: see first
}

// look finds who waits for a future.
func (w *waits) look(f *kernel.Future) {
	for todo := []*kernel.Future{f}; len(todo) > 0; todo = todo[1:] {
		todo[0].Awaited(func(j kernel.Job) {
			if t := TaskOfStep(j); t != nil {
				w.add(t.Future(), &wait{task: t, parts: Only(todo[0], true)})
				return
			}
			part, ok := j.(Part)
			if !ok {
				return
			}
			whole := part.AwaitedBy()
			if whole == nil || whole.Done() || w.nodes[whole] != nil {
				return
			}
			w.add(whole, &wait{parts: part.Parts(todo[0])})
			todo = append(todo, whole)
		})
	}
}

// hold finds who waits for what another task holds.
func (w *waits) hold(f *kernel.Future, held Held) {
	a, ok := held.Holder().(*awaiter)
	if !ok || w.nodes[f] != nil {
		return
	}
	w.add(f, &wait{parts: Only((*Task)(a).Future(), false), held: held})
	w.look(f)
}

func (w *waits) add(f *kernel.Future, n *wait) {
	w.nodes[f] = n
	w.order = append(w.order, n)
}

// connect finds what n waits for. It reports false if that can come by itself, or somebody
// outside decides about it.
func (w *waits) connect(n *wait) (needs bool) {
	outside := false
	for f := range n.parts.Futures {
		if f.Done() {
			continue // what that means has happened, or is in the ready queue
		}
		part := w.nodes[f]
		if part == nil {
			outside = true
			continue
		}
		n.below = append(n.below, part)
		part.above = append(part.above, n)
	}
	n.left = 1
	if n.parts.All {
		n.left = len(n.below)
	}
	return len(n.below) > 0 && (n.parts.All || !outside)
}

// scheduled takes a job into account that the loop is going to run.
func (w *waits) scheduled(j kernel.Job) {
	if t := TaskOfStep(j); t != nil {
		w.free(w.nodes[t.Future()])
		return
	}
	switch j := j.(type) {
	case completing:
		if whole := j.AwaitedBy(); whole != nil {
			w.free(w.nodes[whole])
		}
	case Interrupter:
		w.interrupt(w.nodes[j.Interrupts().Future()])
	}
}

// free notes that n can go on, and so those who only waited for that. It may be nil.
func (w *waits) free(n *wait) {
	for todo := []*wait{n}; len(todo) > 0; {
		n := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if n == nil || n.isFree {
			continue
		}
		n.isFree = true
		for _, above := range n.above {
			if above.left--; above.left <= 0 {
				todo = append(todo, above)
			}
		}
	}
}

// interrupt notes that n is going to be cancelled, and so what it awaits.
func (w *waits) interrupt(n *wait) {
	for todo := []*wait{n}; len(todo) > 0; {
		n := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if n == nil || n.stopped {
			continue
		}
		n.stopped = true
		w.free(n)
		if n.parts.Cancelled {
			todo = append(todo, n.below...)
		}
	}
}

// DescribeStuck says who awaits whom in a stuck set, as in "a awaits b, b awaits a". Of many
// tasks it names the first.
func DescribeStuck(set []StuckTask) string {
	const most = 8
	text := ""
	for i, m := range set {
		if i == most {
			return fmt.Sprintf("%s, and %d more", text, len(set)-most)
		}
		if i > 0 {
			text += ", "
		}
		text += kernel.Plain(m.Task.Name()) + " awaits "
		for j, t := range m.Awaits {
			if j == most {
				text += fmt.Sprintf(" and %d more", len(m.Awaits)-most)
				break
			}
			if j > 0 {
				text += " and "
			}
			text += kernel.Plain(t.Name())
		}
	}
	return text
}

// sets returns those who cannot go on, in the sets that they form.
func (w *waits) sets(s *Sched) [][]StuckTask {
	var stuck []StuckTask
	for t := range s.Tasks() {
		if n := w.nodes[t.Future()]; n != nil && !n.isFree {
			stuck = append(stuck, n.awaits())
		}
	}
	for _, m := range stuck {
		first := w.nodes[m.Task.Future()].first()
		for _, t := range m.Awaits {
			if other := w.nodes[t.Future()].first(); other != first {
				other.set = first
			}
		}
	}
	var sets [][]StuckTask
	places := make(map[*wait]int)
	for _, m := range stuck {
		first := w.nodes[m.Task.Future()].first()
		i, found := places[first]
		if !found {
			i = len(sets)
			places[first] = i
			sets = append(sets, nil)
		}
		sets[i] = append(sets[i], m)
	}
	return sets
}

// first returns the task that stands for the set of n.
func (n *wait) first() *wait {
	for n.set != nil {
		if n.set.set != nil {
			n.set = n.set.set // so that the way is shorter next time
		}
		n = n.set
	}
	return n
}

// awaits finds the stuck tasks that a stuck task awaits, also through what stands for them.
func (n *wait) awaits() StuckTask {
	m := StuckTask{Task: n.task}
	for todo := n.below; len(todo) > 0; {
		var next []*wait
		for _, below := range todo {
			if below.isFree || below.seen == n.task {
				continue
			}
			below.seen = n.task
			if below.held != nil {
				m.Held = below.held
			}
			if below.task != nil {
				m.Awaits = append(m.Awaits, below.task)
			} else {
				next = append(next, below.below...)
			}
		}
		todo = next
	}
	return m
}
