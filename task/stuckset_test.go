package task_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/internal/sched"
	"github.com/goasyncio/asyncio/task/tasktest/check"
	"github.com/goasyncio/asyncio/timers"
)

// runStuck runs main on a loop, and then unwinds the tasks that are stuck: not all sets that
// a group is in can be cancelled, just as in asyncio.
func runStuck(t *testing.T, main func(ctx context.Context)) {
	t.Helper()
	l := loop.New(loop.WithClock(timers.NewVirtual(start)))
	l.SetExceptionHandler(func(*loop.Loop, loop.ExceptionContext) {})
	_, err := task.RunUntilComplete(l, task.Void(func(ctx context.Context) error {
		main(ctx)
		return nil
	}))
	check.NoError(t, err)
	check.NoError(t, l.Close())
}

// stuckSets names the tasks of each stuck set of the loop, each with those that it awaits.
func stuckSets(ctx context.Context) []string {
	var texts []string
	for _, set := range sched.Of(loop.Running(ctx).Kernel()).Stuck(false) {
		var members []string
		for _, m := range set {
			text := m.Task.Name() + "→"
			for _, t := range m.Awaits {
				text += t.Name()
			}
			members = append(members, text)
		}
		texts = append(texts, strings.Join(members, " "))
	}
	return texts
}

func TestStuckSetGoesThroughWhatStandsForTasks(t *testing.T) {
	type tasks = map[string]*task.Task[int]
	awaits := func(name string) func(context.Context, tasks) error {
		return func(ctx context.Context, all tasks) error { return all[name].Join(ctx) }
	}
	idle := func(ctx context.Context, _ tasks) error { return task.Sleep(ctx, time.Hour) }
	for name, test := range map[string]struct {
		a, b, c func(ctx context.Context, all tasks) error
		want    []string
	}{
		"a circle":               {a: awaits("b"), b: awaits("c"), c: awaits("a"), want: []string{"a→b b→c c→a"}},
		"a circle and who waits": {a: awaits("b"), b: awaits("a"), c: awaits("a"), want: []string{"a→b b→a c→a"}},
		"none":                   {a: awaits("b"), b: awaits("c"), c: idle},
		"a gather": {a: func(ctx context.Context, all tasks) error {
			_, err := task.Gather(ctx, all["b"], all["c"]).Await(ctx)
			return err
		}, b: awaits("a"), c: awaits("a"), want: []string{"a→bc b→a c→a"}},
		"a gather with one that may fail": {a: func(ctx context.Context, all tasks) error {
			_, err := task.Gather(ctx, all["b"], all["c"]).Await(ctx)
			return err
		}, b: awaits("a"), c: idle},
		"a gather whose errors are outcomes": {a: func(ctx context.Context, all tasks) error {
			_, err := task.GatherSettled(ctx, all["b"], all["c"]).Await(ctx)
			return err
		}, b: awaits("a"), c: idle, want: []string{"a→b b→a"}},
		"a gather of gathers": {a: func(ctx context.Context, all tasks) error {
			inner := task.Gather(ctx, all["b"])
			_, err := task.Gather(ctx, inner).Await(ctx)
			return err
		}, b: awaits("a"), c: idle, want: []string{"a→b b→a"}},
		"a gather of itself": {a: func(ctx context.Context, all tasks) error {
			_, err := task.Gather(ctx, all["a"]).Await(ctx)
			return err
		}, b: idle, c: idle, want: []string{"a→a"}},
		"a gather with a future": {a: func(ctx context.Context, all tasks) error {
			_, err := task.Gather(ctx, []future.Awaitable[int]{all["b"], newFuture[int](ctx)}...).Await(ctx)
			return err
		}, b: awaits("a"), c: idle},
		"a shield": {a: func(ctx context.Context, all tasks) error {
			_, err := task.Shield(ctx, all["b"]).Await(ctx)
			return err
		}, b: awaits("a"), c: idle, want: []string{"a→b b→a"}},
		"a wait for all": {a: func(ctx context.Context, all tasks) error {
			_, _, err := task.Wait(ctx, []*task.Task[int]{all["b"], all["c"]})
			return err
		}, b: awaits("a"), c: idle, want: []string{"a→b b→a"}},
		"a wait for the first": {a: func(ctx context.Context, all tasks) error {
			_, _, err := task.Wait(ctx, []*task.Task[int]{all["b"], all["c"]}, task.FirstCompleted)
			return err
		}, b: awaits("a"), c: idle},
		"a wait with a timeout": {a: func(ctx context.Context, all tasks) error {
			_, _, err := task.Wait(ctx, []*task.Task[int]{all["b"]}, task.Within(time.Minute))
			return err
		}, b: awaits("a"), c: idle},
		"as completed": {a: func(ctx context.Context, all tasks) error {
			for _, err := range task.AsCompleted(ctx, []*task.Task[int]{all["b"], all["c"]}) {
				return err
			}
			return nil
		}, b: awaits("a"), c: awaits("a"), want: []string{"a→bc b→a c→a"}},
		"as completed with a timeout": {a: func(ctx context.Context, all tasks) error {
			for _, err := range task.AsCompleted(ctx, []*task.Task[int]{all["b"], all["c"]}, task.Within(time.Minute)) {
				return err
			}
			return nil
		}, b: awaits("a"), c: awaits("a")},
		"a group": {a: func(ctx context.Context, all tasks) error {
			return task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
				g.Go(func(ctx context.Context) error { return all["a"].Join(ctx) }, task.Name("child"))
				return nil
			})
		}, b: idle, c: idle, want: []string{"a→child child→a"}},
		"a group with another child": {a: func(ctx context.Context, all tasks) error {
			return task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
				g.Go(func(ctx context.Context) error { return all["a"].Join(ctx) })
				g.Go(func(ctx context.Context) error { return task.Sleep(ctx, time.Minute) })
				return nil
			})
		}, b: idle, c: idle},
		"a race": {a: func(ctx context.Context, all tasks) error {
			_, _, _, err := task.StaggeredRace(ctx, []task.Coroutine[int]{all["a"].Await}, 0)
			return err
		}, b: idle, c: idle, want: []string{"a→Task-2 Task-2→a"}},
		"the end of a wait_for": {a: func(ctx context.Context, all tasks) error {
			_, err := task.WaitFor(ctx, all["b"], 0)
			return err
		}, b: func(ctx context.Context, all tasks) error {
			tick(ctx) // it begins to wait after the cancellation
			return errors.Join(all["c"].Join(ctx), all["a"].Join(ctx))
		}, c: idle},
		"a timeout": {a: func(ctx context.Context, all tasks) error {
			return task.WithTimeout(ctx, time.Minute, func(ctx context.Context) error { return all["b"].Join(ctx) })
		}, b: awaits("a"), c: idle},
		"a timeout whose cancellation goes on to others": {a: func(ctx context.Context, all tasks) error {
			return task.WithTimeout(ctx, time.Minute, func(ctx context.Context) error {
				_, err := task.Gather(ctx, all["b"]).Await(ctx)
				return err
			})
		}, b: awaits("c"), c: awaits("b")},
		"a timeout outside of a shield": {a: func(ctx context.Context, all tasks) error {
			return task.WithTimeout(ctx, time.Minute, func(ctx context.Context) error {
				_, err := task.Shield(ctx, all["b"]).Await(ctx)
				return err
			})
		}, b: awaits("c"), c: awaits("b"), want: []string{"b→c c→b"}},
		"a timeout around a group": {a: func(ctx context.Context, all tasks) error {
			return task.WithTimeout(ctx, time.Minute, func(ctx context.Context) error {
				return task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
					g.Go(func(ctx context.Context) error { return all["b"].Join(ctx) })
					return nil
				})
			})
		}, b: awaits("c"), c: awaits("b")},
		"a context": {a: func(ctx context.Context, all tasks) error {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			return all["b"].Join(ctx)
		}, b: awaits("a"), c: idle},
		"who has begun to be cancelled": {a: awaits("b"), b: awaits("a"), c: func(ctx context.Context, all tasks) error {
			all["a"].Cancel()
			return nil
		}},
		"who is about to go on": {a: awaits("b"), b: awaits("c"), c: func(ctx context.Context, all tasks) error {
			return nil
		}},
		"two": {a: awaits("b"), b: awaits("a"), c: func(ctx context.Context, all tasks) error {
			_, err := task.Gather(ctx, all["c"]).Await(ctx)
			return err
		}, want: []string{"a→b b→a", "c→c"}},
	} {
		t.Run(name, func(t *testing.T) {
			runStuck(t, func(ctx context.Context) {
				all := tasks{}
				for _, x := range []struct {
					name string
					fn   func(context.Context, tasks) error
				}{{"a", test.a}, {"b", test.b}, {"c", test.c}} {
					all[x.name] = task.Create(ctx, func(ctx context.Context) (int, error) { return 0, x.fn(ctx, all) }, task.Name(x.name))
				}
				ticks(ctx, 20)
				check.Equal(t, "stuck sets", stuckSets(ctx), test.want)
			})
		})
	}
}

// A stuckGraph is a random graph of tasks that wait for each other, and what the test knows
// of it: its own notes, not those of the library.
type stuckGraph struct {
	random *rand.Rand
	start  *future.Future[struct{}]
	never  *future.Future[int]
	tasks  []*task.Task[int]
	notes  []*stuckNote // of the same tasks
	shared *future.Future[[]int]
	spread stuckNote // what that waits for
}

// stuckNote is what a task waits for.
type stuckNote struct {
	waits   bool
	targets []int         // tasks
	plain   bool          // and a future of the program
	all     bool          // it takes the end of all
	passes  bool          // a cancellation is passed on to them
	timed   bool          // the wait ends by itself
	watched bool          // a context may end it
	timeout *task.Timeout // around it, nil if there is none
	group   *task.Group   // what it is the end of, nil if it is of none
}

const stuckTasks = 6

// newStuckGraph creates the tasks. They wait for each other once start is set.
func newStuckGraph(ctx context.Context, random *rand.Rand) *stuckGraph {
	g := &stuckGraph{
		random: random,
		start:  newFuture[struct{}](ctx),
		never:  newFuture[int](ctx),
		tasks:  make([]*task.Task[int], stuckTasks),
	}
	owners := make([]int, stuckTasks) // of groups, by their children
	for i := range stuckTasks {
		g.notes = append(g.notes, new(stuckNote))
		owners[i] = -1
		if i > 0 && random.IntN(4) == 0 {
			owners[i] = random.IntN(i)
		}
	}
	for i := range stuckTasks {
		if owners[i] < 0 {
			g.tasks[i] = task.Create(ctx, g.coroutine(i, owners), task.Name(fmt.Sprint(i)))
		}
	}
	return g
}

// coroutine is what task i does: one wait, perhaps again after a cancellation.
func (g *stuckGraph) coroutine(i int, owners []int) task.Coroutine[int] {
	var children []int
	for j, owner := range owners {
		if owner == i {
			children = append(children, j)
		}
	}
	wait, child := g.wait(i), owners[i] >= 0
	var limit time.Duration
	if g.random.IntN(4) == 0 {
		limit = g.seconds()
	}
	stubborn := g.random.IntN(6) == 0
	fails := g.random.IntN(3) == 0 && !child
	return func(ctx context.Context) (int, error) {
		once := func(ctx context.Context) error {
			if len(children) > 0 {
				return g.group(ctx, i, children, owners)
			}
			if _, err := g.start.Await(ctx); err != nil {
				return err
			}
			return wait(ctx)
		}
		run := func(ctx context.Context) error {
			if limit == 0 {
				return once(ctx)
			}
			timeout := task.NewTimeout(ctx, limit)
			g.notes[i].timeout = timeout
			err := timeout.Run(ctx, once)
			g.notes[i].timeout = nil
			return err
		}
		err := run(ctx)
		if err != nil && stubborn && len(children) == 0 {
			limit = 0
			err = once(ctx)
		}
		switch {
		case child: // a failure would cancel the others from outside
			return 0, nil
		case err == nil && fails:
			err = errTest
		}
		return 0, err
	}
}

func (g *stuckGraph) seconds() time.Duration {
	return time.Duration(1+g.random.IntN(4)) * time.Second
}

// group makes the children of task i and waits for them.
func (g *stuckGraph) group(ctx context.Context, i int, children, owners []int) error {
	return task.WithGroup(ctx, func(_ context.Context, group *task.Group) error {
		for _, j := range children {
			g.tasks[j] = task.CreateIn(group, g.coroutine(j, owners), task.Name(fmt.Sprint(j)))
		}
		*g.notes[i] = stuckNote{waits: true, targets: children, passes: true, timeout: g.notes[i].timeout, group: group}
		return nil
	})
}

// wait returns what task i waits for.
func (g *stuckGraph) wait(i int) func(ctx context.Context) error {
	var note stuckNote
	for j := range stuckTasks {
		if g.random.IntN(3) == 0 {
			note.targets = append(note.targets, j)
		}
	}
	other := (i + 1 + g.random.IntN(stuckTasks-1)) % stuckTasks
	if len(note.targets) == 0 {
		note.targets = []int{other}
	}
	note.plain = g.random.IntN(5) == 0
	var limit time.Duration = task.Forever
	if g.random.IntN(4) == 0 {
		limit = g.seconds()
	}
	futures := func() []future.Waitable {
		var all []future.Waitable
		for _, j := range note.targets {
			all = append(all, g.tasks[j])
		}
		if note.plain {
			all = append(all, g.never)
		}
		return all
	}
	awaitables := func() []future.Awaitable[int] {
		var all []future.Awaitable[int]
		for _, f := range futures() {
			all = append(all, f.(future.Awaitable[int]))
		}
		return all
	}
	var wait func(ctx context.Context) error
	switch g.random.IntN(11) {
	case 0:
		note.timed = true
		wait = func(ctx context.Context) error { return task.Sleep(ctx, limitOr(limit, time.Second)) }
	case 1:
		note.plain = true
		wait = func(ctx context.Context) error { _, err := g.never.Await(ctx); return err }
	case 2, 3:
		note = stuckNote{targets: []int{other}, passes: true}
		wait = func(ctx context.Context) error { return g.tasks[other].Join(ctx) }
	case 4:
		note.passes = true
		wait = func(ctx context.Context) error { _, err := task.Gather(ctx, awaitables()...).Await(ctx); return err }
	case 5:
		note.passes, note.all = true, true
		wait = func(ctx context.Context) error {
			_, err := task.GatherSettled(ctx, awaitables()...).Await(ctx)
			return err
		}
	case 6:
		when := []task.ReturnWhen{task.AllCompleted, task.FirstCompleted, task.FirstException}[g.random.IntN(3)]
		note.all, note.timed = when == task.AllCompleted, limit != task.Forever
		wait = func(ctx context.Context) error {
			_, _, err := task.Wait(ctx, futures(), when, task.Within(limit))
			return err
		}
	case 7:
		note.timed = limit != task.Forever
		wait = func(ctx context.Context) error {
			for _, err := range task.AsCompleted(ctx, futures(), task.Within(limit)) {
				return err
			}
			return nil
		}
	case 8:
		note = stuckNote{targets: []int{other}}
		wait = func(ctx context.Context) error {
			_, err := task.Shield(ctx, g.tasks[other]).Await(ctx)
			return err
		}
	case 9:
		note = stuckNote{targets: []int{other}, passes: true, watched: true}
		wait = func(ctx context.Context) error {
			ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
			defer cancel()
			return g.tasks[other].Join(ctx)
		}
	case 10:
		note.passes = true
		wait = func(ctx context.Context) error {
			if g.shared == nil || g.shared.Done() {
				g.shared, g.spread = task.Gather(ctx, awaitables()...), note
			}
			g.notes[i].targets, g.notes[i].plain = g.spread.targets, g.spread.plain
			_, err := g.shared.Await(ctx)
			return err
		}
	}
	note.waits = true
	return func(ctx context.Context) error {
		timeout := g.notes[i].timeout
		*g.notes[i] = note
		g.notes[i].timeout = timeout
		err := wait(ctx)
		g.notes[i].waits = false
		return err
	}
}

func limitOr(limit, other time.Duration) time.Duration {
	if limit == task.Forever {
		return other
	}
	return limit
}

// pending reports whether task i is there and not done.
func (g *stuckGraph) pending(i int) bool { return g.tasks[i] != nil && !g.tasks[i].Done() }

// interrupted returns the tasks that a timeout is going to cancel.
func (g *stuckGraph) interrupted() (set uint) {
	for i, n := range g.notes {
		if n.timeout != nil && !n.timeout.Expired() {
			set |= 1 << i
		}
	}
	for before := uint(0); set != before; {
		before = set
		for i, n := range g.notes {
			aborting := n.group != nil && strings.Contains(n.group.String(), "cancelling")
			if set&(1<<i) != 0 && n.waits && n.passes && !aborting {
				for _, j := range n.targets {
					set |= 1 << j
				}
			}
		}
	}
	return set
}

// bruteForce returns the greatest stuck set by trying all sets.
func (g *stuckGraph) bruteForce() []string {
	interrupted := g.interrupted()
	var greatest uint
	for set := range uint(1) << stuckTasks {
		if g.isStuck(set, interrupted) {
			greatest |= set // the union of two stuck sets is one
		}
	}
	var names []string
	for i := range stuckTasks {
		if greatest&(1<<i) != 0 {
			names = append(names, fmt.Sprint(i))
		}
	}
	return names
}

func (g *stuckGraph) isStuck(set, interrupted uint) bool {
	for i, n := range g.notes {
		if set&(1<<i) == 0 {
			continue
		}
		if !g.pending(i) || !n.waits || n.timed || n.watched || interrupted&(1<<i) != 0 {
			return false
		}
		inside, outside := 0, n.plain && !g.never.Done() // a cancellation may have been passed to it
		for _, j := range n.targets {
			switch {
			case !g.pending(j):
			case set&(1<<j) != 0:
				inside++
			default:
				outside = true
			}
		}
		if inside == 0 || outside && !n.all {
			return false
		}
	}
	return true
}

func TestStuckSetIsWhatBruteForceFinds(t *testing.T) {
	graphs := 400
	if testing.Short() {
		graphs = 100
	}
	found := 0
	for seed := range uint64(graphs) {
		ok := t.Run(fmt.Sprint(seed), func(t *testing.T) {
			runStuck(t, func(ctx context.Context) {
				g := newStuckGraph(ctx, rand.New(rand.NewPCG(seed, 0)))
				ticks(ctx, 20) // groups have made their children, and those theirs
				check.NoError(t, g.start.SetResult(struct{}{}))
				stuck := map[string]bool{}
				for range 6 {
					ticks(ctx, 20)
					var names []string
					for _, set := range sched.Of(loop.Running(ctx).Kernel()).Stuck(false) {
						for _, m := range set {
							names = append(names, m.Task.Name())
							stuck[m.Task.Name()] = true
						}
					}
					slices.Sort(names)
					check.Equal(t, "stuck", names, g.bruteForce())
					if t.Failed() {
						t.Logf("interrupted: %b\n%s", g.interrupted(), task.FormatTaskTree(ctx))
						for i, n := range g.notes {
							t.Logf("task %d, pending: %t, %+v", i, g.pending(i), *n)
						}
						return
					}
					check.NoError(t, task.Sleep(ctx, 1500*time.Millisecond))
				}
				check.NoError(t, task.Sleep(ctx, time.Hour))
				found += len(stuck)
				for i, x := range g.tasks {
					if stuck[fmt.Sprint(i)] && x.Done() {
						t.Errorf("task %d was stuck, and is finished", i)
					}
				}
			})
		})
		if !ok {
			return
		}
	}
	if found < graphs/2 {
		t.Errorf("%d stuck tasks in %d graphs", found, graphs)
	}
}
