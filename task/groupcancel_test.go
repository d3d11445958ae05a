package task_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// isUncancelled checks that a group has left no cancellation in the task.
func isUncancelled(t testing.TB, ctx context.Context) {
	t.Helper()
	check.Equal(t, "requests left", task.Current(ctx).Cancelling(), 0)
	check.NoError(t, task.Yield(ctx))
}

func TestGroupCancelEndsTasksAndBodyWithoutAnError(t *testing.T) {
	onBothStarts(t, func(t *testing.T, ctx context.Context) {
		var children []*task.Task[struct{}]
		var body error
		err := task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
			children = append(children, g.Go(sleepsLong), g.Go(sleepsLong))
			tick(ctx)
			check.Equal(t, "group", g.String(), "<Group tasks=2 entered>")
			g.Cancel()
			check.Equal(t, "group", g.String(), "<Group tasks=2 cancelling>")
			check.Equal(t, "requests", task.Current(ctx).Cancelling(), 1)
			check.Equal(t, "error of the scope", ctx.Err(), context.Canceled)
			body = sleepsLong(ctx)
			return body
		})
		check.NoError(t, err)
		check.Cancelled(t, body, "")
		allCancelled(t, children)
		check.Equal(t, "time", elapsed(ctx), time.Duration(0))
		isUncancelled(t, ctx)
	})
}

func TestGroupCancelOfABodyThatDoesNotAwait(t *testing.T) {
	for _, tasks := range []int{0, 2} {
		t.Run(fmt.Sprintf("with %d tasks", tasks), func(t *testing.T) {
			onBothStarts(t, func(t *testing.T, ctx context.Context) {
				var children []*task.Task[struct{}]
				finished := false
				check.NoError(t, task.WithGroup(ctx, func(_ context.Context, g *task.Group) error {
					for range tasks {
						children = append(children, g.Go(sleepsLong))
					}
					g.Cancel()
					finished = true
					return nil
				}))
				check.Equal(t, "the body finished", finished, true)
				allCancelled(t, children)
				check.Equal(t, "time", elapsed(ctx), time.Duration(0))
				isUncancelled(t, ctx)
			})
		})
	}
}

func TestGroupCancelKeepsTasksFromBeginning(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		check.NoError(t, task.WithGroup(ctx, func(_ context.Context, g *task.Group) error {
			g.Go(never)
			g.Cancel()
			return nil
		}))
	})
}

func TestGroupCancelOfABodyThatGoesOn(t *testing.T) {
	onBothStarts(t, func(t *testing.T, ctx context.Context) {
		var child *task.Task[struct{}]
		check.NoError(t, task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
			child = g.Go(sleepsLong)
			tick(ctx)
			g.Cancel()
			check.Cancelled(t, sleepsLong(ctx), "")
			return task.Sleep(ctx, time.Minute) // it is cancelled once
		}))
		allCancelled(t, []*task.Task[struct{}]{child})
		check.Equal(t, "time", elapsed(ctx), time.Minute)
		isUncancelled(t, ctx)
	})
}

func TestGroupCancelWaitsForTasksThatCleanUp(t *testing.T) {
	onBothStarts(t, func(t *testing.T, ctx context.Context) {
		var cleaned, refused *task.Task[struct{}]
		check.NoError(t, task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
			cleaned = g.Go(func(ctx context.Context) error {
				err := sleepsLong(ctx)
				check.NoError(t, task.Sleep(ctx, time.Minute))
				return err
			})
			refused = g.Go(func(ctx context.Context) error { // it swallows its cancellation
				check.Cancelled(t, sleepsLong(ctx), "")
				return task.Sleep(ctx, time.Second)
			})
			tick(ctx)
			g.Cancel()
			return sleepsLong(ctx)
		}))
		check.Equal(t, "time", elapsed(ctx), time.Minute)
		check.Equal(t, "cancelled", []bool{cleaned.Cancelled(), refused.Cancelled()}, []bool{true, false})
		check.NoError(t, refused.Err())
		isUncancelled(t, ctx)
	})
}

func TestGroupCancelBeforeTheGroupIsEntered(t *testing.T) {
	onBothStarts(t, func(t *testing.T, ctx context.Context) {
		g := task.NewGroup()
		g.Cancel()
		g.Cancel()
		check.Equal(t, "group", g.String(), "<Group>")
		check.Equal(t, "requests before", task.Current(ctx).Cancelling(), 0)
		var steps []string
		err := g.Run(ctx, func(ctx context.Context, g *task.Group) error {
			check.Equal(t, "group", g.String(), "<Group cancelling>")
			check.Equal(t, "requests", task.Current(ctx).Cancelling(), 1)
			check.Equal(t, "error of the scope", ctx.Err(), context.Canceled)
			check.Is(t, g.Go(never).Err(), task.ErrGroupClosed)
			steps = append(steps, "begins")
			if err := task.Yield(ctx); err != nil {
				check.Cancelled(t, err, "")
				return err
			}
			steps = append(steps, "goes on")
			return nil
		})
		check.NoError(t, err)
		check.Equal(t, "steps of the body", steps, []string{"begins"})
		isUncancelled(t, ctx)
	})
}

func TestGroupCancelIsIdempotent(t *testing.T) {
	onBothStarts(t, func(t *testing.T, ctx context.Context) {
		times := 0
		check.NoError(t, task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
			child := g.Go(func(ctx context.Context) error {
				for {
					if err := sleepsLong(ctx); err != nil {
						times++
						return task.Sleep(ctx, time.Second)
					}
				}
			})
			tick(ctx)
			for range 3 {
				g.Cancel()
			}
			check.Equal(t, "requests of the body", task.Current(ctx).Cancelling(), 1)
			check.Equal(t, "requests of the task", child.Cancelling(), 1)
			check.Cancelled(t, sleepsLong(ctx), "")
			g.Cancel()
			check.Equal(t, "requests of the body", task.Current(ctx).Cancelling(), 1)
			return nil
		}))
		check.Equal(t, "times that the task was cancelled", times, 1)
		isUncancelled(t, ctx)
	})
}

func TestGroupCancelAfterTheEndIsHarmless(t *testing.T) {
	for name, test := range map[string]struct {
		body func(ctx context.Context, g *task.Group) error
		want []error
	}{
		"of a group that is done": {func(_ context.Context, g *task.Group) error {
			g.Go(task.Yield)
			return nil
		}, nil},
		"of an empty group":          {func(context.Context, *task.Group) error { return nil }, nil},
		"of a group that has failed": {func(context.Context, *task.Group) error { return errBody }, []error{errBody}},
		"of a group that was cancelled": {func(_ context.Context, g *task.Group) error {
			g.Cancel()
			return nil
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			runTest(t, func(ctx context.Context) {
				g := task.NewGroup()
				if err := g.Run(ctx, test.body); test.want == nil {
					check.NoError(t, err)
				} else {
					isGroupOf(t, err, test.want...)
				}
				g.Cancel()
				isUncancelled(t, ctx)
			})
		})
	}
	t.Run("when its body and its tasks are over", func(t *testing.T) {
		runTest(t, func(ctx context.Context) {
			var during int
			check.NoError(t, task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
				parent := task.Current(ctx)
				g.Go(task.Yield).AddDoneCallback(func() { // the group has seen the end before
					g.Cancel()
					during = parent.Cancelling()
				})
				return nil
			}))
			check.Equal(t, "requests", during, 0)
			isUncancelled(t, ctx)
		})
	})
}

func TestGroupCancelByATaskOfTheGroup(t *testing.T) {
	for name, test := range map[string]struct {
		then func(ctx context.Context) error
		want []error
	}{
		"that waits on": {sleepsLong, nil},
		"that returns":  {func(context.Context) error { return nil }, nil}, // it is cancelled all the same
		"that fails":    {func(context.Context) error { return errTest }, []error{errTest}},
	} {
		t.Run(name, func(t *testing.T) {
			onBothStarts(t, func(t *testing.T, ctx context.Context) {
				var child, sibling *task.Task[struct{}]
				err := task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
					sibling = g.Go(sleepsLong)
					child = g.Go(func(ctx context.Context) error {
						tick(ctx)
						g.Cancel()
						return test.then(ctx)
					})
					err := sleepsLong(ctx)
					check.Cancelled(t, err, "")
					return err
				})
				if test.want == nil {
					check.NoError(t, err)
				} else {
					isGroupOf(t, err, test.want...)
				}
				check.Equal(t, "cancelled", []bool{child.Cancelled(), sibling.Cancelled()}, []bool{test.want == nil, true})
				check.Equal(t, "time", elapsed(ctx), time.Duration(0))
				isUncancelled(t, ctx)
			})
		})
	}
}

// A task that has not come to its first suspension is not in the group yet, so that
// it cannot cancel itself with the group. The group waits for it, as for others.
func TestGroupCancelByAnEagerTaskAtItsStart(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		task.SetFactory(loop.Running(ctx), task.EagerFactory)
		var child, sibling *task.Task[int]
		check.NoError(t, task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
			sibling = task.CreateIn(g, returns(time.Hour, 1))
			child = task.CreateIn(g, func(ctx context.Context) (int, error) {
				g.Cancel()
				return task.SleepResult(ctx, time.Second, 42)
			})
			check.Equal(t, "done", child.Done(), false)
			err := sleepsLong(ctx)
			check.Cancelled(t, err, "")
			return err
		}))
		gives(t, ctx, child, 42)
		check.Equal(t, "sibling cancelled", sibling.Cancelled(), true)
		check.Equal(t, "time", elapsed(ctx), time.Second)
		isUncancelled(t, ctx)
	})
}

func TestGroupCancelByACallback(t *testing.T) {
	for name, then := range map[string]func(ctx context.Context) error{
		"while the body waits":            sleepsLong,
		"while the group waits for tasks": func(context.Context) error { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			onBothStarts(t, func(t *testing.T, ctx context.Context) {
				var children []*task.Task[struct{}]
				check.NoError(t, task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
					children = append(children, g.Go(sleepsLong), g.Go(sleepsLong))
					loop.Running(ctx).CallLater(time.Second, g.Cancel)
					return then(ctx)
				}))
				allCancelled(t, children)
				check.Equal(t, "time", elapsed(ctx), time.Second)
				isUncancelled(t, ctx)
			})
		})
	}
}

func TestGroupCancelByATaskOutsideOfTheGroup(t *testing.T) {
	onBothStarts(t, func(t *testing.T, ctx context.Context) {
		g := task.NewGroup()
		other := task.Go(ctx, func(ctx context.Context) error {
			err := task.Sleep(ctx, time.Second)
			g.Cancel()
			return err
		})
		check.NoError(t, g.Run(ctx, func(ctx context.Context, g *task.Group) error {
			g.Go(sleepsLong)
			return sleepsLong(ctx)
		}))
		check.NoError(t, other.Join(ctx)) // it is none of the group
		check.Equal(t, "time", elapsed(ctx), time.Second)
		isUncancelled(t, ctx)
	})
}

func TestGroupCancelLetsErrorsOut(t *testing.T) {
	late := errors.New("late")
	for _, test := range []struct {
		name string
		body func(ctx context.Context, g *task.Group) error
		want []error
	}{
		{"of tasks that fail when they are cancelled", func(ctx context.Context, g *task.Group) error {
			g.Go(failsWhenCancelled(errTest))
			g.Go(failsWhenCancelled(late))
			tick(ctx)
			g.Cancel()
			return sleepsLong(ctx)
		}, []error{errTest, late}},
		{"of the body, which was cancelled", func(ctx context.Context, g *task.Group) error {
			g.Cancel()
			return failsWhenCancelled(errBody)(ctx)
		}, []error{errBody}},
		{"of the body, which does not await", func(_ context.Context, g *task.Group) error {
			g.Go(sleepsLong)
			g.Cancel()
			return errBody
		}, []error{errBody}},
		{"of tasks and the body", func(ctx context.Context, g *task.Group) error {
			g.Go(failsWhenCancelled(errTest))
			tick(ctx)
			g.Cancel()
			_ = sleepsLong(ctx)
			return errBody
		}, []error{errTest, errBody}},
		{"of a task that cleans up after the body", func(ctx context.Context, g *task.Group) error {
			g.Go(func(ctx context.Context) error {
				_ = sleepsLong(ctx)
				return failsAfter(time.Second, late)(ctx)
			})
			tick(ctx)
			g.Cancel()
			return sleepsLong(ctx)
		}, []error{late}},
		{"of a task that failed before", func(ctx context.Context, g *task.Group) error {
			g.Go(failsAfter(0, errTest))
			err := sleepsLong(ctx)
			g.Cancel() // the group shuts down already
			check.Equal(t, "requests", task.Current(ctx).Cancelling(), 1)
			return err
		}, []error{errTest}},
		{"of a panic", func(ctx context.Context, g *task.Group) error {
			g.Cancel()
			panic(errBody)
		}, []error{errBody}},
	} {
		t.Run(test.name, func(t *testing.T) {
			onBothStarts(t, func(t *testing.T, ctx context.Context) {
				isGroupOf(t, task.WithGroup(ctx, test.body), test.want...)
				isUncancelled(t, ctx)
			})
		})
	}
}

// What the table says is what CPython does, to the letter: while the group waits for
// its tasks, it takes any cancellation for its own. The request stays counted.
func TestGroupCancelTogetherWithACancellationFromOutside(t *testing.T) {
	const (
		raised = "comes out of the group"
		later  = "comes with the next await"
		lost   = "is only counted"
	)
	atOnce := func(_ context.Context, both func()) error {
		both()
		return nil
	}
	inBody := func(ctx context.Context, both func()) error {
		loop.Running(ctx).CallSoon(both)
		return sleepsLong(ctx)
	}
	inExit := func(ctx context.Context, both func()) error {
		loop.Running(ctx).CallLater(time.Second, both)
		return nil
	}
	for _, test := range []struct {
		name  string
		body  func(ctx context.Context, both func()) error
		tasks int
		want  string
	}{
		{"the body waits", inBody, 0, raised},
		{"the body waits, with tasks", inBody, 1, raised},
		{"the body does not wait", atOnce, 0, later},
		{"the body does not wait, with tasks", atOnce, 1, lost},
		{"the group waits for tasks", inExit, 1, lost},
	} {
		for _, groupFirst := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, the group first=%t", test.name, groupFirst), func(t *testing.T) {
				runTest(t, func(ctx context.Context) {
					var children []*task.Task[struct{}]
					var got string
					parent := task.Go(ctx, func(ctx context.Context) error {
						me := task.Current(ctx)
						err := task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
							for range test.tasks {
								children = append(children, g.Go(sleepsLong))
							}
							return test.body(ctx, func() {
								if groupFirst {
									g.Cancel()
								}
								me.Cancel("from outside")
								g.Cancel()
							})
						})
						check.Equal(t, "requests left", me.Cancelling(), 1)
						if err != nil {
							message := "from outside"
							if groupFirst {
								message = ""
							}
							check.Cancelled(t, err, message)
							got = raised
							return err
						}
						if got = lost; task.Yield(ctx) != nil {
							got = later
						}
						return nil
					})
					_ = parent.Join(ctx)
					check.Equal(t, "the cancellation", got, test.want)
					check.Equal(t, "cancelled", parent.Cancelled(), test.want == raised)
					allCancelled(t, children)
				})
			})
		}
	}
}

func TestGroupCancelBeforeACancellationFromOutside(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		parent := task.Go(ctx, func(ctx context.Context) error {
			return task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
				g.Cancel()
				check.Cancelled(t, sleepsLong(ctx), "")
				return sleepsLong(ctx) // the clean-up is what is cancelled
			})
		})
		check.NoError(t, task.Sleep(ctx, time.Second))
		check.Equal(t, "Cancel", parent.Cancel("from outside"), true)
		check.Cancelled(t, parent.Join(ctx), "from outside")
		check.Equal(t, "requests left", parent.Cancelling(), 1)
	})
}

// A task that has swallowed a cancellation, and not taken the request back, cannot
// tell the group's from that one.
func TestGroupCancelInATaskThatOwesACancellation(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		parent := task.Go(ctx, func(ctx context.Context) error {
			task.Current(ctx).Cancel()
			check.Cancelled(t, task.Yield(ctx), "")
			return task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
				g.Cancel()
				return sleepsLong(ctx)
			})
		})
		check.Cancelled(t, parent.Join(ctx), "")
		check.Equal(t, "requests left", parent.Cancelling(), 1)
	})
}

func TestGroupCancelOfNestedGroups(t *testing.T) {
	// nested runs a group in a group, with a task each. In the body of the inner one,
	// it calls cancel and then waits.
	nested := func(ctx context.Context, cancel func(outer, inner *task.Group), after func(err error) error) (tasks []*task.Task[struct{}], err error) {
		err = task.WithGroup(ctx, func(ctx context.Context, outer *task.Group) error {
			tasks = append(tasks, outer.Go(sleepsFor(time.Minute)))
			err := task.WithGroup(ctx, func(ctx context.Context, inner *task.Group) error {
				tasks = append(tasks, inner.Go(sleepsFor(time.Minute)))
				tick(ctx)
				cancel(outer, inner)
				return sleepsLong(ctx)
			})
			return after(err)
		})
		return tasks, err
	}
	cancelled := func(tasks []*task.Task[struct{}]) (all []bool) {
		for _, tk := range tasks {
			all = append(all, tk.Cancelled())
		}
		return all
	}
	t.Run("the inner one", func(t *testing.T) {
		onBothStarts(t, func(t *testing.T, ctx context.Context) {
			tasks, err := nested(ctx, func(_, inner *task.Group) { inner.Cancel() }, func(err error) error {
				check.NoError(t, err)
				check.Equal(t, "time of the inner group", elapsed(ctx), time.Duration(0))
				isUncancelled(t, ctx)
				return nil
			})
			check.NoError(t, err)
			check.Equal(t, "cancelled", cancelled(tasks), []bool{false, true})
			check.Equal(t, "time", elapsed(ctx), time.Minute)
			isUncancelled(t, ctx)
		})
	})
	t.Run("the outer one", func(t *testing.T) {
		onBothStarts(t, func(t *testing.T, ctx context.Context) {
			tasks, err := nested(ctx, func(outer, _ *task.Group) { outer.Cancel() }, func(err error) error {
				check.Cancelled(t, err, "")
				check.Equal(t, "requests after the inner group", task.Current(ctx).Cancelling(), 1)
				return err
			})
			check.NoError(t, err)
			check.Equal(t, "cancelled", cancelled(tasks), []bool{true, true})
			check.Equal(t, "time", elapsed(ctx), time.Duration(0))
			isUncancelled(t, ctx)
		})
	})
	t.Run("both", func(t *testing.T) {
		onBothStarts(t, func(t *testing.T, ctx context.Context) {
			tasks, err := nested(ctx, func(outer, inner *task.Group) {
				outer.Cancel()
				inner.Cancel()
				check.Equal(t, "requests", task.Current(ctx).Cancelling(), 2)
			}, func(err error) error {
				check.Cancelled(t, err, "") // the inner group has taken back only its own
				check.Equal(t, "requests after the inner group", task.Current(ctx).Cancelling(), 1)
				return err
			})
			check.NoError(t, err)
			check.Equal(t, "cancelled", cancelled(tasks), []bool{true, true})
			isUncancelled(t, ctx)
		})
	})
	t.Run("the outer one by a task of the inner one", func(t *testing.T) {
		onBothStarts(t, func(t *testing.T, ctx context.Context) {
			check.NoError(t, task.WithGroup(ctx, func(ctx context.Context, outer *task.Group) error {
				return task.WithGroup(ctx, func(ctx context.Context, inner *task.Group) error {
					inner.Go(func(ctx context.Context) error {
						tick(ctx)
						outer.Cancel()
						return sleepsLong(ctx)
					})
					return nil
				})
			}))
			check.Equal(t, "time", elapsed(ctx), time.Duration(0))
			isUncancelled(t, ctx)
		})
	})
	t.Run("the outer one, and an inner task fails", func(t *testing.T) {
		onBothStarts(t, func(t *testing.T, ctx context.Context) {
			err := task.WithGroup(ctx, func(ctx context.Context, outer *task.Group) error {
				return task.WithGroup(ctx, func(ctx context.Context, inner *task.Group) error {
					inner.Go(failsWhenCancelled(errTest))
					tick(ctx)
					outer.Cancel()
					return sleepsLong(ctx)
				})
			})
			isGroupOf(t, err, errTest)
			isGroupOf(t, errors.Unwrap(wrapFirst(err)), errTest)
			isUncancelled(t, ctx)
		})
	})
}

// sleepsFor makes a coroutine without a result that sleeps.
func sleepsFor(d time.Duration) func(ctx context.Context) error {
	return failsAfter(d, nil)
}

func TestGroupCancelInsideOfATimeout(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		check.NoError(t, task.WithTimeout(ctx, time.Hour, func(ctx context.Context) error {
			return task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
				g.Go(sleepsLong)
				tick(ctx)
				g.Cancel()
				return sleepsLong(ctx)
			})
		}))
		check.Equal(t, "time", elapsed(ctx), time.Duration(0))
		isUncancelled(t, ctx)
	})
}

func TestGroupCancelAroundATimeout(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		timeout := task.NewTimeout(ctx, time.Hour)
		check.NoError(t, task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
			return timeout.Run(ctx, func(ctx context.Context) error {
				g.Cancel()
				err := sleepsLong(ctx)
				check.Cancelled(t, err, "")
				return err
			})
		}))
		check.Equal(t, "expired", timeout.Expired(), false)
		isUncancelled(t, ctx)
	})
}
