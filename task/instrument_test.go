package task_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// told is an instrument that notes what it is told, as in "before a".
func told(s *check.Steps) *task.Instrument {
	return &task.Instrument{
		Created: func(t task.Any) { s.Add("created " + t.Name()) },
		Begin: func(t task.Any) func() {
			s.Add("begin " + t.Name())
			return func() { s.Add("end " + t.Name()) }
		},
		BeforeStep: func(t task.Any) { s.Add("before " + t.Name()) },
		AfterStep:  func(t task.Any) { s.Add("after " + t.Name()) },
		Cancel:     func(t task.Any, message string) { s.Add("cancel " + t.Name() + " " + message) },
		Finished:   func(t task.Any) { s.Add("finished " + t.Name()) },
	}
}

// observed runs main as a task with a name that nobody wants to see, and returns what an
// instrument is told of the others meanwhile.
func observed(t *testing.T, main func(ctx context.Context)) check.Steps {
	t.Helper()
	var steps check.Steps
	runTest(t, func(ctx context.Context) {
		remove := task.AddInstrument(loop.Running(ctx), told(&steps))
		main(ctx)
		remove()
	})
	var others check.Steps
	for _, s := range steps {
		if !strings.Contains(s, " main") {
			others.Add(s)
		}
	}
	return others
}

func TestInstrumentIsToldTheLifeOfATask(t *testing.T) {
	steps := observed(t, func(ctx context.Context) {
		a := task.Go(ctx, func(ctx context.Context) error { return task.Yield(ctx) }, task.Name("a"))
		b := task.Go(ctx, func(ctx context.Context) error { return a.Join(ctx) }, task.Name("b"))
		check.NoError(t, b.Join(ctx))
	})
	steps.Check(t, "created a", "created b",
		"begin a", "before a", "after a",
		"begin b", "before b", "after b",
		"before a", "finished a", "after a", "end a",
		"before b", "finished b", "after b", "end b")
}

func TestInstrumentIsToldOfItsOwnNextStep(t *testing.T) {
	steps := observed(t, func(ctx context.Context) {
		a := task.Go(ctx, func(ctx context.Context) error {
			for range 3 { // it is its own successor
				if err := task.Yield(ctx); err != nil {
					return err
				}
			}
			return nil
		}, task.Name("a"))
		check.NoError(t, a.Join(ctx))
	})
	steps.Check(t, "created a", "begin a", "before a", "after a", "before a", "after a", "before a", "after a",
		"before a", "finished a", "after a", "end a")
}

func TestInstrumentIsToldOfAnEagerStartInsideAStep(t *testing.T) {
	steps := observed(t, func(ctx context.Context) {
		outer := task.Go(ctx, func(ctx context.Context) error {
			inner := task.Go(ctx, func(ctx context.Context) error { return task.Yield(ctx) }, task.Name("inner"), task.Eager())
			task.Go(ctx, func(context.Context) error { return nil }, task.Name("brief"), task.Eager())
			return inner.Join(ctx)
		}, task.Name("outer"))
		check.NoError(t, outer.Join(ctx))
	})
	steps.Check(t, "created outer", "begin outer", "before outer",
		"created inner", "begin inner", "before inner", "after inner",
		"created brief", "begin brief", "before brief", "finished brief", "after brief", "end brief",
		"after outer",
		"before inner", "finished inner", "after inner", "end inner",
		"before outer", "finished outer", "after outer", "end outer")
}

func TestInstrumentIsToldOfCancellation(t *testing.T) {
	steps := observed(t, func(ctx context.Context) {
		waits := task.Go(ctx, func(ctx context.Context) error { return task.Sleep(ctx, time.Hour) }, task.Name("a"))
		tick(ctx)
		unborn := task.Go(ctx, func(context.Context) error { return nil }, task.Name("b"))
		waits.Cancel("no more")
		unborn.Cancel("too late")
		ticks(ctx, 2)
		check.Equal(t, "a finished task can be cancelled", waits.Cancel("again"), false)
		check.Equal(t, "both were cancelled", waits.Cancelled() && unborn.Cancelled(), true)
	})
	steps.Check(t, "created a", "begin a", "before a", "after a", "created b",
		"cancel a no more", "cancel b too late",
		"finished b", "before a", "finished a", "after a", "end a")
}

// A group with errors makes a cancellation that came meanwhile anew, which is no further
// request.
func TestInstrumentIsToldOfEachRequestOnce(t *testing.T) {
	requests := 0
	runTest(t, func(ctx context.Context) {
		defer task.AddInstrument(loop.Running(ctx), &task.Instrument{Cancel: func(task.Any, string) { requests++ }})()
		w := task.Go(ctx, func(ctx context.Context) error {
			err := task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
				g.Go(func(ctx context.Context) error { return errTest })
				return task.Sleep(ctx, time.Hour)
			})
			check.Is(t, err, errTest)
			return task.Yield(ctx)
		})
		ticks(ctx, 3)
		check.Equal(t, "requests of the group, whose child has failed", requests, 1)
		w.Cancel()
		check.Cancelled(t, w.Join(ctx), "")
		check.Equal(t, "requests", requests, 2)
	})
}

func TestInstrumentIsToldHowACoroutineFails(t *testing.T) {
	steps := observed(t, func(ctx context.Context) {
		a := task.Go(ctx, func(context.Context) error { panic(errTest) }, task.Name("a"))
		check.Is(t, a.Join(ctx), errTest)
		b := task.Go(ctx, func(context.Context) error { return errTest }, task.Name("b"))
		check.Is(t, b.Join(ctx), errTest)
	})
	steps.Check(t,
		"created a", "begin a", "before a", "finished a", "after a", "end a",
		"created b", "begin b", "before b", "finished b", "after b", "end b")
}

func TestInstrumentIsToldOfGoexit(t *testing.T) {
	for _, opts := range [][]task.Option{nil, {task.Eager()}} {
		var steps check.Steps
		l := newTestLoop(t)
		check.Collect(l)
		exited(func() {
			_, _ = task.RunUntilComplete(l, task.Void(func(ctx context.Context) error {
				task.AddInstrument(l, told(&steps))
				return task.Go(ctx, func(context.Context) error { runtime.Goexit(); return nil }, append(opts, task.Name("a"))...).Join(ctx)
			}))
			t.Error("the run goes on")
		})
		steps = slices.DeleteFunc(steps, func(s string) bool { return !strings.HasSuffix(s, " a") })
		steps.Check(t, "created a", "begin a", "before a", "finished a", "after a", "end a")
		check.NoError(t, l.Close())
	}
}

func TestInstrumentIsToldOfTasksThatClosingDestroys(t *testing.T) {
	var steps check.Steps
	l := newTestLoop(t)
	check.Collect(l)
	task.AddInstrument(l, told(&steps))
	task.CreateOn(l, func(ctx context.Context) (int, error) {
		defer steps.Add("deferred")
		defer func() { _ = task.Yield(ctx) }() // is refused, and no step
		return 0, task.Sleep(ctx, time.Hour)
	}, task.Name("a"))
	check.NoError(t, second(task.RunUntilComplete(l, task.Coro(func(ctx context.Context) (int, error) { return 0, nil }))))
	task.CreateOn(l, seven, task.Name("b"))
	steps = nil
	check.NoError(t, l.Close())
	steps.Check(t, "finished a", "deferred", "end a", "finished b")
}

func TestInstrumentIsToldOnTheGoroutineOfTheCoroutine(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		on := make(map[string]uintptr)
		note := func(t task.Any, what string) { on[t.Name()+" "+what] = kernel.Goroutine() }
		defer task.AddInstrument(loop.Running(ctx), &task.Instrument{
			Begin: func(t task.Any) func() {
				note(t, "begin")
				return func() { note(t, "end") }
			},
			BeforeStep: func(t task.Any) { note(t, "before") },
			AfterStep:  func(t task.Any) { note(t, "after") },
		})()
		goroutine := func(ctx context.Context) (uintptr, error) { return kernel.Goroutine(), task.Yield(ctx) }
		a := task.Create(ctx, goroutine, task.Name("a"))
		b := task.Create(ctx, goroutine, task.Name("b"), task.Eager())
		for name, tk := range map[string]*task.Task[uintptr]{"a": a, "b": b} {
			g, err := tk.Await(ctx)
			check.NoError(t, err)
			for _, what := range []string{"begin", "end", "before", "after"} {
				check.Equal(t, name+" "+what, on[name+" "+what], g)
			}
		}
	})
}

func TestInstrumentIsToldTheRestOfOlderTasks(t *testing.T) {
	steps := observed(t, func(ctx context.Context) {
		l := loop.Running(ctx)
		old := task.Go(ctx, func(ctx context.Context) error {
			if err := task.Yield(ctx); err != nil {
				return err
			}
			return task.Yield(ctx)
		}, task.Name("old"))
		unborn := task.Go(ctx, func(context.Context) error { return nil }, task.Name("unborn"))
		var late check.Steps
		tick(ctx) // both have begun: unborn has ended
		young := task.Go(ctx, func(context.Context) error { return nil }, task.Name("young"))
		remove := task.AddInstrument(l, told(&late)) // in the midst of a step of main
		check.NoError(t, old.Join(ctx))
		check.NoError(t, unborn.Join(ctx))
		check.NoError(t, young.Join(ctx))
		remove()
		late.Check(t, "before old", "after old", "begin young", "before young", "finished young", "after young", "end young",
			"before old", "finished old", "after old", "before main")
	})
	if len(steps) == 0 {
		t.Error("nobody was told anything")
	}
}

func TestInstrumentOfALoopThatDoesNotRun(t *testing.T) {
	var steps check.Steps
	l := newTestLoop(t)
	remove := task.AddInstrument(l, told(&steps))
	a := task.CreateOn(l, seven, task.Name("a"))
	steps.Check(t, "created a")
	check.NoError(t, second(task.RunUntilComplete(l, a)))
	steps.Check(t, "created a", "begin a", "before a", "finished a", "after a", "end a")
	remove()
	remove()
	check.NoError(t, second(task.RunUntilComplete(l, task.CreateOn(l, seven))))
	check.Equal(t, "calls", len(steps), 6)
	check.NoError(t, l.Close())
	task.AddInstrument(l, told(&steps))()
	check.Equal(t, "calls", len(steps), 6)
}

func TestInstrumentFieldsMayBeNil(t *testing.T) {
	all := func(s *check.Steps) map[string]*task.Instrument {
		i := told(s)
		return map[string]*task.Instrument{
			"":         {},
			"created":  {Created: i.Created},
			"begin":    {Begin: i.Begin},
			"no end":   {Begin: func(task.Any) func() { s.Add("no end"); return nil }},
			"before":   {BeforeStep: i.BeforeStep},
			"after":    {AfterStep: i.AfterStep},
			"cancel":   {Cancel: i.Cancel},
			"finished": {Finished: i.Finished},
		}
	}
	want := map[string]string{
		"": "", "created": "created a", "begin": "begin a end a", "no end": "no end", "before": "before a before a",
		"after": "after a after a", "cancel": "cancel a now", "finished": "finished a",
	}
	for name := range want {
		t.Run(name, func(t *testing.T) {
			var steps check.Steps
			l := newTestLoop(t)
			task.AddInstrument(l, all(&steps)[name])
			a := task.CreateOn(l, func(ctx context.Context) (int, error) {
				loop.Running(ctx).CallSoon(func() { task.AllOn(l)[0].(*task.Task[int]).Cancel("now") })
				return 0, task.Sleep(ctx, time.Hour)
			}, task.Name("a"))
			_, err := task.RunUntilComplete(l, a)
			check.Cancelled(t, err, "now")
			steps.Check(t, strings.Fields(want[name])...)
		})
	}
}

func TestInstrumentsAreToldInOrder(t *testing.T) {
	var steps check.Steps
	l := newTestLoop(t)
	first := &task.Instrument{
		Created: func(task.Any) { steps.Add("first") },
		Begin:   func(task.Any) func() { return func() { steps.Add("first ends") } },
	}
	task.AddInstrument(l, first)
	task.AddInstrument(l, &task.Instrument{
		Created: func(task.Any) { steps.Add("second") },
		Begin:   func(task.Any) func() { return func() { steps.Add("second ends") } },
	})
	task.AddInstrument(l, first) // once more
	first.Created = nil          // is too late
	check.NoError(t, second(task.RunUntilComplete(l, task.CreateOn(l, seven))))
	steps.Check(t, "first", "second", "first", "first ends", "second ends", "first ends")
}

// hooks are all ways to call the program.
var hooks = map[string]func(hook func(t task.Any)) *task.Instrument{
	"Created": func(hook func(t task.Any)) *task.Instrument { return &task.Instrument{Created: hook} },
	"Begin": func(hook func(t task.Any)) *task.Instrument {
		return &task.Instrument{Begin: func(t task.Any) func() { hook(t); return nil }}
	},
	"end": func(hook func(t task.Any)) *task.Instrument {
		return &task.Instrument{Begin: func(t task.Any) func() { return func() { hook(t) } }}
	},
	"BeforeStep": func(hook func(t task.Any)) *task.Instrument { return &task.Instrument{BeforeStep: hook} },
	"AfterStep":  func(hook func(t task.Any)) *task.Instrument { return &task.Instrument{AfterStep: hook} },
	"Cancel": func(hook func(t task.Any)) *task.Instrument {
		return &task.Instrument{Cancel: func(t task.Any, _ string) { hook(t) }}
	},
	"Finished": func(hook func(t task.Any)) *task.Instrument { return &task.Instrument{Finished: hook} },
}

// eventful runs tasks to which all can happen that there are hooks for, and returns what
// they ended with.
func eventful(ctx context.Context) (ends []string) {
	l := loop.Running(ctx)
	f := future.New[int](l)
	tasks := []task.Any{
		task.Go(ctx, func(ctx context.Context) error { return task.Sleep(ctx, time.Hour) }),
		task.Create(ctx, func(ctx context.Context) (int, error) { return f.Await(ctx) }),
		task.Go(ctx, func(ctx context.Context) error { return task.Yield(ctx) }),
		task.Go(ctx, func(ctx context.Context) error { return task.Yield(ctx) }, task.Eager()),
		task.Go(ctx, func(ctx context.Context) error { return task.Sleep(ctx, time.Second) }),
		task.Go(ctx, func(ctx context.Context) error {
			return task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
				g.Go(func(context.Context) error { return nil })
				g.Go(func(ctx context.Context) error { return task.Yield(ctx) })
				return nil
			})
		}),
		task.Go(ctx, func(ctx context.Context) error { panic(errTest) }),
	}
	tick(ctx)
	unborn := task.Go(ctx, func(context.Context) error { return nil })
	for _, tk := range []interface{ Cancel(...string) bool }{tasks[0].(*task.Task[struct{}]), unborn} {
		tk.Cancel()
	}
	if err := f.SetResult(1); err != nil {
		panic(err)
	}
	for i, tk := range append(tasks, unborn) {
		err := tk.Join(ctx)
		ends = append(ends, fmt.Sprint(i, " ", future.IsCancelled(err), errors.Is(err, errTest)))
	}
	return ends
}

var eventfulEnds = []string{"0 true false", "1 false false", "2 false false", "3 false false", "4 false false", "5 false false",
	"6 false true", "7 true false"}

func TestInstrumentThatPanicsIsRemovedAndReportedOnce(t *testing.T) {
	for name, hook := range hooks {
		t.Run(name, func(t *testing.T) {
			l := newTestLoop(t)
			reports := check.Collect(l)
			calls, others := 0, 0
			check.RunOn(t, l, func(ctx context.Context) {
				task.AddInstrument(l, hook(func(task.Any) { calls++; panic(errTest) }))
				task.AddInstrument(l, hook(func(task.Any) { others++ }))
				check.Equal(t, "the tasks ended with", eventful(ctx), eventfulEnds)
			})
			all := reports.Taken()
			check.Equal(t, "number of reports", len(all), 1)
			var p *task.PanicError
			check.Equal(t, "it is a panic", errors.As(all[0].Err, &p), true)
			check.Is(t, all[0].Err, errTest, "instrument_test.go")
			check.Contains(t, all[0].Message, "of an instrument, which is removed")
			check.Equal(t, "it has a task", all[0].Task != nil, true)
			if name != "end" { // those that had been promised are called
				check.Equal(t, "calls", calls, 1)
			}
			check.True(t, "the other one is told of everything", others > 1)
		})
	}
}

func TestInstrumentThatPanicsWithAFatalErrorEndsTheRun(t *testing.T) {
	for name, hook := range hooks {
		t.Run(name, func(t *testing.T) {
			l := newTestLoop(t)
			reports := check.Collect(l)
			_, err := task.RunUntilComplete(l, task.Void(func(ctx context.Context) error {
				task.AddInstrument(l, hook(func(task.Any) { panic(loop.ErrKeyboardInterrupt) }))
				eventful(ctx)
				return task.Sleep(ctx, time.Hour)
			}))
			check.Is(t, err, loop.ErrKeyboardInterrupt)
			check.Equal(t, "reports", len(reports.Taken()), 0)
		})
	}
}

// As a test does that fails in a hook.
func TestInstrumentThatExitsEndsTheRun(t *testing.T) {
	for name, hook := range hooks {
		for _, nth := range []int{1, 2, 3, 4, 5, 6, 7} {
			t.Run(fmt.Sprint(name, " ", nth), func(t *testing.T) {
				l := newTestLoop(t)
				check.Collect(l)
				calls := 0
				exited(func() {
					_, err := task.RunUntilComplete(l, task.Void(func(ctx context.Context) error {
						task.AddInstrument(l, hook(func(task.Any) {
							if calls++; calls == nth {
								runtime.Goexit()
							}
						}))
						eventful(ctx)
						return nil
					}))
					check.NoError(t, err)
					check.True(t, "it was called less often", calls < nth)
				})
				if n := calls; name != "end" {
					check.NoError(t, second(task.RunUntilComplete(l, task.CreateOn(l, seven))))
					check.True(t, "it is removed", n < nth || calls == n)
				}
				check.NoError(t, second(task.RunUntilComplete(l, task.Void(func(ctx context.Context) error {
					for _, left := range task.All(ctx) {
						if left != task.Current(ctx) {
							left.Kernel().Cancel("")
						}
					}
					ticks(ctx, 10)
					check.Equal(t, "tasks that cannot be ended", len(task.All(ctx)), 1)
					return nil
				}))))
				check.NoError(t, l.Close())
			})
		}
	}
}

func TestInstrumentMustNotAwait(t *testing.T) {
	for name, hook := range hooks {
		t.Run(name, func(t *testing.T) {
			runTest(t, func(ctx context.Context) {
				l := loop.Running(ctx)
				calls := 0
				defer task.AddInstrument(l, hook(func(tk task.Any) {
					calls++
					contexts := []context.Context{tk.Context(), ctx}
					if current := task.CurrentOn(l); current != nil {
						contexts = append(contexts, current.Context())
					}
					for _, ctx := range contexts {
						check.Is(t, task.Yield(ctx), task.ErrNotCurrent)
						check.Is(t, second(future.New[int](l).Await(ctx)), task.ErrNotCurrent)
					}
				}))()
				check.Equal(t, "the tasks ended with", eventful(ctx), eventfulEnds)
				check.True(t, "it was called", calls > 1)
			})
		})
	}
}

func TestInstrumentSeesTheTaskWhoseStepIsRun(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		l, main := loop.Running(ctx), task.Current(ctx)
		var creator, current task.Any
		defer task.AddInstrument(l, &task.Instrument{
			Created:    func(task.Any) { creator = task.CurrentOn(l) },
			BeforeStep: func(task.Any) { current = task.CurrentOn(l) },
		})()
		tk := task.Go(ctx, func(context.Context) error { return nil })
		check.Equal(t, "creator", creator, main)
		tick(ctx)
		l.CallSoon(func() { task.CreateOn(l, seven) })
		tick(ctx)
		check.Equal(t, "creator of a callback's task", creator, nil)
		check.Equal(t, "in a step of its own", current, main)
		check.Equal(t, "in the end", task.CurrentOn(l), main)
		check.NoError(t, tk.Join(ctx))
	})
}

// A hook may look at everything, wherever the baton is.
func TestInstrumentMayLookAtStacks(t *testing.T) {
	for name, hook := range hooks {
		t.Run(name, func(t *testing.T) {
			runTest(t, func(ctx context.Context) {
				l, calls := loop.Running(ctx), 0
				sleeper := task.Go(ctx, func(ctx context.Context) error { return task.Sleep(ctx, 2*time.Hour) }, task.Name("sleeper"))
				tick(ctx)
				defer task.AddInstrument(l, hook(func(tk task.Any) {
					calls++
					check.Contains(t, task.FormatTaskTree(ctx), "sleeper in ")
					check.True(t, "the sleeper's stack", len(sleeper.Stack()) > 0)
					check.Is(t, task.Yield(tk.Context()), task.ErrNotCurrent) // still
				}))()
				check.Equal(t, "the tasks ended with", eventful(ctx), eventfulEnds)
				check.True(t, "it was called", calls > 1)
				sleeper.Cancel()
			})
		})
	}
}

func TestInstrumentMayCreateTasksThatAreNotEager(t *testing.T) {
	for name, hook := range hooks {
		t.Run(name, func(t *testing.T) {
			runTest(t, func(ctx context.Context) {
				l, ran := loop.Running(ctx), 0
				var made []task.Any
				remove := task.AddInstrument(l, hook(func(tk task.Any) {
					if len(made) == 5 || strings.HasPrefix(tk.Name(), "made ") {
						return // else it would be told of its own without end
					}
					mine := task.CreateOn(l, func(ctx context.Context) (int, error) { ran++; return 0, task.Yield(ctx) },
						task.Eager(), task.Name(fmt.Sprint("made ", len(made))))
					made = append(made, mine)
					check.Equal(t, "it has begun", len(mine.Stack()) > 0, false)
				}))
				check.Equal(t, "the tasks ended with", eventful(ctx), eventfulEnds)
				remove()
				for _, tk := range made {
					check.NoError(t, tk.Join(ctx))
				}
				check.Equal(t, "tasks that ran", ran, len(made))
				check.True(t, "there were some", ran > 0)
			})
		})
	}
}

func TestInstrumentMayRemoveItselfAndOthers(t *testing.T) {
	for name, hook := range hooks {
		t.Run(name, func(t *testing.T) {
			runTest(t, func(ctx context.Context) {
				l := loop.Running(ctx)
				var removeSelf, removeOther func()
				calls, others, added := 0, 0, 0
				removeSelf = task.AddInstrument(l, hook(func(task.Any) {
					calls++
					removeSelf()
					removeOther()
					if calls == 1 {
						task.AddInstrument(l, hook(func(task.Any) { added++ }))
					}
				}))
				removeOther = task.AddInstrument(l, hook(func(task.Any) { others++ }))
				check.Equal(t, "the tasks ended with", eventful(ctx), eventfulEnds)
				if name != "end" {
					check.Equal(t, "calls", calls, 1)
					check.Equal(t, "calls of the other one", others, 0)
				}
				check.True(t, "the one that was added is called", added > 0)
			})
		})
	}
}

func TestInstrumentBelongsToTheLoop(t *testing.T) {
	l := newTestLoop(t)
	check.Is(t, check.Panics(t, func() { task.AddInstrument(nil, new(task.Instrument)) }), loop.ErrNotRunning)
	check.Is(t, check.Panics(t, func() { task.AddInstrument(l, nil) }), loop.ErrInvalidArgument, "AddInstrument")
	check.RunOn(t, l, func(ctx context.Context) {
		remove := task.AddInstrument(l, new(task.Instrument))
		done := make(chan struct{})
		go func() {
			defer close(done)
			check.Is(t, check.Panics(t, func() { task.AddInstrument(l, new(task.Instrument)) }), loop.ErrWrongGoroutine, "AddInstrument")
			check.Is(t, check.Panics(t, remove), loop.ErrWrongGoroutine, "remove of an instrument")
		}()
		<-done
		remove()
	})
}

// A visit that is made between the end of one task and what follows it comes back there.
func TestStackOfASleeperBetweenTwoTasks(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		k := loop.Running(ctx).Kernel()
		sleeper := task.Go(ctx, func(ctx context.Context) error { return task.Sleep(ctx, time.Hour) })
		tick(ctx)
		stacks := 0
		var look lookAt = func() {
			check.True(t, "the sleeper has a stack", len(sleeper.Stack()) > 0)
			stacks++
		}
		for i, end := range []func(){func() {}, func() { panic(errTest) }} {
			var h kernel.Handle
			h.Init(kernel.Internal, look)
			ends := task.Go(ctx, func(context.Context) error { end(); return nil })
			k.Push(&h) // is run when the coroutine has ended
			_ = ends.Join(ctx)
			check.Equal(t, "stacks", stacks, i+1)
		}
		sleeper.Cancel()
	})
}

// lookAt is a job.
type lookAt func()

func (fn lookAt) Run() { fn() }

func TestInstrumentsThatBeginEndEvenIfOneExits(t *testing.T) {
	var steps check.Steps
	l := newTestLoop(t)
	task.AddInstrument(l, &task.Instrument{Begin: func(task.Any) func() { return steps.Of("first") }})
	task.AddInstrument(l, &task.Instrument{Begin: func(task.Any) func() { return runtime.Goexit }})
	task.AddInstrument(l, &task.Instrument{Begin: func(task.Any) func() { return steps.Of("last") }})
	exited(func() {
		_, _ = task.RunUntilComplete(l, task.CreateOn(l, seven))
		t.Error("the run goes on")
	})
	steps.Check(t, "last", "first")
}
