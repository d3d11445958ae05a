package task_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// errBody is what the bodies of groups and timeouts fail with.
var errBody = errors.New("error of the body")

// isGroupOf checks that err is an ExceptionGroup of exactly these errors.
func isGroupOf(t testing.TB, err error, members ...error) {
	t.Helper()
	group, ok := err.(*task.ExceptionGroup)
	if !ok {
		t.Errorf("got error %v, want an ExceptionGroup of %v", err, members)
		return
	}
	if len(group.Errors) != len(members) {
		t.Errorf("got %d errors in %v, want %v", len(group.Errors), err, members)
		return
	}
	for i, member := range members {
		if !errors.Is(group.Errors[i], member) {
			t.Errorf("error %d of %v is not %v", i, err, member)
		}
	}
}

// failsWhenCancelled makes a coroutine that turns its cancellation into failure.
func failsWhenCancelled(failure error) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		if err := task.Sleep(ctx, time.Hour); future.IsCancelled(err) {
			return failure
		}
		return nil
	}
}

func sleepsLong(ctx context.Context) error { return task.Sleep(ctx, time.Hour) }

// failsAfter makes a coroutine without a result that sleeps and then fails.
func failsAfter(d time.Duration, failure error) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		if err := task.Sleep(ctx, d); err != nil {
			return err
		}
		return failure
	}
}

func allCancelled(t testing.TB, children []*task.Task[struct{}]) {
	t.Helper()
	for _, child := range children {
		check.Equal(t, fmt.Sprintf("%v is cancelled", child), child.Cancelled(), true)
	}
}

func TestGroupWaitsForItsTasks(t *testing.T) {
	onBothStarts(t, func(t *testing.T, ctx context.Context) {
		var a, b, c *task.Task[int]
		err := task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
			a = task.CreateIn(g, returns(2*time.Second, 42))
			b = task.CreateIn(g, returns(0, 11))
			check.NoError(t, task.Sleep(ctx, time.Second))
			c = task.CreateIn(g, returns(3*time.Second, 7)) // later, but as long as the body runs
			return nil
		})
		check.NoError(t, err)
		check.Equal(t, "time", elapsed(ctx), 4*time.Second)
		gives(t, ctx, a, 42)
		gives(t, ctx, b, 11)
		gives(t, ctx, c, 7)
	})
}

func TestGroupTakesACancelledTaskForNoError(t *testing.T) {
	onBothStarts(t, func(t *testing.T, ctx context.Context) {
		var cancelled *task.Task[struct{}]
		var other *task.Task[int]
		err := task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
			cancelled = g.Go(sleepsLong)
			other = task.CreateIn(g, returns(time.Second, 11))
			tick(ctx)
			cancelled.Cancel()
			return nil
		})
		check.NoError(t, err)
		check.Equal(t, "cancelled", cancelled.Cancelled(), true)
		gives(t, ctx, other, 11)
	})
}

func TestGroupIsCancelledByAFailingTask(t *testing.T) {
	onBothStarts(t, func(t *testing.T, ctx context.Context) {
		var sibling *task.Task[struct{}]
		var body error
		err := task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
			sibling = g.Go(sleepsLong)
			g.Go(failsAfter(time.Second, errTest))
			body = task.Sleep(ctx, time.Hour)
			return body
		})
		isGroupOf(t, err, errTest)
		check.Is(t, err, errTest, "unhandled errors in a TaskGroup (1 sub-exception)")
		check.Cancelled(t, body, "")
		check.Equal(t, "sibling cancelled", sibling.Cancelled(), true)
		check.Equal(t, "time", elapsed(ctx), time.Second)
		check.Equal(t, "requests left", task.Current(ctx).Cancelling(), 0)
	})
}

func TestGroupOfACancelledTask(t *testing.T) {
	type body func(t *testing.T, ctx context.Context, g *task.Group) error
	var created []*task.Task[struct{}]
	children := func(fn func(ctx context.Context) error, then func(ctx context.Context) error) body {
		return func(t *testing.T, ctx context.Context, g *task.Group) error {
			for range 5 {
				created = append(created, g.Go(fn))
			}
			return then(ctx)
		}
	}
	returnsAtOnce := func(context.Context) error { return nil }
	cleansUp := func(ctx context.Context) error {
		err := task.Sleep(ctx, time.Hour)
		_ = task.Sleep(ctx, time.Second)
		return err
	}
	five := []error{errTest, errTest, errTest, errTest, errTest}
	tests := []struct {
		name string
		body body
		want []error // nil: a cancellation
	}{
		{"in its exit", children(sleepsLong, returnsAtOnce), nil},
		{"in its body", children(sleepsLong, sleepsLong), nil},
		{"in its exit, tasks fail", children(failsWhenCancelled(errTest), returnsAtOnce), five},
		{"in its body, tasks fail", children(failsWhenCancelled(errTest), sleepsLong), five},
		{"tasks fail while the body cleans up", children(failsWhenCancelled(errTest), cleansUp), five},
		{"without tasks", func(_ *testing.T, ctx context.Context, _ *task.Group) error { return sleepsLong(ctx) }, nil},
		{"without tasks, the body fails", func(_ *testing.T, ctx context.Context, _ *task.Group) error {
			return failsWhenCancelled(errBody)(ctx)
		}, []error{errBody}},
		{"tasks fail, then the body", func(t *testing.T, ctx context.Context, g *task.Group) error {
			g.Go(failsWhenCancelled(errTest))
			_ = task.Sleep(ctx, time.Hour)
			check.NoError(t, task.Sleep(ctx, time.Second))
			return errBody
		}, []error{errTest, errBody}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			onBothStarts(t, func(t *testing.T, ctx context.Context) {
				created = nil
				before := len(task.All(ctx))
				parent := task.Go(ctx, func(ctx context.Context) error {
					err := task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error { return test.body(t, ctx, g) })
					check.Equal(t, "tasks of the group left", len(task.All(ctx)), before+1)
					return err
				})
				ticks(ctx, 3)
				parent.Cancel()
				err := second(parent.Await(ctx))
				if test.want == nil {
					check.Cancelled(t, err, "")
					check.Equal(t, "cancelled", parent.Cancelled(), true)
					allCancelled(t, created)
				} else {
					isGroupOf(t, err, test.want...)
				}
			})
		})
	}
}

func TestGroupWhoseTaskFailsWhileTheCancelledBodyCleansUp(t *testing.T) {
	group := func(ctx context.Context) error {
		return task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
			g.Go(failsAfter(time.Second, errTest))
			err := task.Sleep(ctx, time.Hour)
			check.Cancelled(t, task.Sleep(ctx, time.Minute), "") // by the failure
			return err
		})
	}
	inATask := func(ctx context.Context) error { return second(task.Go(ctx, group).Await(ctx)) }
	for name, main := range map[string]func(ctx context.Context) error{"in the task": group, "in a task that it awaits": inATask} {
		t.Run(name, func(t *testing.T) {
			runTest(t, func(ctx context.Context) {
				outer := task.Go(ctx, main)
				check.NoError(t, task.Sleep(ctx, 800*time.Millisecond))
				outer.Cancel()
				isGroupOf(t, second(outer.Await(ctx)), errTest)
				check.Equal(t, "time", elapsed(ctx), time.Second)
			})
		})
	}
}

func TestGroupWhoseBodyFails(t *testing.T) {
	tests := []struct {
		name  string
		wait  time.Duration
		begun bool
	}{{"before any await", -1, false}, {"after an await", time.Second, true}}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			runTest(t, func(ctx context.Context) {
				begun := false
				var children []*task.Task[struct{}]
				err := task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
					for range 2 {
						children = append(children, g.Go(func(ctx context.Context) error {
							begun = true
							return sleepsLong(ctx)
						}))
					}
					if test.wait > 0 {
						check.NoError(t, task.Sleep(ctx, test.wait))
					}
					return errBody
				})
				isGroupOf(t, err, errBody)
				allCancelled(t, children)
				check.Equal(t, "the tasks have begun", begun, test.begun)
			})
		})
	}
}

func TestGroupErrorsComeInTheOrderOfTheirEndsAndTheBodyLast(t *testing.T) {
	late := errors.New("late")
	onBothStarts(t, func(t *testing.T, ctx context.Context) {
		err := task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
			g.Go(func(ctx context.Context) error {
				_ = task.Sleep(ctx, time.Hour)
				check.NoError(t, task.Sleep(ctx, time.Second))
				return late
			})
			g.Go(failsAfter(time.Second, errTest))
			if err := task.Sleep(ctx, time.Hour); err != nil {
				return errBody
			}
			return nil
		})
		isGroupOf(t, err, errTest, late, errBody)
		check.Equal(t, "requests left", task.Current(ctx).Cancelling(), 0)
	})
}

func TestGroupWhoseBodySwallowsTheCancellationGoesOn(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		err := task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
			g.Go(failsAfter(0, errTest))
			check.Cancelled(t, task.Sleep(ctx, time.Hour), "")
			check.NoError(t, task.Sleep(ctx, time.Minute))
			return nil
		})
		isGroupOf(t, err, errTest)
		check.Equal(t, "time", elapsed(ctx), time.Minute)
	})
}

func TestGroupBodyThatAwaitsTheFailingTaskIsCancelled(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		err := task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
			child := g.Go(failsAfter(0, errTest))
			err := second(child.Await(ctx))
			check.Cancelled(t, err, "")
			return err
		})
		isGroupOf(t, err, errTest)
	})
}

// A fatal error is not for groups to keep.
func TestGroupReturnsAFatalErrorOfItsBodyBare(t *testing.T) {
	l := newTestLoop(t)
	var inside error
	_, err := task.RunUntilComplete(l, task.Void(func(ctx context.Context) error {
		inside = task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
			g.Go(failsAfter(0, errTest))
			if err := task.Sleep(ctx, time.Hour); err != nil {
				return loop.ErrKeyboardInterrupt
			}
			return nil
		})
		return inside
	}))
	check.Equal(t, "error of the group", inside, loop.ErrKeyboardInterrupt)
	check.Equal(t, "error of the run", err, loop.ErrKeyboardInterrupt)
}

func TestGroupTakesAPanicForAnError(t *testing.T) {
	tests := []struct {
		name string
		body func(ctx context.Context, g *task.Group) error
	}{
		{"of the body", func(context.Context, *task.Group) error { panic(errTest) }},
		{"of a task", func(ctx context.Context, g *task.Group) error {
			g.Go(func(context.Context) error { panic(errTest) })
			return sleepsLong(ctx)
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			runTest(t, func(ctx context.Context) {
				var sibling *task.Task[struct{}]
				err := task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
					sibling = g.Go(sleepsLong)
					return test.body(ctx, g)
				})
				isGroupOf(t, err, errTest)
				var p *task.PanicError
				if !errors.As(err, &p) || !strings.Contains(string(p.Stack), "group_test.go") {
					t.Errorf("got %v, want a PanicError with the stack", err)
				}
				check.Equal(t, "sibling cancelled", sibling.Cancelled(), true)
			})
		})
	}
}

func TestGroupWhoseBodyEndsItsGoroutineEndsItsTasks(t *testing.T) {
	l := newTestLoop(t)
	check.Collect(l)
	var child *task.Task[struct{}]
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = task.RunUntilComplete(l, task.Void(func(ctx context.Context) error {
			return task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
				child = g.Go(sleepsLong)
				tick(ctx)
				runtime.Goexit()
				return nil
			})
		}))
		t.Error("RunUntilComplete returned")
	}()
	<-ended
	check.Equal(t, "task cancelled", child.Cancelled(), true)
}

func TestGroupNesting(t *testing.T) {
	t.Run("the parent is cancelled and the inner tasks fail", func(t *testing.T) {
		runTest(t, func(ctx context.Context) {
			for _, own := range []bool{false, true} {
				var sibling *task.Task[struct{}]
				parent := task.Go(ctx, func(ctx context.Context) error {
					return task.WithGroup(ctx, func(ctx context.Context, outer *task.Group) error {
						if own {
							sibling = outer.Go(sleepsLong)
						}
						return task.WithGroup(ctx, func(ctx context.Context, inner *task.Group) error {
							inner.Go(failsWhenCancelled(errTest))
							inner.Go(failsWhenCancelled(errTest))
							return sleepsLong(ctx)
						})
					})
				})
				ticks(ctx, 3)
				parent.Cancel()
				err := second(parent.Await(ctx))
				isGroupOf(t, err, errTest)
				isGroupOf(t, errors.Unwrap(wrapFirst(err)), errTest, errTest)
				check.Equal(t, "sibling cancelled", sibling == nil || sibling.Cancelled(), true)
			}
		})
	})
	t.Run("an outer task fails while the inner group waits: the inner one adds nothing", func(t *testing.T) {
		runTest(t, func(ctx context.Context) {
			err := task.WithGroup(ctx, func(ctx context.Context, outer *task.Group) error {
				outer.Go(failsAfter(time.Second, errTest))
				return task.WithGroup(ctx, func(ctx context.Context, inner *task.Group) error {
					inner.Go(sleepsLong)
					return nil
				})
			})
			isGroupOf(t, err, errTest)
			check.Equal(t, "the member itself", err.(*task.ExceptionGroup).Errors[0], errTest)
			check.Equal(t, "time", elapsed(ctx), time.Second)
		})
	})
	t.Run("an inner task fails: its group is an error of the outer body", func(t *testing.T) {
		runTest(t, func(ctx context.Context) {
			var sibling *task.Task[struct{}]
			err := task.WithGroup(ctx, func(ctx context.Context, outer *task.Group) error {
				sibling = outer.Go(sleepsLong)
				return task.WithGroup(ctx, func(ctx context.Context, inner *task.Group) error {
					inner.Go(failsAfter(time.Second, errTest))
					return sleepsLong(ctx)
				})
			})
			isGroupOf(t, err, errTest)
			isGroupOf(t, errors.Unwrap(wrapFirst(err)), errTest)
			check.Equal(t, "sibling cancelled", sibling.Cancelled(), true)
		})
	})
}

// wrapFirst wraps the first error of a group, if it is one.
func wrapFirst(err error) error {
	group, ok := err.(*task.ExceptionGroup)
	if !ok {
		return nil
	}
	return fmt.Errorf("%w", group.Errors[0])
}

func TestGroupsThatFailTogetherKeepTheCountOfRequests(t *testing.T) {
	innerErr := errors.New("inner")
	runTest(t, func(ctx context.Context) {
		me := task.Current(ctx)
		err := task.WithGroup(ctx, func(ctx context.Context, outer *task.Group) error {
			outer.Go(failsAfter(0, errTest))
			err := task.WithGroup(ctx, func(ctx context.Context, inner *task.Group) error {
				inner.Go(failsAfter(0, innerErr))
				return sleepsLong(ctx)
			})
			isGroupOf(t, err, innerErr)
			check.Equal(t, "requests of the outer group", me.Cancelling(), 1)
			return nil
		})
		isGroupOf(t, err, errTest)
		check.Equal(t, "requests left", me.Cancelling(), 0)
		tick(ctx)
	})
}

func TestGroupErrorComesBeforeACancellationFromOutside(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		var after error
		parent := task.Go(ctx, func(ctx context.Context) error {
			me := task.Current(ctx)
			err := task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
				g.Go(func(context.Context) error {
					me.Cancel("from outside")
					return errTest
				})
				return sleepsLong(ctx)
			})
			isGroupOf(t, err, errTest)
			check.Equal(t, "requests after the group", me.Cancelling(), 1)
			after = task.Yield(ctx)
			check.Equal(t, "requests after the cancellation", me.Cancelling(), 1)
			return after
		})
		check.Cancelled(t, second(parent.Await(ctx)), "")
		check.Cancelled(t, after, "")
		check.Equal(t, "cancelled", parent.Cancelled(), true)
	})
}

func TestGroupLetsGoOfFinishedTasks(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		group := task.NewGroup()
		check.Equal(t, "group", group.String(), "<Group>")
		check.NoError(t, group.Run(ctx, func(ctx context.Context, g *task.Group) error {
			check.Equal(t, "group", g.String(), "<Group entered>")
			for i := range 5 {
				g.Go(failsAfter(time.Duration(i+1)*time.Second, nil))
			}
			for _, want := range []string{"<Group tasks=5 entered>", "<Group tasks=4 entered>", "<Group tasks=3 entered>"} {
				check.Equal(t, "group", g.String(), want)
				check.NoError(t, task.Sleep(ctx, 1001*time.Millisecond))
			}
			return nil
		}))
		check.Equal(t, "group", group.String(), "<Group entered>")
	})
}

func TestGroupStringTellsThatItIsShuttingDown(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		err := task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
			g.Go(failsAfter(0, errTest))
			g.Go(func(ctx context.Context) error {
				_ = sleepsLong(ctx)
				return task.Sleep(ctx, time.Second)
			})
			err := sleepsLong(ctx)
			check.Equal(t, "group", g.String(), "<Group tasks=1 errors=1 cancelling>")
			return err
		})
		isGroupOf(t, err, errTest)
	})
}

func TestGroupTasksMayCreateMore(t *testing.T) {
	onBothStarts(t, func(t *testing.T, ctx context.Context) {
		n := 0
		check.NoError(t, task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
			var spawn func(depth int) func(ctx context.Context) error
			spawn = func(depth int) func(ctx context.Context) error {
				return func(ctx context.Context) error {
					n++
					if err := task.Sleep(ctx, time.Second); err != nil || depth == 0 {
						return err
					}
					g.Go(spawn(depth - 1))
					g.Go(spawn(depth - 1))
					return nil
				}
			}
			g.Go(spawn(3))
			return nil // the exit waits already when they create more
		}))
		check.Equal(t, "tasks run", n, 15)
	})
}

func TestGroupEndsThoughItsTasksTryToCreateMore(t *testing.T) {
	onBothStarts(t, func(t *testing.T, ctx context.Context) {
		refused := 0
		err := task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
			var spawn func(ctx context.Context) error
			spawn = func(ctx context.Context) error {
				_ = task.Sleep(ctx, time.Second)
				if child := g.Go(spawn); child.Done() && errors.Is(child.Err(), task.ErrGroupClosed) {
					refused++
				}
				return nil
			}
			g.Go(spawn)
			g.Go(failsAfter(2500*time.Millisecond, errTest))
			return nil
		})
		isGroupOf(t, err, errTest)
		check.Equal(t, "refused", refused, 1)
	})
}

// Before Group.Cancel, a group was ended early by a task that fails on purpose.
func TestGroupThatIsTerminatedByATaskThatFailsOnPurpose(t *testing.T) {
	errTerminate := errors.New("terminate the group")
	onBothStarts(t, func(t *testing.T, ctx context.Context) {
		var done, cut *task.Task[struct{}]
		err := task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
			done = g.Go(failsAfter(500*time.Millisecond, nil))
			cut = g.Go(failsAfter(1500*time.Millisecond, nil))
			check.NoError(t, task.Sleep(ctx, time.Second))
			g.Go(func(context.Context) error { return errTerminate })
			return nil
		})
		isGroupOf(t, err, errTerminate)
		terminated, err := task.Except(err, func(err error) bool { return errors.Is(err, errTerminate) })
		isGroupOf(t, terminated, errTerminate)
		check.NoError(t, err)
		check.Equal(t, "time", elapsed(ctx), time.Second)
		check.NoError(t, done.Err())
		check.Equal(t, "cancelled", []bool{done.Cancelled(), cut.Cancelled()}, []bool{false, true})
		isUncancelled(t, ctx)
	})
}

func TestGroupTaskOptions(t *testing.T) {
	type key struct{}
	onBothStarts(t, func(t *testing.T, ctx context.Context) {
		var seen []any
		check.NoError(t, task.WithGroup(context.WithValue(ctx, key{}, "inherited"), func(ctx context.Context, g *task.Group) error {
			check.Equal(t, "name", g.Go(func(ctx context.Context) error {
				seen = append(seen, task.Current(ctx).Name(), ctx.Value(key{}))
				return nil
			}, task.Name("yolo")).Name(), "yolo")
			g.Go(func(ctx context.Context) error {
				seen = append(seen, ctx.Value(key{}))
				return nil
			}, task.InContext(context.WithValue(ctx, key{}, "chosen")))
			return nil
		}))
		check.Equal(t, "seen", seen, []any{"yolo", "inherited", "chosen"})
	})
}

// never is what a group must not call.
func never(context.Context) error { panic("a refused coroutine was called") }

// shuttingDown are the ways in which a group comes to shut down.
var shuttingDown = []struct {
	name  string
	begin func(g *task.Group)
	want  []error // of the group
}{
	{"because a task has failed", func(g *task.Group) { g.Go(failsAfter(0, errTest)) }, []error{errTest}},
	{"because it was cancelled", func(g *task.Group) { g.Cancel() }, nil},
}

// onShuttingDown runs a test with a group that is shutting down: body is called when
// the body of the group has been cancelled, and a task of it is still there.
func onShuttingDown(t *testing.T, body func(t *testing.T, ctx context.Context, g *task.Group)) {
	t.Helper()
	for _, down := range shuttingDown {
		t.Run(down.name, func(t *testing.T) {
			onBothStarts(t, func(t *testing.T, ctx context.Context) {
				err := task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
					g.Go(func(ctx context.Context) error { // cleans up for a second
						check.Cancelled(t, sleepsLong(ctx), "")
						return task.Sleep(ctx, time.Second)
					})
					tick(ctx)
					down.begin(g)
					err := sleepsLong(ctx)
					check.Cancelled(t, err, "")
					body(t, ctx, g)
					return err
				})
				if down.want == nil {
					check.NoError(t, err)
				} else {
					isGroupOf(t, err, down.want...)
				}
				check.Equal(t, "time", elapsed(ctx), time.Second)
			})
		})
	}
}

func TestGroupThatShutsDownRefusesTasks(t *testing.T) {
	onShuttingDown(t, func(t *testing.T, ctx context.Context, g *task.Group) {
		all := len(task.All(ctx))
		for name, child := range map[string]*task.Task[struct{}]{
			"Go":           g.Go(never),
			"CreateIn":     task.CreateIn(g, task.Void(never)),
			"eager":        g.Go(never, task.Eager()),
			"in a context": g.Go(never, task.InContext(context.Background())),
		} {
			check.Equal(t, name+": done", child.Done(), true)
			check.Equal(t, name+": cancelled", child.Cancelled(), false)
			check.Is(t, child.Err(), task.ErrGroupClosed, "task: <Group", "is shutting down")
			check.Is(t, second(child.Result()), task.ErrGroupClosed)
			check.Is(t, second(child.Await(ctx)), task.ErrGroupClosed)
			check.Is(t, child.Join(ctx), task.ErrGroupClosed)
			check.Equal(t, name+": Cancel", child.Cancel(), false)
			check.Equal(t, name+": error of its context", child.Context().Err(), context.Canceled)
			check.Equal(t, name+": loop", child.Loop(), loop.Running(ctx))
			check.Equal(t, name+": coroutine", child.Coroutine() == nil, true)
			check.Equal(t, name+": stack", len(child.Stack()), 0)
		}
		check.Equal(t, "tasks", len(task.All(ctx)), all)
		v, err := task.CreateIn(g, returns(0, 42)).Await(ctx)
		check.Is(t, err, task.ErrGroupClosed)
		check.Equal(t, "result", v, 0)
	})
}

func TestGroupThatShutsDownGivesRefusedTasksTheirNames(t *testing.T) {
	onShuttingDown(t, func(t *testing.T, ctx context.Context, g *task.Group) {
		number := func() (n int) {
			created := task.Go(ctx, task.Yield)
			if _, err := fmt.Sscanf(created.Name(), "Task-%d", &n); err != nil {
				t.Errorf("%q is no default name", created.Name())
			}
			return n
		}
		before := number()
		named := g.Go(never, task.Name("late"))
		check.Equal(t, "name", named.Name(), "late")
		check.Equal(t, "name without one", g.Go(never).Name(), "")
		check.Equal(t, "description", named.String(), `<Task finished name='late' exception="`+named.Err().Error()+`">`)
		named.SetName("too late")
		check.Equal(t, "new name", named.Name(), "too late")
		check.Equal(t, "default names used up", number(), before+1)
		tick(ctx)
	})
}

// Whoever creates the task may look at its error, and need not: a report would fail the test.
func TestGroupThatShutsDownReportsNoRefusedTask(t *testing.T) {
	onShuttingDown(t, func(t *testing.T, ctx context.Context, g *task.Group) {
		for range 3 {
			g.Go(never)
		}
		check.Equal(t, "retrieved", g.Go(never).Retrieved(), true)
	})
}

// A refused task is a future like others that have failed.
func TestGroupThatShutsDownLetsRefusedTasksBeAwaitedInEveryWay(t *testing.T) {
	onShuttingDown(t, func(t *testing.T, ctx context.Context, g *task.Group) {
		refused := g.Go(never)
		called := countCallbacks(refused)
		check.Equal(t, "callbacks at once", *called, 0)
		tick(ctx)
		check.Equal(t, "callbacks", *called, 1)
		check.Is(t, second(task.Gather(ctx, refused, task.Go(ctx, task.Yield)).Await(ctx)), task.ErrGroupClosed)
		check.Is(t, second(task.Shield(ctx, refused).Await(ctx)), task.ErrGroupClosed)
		check.Is(t, second(task.WaitFor(ctx, refused, time.Second)), task.ErrGroupClosed)
		done, pending, err := task.Wait(ctx, []task.Any{refused})
		check.NoError(t, err)
		check.Equal(t, "done and pending", []int{len(done), len(pending)}, []int{1, 0})
		check.Equal(t, "graph", shape(task.CaptureCallGraph(refused)), "")
	})
}

func TestGroupThatShutsDownAsksNoFactory(t *testing.T) {
	for _, down := range shuttingDown {
		t.Run(down.name, func(t *testing.T) {
			runTest(t, func(ctx context.Context) {
				asked := 0
				task.SetFactory(loop.Running(ctx), func(_ *loop.Loop, s task.Settings) task.Settings {
					asked++
					return s
				})
				_ = task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
					down.begin(g)
					err := sleepsLong(ctx)
					before := asked
					check.Is(t, g.Go(never).Err(), task.ErrGroupClosed)
					check.Equal(t, "questions", asked, before)
					return err
				})
			})
		})
	}
}

func TestGroupMisusePanics(t *testing.T) {
	refused := func(t *testing.T, g *task.Group, rule string) {
		t.Helper()
		for _, create := range []func(){func() { g.Go(never) }, func() { task.CreateIn(g, neverRun) }} {
			check.Is(t, check.Panics(t, create), task.ErrGroupClosed, "task: <Group", rule)
		}
	}
	t.Run("before it is entered", func(t *testing.T) {
		refused(t, task.NewGroup(), "has not been entered")
		refused(t, new(task.Group), "has not been entered")
		cancelled := task.NewGroup()
		cancelled.Cancel()
		refused(t, cancelled, "has not been entered")
	})
	t.Run("after its end", func(t *testing.T) {
		runTest(t, func(ctx context.Context) {
			g := task.NewGroup()
			check.NoError(t, g.Run(ctx, func(context.Context, *task.Group) error { return nil }))
			refused(t, g, "is finished")
			g.Cancel()
			refused(t, g, "is finished")
		})
	})
	t.Run("after its end with an error", func(t *testing.T) {
		runTest(t, func(ctx context.Context) {
			g := task.NewGroup()
			isGroupOf(t, g.Run(ctx, func(context.Context, *task.Group) error { return errBody }), errBody)
			refused(t, g, "is finished")
		})
	})
	t.Run("when its body and its tasks are over", func(t *testing.T) {
		runTest(t, func(ctx context.Context) {
			called := false
			check.NoError(t, task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
				g.Go(sleepsLong).AddDoneCallback(func() { // the group has seen the end before
					called = true
					refused(t, g, "is finished")
				})
				return nil
			}))
			check.Equal(t, "called", called, true)
		})
	})
	t.Run("in a task of another group", func(t *testing.T) { // whose error the panic is
		runTest(t, func(ctx context.Context) {
			isGroupOf(t, task.WithGroup(ctx, func(_ context.Context, g *task.Group) error {
				g.Go(func(context.Context) error {
					task.NewGroup().Go(never)
					return nil
				})
				return nil
			}), task.ErrGroupClosed)
		})
	})
	t.Run("without a coroutine", func(t *testing.T) {
		runTest(t, func(ctx context.Context) {
			check.NoError(t, task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
				check.Is(t, check.Panics(t, func() { g.Go(nil) }), task.ErrNilCoroutine, "Group.Go")
				check.Is(t, check.Panics(t, func() { task.CreateIn[int](g, nil) }), task.ErrNilCoroutine, "CreateIn")
				return nil
			}))
		})
	})
}

func TestGroupIsRunOnce(t *testing.T) {
	never := func(context.Context, *task.Group) error { panic("the body was called") }
	runTest(t, func(ctx context.Context) {
		group := task.NewGroup()
		check.NoError(t, group.Run(ctx, func(ctx context.Context, g *task.Group) error {
			check.Is(t, g.Run(ctx, never), task.ErrGroupEntered, "<Group entered>")
			return nil
		}))
		check.Is(t, group.Run(ctx, never), task.ErrGroupEntered, "<Group")
	})
}

func TestGroupNeedsATaskAndABody(t *testing.T) {
	body := func(context.Context, *task.Group) error { return nil }
	group := task.NewGroup()
	check.Is(t, group.Run(context.Background(), body), future.ErrNoTask, "Group.Run")
	runTest(t, func(ctx context.Context) {
		check.Is(t, group.Run(loop.NewContext(context.Background(), loop.Running(ctx)), body), future.ErrNoTask)
		check.Is(t, group.Run(ctx, nil), loop.ErrNilFunc)
		other := task.Go(ctx, sleepsLong)
		check.Is(t, group.Run(other.Context(), body), task.ErrNotCurrent)
		check.NoError(t, group.Run(ctx, body)) // none of these has entered it
		other.Cancel()
		tick(ctx)
	})
}

func TestGroupCancelsATaskThatIsCreatedByOneThatFails(t *testing.T) {
	onBothStarts(t, func(t *testing.T, ctx context.Context) {
		var nested *task.Task[struct{}]
		err := task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
			g.Go(func(ctx context.Context) error {
				nested = g.Go(func(ctx context.Context) error {
					tick(ctx)
					return sleepsLong(ctx)
				})
				return errTest
			})
			return nil
		})
		isGroupOf(t, err, errTest)
		check.Equal(t, "nested task cancelled", nested.Cancelled(), true)
	})
}

// An eager task that fails has failed before the group knows it.
func TestGroupHearsOfTheEndOfATaskThroughTheLoop(t *testing.T) {
	onBothStarts(t, func(t *testing.T, ctx context.Context) {
		var other *task.Task[struct{}]
		err := task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
			g.Go(func(context.Context) error { return errTest })
			other = g.Go(sleepsLong) // is not refused
			check.Equal(t, "group", g.String(), "<Group tasks=2 entered>")
			check.Equal(t, "requests", task.Current(ctx).Cancelling(), 0)
			return sleepsLong(ctx)
		})
		isGroupOf(t, err, errTest)
		check.Equal(t, "the other one is cancelled", other.Cancelled(), true)
		isUncancelled(t, ctx)
	})
}

func TestGroupLeavesNoCancellationBehind(t *testing.T) {
	onBothStarts(t, func(t *testing.T, ctx context.Context) {
		err := task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
			g.Go(func(context.Context) error { return errTest })
			return nil
		})
		isGroupOf(t, err, errTest)
		check.NoError(t, task.Yield(ctx))
		check.Equal(t, "requests left", task.Current(ctx).Cancelling(), 0)
	})
}

func TestGroupContextEndsWithTheGroup(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		var scope context.Context
		check.NoError(t, task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
			scope = ctx
			check.NoError(t, scope.Err())
			return nil
		}))
		check.Equal(t, "error of the scope", scope.Err(), context.Canceled)
		isGroupOf(t, task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
			g.Go(failsAfter(time.Second, errTest))
			err := sleepsLong(ctx)
			check.Equal(t, "error of the scope", ctx.Err(), context.Canceled) // it has aborted
			return err
		}), errTest)
	})
}

func TestGroupInAContextThatEnds(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		defer loop.Running(ctx).Hold()() // the news comes from a goroutine of package context
		limited, cancel := context.WithCancelCause(ctx)
		loop.Running(ctx).CallSoon(func() { cancel(errBody) })
		var children []*task.Task[struct{}]
		err := task.WithGroup(limited, func(_ context.Context, g *task.Group) error {
			children = append(children, g.Go(sleepsLong), g.Go(sleepsLong))
			return nil
		})
		check.Is(t, err, errBody)
		allCancelled(t, children)
	})
}

func TestGroupCancelsItsTasksOnceThoughMoreFail(t *testing.T) {
	for name, first := range map[string]error{"the body fails first": errTest, "a task fails first": nil} {
		t.Run(name, func(t *testing.T) {
			runTest(t, func(ctx context.Context) {
				requests := 0
				err := task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
					if first == nil {
						g.Go(func(context.Context) error { return errTest })
					}
					g.Go(func(ctx context.Context) error { return errors.Join(sleepsLong(ctx), errTest) })
					g.Go(func(ctx context.Context) error {
						check.Cancelled(t, sleepsLong(ctx), "")
						check.NoError(t, task.Sleep(ctx, time.Second))
						requests = task.Current(ctx).Cancelling()
						return nil
					})
					if first != nil {
						tick(ctx) // so that the tasks have begun
					}
					return first
				})
				check.Is(t, err, errTest)
				check.Equal(t, "requests", requests, 1)
				check.Equal(t, "time", elapsed(ctx), time.Second)
			})
		})
	}
}

func TestGroupWhoseTaskFailsFatallyReturnsThatError(t *testing.T) {
	l := newTestLoop(t)
	var inside error
	main := task.CreateOn(l, task.Coro(func(ctx context.Context) (int, error) {
		inside = task.WithGroup(ctx, func(_ context.Context, g *task.Group) error {
			g.Go(func(context.Context) error { return &loop.SystemExit{Code: 3} })
			return nil
		})
		return 0, nil
	}))
	var exit *loop.SystemExit
	check.Equal(t, "the run ended with it", errors.As(l.RunForever(), &exit), true)
	_, err := task.RunUntilComplete(l, main)
	check.NoError(t, err)
	check.Equal(t, "error of the group", inside, error(exit))
}

func TestGroupReturnsTheFirstOfItsFatalErrors(t *testing.T) {
	l := newTestLoop(t)
	got := check.Collect(l)
	exit := &loop.SystemExit{Code: 3}
	var inside error
	_, err := task.RunUntilComplete(l, task.Void(func(ctx context.Context) error {
		inside = task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
			g.Go(func(ctx context.Context) error {
				if err := sleepsLong(ctx); err != nil {
					return exit
				}
				return nil
			})
			tick(ctx) // so that the task has begun
			return loop.ErrKeyboardInterrupt
		})
		return inside
	}))
	check.Equal(t, "error of the run", err, error(exit)) // the task's, which ended the run
	_, err = task.RunUntilComplete(l, task.Void(func(ctx context.Context) error { return task.Yield(ctx) }))
	check.Equal(t, "error of the next run", err, loop.ErrKeyboardInterrupt)
	check.Equal(t, "error of the group", inside, loop.ErrKeyboardInterrupt)
	check.NoError(t, l.Close())
	check.Equal(t, "reports", got.Messages(), []string{"Task exception was never retrieved"}) // of the first main task
}
