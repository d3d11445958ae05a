package task_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/sync"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// These tests cancel tasks at every place at which that can happen, one place in each run.
// No task may be left then, no timer, no stray cancellation, and no result be lost that is
// not documented as such.

func TestCancelEverywhere(t *testing.T) { check.CancelEverywhere(t, scenarios()) }

func TestStressLosesNothing(t *testing.T) { check.Stress(t, scenarios(), 60*time.Millisecond) }

func TestCancelEverywhereIsEverywhere(t *testing.T) {
	const outside = "it is called outside of tasks and waits there; its task is as one of Create"
	const noWait = "it does not wait"
	check.Covered(t, scenarios(), map[string]string{
		"Call":             outside,
		"Main":             outside,
		"Run":              outside,
		"RunIn":            outside,
		"RunUntilComplete": outside,
		"Runner.Run":       outside,
		"All":              noWait,
		"Current":          noWait,
		"FormatTaskTree":   noWait,
		"InContext":        noWait,
		"NewTimeout":       noWait,
		"Coro":             noWait,
		"Void":             noWait,
		"Receive":          "a goroutine receives for it, when no schedule can say: see TestReceiveLosesNothingWhenItIsCancelled",

		"ShutdownDefaultExecutor": "a goroutine waits for it, until when no schedule can say",
	})
}

type plan = func(ctx context.Context, p *check.Play)

func scenarios() []check.Scenario {
	all := []check.Scenario{
		{Of: []string{"Sleep", "SleepResult", "Yield"}, Play: sleeps},
		{Of: []string{"Shield"}, Play: shields},
		{Of: []string{"Wait"}, Play: waitsForAll},
		{Of: []string{"AsCompleted"}, Play: takesAsCompleted},
		{Of: []string{"ToThread"}, Play: callsInThread("ToThread", task.ToThread[int], false)},
		{Of: []string{"ToThreadUntilDone"}, Play: callsInThread("ToThreadUntilDone", task.ToThreadUntilDone[int], true)},
		{Of: []string{"RunInExecutor"}, Play: callsInThread("RunInExecutor", runInExecutor, false)},
		{Of: []string{"StaggeredRace"}, Play: races, Opts: []tasktest.Option{tasktest.Victims(func(t task.Any) bool { return t.Name() == "parent" })}},
		{Of: []string{"StaggeredRace"}, Play: races, Opts: []tasktest.Option{tasktest.AllowRefusal()}}, // its tasks swallow it, as CPython's
		{Of: []string{"WaitFor"}, Play: cancelsAtOnce},
	}
	add := func(play plan, of ...string) { all = append(all, check.Scenario{Of: of, Play: play}) }
	for name, await := range awaits {
		add(awaitsChild(name, await), name)
	}
	for name, create := range creators {
		add(createsTask(name, create), name)
	}
	for name, gather := range gathers {
		add(gathersChildren(name, gather), name)
	}
	for name, within := range timeouts {
		add(timesOut(name, within), name)
	}
	for name, run := range groups {
		add(groupsChildren(name, run, nil), name, "Group.Go", "CreateIn")
		add(groupsChildren(name, run, errTest), name, "Group.Go", "CreateIn")
	}
	for i := range all {
		all[i].Opts = append(all[i].Opts, tasktest.NoTimersLeft())
	}
	return all
}

// endsWith lets a task wait once more before it ends with err: a request that is still to be
// delivered cancels it then, and nothing else does.
func endsWith(ctx context.Context, p *check.Play, err error) error {
	late := task.Yield(ctx)
	if tk := task.Current(ctx); late != nil && tk.Cancelling() == 0 {
		p.Errorf("%s was cancelled by nobody: %v", tk.Name(), late)
	}
	return cmp.Or(late, err)
}

func sleeps(ctx context.Context, p *check.Play) {
	var tasks []*task.Task[struct{}]
	for i := range 3 {
		tasks = append(tasks, p.Start(ctx, fmt.Sprint("sleeper", i), func(ctx context.Context) error {
			if err := p.Try(ctx, "Yield", task.Yield); err != nil {
				return err
			}
			if err := p.Try(ctx, "Sleep", func(ctx context.Context) error { return task.Sleep(ctx, time.Second) }); err != nil {
				return err
			}
			return p.Try(ctx, "SleepResult", func(ctx context.Context) error {
				v, err := task.SleepResult(ctx, time.Second, 7)
				if err == nil {
					check.Equal(p, "result", v, 7)
				}
				return err
			})
		}))
	}
	for !check.AllDone(tasks) {
		p.Settle(ctx)
		p.Interrupt()
		check.NoError(p, task.Sleep(ctx, time.Second/2))
	}
	p.End(ctx, tasks...)
}

// work starts a task with a result.
func work(ctx context.Context, name string, d time.Duration) *task.Task[string] {
	return task.Create(ctx, func(ctx context.Context) (string, error) {
		if err := task.Sleep(ctx, d); err != nil {
			return "", err
		}
		return name, nil
	}, task.Name(name))
}

// awaits are the ways to wait for a task, which is cancelled with the task that waits.
var awaits = map[string]func(ctx context.Context, child *task.Task[string]) (string, error){
	"Task.Await": func(ctx context.Context, child *task.Task[string]) (string, error) { return child.Await(ctx) },
	"Task.Join": func(ctx context.Context, child *task.Task[string]) (string, error) {
		if err := child.Join(ctx); err != nil {
			return "", err
		}
		return child.Result()
	},
	"Join": func(ctx context.Context, child *task.Task[string]) (string, error) {
		if err := task.Join(ctx, child); err != nil {
			return "", err
		}
		return child.Result()
	},
	"Coroutine.Await": func(ctx context.Context, child *task.Task[string]) (string, error) {
		return task.Coro(child.Await).Await(ctx)
	},
	"WaitFor": func(ctx context.Context, child *task.Task[string]) (string, error) {
		return task.WaitFor(ctx, child, time.Minute)
	},
}

func awaitsChild(operation string, await func(ctx context.Context, child *task.Task[string]) (string, error)) plan {
	return func(ctx context.Context, p *check.Play) {
		child := work(ctx, "child", time.Second)
		parent := p.Start(ctx, "parent", func(ctx context.Context) error {
			err := p.Once(ctx, operation, func(ctx context.Context) error {
				v, err := await(ctx, child)
				if err == nil {
					check.Equal(p, "result", v, "child")
				}
				return err
			})
			if err != nil && task.Current(ctx).Cancelling() > 0 && !child.Done() {
				p.Errorf("it does not wait for the end of the child that it cancels: %v", child)
			}
			return endsWith(ctx, p, err)
		})
		p.Settle(ctx)
		p.Interrupt()
		p.End(ctx, parent)
		if parent.Cancelling() == 0 && child.Cancelling() == 0 && !child.Cancelled() {
			check.NoError(p, parent.Err())
		}
		p.Settle(ctx)
		if !child.Done() && p.Elapsed() > 0 {
			p.Errorf("the child is left: %v", child)
		}
		_, _, err := task.Wait(ctx, []*task.Task[string]{child})
		check.NoError(p, err)
	}
}

// creators are the ways to make a task.
var creators = map[string]func(ctx context.Context, coro task.Coroutine[struct{}]) future.Typed[struct{}]{
	"Create": func(ctx context.Context, coro task.Coroutine[struct{}]) future.Typed[struct{}] {
		return task.Create(ctx, coro)
	},
	"CreateOn": func(ctx context.Context, coro task.Coroutine[struct{}]) future.Typed[struct{}] {
		return task.CreateOn(loop.Running(ctx), coro)
	},
	"EnsureFuture": func(ctx context.Context, coro task.Coroutine[struct{}]) future.Typed[struct{}] {
		return task.EnsureFuture(ctx, coro)
	},
	"Go": func(ctx context.Context, coro task.Coroutine[struct{}]) future.Typed[struct{}] {
		return task.Go(ctx, func(ctx context.Context) error {
			_, err := coro(ctx)
			return err
		})
	},
	"RunCoroutineThreadsafe": func(ctx context.Context, coro task.Coroutine[struct{}]) future.Typed[struct{}] {
		l := loop.Running(ctx)
		return future.Wrap(l, task.RunCoroutineThreadsafe(l, coro))
	},
}

// createsTask makes tasks: each ends as its coroutine does, or never begins.
func createsTask(operation string, create func(ctx context.Context, coro task.Coroutine[struct{}]) future.Typed[struct{}]) plan {
	return func(ctx context.Context, p *check.Play) {
		var fs []future.Typed[struct{}]
		begun, ended := make([]bool, 2), make([]error, 2)
		for i := range 2 {
			fs = append(fs, create(ctx, func(ctx context.Context) (struct{}, error) {
				begun[i] = true
				ended[i] = p.Once(ctx, operation, func(ctx context.Context) error { return task.Sleep(ctx, time.Second) })
				return struct{}{}, ended[i]
			}))
		}
		p.Settle(ctx)
		p.Interrupt()
		_, _, err := task.Wait(ctx, fs)
		check.NoError(p, err)
		for i, f := range fs {
			if _, err := f.Result(); begun[i] {
				check.Equal(p, "outcome", fmt.Sprint(err), fmt.Sprint(ended[i]))
			} else if !future.IsCancelled(err) {
				p.Errorf("%v has never begun, and ended with %v", f, err)
			}
		}
	}
}

// gathers are the ways to gather, with the results of those that succeeded.
var gathers = map[string]func(ctx context.Context, children []*task.Task[string]) ([]string, error){
	"Gather": func(ctx context.Context, children []*task.Task[string]) ([]string, error) {
		return task.Gather[string](ctx, children...).Await(ctx)
	},
	"GatherSettled": func(ctx context.Context, children []*task.Task[string]) ([]string, error) {
		outcomes, err := task.GatherSettled[string](ctx, children...).Await(ctx)
		var results []string
		for _, o := range outcomes {
			results = append(results, o.Value)
		}
		return results, err
	},
}

// gathersChildren gathers tasks: all are cancelled with the one that waits, and none with
// another.
func gathersChildren(operation string, gather func(ctx context.Context, children []*task.Task[string]) ([]string, error)) plan {
	return func(ctx context.Context, p *check.Play) {
		var children []*task.Task[string]
		for i := range 3 {
			children = append(children, work(ctx, fmt.Sprint("child", i), time.Duration(i+1)*time.Second))
		}
		parent := p.Start(ctx, "parent", func(ctx context.Context) error {
			err := p.Once(ctx, operation, func(ctx context.Context) error {
				results, err := gather(ctx, children)
				if err == nil {
					for i, child := range children {
						if !child.Cancelled() {
							check.Equal(p, "result", results[i], child.Name())
						}
					}
				}
				return err
			})
			if err != nil && task.Current(ctx).Cancelling() > 0 && left(children) == len(children) {
				p.Errorf("no child was cancelled: %v", children)
			}
			return endsWith(ctx, p, err)
		})
		interruptOften(ctx, p, 4)
		p.End(ctx, parent)
		_, _, err := task.Wait(ctx, children)
		check.NoError(p, err)
		spared := 0
		for _, child := range children {
			if child.Cancelling() == 0 {
				spared++
				check.Equal(p, "child", child.Err(), error(nil))
			}
		}
		if parent.Cancelling() == 0 && parent.Cancelled() && spared == len(children) {
			p.Errorf("%v was cancelled by nobody", parent)
		}
	}
}

// left counts those that nobody has cancelled and that are not done.
func left(tasks []*task.Task[string]) (n int) {
	for _, tk := range tasks {
		if !tk.Done() && tk.Cancelling() == 0 {
			n++
		}
	}
	return n
}

// shields awaits a shielded task, which is not cancelled with the one that waits.
func shields(ctx context.Context, p *check.Play) {
	child := work(ctx, "child", time.Second)
	parent := p.Start(ctx, "parent", func(ctx context.Context) error {
		err := p.Once(ctx, "Shield", func(ctx context.Context) error {
			v, err := task.Shield(ctx, child).Await(ctx)
			if err == nil {
				check.Equal(p, "result", v, "child")
			}
			return err
		})
		return endsWith(ctx, p, err)
	})
	p.Settle(ctx)
	p.Interrupt()
	_, _, err := task.Wait(ctx, []*task.Task[string]{child})
	check.NoError(p, err)
	if child.Cancelling() == 0 {
		check.NoError(p, child.Err())
	}
	p.End(ctx, parent)
}

// waitsForAll waits for tasks, which go on whatever happens to the one that waits.
func waitsForAll(ctx context.Context, p *check.Play) {
	children := []*task.Task[string]{work(ctx, "first", time.Second), work(ctx, "second", 2*time.Second)}
	parent := p.Start(ctx, "parent", func(ctx context.Context) error {
		err := p.Try(ctx, "Wait", func(ctx context.Context) error {
			done, pending, err := task.Wait(ctx, children, task.Within(3*time.Second))
			if err == nil {
				check.Equal(p, "done and pending", []int{len(done), len(pending)}, []int{2, 0})
			}
			return err
		})
		return endsWith(ctx, p, err)
	})
	theyGoOn(ctx, p, parent, children)
}

func theyGoOn(ctx context.Context, p *check.Play, parent *task.Task[struct{}], children []*task.Task[string]) {
	interruptOften(ctx, p, 3)
	p.End(ctx, parent)
	_, _, err := task.Wait(ctx, children)
	check.NoError(p, err)
	for _, child := range children {
		if child.Cancelling() == 0 {
			check.NoError(p, child.Err())
		}
	}
}

// takesAsCompleted takes tasks as they are done. Each comes once. One is left out for each
// interruption, as in CPython.
func takesAsCompleted(ctx context.Context, p *check.Play) {
	children := []*task.Task[string]{work(ctx, "first", time.Second), work(ctx, "second", 2*time.Second), work(ctx, "third", 2*time.Second)}
	parent := p.Start(ctx, "parent", func(ctx context.Context) error {
		completed := task.AsCompleted(ctx, children, task.Within(3*time.Second))
		seen, yielded, interrupted := map[*task.Task[string]]bool{}, 0, 0
		for {
			err := p.Once(ctx, "AsCompleted", func(ctx context.Context) error {
				for child, err := range completed {
					yielded++
					if err != nil {
						return err
					}
					if seen[child] || !child.Done() {
						p.Errorf("it came too soon, or again: %v", child)
					}
					seen[child] = true
				}
				return nil
			})
			if !errors.Is(err, check.ErrInterrupted) {
				if err == nil {
					check.Equal(p, "yielded", yielded, len(children))
					check.Equal(p, "seen", len(seen), len(children)-interrupted)
				}
				return endsWith(ctx, p, err)
			}
			interrupted++
		}
	})
	theyGoOn(ctx, p, parent, children)
}

func runInExecutor(ctx context.Context, fn func(ctx context.Context) (int, error)) (int, error) {
	return task.RunInExecutor(loop.Running(ctx), nil, func() (int, error) { return fn(ctx) }).Await(ctx)
}

// callsInThread calls functions. The result is not lost, if that is promised.
func callsInThread(operation string, call func(ctx context.Context, fn func(ctx context.Context) (int, error)) (int, error), promised bool) plan {
	return func(ctx context.Context, p *check.Play) {
		called, got, cancelled := 0, 0, 0
		var tasks []*task.Task[struct{}]
		for i := range 2 {
			tasks = append(tasks, p.Start(ctx, fmt.Sprint("caller", i), func(ctx context.Context) error {
				err := p.Once(ctx, operation, func(ctx context.Context) error {
					v, err := call(ctx, func(context.Context) (int, error) {
						called++
						return 7, nil
					})
					if err == nil {
						got++
						check.Equal(p, "result", v, 7)
						if task.Current(ctx).Cancelling() > 0 {
							p.Note(operation, future.ErrCancelled) // it comes later
						}
					} else {
						cancelled++
					}
					return err
				})
				return endsWith(ctx, p, err)
			}))
		}
		p.Settle(ctx)
		p.Interrupt()
		p.End(ctx, tasks...)
		if promised {
			cancelled = 0
		}
		check.Equal(p, "results, and those that are lost", got+cancelled, called)
	}
}

// timeouts are the ways to limit a call to a time.
var timeouts = map[string]func(ctx context.Context, d time.Duration, body func(ctx context.Context) error) error{
	"WaitFor": func(ctx context.Context, d time.Duration, body func(ctx context.Context) error) error {
		_, err := task.WaitFor(ctx, task.Void(body), d)
		return err
	},
	"WithTimeout": task.WithTimeout,
	"WithTimeoutAt": func(ctx context.Context, d time.Duration, body func(ctx context.Context) error) error {
		return task.WithTimeoutAt(ctx, loop.Running(ctx).Time().Add(d), body)
	},
	"Timeout.Run": func(ctx context.Context, d time.Duration, body func(ctx context.Context) error) error {
		return task.NewTimeout(ctx, d).Run(ctx, body)
	},
}

// timesOut takes an item that comes just when the time is over: it is taken, or still there.
func timesOut(operation string, within func(ctx context.Context, d time.Duration, body func(ctx context.Context) error) error) plan {
	return func(ctx context.Context, p *check.Play) {
		q := sync.NewQueue[int](0)
		taken := 0
		var tasks []*task.Task[struct{}]
		for i := range 2 {
			tasks = append(tasks, p.Start(ctx, fmt.Sprint("taker", i), func(ctx context.Context) error {
				err := p.Once(ctx, operation, func(ctx context.Context) error {
					return within(ctx, time.Duration(i+1)*time.Second, func(ctx context.Context) error {
						_, err := q.Get(ctx)
						if err == nil {
							taken++
						}
						return err
					})
				})
				if errors.Is(err, future.ErrTimeout) {
					err = nil
				}
				return endsWith(ctx, p, err)
			}))
		}
		for item := range 2 {
			p.Settle(ctx)
			check.NoError(p, task.Sleep(ctx, time.Second))
			check.NoError(p, q.PutNowait(item))
			p.Interrupt()
		}
		p.End(ctx, tasks...)
		check.Equal(p, "items", taken+q.Size(), 2)
	}
}

// cancelsAtOnce is WaitFor without time: what it cancels has ended when it returns, unless it
// is cancelled itself.
func cancelsAtOnce(ctx context.Context, p *check.Play) {
	child := p.Start(ctx, "child", func(ctx context.Context) error {
		err := task.Sleep(ctx, time.Minute)
		return cmp.Or(task.Sleep(context.WithoutCancel(ctx), time.Second), err) // it takes time to end
	})
	parent := p.Start(ctx, "parent", func(ctx context.Context) error {
		if err := task.Yield(ctx); err != nil {
			return err
		}
		err := p.Once(ctx, "WaitFor", func(ctx context.Context) error {
			_, err := task.WaitFor(ctx, child, 0)
			return err
		})
		if task.Current(ctx).Cancelling() == 0 && !errors.Is(err, check.ErrInterrupted) && !child.Done() {
			p.Errorf("it has not ended: %v", child)
		}
		return endsWith(ctx, p, err)
	})
	p.Settle(ctx)
	p.Interrupt()
	_, _, err := task.Wait(ctx, []*task.Task[struct{}]{parent, child})
	check.NoError(p, err)
	_, _ = child.Err(), parent.Err() // retrieved
}

// groups are the ways to run tasks in a group.
var groups = map[string]func(ctx context.Context, body func(ctx context.Context, g *task.Group) error) error{
	"WithGroup": task.WithGroup,
	"Group.Run": func(ctx context.Context, body func(ctx context.Context, g *task.Group) error) error {
		g := task.NewGroup()
		return g.Run(ctx, body)
	},
}

// groupsChildren runs tasks in a group, of which the last may fail. When the group is over
// none of them is left.
func groupsChildren(operation string, run func(ctx context.Context, body func(ctx context.Context, g *task.Group) error) error, failure error) plan {
	return func(ctx context.Context, p *check.Play) {
		running := 0
		child := func(operation string, d time.Duration, err error) func(ctx context.Context) error {
			return func(ctx context.Context) error {
				running++
				defer func() { running-- }()
				if err := p.Once(ctx, operation, func(ctx context.Context) error { return task.Sleep(ctx, d) }); err != nil {
					if future.IsCancelled(err) {
						_ = task.Yield(ctx) // it takes time to end
					}
					return err
				}
				return err
			}
		}
		parent := p.Start(ctx, "parent", func(ctx context.Context) error {
			err := p.Once(ctx, operation, func(ctx context.Context) error {
				return run(ctx, func(ctx context.Context, g *task.Group) error {
					g.Go(child("Group.Go", time.Second, nil), task.Name("first"))
					task.CreateIn(g, task.Void(child("CreateIn", 2*time.Second, failure)), task.Name("second"))
					g.Go(child("Group.Go", 3*time.Second, nil), task.Name("third"))
					return task.Sleep(ctx, time.Second)
				})
			})
			check.Equal(p, "running when the group is over", running, 0)
			if failure != nil && errors.Is(err, failure) {
				err = nil
			}
			return endsWith(ctx, p, err)
		})
		interruptOften(ctx, p, 4)
		p.End(ctx, parent)
	}
}

// A group whose context has ended waits for its tasks, and its own task is cancelled meanwhile:
// who asked for that must see it.
func TestGroupReturnsACancellationRatherThanTheEndOfItsContext(t *testing.T) {
	tasktest.Run(t, func(ctx context.Context, t *tasktest.T) {
		var end context.CancelCauseFunc
		parent := task.Go(ctx, func(ctx context.Context) error {
			ctx, end = context.WithCancelCause(ctx)
			return task.WithGroup(ctx, func(_ context.Context, g *task.Group) error {
				g.Go(func(ctx context.Context) error {
					err := task.Sleep(ctx, time.Minute)
					return cmp.Or(task.Sleep(context.WithoutCancel(ctx), time.Second), err) // it takes time to end
				})
				return nil
			})
		})
		begin := t.Elapsed()
		_ = t.WaitAllBlocked(ctx)
		end(errTest)
		_ = t.WaitAllBlocked(ctx)
		parent.Cancel()
		_, err := parent.Await(ctx)
		if !parent.Cancelled() {
			t.Errorf("the group has ended with %v", err)
		}
		check.Equal(t, "it waited", t.Elapsed()-begin, time.Second)
	})
}

// races runs a race, of which the second one wins. When it is over nobody runs any more.
func races(ctx context.Context, p *check.Play) {
	running := 0
	runner := func(d time.Duration, failure error) task.Coroutine[string] {
		return func(ctx context.Context) (string, error) {
			running++
			defer func() { running-- }()
			if err := task.Sleep(ctx, d); err != nil {
				_ = task.Yield(ctx) // it takes time to end
				return "", err
			}
			return d.String(), failure
		}
	}
	parent := p.Start(ctx, "parent", func(ctx context.Context) error {
		err := p.Once(ctx, "StaggeredRace", func(ctx context.Context) error {
			v, index, _, err := task.StaggeredRace(ctx, []task.Coroutine[string]{
				runner(4*time.Second, nil), runner(2*time.Second, errTest), runner(3*time.Second, nil),
			}, time.Second)
			check.Equal(p, "running when the race is over", running, 0)
			if err == nil && index < 0 {
				p.Errorf("nobody won, with %q", v)
			}
			var nobody *task.ExceptionGroup
			if errors.As(err, &nobody) {
				return nil // all were cancelled, or failed
			}
			return err
		})
		return endsWith(ctx, p, err)
	})
	interruptOften(ctx, p, 5)
	p.End(ctx, parent)
}

// interruptOften may end a wait each time that everybody waits, just before something is due.
func interruptOften(ctx context.Context, p *check.Play, times int) {
	p.Helper()
	for range times {
		p.Settle(ctx)
		p.Interrupt()
		check.NoError(p, task.Sleep(ctx, time.Second-time.Millisecond))
	}
}
