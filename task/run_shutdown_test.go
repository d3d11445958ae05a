package task_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
	"github.com/goasyncio/asyncio/timers"
)

// generations counts the iterations of a loop from when begin is called, by a callback
// that schedules itself again.
type generations int

func (g *generations) begin(l *loop.Loop) {
	var generation func()
	generation = func() {
		*g++
		l.CallSoon(generation)
	}
	l.CallSoon(generation)
}

// shutdownCase is a run of a program of testdata/run_shutdown.py, which has the name.
type shutdownCase struct {
	t     *testing.T
	l     *loop.Loop
	clock *shutdownClock
	gens  generations
	steps int
}

// shutdownClock is a virtual clock that tells when the loop sleeps, and calls onWake
// when something from outside has woken it.
type shutdownClock struct {
	*timers.Virtual
	mu       sync.Mutex
	sleeping chan struct{} // closed when the loop sleeps
	onWake   func()
}

func (c *shutdownClock) Sleep(until time.Time, wake <-chan struct{}) {
	if c.onWake != nil {
		select {
		case <-wake: // by the Stop of a run that is over: the executor still waits
		default:
		}
	}
	c.mu.Lock()
	select {
	case <-c.sleeping:
	default:
		close(c.sleeping)
	}
	c.mu.Unlock()
	c.Virtual.Sleep(until, wake)
	if fn := c.onWake; fn != nil {
		c.onWake = nil
		fn()
	}
}

// nextSleep makes the clock look for the next time that the loop sleeps.
func (c *shutdownClock) nextSleep() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sleeping = make(chan struct{})
}

// Submit and Shutdown make the clock a default executor whose shutdown ends while the
// loop sleeps.
func (*shutdownClock) Submit(fn func()) error { return new(loop.Pool).Submit(fn) }

func (c *shutdownClock) Shutdown(ctx context.Context) error {
	c.mu.Lock()
	sleeping := c.sleeping
	c.mu.Unlock()
	select {
	case <-sleeping:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (c *shutdownCase) callSoon(fn func()) { c.l.CallSoon(fn) }

// endless is a task that takes a step in each iteration.
func (c *shutdownCase) endless(ctx context.Context) error {
	for {
		c.steps++
		if err := task.Yield(ctx); err != nil {
			return err
		}
	}
}

// cleansUp takes some iterations to clean up when it is cancelled.
func (c *shutdownCase) cleansUp(steps int) func(context.Context) error {
	return func(ctx context.Context) error {
		err := sleepsLong(ctx)
		ticks(ctx, steps)
		return err
	}
}

// bears creates a task when it is cancelled.
func (c *shutdownCase) bears(child func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		err := sleepsLong(ctx)
		task.Go(loop.NewContext(context.Background(), c.l), child)
		return err
	}
}

// leaves is a main that leaves a task.
func (c *shutdownCase) leaves(ctx context.Context, left ...func(context.Context) error) {
	for _, fn := range left {
		task.Go(ctx, fn)
	}
	tick(ctx)
	c.gens.begin(c.l)
}

func (c *shutdownCase) useExecutor(ctx context.Context) {
	c.l.SetDefaultExecutor(c.clock)
	check.NoError(c.t, second(task.RunInExecutor(c.l, nil, func() (int, error) { return 0, nil }).Await(ctx)))
	c.clock.nextSleep()
}

var errExit = &loop.SystemExit{Code: 3}

// The numbers are CPython's: they are what testdata/run_shutdown.py prints, which is
// the same with 3.13.0 and 3.14.2.
var shutdownCases = []struct {
	name               string
	generations, steps int
	err                error
	main               func(c *shutdownCase, ctx context.Context) error
}{
	{"nothing_left", 5, 0, nil, func(c *shutdownCase, ctx context.Context) error {
		c.gens.begin(c.l)
		return nil
	}},
	{"one_left", 8, 0, nil, func(c *shutdownCase, ctx context.Context) error {
		c.leaves(ctx, sleepsLong)
		return nil
	}},
	{"one_left_that_has_not_begun", 8, 0, nil, func(c *shutdownCase, ctx context.Context) error {
		c.gens.begin(c.l)
		task.Go(ctx, sleepsLong)
		return nil
	}},
	{"two_left", 11, 0, nil, func(c *shutdownCase, ctx context.Context) error {
		c.leaves(ctx, c.cleansUp(3), c.cleansUp(1))
		return nil
	}},
	{"swallowing", 10, 0, nil, func(c *shutdownCase, ctx context.Context) error {
		c.leaves(ctx, func(ctx context.Context) error {
			check.Cancelled(c.t, c.cleansUp(2)(ctx), "")
			return nil
		})
		return nil
	}},
	{"failing_at_its_end", 8, 0, nil, func(c *shutdownCase, ctx context.Context) error {
		c.leaves(ctx, failsWhenCancelled(errTest))
		return nil
	}},
	{"exit_at_its_end", 2, 0, errExit, func(c *shutdownCase, ctx context.Context) error {
		c.leaves(ctx, failsWhenCancelled(errExit))
		return nil
	}},
	{"failing_main_and_exit_at_its_end", 2, 0, errExit, func(c *shutdownCase, ctx context.Context) error {
		c.leaves(ctx, failsWhenCancelled(errExit))
		return errTest
	}},
	{"failing_main", 5, 0, errTest, func(c *shutdownCase, ctx context.Context) error {
		c.gens.begin(c.l)
		return errTest
	}},
	{"cancelled_main", 6, 0, future.ErrCancelled, func(c *shutdownCase, ctx context.Context) error {
		c.gens.begin(c.l)
		task.Current(ctx).Cancel()
		return sleepsLong(ctx)
	}},
	{"interrupt_in_main", 4, 0, loop.ErrKeyboardInterrupt, func(c *shutdownCase, ctx context.Context) error {
		c.gens.begin(c.l)
		return loop.ErrKeyboardInterrupt
	}},
	{"interrupt_in_main_with_one_left", 7, 0, loop.ErrKeyboardInterrupt, func(c *shutdownCase, ctx context.Context) error {
		c.leaves(ctx, sleepsLong)
		return loop.ErrKeyboardInterrupt
	}},
	{"interrupt_in_another_task", 7, 0, loop.ErrKeyboardInterrupt, func(c *shutdownCase, ctx context.Context) error {
		task.Go(ctx, func(context.Context) error {
			c.gens.begin(c.l)
			return loop.ErrKeyboardInterrupt
		})
		return sleepsLong(ctx)
	}},
	{"interrupt_in_a_callback", 7, 0, loop.ErrKeyboardInterrupt, func(c *shutdownCase, ctx context.Context) error {
		c.callSoon(func() {
			c.gens.begin(c.l)
			panic(loop.ErrKeyboardInterrupt)
		})
		return sleepsLong(ctx)
	}},
	{"stopped", 7, 0, task.ErrStopped, func(c *shutdownCase, ctx context.Context) error {
		c.l.Stop()
		c.gens.begin(c.l)
		return sleepsLong(ctx)
	}},
	{"stopped_in_the_shutdown", 2, 0, task.ErrStopped, func(c *shutdownCase, ctx context.Context) error {
		c.leaves(ctx, func(ctx context.Context) error {
			check.Cancelled(c.t, sleepsLong(ctx), "")
			c.l.Stop()
			return task.Yield(ctx)
		})
		return nil
	}},
	{"born_at_the_end_of_main", 8, 6, nil, func(c *shutdownCase, ctx context.Context) error {
		c.leaves(ctx, c.bears(c.endless))
		return nil
	}},
	{"born_in_a_long_cleanup", 11, 9, nil, func(c *shutdownCase, ctx context.Context) error {
		c.leaves(ctx, func(ctx context.Context) error {
			err := c.bears(c.endless)(ctx)
			ticks(ctx, 3)
			return err
		})
		return nil
	}},
	{"born_in_a_callback_of_the_cleanup", 8, 5, nil, func(c *shutdownCase, ctx context.Context) error {
		task.Go(ctx, sleepsLong).AddDoneCallback(func() { task.CreateOn(c.l, task.Void(c.endless)) })
		tick(ctx)
		c.gens.begin(c.l)
		return nil
	}},
	{"eager_factory", 8, 7, nil, func(c *shutdownCase, ctx context.Context) error {
		task.SetFactory(c.l, task.EagerFactory)
		task.Go(ctx, c.bears(c.endless))
		c.gens.begin(c.l)
		return nil
	}},
	{"executor_used", 3, 0, nil, func(c *shutdownCase, ctx context.Context) error {
		c.useExecutor(ctx)
		c.clock.onWake = func() { c.gens.begin(c.l) }
		return nil
	}},
	{"executor_used_and_a_task_born", 3, 3, nil, func(c *shutdownCase, ctx context.Context) error {
		c.useExecutor(ctx)
		woken := newFuture[int](ctx)
		task.Go(ctx, c.bears(func(ctx context.Context) error {
			check.NoError(c.t, second(woken.Await(ctx)))
			return c.endless(ctx)
		}))
		tick(ctx)
		c.clock.onWake = func() {
			c.gens.begin(c.l)
			check.NoError(c.t, woken.SetResult(1))
		}
		return nil
	}},
	{"executor_shut_down_by_main", 3, 0, nil, func(c *shutdownCase, ctx context.Context) error {
		c.useExecutor(ctx)
		check.NoError(c.t, task.ShutdownDefaultExecutor(ctx, task.Forever))
		c.clock.nextSleep()
		c.clock.onWake = func() { c.gens.begin(c.l) }
		return nil
	}},
	{"no_executor_to_shut_down", 5, 0, nil, func(c *shutdownCase, ctx context.Context) error {
		c.gens.begin(c.l)
		return task.ShutdownDefaultExecutor(ctx, task.Forever)
	}},
}

var bothHandoffs = map[string]task.Handoff{"channels": task.Channels, "pull": task.IterPull}

func TestRunShutdownTakesAsManyIterationsAsCPython(t *testing.T) {
	for name, handoff := range bothHandoffs {
		for _, test := range shutdownCases {
			t.Run(name+"/"+test.name, func(t *testing.T) {
				clock := &shutdownClock{Virtual: timers.NewVirtual(time.Time{}), sleeping: make(chan struct{})}
				c := &shutdownCase{t: t, clock: clock, l: loop.New(loop.WithClock(clock))}
				task.SetHandoff(c.l, handoff)
				check.Collect(c.l)
				err := task.Main(context.Background(), func(ctx context.Context) error {
					return test.main(c, ctx)
				}, task.WithLoopFactory(func() *loop.Loop { return c.l }))
				if !errors.Is(err, test.err) {
					t.Errorf("the error is %v, want %v", err, test.err)
				}
				check.Equal(t, "fatal", loop.IsFatal(err), loop.IsFatal(test.err))
				check.Equal(t, "generations", int(c.gens), test.generations)
				check.Equal(t, "steps", c.steps, test.steps)
			})
		}
	}
}

// The numbers are those of runs_in_a_row in testdata/run_shutdown.py.
func TestRunnerTakesAsManyIterationsAsCPython(t *testing.T) {
	for name, handoff := range bothHandoffs {
		t.Run(name, func(t *testing.T) {
			r := task.NewRunner(virtually())
			l, err := r.Loop()
			check.NoError(t, err)
			task.SetHandoff(l, handoff)
			done := future.New[int](l)
			check.NoError(t, done.SetResult(1))
			var g generations
			var got []int
			for _, run := range []func() error{
				func() error {
					return r.Run(context.Background(), func(context.Context) error { g.begin(l); return nil })
				},
				func() error { return r.Run(context.Background(), task.Yield) },
				func() error { return second(task.RunUntilComplete(l, future.Awaitable[int](done))) },
				func() error { return second(task.RunIn(r, context.Background(), done.Await)) },
				r.Close,
			} {
				before := g
				check.NoError(t, run())
				got = append(got, int(g-before))
			}
			if want := []int{1, 3, 1, 2, 4}; !slices.Equal(got, want) {
				t.Errorf("the runs take %v iterations, want %v", got, want)
			}
		})
	}
}

func TestRunThatFailsTwiceTellsBothErrors(t *testing.T) {
	err := task.Main(context.Background(), func(ctx context.Context) error {
		task.Go(ctx, failsWhenCancelled(errExit))
		tick(ctx)
		return errTest
	}, virtually())
	check.Is(t, err, errExit, errTest.Error())
	check.Equal(t, "it matches the error of main", errors.Is(err, errTest), false)
}

func TestRunWaitsForTheFunctionsOfTheExecutor(t *testing.T) {
	finish := make(chan struct{})
	finished := false
	clock := &idleClock{Virtual: timers.NewVirtual(time.Time{}), idle: sync.OnceFunc(func() { close(finish) })}
	check.NoError(t, task.Main(context.Background(), func(ctx context.Context) error {
		task.RunInExecutor(loop.Running(ctx), nil, func() (int, error) {
			<-finish
			finished = true
			return 1, nil
		})
		return nil // the loop is idle only when Run waits
	}, task.WithLoopOptions(loop.WithClock(clock))))
	check.Equal(t, "the function has returned", finished, true)
}

// lateExecutor is one whose functions do not return in time.
type lateExecutor struct{ loop.Pool }

func (*lateExecutor) Shutdown(context.Context) error { return context.DeadlineExceeded }

func TestRunReportsAnExecutorThatDoesNotFinish(t *testing.T) {
	var reported *check.Reports
	check.NoError(t, task.Main(context.Background(), func(ctx context.Context) error {
		reported = check.Collect(loop.Running(ctx))
		return nil
	}, task.WithLoopOptions(loop.WithExecutor(&lateExecutor{}))))
	all := reported.Taken()
	if len(all) != 1 {
		t.Fatalf("there are %d reports: %v", len(all), all)
	}
	check.Equal(t, "message", all[0].Message, "The executor did not finish")
	check.Is(t, all[0].Err, context.DeadlineExceeded, "the executor did not finish within 5m0s")
}

func TestRunReturnsAnErrorOfTheExecutor(t *testing.T) {
	check.Is(t, task.Main(context.Background(), func(ctx context.Context) error { return nil },
		task.WithLoopOptions(loop.WithExecutor(failingExecutor{}))), errTest)
}

type failingExecutor struct{ loop.Executor }

func (failingExecutor) Shutdown(context.Context) error { return errTest }

func TestRunnerWhoseLoopRunsElsewhere(t *testing.T) {
	r := task.NewRunner()
	l, err := r.Loop()
	check.NoError(t, err)
	running, ended := make(chan struct{}), make(chan error, 1)
	l.CallSoon(func() { close(running) })
	go func() { ended <- l.RunForever() }()
	<-running
	check.Is(t, second(task.RunIn(r, context.Background(), neverRun)), loop.ErrRunning, "Run")
	check.Is(t, r.Close(), loop.ErrRunning, "Runner.Close")
	l.Stop()
	check.NoError(t, <-ended)
	check.NoError(t, r.Close())
}
