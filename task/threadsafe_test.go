package task_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/internal/sched"
	"github.com/goasyncio/asyncio/task/tasktest"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// serve runs the loop on a goroutine of its own while clients run, and then stops
// it.
func serve(t *testing.T, l *loop.Loop, clients func()) {
	t.Helper()
	ended := make(chan error)
	go func() { ended <- l.RunForever() }()
	clients()
	l.Stop()
	check.NoError(t, <-ended)
}

func TestRunCoroutineThreadsafeGivesTheOutcome(t *testing.T) {
	for _, test := range []struct {
		name  string
		coro  task.Coroutine[int]
		value int
		check func(t *testing.T, err error)
	}{
		{"a result", returns(50*ms, 3), 3, func(t *testing.T, err error) { check.NoError(t, err) }},
		{"an exception", fails[int](50*ms, errTest), 0, func(t *testing.T, err error) { check.Equal(t, "error", err, errTest) }},
		{"a panic", explode, 0, func(t *testing.T, err error) {
			var p *task.PanicError
			check.Equal(t, "is a panic", errors.As(err, &p), true)
		}},
		{"its own cancellation", func(ctx context.Context) (int, error) {
			task.Current(ctx).Cancel()
			return 0, task.Yield(ctx)
		}, 0, func(t *testing.T, err error) { check.Cancelled(t, err, "") }},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := newTestLoop(t)
			serve(t, l, func() {
				c := task.RunCoroutineThreadsafe(l, test.coro)
				v, err := c.Result(context.Background())
				check.Equal(t, "value", v, test.value)
				test.check(t, err)
				<-c.Done()
				test.check(t, c.Err())
				check.Equal(t, "Cancelled", c.Cancelled(), future.IsCancelled(err))
			})
		})
	}
}

func TestRunCoroutineThreadsafeFromManyGoroutines(t *testing.T) {
	for name, failure := range map[string]error{"results": nil, "exceptions": errTest} {
		t.Run(name, func(t *testing.T) {
			l := newTestLoop(t)
			serve(t, l, func() {
				var wg sync.WaitGroup
				for range 10 {
					wg.Go(func() {
						c := task.RunCoroutineThreadsafe(l, func(ctx context.Context) (int, error) {
							return 42, errors.Join(task.Sleep(ctx, 100*ms), failure)
						})
						v, err := c.Result(context.Background())
						if failure != nil {
							check.Is(t, err, failure)
							return
						}
						check.NoError(t, err)
						check.Equal(t, "result", v, 42)
					})
				}
				wg.Wait()
			})
		})
	}
}

func TestRunCoroutineThreadsafeResultEndsWithTheContext(t *testing.T) {
	l := newTestLoop(t)
	serve(t, l, func() {
		begun, ended := make(chan struct{}), make(chan error, 1)
		c := task.RunCoroutineThreadsafe(l, func(ctx context.Context) (int, error) {
			close(begun)
			_, err := newFuture[int](ctx).Await(ctx)
			ended <- err
			return 0, err
		})
		<-begun
		ctx, cancel := context.WithDeadline(context.Background(), time.Unix(0, 0))
		defer cancel()
		_, err := c.Result(ctx)
		check.Is(t, err, context.DeadlineExceeded)
		check.Equal(t, "the work is over", c.Cancelled(), false)
		check.Equal(t, "Cancel", c.Cancel(), true)
		check.Cancelled(t, <-ended, "")
		_, err = c.Result(context.Background())
		check.Cancelled(t, err, "")
		check.Equal(t, "Cancel again", c.Cancel(), true)
		left := task.RunCoroutineThreadsafe(l, func(ctx context.Context) (int, error) {
			tick(ctx)
			return len(task.All(ctx)), nil
		})
		n, err := left.Result(context.Background())
		check.NoError(t, err)
		check.Equal(t, "tasks", n, 1)
	})
}

// As in asyncio, the cancellation comes after the first step.
func TestRunCoroutineThreadsafeCancelledBeforeItBegan(t *testing.T) {
	l := newTestLoop(t)
	var got error
	c := task.RunCoroutineThreadsafe(l, func(ctx context.Context) (int, error) {
		got = task.Sleep(ctx, time.Hour)
		return 0, got
	})
	check.Equal(t, "Cancel", c.Cancel(), true)
	check.RunOn(t, l, func(ctx context.Context) {
		ticks(ctx, 5)
		check.Equal(t, "tasks", len(task.All(ctx)), 1)
	})
	check.Cancelled(t, got, "")
	check.Equal(t, "Cancelled", c.Cancelled(), true)
}

func TestRunCoroutineThreadsafeResultOnTheLoopItselfIsRefused(t *testing.T) {
	l := newTestLoop(t)
	check.RunOn(t, l, func(ctx context.Context) {
		c := task.RunCoroutineThreadsafe(l, returns(time.Second, 3))
		_, err := c.Result(ctx)
		check.Is(t, err, future.ErrDeadlock, "Result of <Concurrent")
		_, err = c.Result(context.Background())
		check.Is(t, err, future.ErrDeadlock)
		var inCallback error
		l.CallSoon(func() { _, inCallback = c.Result(context.Background()) })
		ticks(ctx, 2)
		check.Is(t, inCallback, future.ErrDeadlock)
		gives(t, ctx, future.Wrap(l, c), 3)
		v, err := c.Result(ctx) // it is there: nothing blocks
		check.NoError(t, err)
		check.Equal(t, "result", v, 3)
	})
}

// Whether the other loop happens to be asleep must not decide: the result is refused on
// every loop.
func TestRunCoroutineThreadsafeResultOnAnotherLoopIsRefused(t *testing.T) {
	other := newTestLoop(t)
	never := task.RunCoroutineThreadsafe(other, returns(time.Second, 3))
	runTest(t, func(ctx context.Context) {
		check.Is(t, second(never.Result(context.Background())), future.ErrDeadlock, "Result of <Concurrent")
		check.Is(t, second(never.Result(ctx)), future.ErrDeadlock)
		var inCallback error
		loop.Running(ctx).CallSoon(func() { inCallback = second(never.Result(context.Background())) })
		tick(ctx)
		check.Is(t, inCallback, future.ErrDeadlock)
		check.Is(t, second(future.NewConcurrent[int]().Result(context.Background())), future.ErrDeadlock)
	})
}

func TestToThreadMayBlockOnItsLoop(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		l := loop.Running(ctx)
		v, err := task.ToThread(ctx, func(ctx context.Context) (int, error) {
			return task.RunCoroutineThreadsafe(l, seven).Result(ctx)
		})
		check.NoError(t, err)
		check.Equal(t, "result", v, 7)
	})
}

func TestToThreadMayRunALoopOfItsOwn(t *testing.T) {
	type key struct{}
	runTest(t, func(ctx context.Context) {
		outer := loop.Running(ctx)
		v, err := task.ToThread(context.WithValue(ctx, key{}, 3), func(ctx context.Context) (int, error) {
			return task.Run(ctx, func(ctx context.Context) (int, error) {
				check.Equal(t, "on the outer loop", loop.Running(ctx) == outer, false)
				check.NoError(t, task.Sleep(ctx, time.Hour))
				inner := task.Create(context.WithValue(ctx, key{}, 5), func(ctx context.Context) (int, error) {
					return ctx.Value(key{}).(int), nil
				})
				gives(t, ctx, inner, 5)
				return ctx.Value(key{}).(int), nil
			}, virtually())
		})
		check.NoError(t, err)
		check.Equal(t, "the value of the context", v, 3)
	})
}

func TestToThreadThatIsCancelledEndsTheRunInIt(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		running, ended := make(chan struct{}), make(chan error)
		tk := task.Go(ctx, func(ctx context.Context) error {
			return second(task.ToThread(ctx, func(ctx context.Context) (int, error) {
				err := task.Main(ctx, func(ctx context.Context) error {
					close(running)
					return second(newFuture[int](ctx).Await(ctx))
				})
				ended <- err
				return 0, err
			}))
		})
		tick(ctx)
		<-running
		tk.Cancel()
		check.Cancelled(t, tk.Join(ctx), "")
		check.Is(t, <-ended, context.Canceled)
	})
}

func TestRunCoroutineThreadsafeCancelledOnTheLoopItself(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		l := loop.Running(ctx)
		var tk task.Any
		c := task.RunCoroutineThreadsafe(l, func(ctx context.Context) (int, error) {
			tk = task.Current(ctx)
			return 0, task.Sleep(ctx, time.Hour)
		})
		ticks(ctx, 2)
		check.Equal(t, "Cancel", c.Cancel(), true)
		check.Equal(t, "requests at once", tk.Cancelling(), 0)
		tick(ctx)
		check.Equal(t, "requests an iteration later", tk.Cancelling(), 1)
		ticks(ctx, 2)
		check.Equal(t, "the task", tk.Cancelled(), true)
		check.Equal(t, "the future", c.Cancelled(), true)
	})
}

func TestRunCoroutineThreadsafeOnAClosedLoopFails(t *testing.T) {
	t.Run("closed before", func(t *testing.T) {
		l := newTestLoop(t)
		check.NoError(t, l.Close())
		_, err := task.RunCoroutineThreadsafe(l, returns(0, 1)).Result(context.Background())
		check.Is(t, err, loop.ErrClosed, "RunCoroutineThreadsafe")
	})
	t.Run("closed before it began", func(t *testing.T) {
		l := newTestLoop(t)
		c := task.RunCoroutineThreadsafe(l, returns(0, 1))
		check.NoError(t, l.Close())
		_, err := c.Result(context.Background())
		check.Is(t, err, loop.ErrClosed)
	})
	t.Run("closed while it waits", func(t *testing.T) {
		l := newTestLoop(t)
		check.Collect(l)
		c := task.RunCoroutineThreadsafe(l, returns(time.Hour, 1))
		check.RunOn(t, l, func(ctx context.Context) { ticks(ctx, 3) })
		waiting := make(chan error)
		go func() {
			_, err := c.Result(context.Background())
			waiting <- err
		}()
		check.NoError(t, l.Close())
		check.Is(t, <-waiting, loop.ErrClosed)
	})
}

// asyncio reports it to both; the task that could not be created has no other
// place to tell.
func TestFactoryThatPanicsFailsTheFuture(t *testing.T) {
	l := newTestLoop(t)
	got := check.Collect(l)
	task.SetFactory(l, func(*loop.Loop, task.Settings) task.Settings { panic(errTest) })
	serve(t, l, func() {
		_, err := task.RunCoroutineThreadsafe(l, returns(0, 1)).Result(context.Background())
		check.Is(t, err, errTest)
	})
	all := got.Taken()
	if len(all) != 1 {
		t.Fatalf("got reports %v", all)
	}
	check.Is(t, all[0].Err, errTest)
	check.Equal(t, "tasks", len(task.All(loop.NewContext(context.Background(), l))), 0)
}

func TestAllTasksOfLoopsSideBySideStayApart(t *testing.T) {
	var wg sync.WaitGroup
	for range 10 {
		l := newTestLoop(t)
		wg.Go(func() {
			_, err := task.RunUntilComplete(l, task.Void(func(ctx context.Context) error {
				gate := newFuture[int](ctx)
				for range 100 {
					task.Create(ctx, waits[int](gate))
				}
				tick(ctx)
				all := task.All(ctx)
				if len(all) != 101 {
					return fmt.Errorf("there are %d tasks", len(all))
				}
				for _, tk := range all {
					if tk.Loop() != l || tk.Done() {
						return fmt.Errorf("a wrong task: %v", tk)
					}
				}
				check.NoError(t, gate.SetResult(1))
				ticks(ctx, 2)
				return nil
			}))
			check.NoError(t, err)
		})
	}
	wg.Wait()
}

// Another goroutine asks for the tasks of a loop through the loop.
func TestAllTasksForAnotherGoroutine(t *testing.T) {
	l := newTestLoop(t)
	serve(t, l, func() {
		var waiting []task.Any
		gate := task.RunCoroutineThreadsafe(l, func(ctx context.Context) (*intFuture, error) {
			gate := newFuture[int](ctx)
			for range 100 {
				waiting = append(waiting, task.Create(ctx, waits[int](gate)))
			}
			task.Go(ctx, func(ctx context.Context) error { // which creates more all the time
				for !gate.Done() {
					task.Create(ctx, returns(0, 1))
					tick(ctx)
				}
				return nil
			})
			return gate, nil
		})
		f, err := gate.Result(context.Background())
		check.NoError(t, err)
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				all, err := task.RunCoroutineThreadsafe(l, func(ctx context.Context) ([]task.Any, error) {
					return task.All(ctx), nil
				}).Result(context.Background())
				check.NoError(t, err)
				for _, tk := range waiting {
					if !slices.Contains(all, tk) {
						t.Errorf("%v is not among the %d tasks", tk.Name(), len(all))
					}
				}
			})
		}
		wg.Wait()
		_, err = task.RunCoroutineThreadsafe(l, task.Void(func(ctx context.Context) error {
			check.NoError(t, f.SetResult(1))
			ticks(ctx, 2)
			return nil
		})).Result(context.Background())
		check.NoError(t, err)
	})
}

// homeOf is the goroutine that runs the loop of ctx, whose callbacks run there.
func homeOf(ctx context.Context) (home uintptr) {
	loop.Running(ctx).CallSoon(func() { home = kernel.Goroutine() })
	tick(ctx)
	return home
}

// A task that suspends gets to run what has come from outside. That must not call the
// program there: it goes on on the loop's goroutine, before what came later.
func TestRunCoroutineThreadsafeCallsTheProgramOnTheLoopsGoroutine(t *testing.T) {
	for name, watch := range map[string]func(l *loop.Loop, called func()){
		"factory": func(l *loop.Loop, called func()) {
			task.SetFactory(l, func(_ *loop.Loop, s task.Settings) task.Settings {
				called()
				return s
			})
		},
		"instrument": func(l *loop.Loop, called func()) {
			task.AddInstrument(l, &task.Instrument{Created: func(task.Any) { called() }})
		},
	} {
		t.Run(name, func(t *testing.T) {
			runTest(t, func(ctx context.Context) {
				l, home := loop.Running(ctx), homeOf(ctx)
				var s check.Steps
				watch(l, func() {
					s.Add("called")
					check.Equal(t, "on the loop's goroutine", kernel.Goroutine() == home, true)
				})
				c := task.RunCoroutineThreadsafe(l, func(context.Context) (int, error) {
					s.Add("coroutine")
					return 3, nil
				})
				l.CallSoon(s.Of("callback"))
				tick(ctx)
				s.Check(t, "called", "callback")
				gives(t, ctx, future.Wrap(l, c), 3)
				s.Check(t, "called", "callback", "coroutine")
			})
		})
	}
}

func TestFactoryThatPanicsWhileATaskSuspendsFailsTheFuture(t *testing.T) {
	l := newTestLoop(t)
	got := check.Collect(l)
	check.RunOn(t, l, func(ctx context.Context) {
		task.SetFactory(l, func(*loop.Loop, task.Settings) task.Settings { panic(errTest) })
		c := task.RunCoroutineThreadsafe(l, neverRun)
		tick(ctx)
		check.Is(t, c.Err(), errTest)
		task.SetFactory(l, nil)
	})
	check.Equal(t, "reports", len(got.Taken()), 1)
}

// Otherwise the stack would be that of a task that has nothing to do with it.
func TestRunCoroutineThreadsafeIsCreatedByNoCoroutine(t *testing.T) {
	l, _ := tasktest.NewLoop(t, patience, tasktest.LoopOptions(loop.WithCreationStacks(20)))
	check.RunOn(t, l, func(ctx context.Context) {
		c := task.RunCoroutineThreadsafe(l, returns(time.Second, 3))
		bystander := func() { tick(ctx) }
		bystander()
		for _, tk := range task.All(ctx)[1:] {
			for _, f := range kernel.Frames(sched.TaskOf(tk.Kernel()).Created()) {
				if strings.Contains(f.Function, "IsCreatedByNoCoroutine.func") {
					t.Errorf("created by %s at line %d", f.Function, f.Line)
				}
			}
		}
		gives(t, ctx, future.Wrap(l, c), 3)
	})
}

// A loop on a real clock, which others wake up.
func TestWhatComesFromOutsideToASleepingLoop(t *testing.T) {
	for name, prepare := range map[string]func(l *loop.Loop, called func()){
		"nobody is told": func(*loop.Loop, func()) {},
		"debug mode":     func(l *loop.Loop, _ func()) { l.SetDebug(true) },
		"factory": func(l *loop.Loop, called func()) {
			task.SetFactory(l, func(_ *loop.Loop, s task.Settings) task.Settings {
				called()
				return s
			})
		},
		"eager tasks": func(l *loop.Loop, called func()) { task.SetFactory(l, task.EagerFactory) },
		"instrument": func(l *loop.Loop, called func()) {
			task.AddInstrument(l, &task.Instrument{Created: func(task.Any) { called() }})
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := loop.New()
			defer l.Close()
			var home uintptr
			l.CallSoon(func() { home = kernel.Goroutine() })
			prepare(l, func() { check.Equal(t, "on the loop's goroutine", kernel.Goroutine() == home, true) })
			serve(t, l, func() {
				for i := range 20 {
					coro := func(ctx context.Context) (int, error) { return i, task.Yield(ctx) }
					v, err := task.RunCoroutineThreadsafe(l, coro).Result(context.Background())
					check.NoError(t, err)
					check.Equal(t, "result", v, i)
					v, err = task.Call(context.Background(), l, coro)
					check.NoError(t, err)
					check.Equal(t, "result of Call", v, i)
				}
			})
		})
	}
}
