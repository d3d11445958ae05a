package task_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// forEager runs a test with every way to have eager tasks.
func forEager(t *testing.T, test func(t *testing.T, ctx context.Context, opts ...task.Option)) {
	for name, factory := range map[string]task.Factory{
		"option":  nil,
		"factory": task.EagerFactory,
		"created": task.CreateEagerFactory(func(_ *loop.Loop, s task.Settings) task.Settings { return s }),
	} {
		t.Run(name, func(t *testing.T) {
			l := newTestLoop(t)
			task.SetFactory(l, factory)
			check.RunOn(t, l, func(ctx context.Context) {
				if factory == nil {
					test(t, ctx, task.Eager())
				} else {
					test(t, ctx)
				}
			})
		})
	}
}

// As in CPython, where create_task raises RecursionError, the task that goes too far
// fails, and those that await it.
func TestEagerTasksThatCreateEachOtherWithoutEndAreStopped(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		for range 2 { // the depth is that of the present calls, and not a sum
			depth := 0
			var deeper task.Coroutine[int]
			deeper = func(ctx context.Context) (int, error) {
				depth++
				return task.Create(ctx, deeper, task.Eager()).Await(ctx)
			}
			_, err := task.Create(ctx, deeper, task.Eager()).Await(ctx)
			check.Is(t, err, task.ErrRecursion, "1000 eager tasks")
			var p *task.PanicError
			check.Equal(t, "Create has panicked", errors.As(err, &p), true)
			check.Equal(t, "depth", depth, 1000)
			check.Equal(t, "tasks", len(task.All(ctx)), 1)
		}
	})
}

func TestEagerTasksOneAfterTheOtherHaveNoLimit(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		var last *task.Task[struct{}]
		for range 1200 {
			before := last
			last = task.Go(ctx, func(ctx context.Context) error {
				if before != nil {
					return before.Join(ctx)
				}
				return task.Yield(ctx)
			}, task.Eager())
		}
		check.NoError(t, last.Join(ctx))
	})
}

func TestFactoryCanBeSetAndTakenAway(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		l := loop.Running(ctx)
		check.Equal(t, "at first", task.FactoryOf(l) == nil, true)
		task.SetFactory(l, task.EagerFactory)
		check.Equal(t, "set", task.FactoryOf(l)(l, task.Settings{}), task.Settings{Eager: true})
		check.Equal(t, "eager", task.Create(ctx, func(context.Context) (int, error) { return 1, nil }).Done(), true)
		task.SetFactory(l, nil)
		check.Equal(t, "eager", task.Create(ctx, func(context.Context) (int, error) { return 1, nil }).Done(), false)
	})
}

func TestFactoryMakesTheTasks(t *testing.T) {
	l := newTestLoop(t)
	check.Equal(t, "a factory at first", task.FactoryOf(l) != nil, false)
	var seen []string
	task.SetFactory(l, func(on *loop.Loop, s task.Settings) task.Settings {
		check.Equal(t, "the factory's loop", on == l, true)
		seen = append(seen, s.Name)
		s.Name = "factory " + s.Name
		return s
	})
	check.Equal(t, "a factory afterwards", task.FactoryOf(l) != nil, true)
	tk := task.CreateOn(l, returns(0, 1), task.Name("a"))
	check.Equal(t, "name", tk.Name(), "factory a")
	check.RunOn(t, l, func(ctx context.Context) {
		check.Equal(t, "name of a task of EnsureFuture", task.EnsureFuture(ctx, future.Awaitable[int](returns(0, 1))).(*task.Task[int]).Name(), "factory ")
		gives(t, ctx, future.Awaitable[int](tk), 1)
	})
	task.SetFactory(l, nil)
	tk = task.CreateOn(l, returns(0, 1), task.Name("b"))
	check.Equal(t, "name without a factory", tk.Name(), "b")
	check.NoError(t, second(task.RunUntilComplete(l, tk)))
	check.Equal(t, "names that the factory saw", seen, []string{"a", "", ""})
}

func TestFactorySeesAndChangesTheSettings(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		var seen []string
		task.SetFactory(loop.Running(ctx), func(_ *loop.Loop, s task.Settings) task.Settings {
			seen = append(seen, fmt.Sprintf("%q %t", s.Name, s.Eager))
			s.Name += "!"
			return s
		})
		tk := task.Create(ctx, returns(0, 1), task.Name("x"), task.Eager())
		check.Equal(t, "name", tk.Name(), "x!")
		unnamed := task.Create(ctx, returns(0, 2))
		check.Equal(t, "name", unnamed.Name(), "!")
		gives(t, ctx, unnamed, 2)
		check.Equal(t, "seen", seen, []string{`"x" true`, `"" false`})
	})
}

func TestEagerTaskBeginsInsideOfItsCreation(t *testing.T) {
	forEager(t, func(t *testing.T, ctx context.Context, opts ...task.Option) {
		f := newFuture[int](ctx)
		tk := task.Go(ctx, func(context.Context) error { return f.SetResult(42) }, opts...)
		check.Equal(t, "task done", tk.Done(), true)
		check.Equal(t, "future done", f.Done(), true)
		gives(t, ctx, f, 42)
	})
}

func TestEagerTaskThatDoesNotSuspendIsDone(t *testing.T) {
	forEager(t, func(t *testing.T, ctx context.Context, opts ...task.Option) {
		tk := task.Create(ctx, func(context.Context) (string, error) { return "hello", nil }, opts...)
		check.Equal(t, "done", tk.Done(), true)
		check.Equal(t, "the coroutine is dropped", tk.Coroutine() == nil, true)
		gives(t, ctx, tk, "hello")
		check.Equal(t, "Cancel", tk.Cancel(), false)
		check.Equal(t, "Cancelled", tk.Cancelled(), false)
		gives(t, ctx, tk, "hello")
	})
}

func TestEagerTaskThatDoesNotSuspendLeavesNothingToDo(t *testing.T) {
	l := newTestLoop(t)
	l.CallSoon(func() {
		tk := task.CreateOn(l, func(context.Context) (int, error) { return 1, nil }, task.Eager())
		check.Equal(t, "done", tk.Done(), true)
	})
	if next, ok, err := l.Poll(); ok || err != nil {
		t.Errorf("something is due at %v, error %v", next, err)
	}
}

func TestEagerTaskThatSuspendsGoesOnLater(t *testing.T) {
	forEager(t, func(t *testing.T, ctx context.Context, opts ...task.Option) {
		tk := task.Create(ctx, returns(time.Second, 1), opts...)
		check.Equal(t, "done", tk.Done(), false)
		check.Equal(t, "it waits", len(tk.Stack()) > 0, true)
		gives(t, ctx, tk, 1)
		check.Equal(t, "time", elapsed(ctx), time.Second)
	})
}

func TestEagerTaskThatSuspendedIsCancelled(t *testing.T) {
	forEager(t, func(t *testing.T, ctx context.Context, opts ...task.Option) {
		tk := task.Create(ctx, returns(time.Second, 1), opts...)
		check.Equal(t, "Cancel", tk.Cancel("cancellation message"), true)
		check.Equal(t, "requests", tk.Cancelling(), 1)
		_, err := tk.Await(ctx)
		check.Cancelled(t, err, "cancellation message")
	})
}

func TestEagerTaskIsTheCurrentOneDuringItsStart(t *testing.T) {
	forEager(t, func(t *testing.T, ctx context.Context, opts ...task.Option) {
		l, creator := loop.Running(ctx), task.Current(ctx)
		var seen []task.Any
		tk := task.Create(ctx, func(ctx context.Context) (int, error) {
			seen = append(seen, task.Current(ctx), task.CurrentOn(l))
			err := task.Sleep(ctx, time.Second)
			seen = append(seen, task.CurrentOn(l))
			return 0, err
		}, opts...)
		check.Equal(t, "afterwards", task.CurrentOn(l), creator)
		gives(t, ctx, newDone(ctx, 5), 5) // the creator awaits as before
		gives(t, ctx, tk, 0)
		check.Equal(t, "inside", seen, []task.Any{tk, tk, tk})
	})
}

func newDone(ctx context.Context, v int) *intFuture {
	f := newFuture[int](ctx)
	loop.Running(ctx).CallSoon(func() { _ = f.SetResult(v) })
	return f
}

func TestEagerTaskIsAmongAllTasksWhileItRuns(t *testing.T) {
	for _, suspends := range []bool{false, true} {
		t.Run(fmt.Sprintf("suspends=%t", suspends), func(t *testing.T) {
			forEager(t, func(t *testing.T, ctx context.Context, opts ...task.Option) {
				during, later := 0, 0
				tk := task.Create(ctx, func(ctx context.Context) (int, error) {
					during = len(task.All(ctx))
					if suspends {
						tick(ctx)
						later = len(task.All(ctx))
					}
					return 0, nil
				}, opts...)
				check.Equal(t, "during the start", during, 2)
				check.Equal(t, "after the creation", len(task.All(ctx)), map[bool]int{false: 1, true: 2}[suspends])
				gives(t, ctx, tk, 0)
				check.Equal(t, "later", later, map[bool]int{false: 0, true: 2}[suspends])
				check.Equal(t, "in the end", len(task.All(ctx)), 1)
			})
		})
	}
}

func TestEagerTaskInheritsTheValuesOfItsCreator(t *testing.T) {
	forEager(t, func(t *testing.T, ctx context.Context, opts ...task.Option) {
		type key struct{}
		ctx = context.WithValue(ctx, key{}, "creator's")
		var seen []any
		tk := task.Create(ctx, func(ctx context.Context) (int, error) {
			seen = append(seen, ctx.Value(key{}))
			ctx = context.WithValue(ctx, key{}, "own")
			tick(ctx)
			seen = append(seen, ctx.Value(key{}))
			return 0, nil
		}, opts...)
		gives(t, ctx, tk, 0)
		check.Equal(t, "seen", seen, []any{"creator's", "own"})
		check.Equal(t, "the creator's", ctx.Value(key{}), any("creator's"))
	})
}

func TestEagerTaskHasItsNameDuringItsStart(t *testing.T) {
	forEager(t, func(t *testing.T, ctx context.Context, opts ...task.Option) {
		name := ""
		tk := task.Go(ctx, func(ctx context.Context) error {
			name = task.Current(ctx).Name()
			return nil
		}, append(opts, task.Name("eager beaver"))...)
		check.Equal(t, "done", tk.Done(), true)
		check.Equal(t, "name", name, "eager beaver")
	})
}

func TestLazyTaskBeginsLaterWhateverTheFactoryAndTheOtherOptionsSay(t *testing.T) {
	creations := map[string]func(ctx context.Context, g *task.Group, fn func(context.Context) error, opts ...task.Option) *task.Task[struct{}]{
		"Create": func(ctx context.Context, _ *task.Group, fn func(context.Context) error, opts ...task.Option) *task.Task[struct{}] {
			return task.Create(ctx, task.Void(fn), opts...)
		},
		"CreateOn": func(ctx context.Context, _ *task.Group, fn func(context.Context) error, opts ...task.Option) *task.Task[struct{}] {
			return task.CreateOn(loop.Running(ctx), task.Void(fn), opts...)
		},
		"Go": func(ctx context.Context, _ *task.Group, fn func(context.Context) error, opts ...task.Option) *task.Task[struct{}] {
			return task.Go(ctx, fn, opts...)
		},
		"CreateIn": func(_ context.Context, g *task.Group, fn func(context.Context) error, opts ...task.Option) *task.Task[struct{}] {
			return task.CreateIn(g, task.Void(fn), opts...)
		},
		"Group.Go": func(_ context.Context, g *task.Group, fn func(context.Context) error, opts ...task.Option) *task.Task[struct{}] {
			return g.Go(fn, opts...)
		},
	}
	for by, create := range creations {
		t.Run(by, func(t *testing.T) {
			forEager(t, func(t *testing.T, ctx context.Context, opts ...task.Option) {
				check.NoError(t, task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
					name := ""
					opts := append(slices.Clone(opts), task.Lazy(), task.Name("lazy"))
					tk := create(ctx, g, func(ctx context.Context) error {
						name = task.Current(ctx).Name()
						return nil
					}, opts...)
					check.Equal(t, "begun", name, "")
					tick(ctx)
					check.Equal(t, "begun", name, "lazy")
					check.Equal(t, "done", tk.Done(), true)
					check.Equal(t, "done at once if Eager comes last", create(ctx, g, func(context.Context) error { return nil }, append(opts, task.Eager())...).Done(), true)
					return nil
				}))
			})
		})
	}
}

func TestLazyIsSeenByAFactoryWhichDecides(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		var seen []bool
		task.SetFactory(loop.Running(ctx), func(_ *loop.Loop, s task.Settings) task.Settings {
			seen = append(seen, s.Lazy)
			s.Eager = true
			return s
		})
		noSteps := func(context.Context) error { return nil }
		check.Equal(t, "done", task.Go(ctx, noSteps, task.Lazy()).Done(), true)
		check.Equal(t, "done", task.Go(ctx, noSteps).Done(), true)
		check.Equal(t, "seen", seen, []bool{true, false})
	})
}

func TestEagerTaskWithoutARunningLoopBeginsLater(t *testing.T) {
	l := newTestLoop(t)
	begun := false
	tk := task.CreateOn(l, func(context.Context) (int, error) {
		begun = true
		return 1, nil
	}, task.Eager())
	check.Equal(t, "begun", begun, false)
	_, err := task.RunUntilComplete(l, tk)
	check.NoError(t, err)
	check.Equal(t, "begun", begun, true)
}

func TestEagerTaskCreatedByACallback(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		l := loop.Running(ctx)
		var inside, after bool
		l.CallSoon(func() {
			tk := task.CreateOn(l, func(ctx context.Context) (int, error) {
				inside = true
				return 1, task.Yield(ctx)
			}, task.Eager())
			after = inside && !tk.Done()
		})
		ticks(ctx, 2)
		check.Equal(t, "begun inside of the creation", after, true)
	})
}

func TestEagerTasksNest(t *testing.T) {
	forEager(t, func(t *testing.T, ctx context.Context, opts ...task.Option) {
		var order []int
		var nest func(depth int) task.Coroutine[int]
		nest = func(depth int) task.Coroutine[int] {
			return func(ctx context.Context) (int, error) {
				order = append(order, depth)
				if depth == 0 {
					return 0, task.Yield(ctx)
				}
				child := task.Create(ctx, nest(depth-1), opts...)
				order = append(order, depth)
				v, err := child.Await(ctx)
				return v + 1, err
			}
		}
		gives(t, ctx, task.Create(ctx, nest(3), opts...), 3)
		check.Equal(t, "order", order, []int{3, 2, 1, 0, 1, 2, 3})
	})
}

func TestEagerTaskMayCancelItsCreator(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		creator := task.Create(ctx, func(ctx context.Context) (int, error) {
			self := task.Current(ctx)
			task.Go(ctx, func(context.Context) error {
				self.Cancel("by the child")
				return nil
			}, task.Eager())
			return 1, task.Sleep(ctx, time.Hour)
		})
		_, err := creator.Await(ctx)
		check.Cancelled(t, err, "by the child")
	})
}

// count counts the tasks that a body creates, and those of them that were done
// when they had been created.
func count(t *testing.T, factory task.Factory, body task.Coroutine[int]) (created int) {
	l := newTestLoop(t)
	task.SetFactory(l, func(l *loop.Loop, s task.Settings) task.Settings {
		if factory != nil {
			s = factory(l, s)
		}
		if !s.Eager || !l.IsRunning() {
			created++
		}
		return s
	})
	_, err := task.RunUntilComplete(l, body)
	check.NoError(t, err)
	return created
}

func TestEagerTasksNeedNotBeScheduled(t *testing.T) {
	const width, depth = 5, 4
	var chain func(n int) task.Coroutine[int]
	chain = func(n int) task.Coroutine[int] {
		return func(ctx context.Context) (int, error) {
			if n == 0 {
				return 0, nil
			}
			v, err := chain(n - 1)(ctx)
			return v + 1, err
		}
	}
	var groups func(n int) task.Coroutine[int]
	groups = func(n int) task.Coroutine[int] {
		return func(ctx context.Context) (int, error) {
			if n == 0 {
				return 0, nil
			}
			return 0, task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
				for range width {
					task.CreateIn(g, groups(n-1))
				}
				return nil
			})
		}
	}
	var gathers func(n int) task.Coroutine[int]
	gathers = func(n int) task.Coroutine[int] {
		return func(ctx context.Context) (int, error) {
			if n == 0 {
				return 0, nil
			}
			_, err := task.Gather(ctx, slices.Repeat([]task.Coroutine[int]{gathers(n - 1)}, width)...).Await(ctx)
			return 0, err
		}
	}
	for _, test := range []struct {
		name        string
		body        task.Coroutine[int]
		lazy, eager int
	}{
		{"awaits in a chain", chain(100), 1, 1},
		{"recursive groups", groups(depth), 781, 1},
		{"recursive gathers", gathers(depth), 781, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			check.Equal(t, "lazy", count(t, nil, test.body), test.lazy)
			check.Equal(t, "eager", count(t, task.EagerFactory, test.body), test.eager)
		})
	}
}

func TestStaggeredRaceWithEagerTasks(t *testing.T) {
	fail := func(context.Context) (string, error) { return "", errTest }
	for _, test := range []struct {
		name  string
		first task.Coroutine[string]
		delay time.Duration
		errs  int
	}{
		{"a delay", returns(time.Hour, "first"), 250 * ms, 3},
		{"no delay", fail, task.Forever, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := newTestLoop(t)
			task.SetFactory(l, task.EagerFactory)
			check.RunOn(t, l, func(ctx context.Context) {
				winner, index, errs, err := task.StaggeredRace(ctx,
					[]task.Coroutine[string]{test.first, returns(time.Second, "sleep1"), fail}, test.delay)
				check.NoError(t, err)
				check.Equal(t, "winner", winner, "sleep1")
				check.Equal(t, "index", index, 1)
				if len(errs) != test.errs {
					t.Fatalf("got errors %v", errs)
				}
				if test.errs == 3 {
					check.Cancelled(t, errs[0], "")
					check.Equal(t, "third", errs[2], errTest)
				} else {
					check.Equal(t, "first", errs[0], errTest)
				}
				check.NoError(t, errs[1])
			})
		})
	}
}

func TestEagerTaskMayStartManyOneAfterTheOther(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		started := 0
		task.Go(ctx, func(ctx context.Context) error {
			for range 1200 { // more than may be nested
				task.Go(ctx, func(context.Context) error { started++; return nil }, task.Eager())
			}
			return nil
		}, task.Eager())
		check.Equal(t, "started", started, 1200)
	})
}
