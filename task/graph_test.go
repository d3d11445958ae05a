package task_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// shape is a call graph as text: the task, and those who await it in brackets.
func shape(g *task.CallGraph) string {
	s := "future"
	if g.Task != nil {
		s = g.Task.Name()
	}
	if g.Repeated {
		s += "..."
	}
	if len(g.AwaitedBy) > 0 {
		var above []string
		for _, a := range g.AwaitedBy {
			above = append(above, shape(a))
		}
		s += "[" + strings.Join(above, " ") + "]"
	}
	return s
}

// callGraphOf runs main, which is to make something that awaits f, and returns
// the shape of f's call graph then.
func callGraphOf(t *testing.T, main func(ctx context.Context, f *future.Future[int]) error) (got string) {
	t.Helper()
	runTest(t, func(ctx context.Context) {
		f := newFuture[int](ctx)
		root := task.Go(ctx, func(ctx context.Context) error { return main(ctx, f) }, task.Name("root"))
		ticks(ctx, 5)
		got = shape(task.CaptureCallGraph(f))
		check.NoError(t, f.SetResult(1))
		_, err := root.Await(ctx)
		check.NoError(t, err)
	})
	return got
}

func TestCallGraphShowsWhoAwaitsThroughWhat(t *testing.T) {
	child := func(ctx context.Context, f *future.Future[int], name string) *task.Task[int] {
		return task.Create(ctx, waits(f), task.Name(name))
	}
	tests := []struct {
		name string
		main func(ctx context.Context, f *future.Future[int]) error
		want string
	}{
		{"Future", func(ctx context.Context, f *future.Future[int]) error {
			other := child(ctx, f, "other")
			_, err := f.Await(ctx)
			return errors.Join(err, second(other.Await(ctx)))
		}, "future[root other]"},
		{"Task", func(ctx context.Context, f *future.Future[int]) error {
			return second(child(ctx, f, "child").Await(ctx))
		}, "future[child[root]]"},
		{"Gather", func(ctx context.Context, f *future.Future[int]) error {
			return second(task.Gather(ctx, []awaitable{child(ctx, f, "a"), f, child(ctx, f, "b")}...).Await(ctx))
		}, "future[root a[root...] b[root...]]"},
		{"Gather of Gather", func(ctx context.Context, f *future.Future[int]) error {
			return second(task.Gather(ctx, task.Gather(ctx, child(ctx, f, "a"))).Await(ctx))
		}, "future[a[root]]"},
		{"Wait", func(ctx context.Context, f *future.Future[int]) error {
			_, _, err := task.Wait(ctx, []*task.Task[int]{child(ctx, f, "a"), child(ctx, f, "b")})
			return err
		}, "future[a[root] b[root...]]"},
		{"Shield", func(ctx context.Context, f *future.Future[int]) error {
			return second(task.Shield(ctx, child(ctx, f, "child")).Await(ctx))
		}, "future[child[root]]"},
		{"Shield of Gather", func(ctx context.Context, f *future.Future[int]) error {
			return second(task.Shield(ctx, task.Gather(ctx, child(ctx, f, "child"))).Await(ctx))
		}, "future[child[root]]"},
		{"WithTimeout", func(ctx context.Context, f *future.Future[int]) error {
			return task.WithTimeout(ctx, time.Hour, func(ctx context.Context) error {
				return second(task.Shield(ctx, child(ctx, f, "child")).Await(ctx))
			})
		}, "future[child[root]]"},
		{"AsCompleted", func(ctx context.Context, f *future.Future[int]) error {
			for _, err := range task.AsCompleted(ctx, []*task.Task[int]{child(ctx, f, "a"), child(ctx, f, "b")}) {
				if err != nil {
					return err
				}
			}
			return nil
		}, "future[a[root] b[root...]]"},
		{"StaggeredRace", func(ctx context.Context, f *future.Future[int]) error {
			_, _, _, err := task.StaggeredRace(ctx, []task.Coroutine[int]{waits(child(ctx, f, "child"))}, task.Forever)
			return err
		}, "future[child[Task-1[root]]]"},
		{"Group", func(ctx context.Context, f *future.Future[int]) error {
			return task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
				first := task.CreateIn(g, waits(f), task.Name("first"))
				task.CreateIn(g, waits(first), task.Name("second"))
				task.CreateIn(g, waits(first), task.Name("third"))
				return nil
			})
		}, "future[first[root second[root...] third[root...]]]"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			check.Equal(t, "graph", callGraphOf(t, test.main), test.want)
		})
	}
}

// second is the error of a call whose result does not matter.
func second[T any](_ T, err error) error { return err }

func TestCallGraphOfATaskThatIsBeingCancelledAndAwaited(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		f := newFuture[struct{}](ctx)
		slow := task.Go(ctx, func(ctx context.Context) error {
			_ = task.Sleep(ctx, time.Hour)
			return second(f.Await(ctx))
		}, task.Name("slow"))
		tick(ctx)
		waiter := task.Go(ctx, func(ctx context.Context) error {
			return second(task.WaitFor(ctx, slow, 0))
		}, task.Name("waiter"))
		ticks(ctx, 3)
		check.Equal(t, "graph", shape(task.CaptureCallGraph(f)), "future[slow[waiter]]")
		check.NoError(t, f.SetResult(struct{}{}))
		check.NoError(t, second(waiter.Await(ctx)))
	})
}

func TestCallGraphShowsCirclesAndDoesNotFollowThem(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		var a, b *task.Task[struct{}]
		a = task.Go(ctx, func(ctx context.Context) error { return second(b.Await(ctx)) }, task.Name("a"))
		b = task.Go(ctx, func(ctx context.Context) error { return second(task.Shield(ctx, a).Await(ctx)) }, task.Name("b"))
		ticks(ctx, 2)
		check.Equal(t, "graph", shape(task.CaptureCallGraph(a)), "a[b[a...]]")
		tree := task.FormatTaskTree(ctx)
		for _, line := range []string{"\na in ", "\n└── b in ", "\n    └── a (see above)"} {
			if !strings.Contains(tree, line) {
				t.Errorf("the tree lacks %q:\n%s", line, tree)
			}
		}
		b.Cancel()
		ticks(ctx, 5)
		check.Equal(t, "a is over", a.Done(), true)
	})
}

func TestCallGraphGrowsWithTheNumberOfTasks(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		// Each task of a layer awaits all of the layer below: the number of paths
		// is 2 to the 40th.
		f := newFuture[int](ctx)
		layer := []future.Awaitable[int]{f}
		for range 40 {
			below := layer
			layer = nil
			for range 2 {
				layer = append(layer, task.Create(ctx, func(ctx context.Context) (int, error) {
					_, err := task.Gather(ctx, below...).Await(ctx)
					return 0, err
				}))
			}
		}
		tick(ctx)
		nodes, repeated := 0, 0
		var count func(g *task.CallGraph)
		count = func(g *task.CallGraph) {
			nodes++
			if g.Repeated {
				repeated++
			}
			for _, a := range g.AwaitedBy {
				count(a)
			}
		}
		count(task.CaptureCallGraph(f))
		check.Equal(t, "nodes", nodes-repeated, 1+80)
		check.Equal(t, "repetitions", repeated, 78)
		check.NoError(t, f.SetResult(0))
		check.NoError(t, second(task.Gather(ctx, layer...).Await(ctx)))
	})
}

func TestCallGraphText(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		f := newFuture[int](ctx)
		inner := task.Create(ctx, waits(f), task.Name("inner"))
		outer := task.Create(ctx, waits(inner), task.Name("outer"))
		tick(ctx)
		text := task.FormatCallGraph(f)
		if !strings.HasPrefix(text, "* Future(id=0x") {
			t.Errorf("the text begins otherwise:\n%s", text)
		}
		after := text
		for _, part := range []string{
			"\n  + Awaited by:\n", "    * Task(name='inner')\n", "      + Call stack:\n", "main_test.go:", ", in task_test.",
			"\n      + Awaited by:\n", "        * Task(name='outer')\n", "          + Call stack:\n          |   ",
		} {
			var found bool
			if _, after, found = strings.Cut(after, part); !found {
				t.Fatalf("the text lacks %q in its place:\n%s", part, text)
			}
		}
		var printed strings.Builder
		check.NoError(t, task.PrintCallGraph(&printed, f))
		check.Equal(t, "printed", printed.String(), text+"\n")
		check.Equal(t, "the graph's own text", task.CaptureCallGraph(f).String(), text)
		check.Is(t, task.PrintCallGraph(brokenWriter{}, f), errTest)
		check.Is(t, task.PrintCallGraph(&printed, nil), task.ErrNilCoroutine)
		check.NoError(t, f.SetResult(1))
		gives(t, ctx, outer, 1)
	})
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errTest }

func TestCallGraphOfTheRunningTaskHasItsStack(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		g := task.CaptureCallGraph(task.Current(ctx))
		if len(g.Stack) == 0 || !strings.Contains(g.Stack[0].Function, "TestCallGraphOfTheRunningTaskHasItsStack") {
			t.Errorf("the stack is %v", g.Stack)
		}
	})
}

func TestCallGraphOfADoneFutureIsEmpty(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		done := task.Create(ctx, returns(0, 1), task.Name("done"))
		gives(t, ctx, done, 1)
		g := task.CaptureCallGraph(done)
		check.Equal(t, "graph", shape(g), "done")
		check.Equal(t, "its text", g.String(), "* Task(name='done')")
		check.Equal(t, "length of the stack", len(g.Stack), 0)
	})
}

func TestCallGraphOfNothingIsRefused(t *testing.T) {
	check.Is(t, check.Panics(t, func() { task.CaptureCallGraph(nil) }), task.ErrNilCoroutine, "CaptureCallGraph")
}

func TestTaskTreeShowsEachTaskBelowOneThatAwaitsIt(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		f := newFuture[int](ctx)
		leaf := task.Create(ctx, waits(f), task.Name("leaf"))
		a := task.Create(ctx, waits(leaf), task.Name("a"))
		b := task.Create(ctx, waits(leaf), task.Name("b"))
		both := task.Create(ctx, func(ctx context.Context) ([]int, error) {
			return task.Gather(ctx, a, b).Await(ctx)
		}, task.Name("both"))
		idle := task.Create(ctx, waits(f), task.Name("idle"))
		ticks(ctx, 2)
		var names []string
		for _, line := range strings.Split(task.FormatTaskTree(ctx), "\n") {
			name, _, _ := strings.Cut(line, " in ")
			names = append(names, name)
		}
		check.Equal(t, "tree", names, []string{
			"main",
			"both",
			"├── a",
			"│   └── leaf",
			"└── b",
			"    └── leaf (see above)",
			"idle",
		})
		check.NoError(t, f.SetResult(1))
		gives(t, ctx, both, []int{1, 1})
		gives(t, ctx, idle, 1)
	})
}

func TestTaskTreeOfALoopWithoutTasksIsEmpty(t *testing.T) {
	l := newTestLoop(t)
	check.Equal(t, "tree", task.FormatTaskTree(loop.NewContext(context.Background(), l)), "")
	check.Is(t, check.Panics(t, func() { task.FormatTaskTree(context.Background()) }), loop.ErrNotRunning)
}

func TestCallGraphFromAnEagerTask(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		me := task.Current(ctx)
		child := task.Create(ctx, func(context.Context) (string, error) {
			return shape(task.CaptureCallGraph(me)), nil
		}, task.Eager())
		check.Equal(t, "the child is over", child.Done(), true)
		gives(t, ctx, child, "main")
	})
}

// What asyncio notes when a gather, shield, group or race begins holds until the child is
// done: that the task which began it awaits the child.
func TestCallGraphShowsTheTaskThatBeganIt(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		f := newFuture[int](ctx)
		child := func(name string) *task.Task[int] { return task.Create(ctx, waits(f), task.Name(name)) }
		gathered, shielded, ofCallback, failed := child("gathered"), child("shielded"), child("ofCallback"), child("failed")
		var gather *future.Future[[]int]
		var shield, callback future.Typed[int]
		var broken *future.Future[[]int]
		creator := task.Go(ctx, func(ctx context.Context) error {
			gather = task.Gather(ctx, gathered)
			shield = task.Shield(ctx, shielded)
			broken = task.Gather(ctx, []awaitable{failed, fails[int](0, errTest)}...)
			return sleepsLong(ctx)
		}, task.Name("creator"))
		loop.Running(ctx).CallSoon(func() {
			callback = task.Shield(loop.NewContext(context.Background(), loop.Running(ctx)), ofCallback)
		})
		ticks(ctx, 5)
		check.Equal(t, "error of the gather", broken.Err(), errTest)
		check.Equal(t, "a gather that nobody awaits", shape(task.CaptureCallGraph(gathered)), "gathered[creator]")
		check.Equal(t, "a shield that nobody awaits", shape(task.CaptureCallGraph(shielded)), "shielded[creator]")
		check.Equal(t, "a gather that is over", shape(task.CaptureCallGraph(failed)), "failed[creator]")
		check.Equal(t, "a shield of a callback that nobody awaits", shape(task.CaptureCallGraph(ofCallback)), "ofCallback")
		user := task.Go(ctx, func(ctx context.Context) error {
			return errors.Join(second(task.WaitFor(ctx, gather, time.Hour)), second(shield.Await(ctx)), second(callback.Await(ctx)))
		}, task.Name("user"))
		other := task.Go(ctx, func(ctx context.Context) error { return second(callback.Await(ctx)) }, task.Name("other"))
		ticks(ctx, 2)
		check.Equal(t, "a gather that another task awaits", shape(task.CaptureCallGraph(gathered)), "gathered[creator]")
		check.Equal(t, "its future", shape(task.CaptureCallGraph(gather)), "future[user]")
		check.Equal(t, "a shield of a callback that a task awaits", shape(task.CaptureCallGraph(ofCallback)), "ofCallback[other]")
		check.NoError(t, f.SetResult(1))
		check.NoError(t, user.Join(ctx))
		check.NoError(t, other.Join(ctx))
		creator.Cancel()
		check.Cancelled(t, creator.Join(ctx), "")
	})
}

func TestCallGraphOfARaceThatIsInterrupted(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		var runner task.Any
		race := task.Go(ctx, func(ctx context.Context) error {
			return errorOfRace(task.StaggeredRace(ctx, []task.Coroutine[int]{func(ctx context.Context) (int, error) {
				runner = task.Current(ctx)
				return 0, sleepsLong(ctx)
			}}, task.Forever))
		}, task.Name("race"))
		ticks(ctx, 5)
		check.Equal(t, "at first", shape(task.CaptureCallGraph(runner)), runner.Name()+"[race]")
		race.Cancel() // the race has not heard of it yet
		check.Equal(t, "after the request", shape(task.CaptureCallGraph(runner)), runner.Name()+"[race]")
		check.Cancelled(t, race.Join(ctx), "")
	})
}

// errorOfRace is the error of a race whose outcome does not matter.
func errorOfRace[T any](_ T, _ int, _ []error, err error) error { return err }
