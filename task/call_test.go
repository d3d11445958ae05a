package task_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// ending is what a Call returned.
type ending struct {
	value int
	err   error
}

// calling calls coro on a goroutine of its own.
func calling(ctx context.Context, l *loop.Loop, coro task.Coroutine[int]) <-chan ending {
	ended := make(chan ending, 1)
	go func() {
		v, err := task.Call(ctx, l, coro)
		ended <- ending{v, err}
	}()
	return ended
}

func TestCallReturnsTheOutcome(t *testing.T) {
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
			task.Current(ctx).Cancel("enough")
			return 0, task.Yield(ctx)
		}, 0, func(t *testing.T, err error) { check.Cancelled(t, err, "enough") }},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := newTestLoop(t)
			r := check.Collect(l)
			serve(t, l, func() {
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				v, err := task.Call(ctx, l, test.coro)
				check.Equal(t, "value", v, test.value)
				test.check(t, err)
			})
			check.NoError(t, l.Close())
			runtime.GC()
			check.Equal(t, "reports", r.Messages(), []string{})
		})
	}
}

func TestCallFromManyGoroutines(t *testing.T) {
	l := newTestLoop(t)
	serve(t, l, func() {
		running, most := 0, 0 // of the loop
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() {
				v, err := task.Call(context.Background(), l, func(ctx context.Context) (int, error) {
					running++
					most = max(most, running)
					err := task.Sleep(ctx, time.Duration(i)*ms)
					running--
					return i, err
				})
				check.NoError(t, err)
				check.Equal(t, "result", v, i)
			})
		}
		wg.Wait()
		left, err := task.Call(context.Background(), l, func(context.Context) (int, error) { return running, nil })
		check.NoError(t, err)
		check.Equal(t, "running", left, 0)
	})
}

func TestCallPassesTheValuesOfTheContext(t *testing.T) {
	l := newTestLoop(t)
	serve(t, l, func() {
		v, err := task.Call(context.WithValue(context.Background(), runKey{}, "parrot"), l, func(ctx context.Context) (any, error) {
			check.Equal(t, "loop", loop.Running(ctx), l)
			return ctx.Value(runKey{}), nil
		})
		check.NoError(t, err)
		check.Equal(t, "value", v, "parrot")
	})
}

// cleaning is a coroutine that waits for ever, and needs time to end once it is
// cancelled.
type cleaning struct {
	begun chan struct{}
	told  error
	count int
	value int
	err   error // what it returns; its cancellation if nil and there is no value
}

func (c *cleaning) run(ctx context.Context) (int, error) {
	close(c.begun)
	c.told = sleepsLong(ctx)
	for range 3 {
		if err := task.Sleep(ctx, time.Second); err != nil {
			return 0, err
		}
	}
	c.count = task.Current(ctx).Cancelling()
	if c.value == 0 && c.err == nil {
		return 0, c.told
	}
	return c.value, c.err
}

// The clock is held until the context has ended, so that the long sleep does not.
func TestCallWhoseContextEndsReturnsWhatReallyHappened(t *testing.T) {
	for _, test := range []struct {
		name  string
		value int
		err   error
		want  error
	}{
		{"the cancellation", 0, nil, context.DeadlineExceeded},
		{"a result in spite of it", 42, nil, nil},
		{"an error", 0, errTest, errTest},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := newTestLoop(t)
			release := l.Hold()
			serve(t, l, func() {
				c := &cleaning{begun: make(chan struct{}), value: test.value, err: test.err}
				ctx, cancel := context.WithCancelCause(context.Background())
				ended := calling(ctx, l, c.run)
				<-c.begun
				cancel(context.DeadlineExceeded)
				release()
				got := <-ended
				check.Equal(t, "value", got.value, test.value)
				check.Equal(t, "error", got.err, test.want)
				check.Cancelled(t, c.told, "")
				check.Equal(t, "requests", c.count, 1)
			})
		})
	}
}

func TestCallWhoseContextHasEndedDoesNotBegin(t *testing.T) {
	l := newTestLoop(t)
	serve(t, l, func() {
		ctx, cancel := context.WithCancelCause(context.Background())
		cancel(errTest)
		_, err := task.Call(ctx, l, neverRun)
		check.Equal(t, "error", err, errTest)
	})
}

// The end of the context ends the sleep before the clock jumps to its end.
func TestCallWhoseContextEndsOnTheLoop(t *testing.T) {
	l := newTestLoop(t)
	serve(t, l, func() {
		ctx, cancel := context.WithCancelCause(context.Background())
		_, err := task.Call(ctx, l, func(ctx context.Context) (int, error) {
			cancel(errTest)
			err := sleepsLong(ctx)
			check.Equal(t, "time", elapsed(ctx), time.Duration(0))
			return 0, err
		})
		check.Equal(t, "error", err, errTest)
	})
}

func TestCallWaitsUntilTheLoopRuns(t *testing.T) {
	l := newTestLoop(t)
	ended := calling(context.Background(), l, returns(time.Second, 3))
	ctx, cancel := context.WithCancelCause(context.Background())
	impatient := calling(ctx, l, neverRun)
	cancel(errTest)
	check.Equal(t, "impatient", <-impatient, ending{err: errTest})
	serve(t, l, func() {
		check.Equal(t, "patient", <-ended, ending{value: 3})
	})
}

// endsWhenAsked is a context that ends when somebody is about to wait for its end.
type endsWhenAsked struct {
	context.Context
	end func()
}

func (c endsWhenAsked) Done() <-chan struct{} {
	c.end()
	return c.Context.Done()
}

func TestCallWhoseCallerHasLeftMakesNoTask(t *testing.T) {
	l := newTestLoop(t)
	made := 0
	task.SetFactory(l, func(_ *loop.Loop, s task.Settings) task.Settings { made++; return s })
	ctx, cancel := context.WithCancelCause(context.Background())
	impatient := calling(endsWhenAsked{ctx, func() { cancel(errTest) }}, l, neverRun)
	check.Equal(t, "impatient", <-impatient, ending{err: errTest})
	serve(t, l, func() {
		v, err := task.Call(context.Background(), l, func(context.Context) (int, error) { return made, nil })
		check.NoError(t, err)
		check.Equal(t, "tasks", v, 1)
	})
}

// The task is there and the loop has stopped: the truth is known only when it runs again.
func TestCallWaitsUntilTheLoopRunsAgain(t *testing.T) {
	l := newTestLoop(t)
	ctx, cancel := context.WithCancel(context.Background())
	ended := calling(ctx, l, func(ctx context.Context) (int, error) {
		l.Stop()
		if err := sleepsLong(ctx); !future.IsCancelled(err) {
			return 0, err
		}
		return 42, nil
	})
	check.NoError(t, l.RunForever())
	cancel()
	serve(t, l, func() {
		check.Equal(t, "outcome", <-ended, ending{value: 42})
	})
}

func TestCallOfACallerThatIsOnALoopIsRefused(t *testing.T) {
	idle := newTestLoop(t)
	runTest(t, func(ctx context.Context) {
		l := loop.Running(ctx)
		for _, on := range []*loop.Loop{l, idle} {
			check.Is(t, second(task.Call(ctx, on, neverRun)), future.ErrDeadlock, "Call")
			check.Is(t, second(task.Call(context.Background(), on, neverRun)), future.ErrDeadlock)
		}
		var inCallback, inEager error
		l.CallSoon(func() { inCallback = second(task.Call(context.Background(), l, neverRun)) })
		tick(ctx)
		check.Is(t, inCallback, future.ErrDeadlock)
		task.Go(ctx, func(context.Context) error {
			inEager = second(task.Call(context.Background(), l, neverRun))
			return nil
		}, task.Eager())
		check.Is(t, inEager, future.ErrDeadlock)
	})
}

func TestCallInAThreadOfTheLoop(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		l := loop.Running(ctx)
		v, err := task.ToThread(ctx, func(ctx context.Context) (int, error) {
			return task.Call(ctx, l, func(ctx context.Context) (int, error) {
				tick(ctx)
				return len(task.All(ctx)), nil
			})
		})
		check.NoError(t, err)
		check.Equal(t, "tasks", v, 2)
	})
}

// The context of a function in a thread, or that of a task, is one of ours, and ends
// like any other.
func TestCallEndsWithTheContextOfATaskOrThread(t *testing.T) {
	for name, start := range map[string]func(ctx context.Context, l *loop.Loop, coro task.Coroutine[int]) error{
		"thread": func(ctx context.Context, l *loop.Loop, coro task.Coroutine[int]) error {
			return second(task.ToThread(ctx, func(ctx context.Context) (int, error) { return task.Call(ctx, l, coro) }))
		},
		"task": func(ctx context.Context, l *loop.Loop, coro task.Coroutine[int]) error {
			calling(ctx, l, coro)
			return sleepsLong(ctx)
		},
	} {
		t.Run(name, func(t *testing.T) {
			runTest(t, func(ctx context.Context) {
				l := loop.Running(ctx)
				defer l.Hold()()
				begun, ended := make(chan struct{}), newFuture[error](ctx)
				outer := task.Go(ctx, func(ctx context.Context) error {
					return start(ctx, l, func(ctx context.Context) (int, error) {
						close(begun)
						err := sleepsLong(ctx)
						check.NoError(t, ended.SetResult(err))
						return 0, err
					})
				})
				received(ctx, begun)
				outer.Cancel()
				check.Cancelled(t, outer.Join(ctx), "")
				err, failed := ended.Await(ctx)
				check.NoError(t, failed)
				check.Cancelled(t, err, "")
			})
		})
	}
}

func TestCallOnALoopThatIsClosed(t *testing.T) {
	t.Run("before", func(t *testing.T) {
		l := newTestLoop(t)
		check.NoError(t, l.Close())
		check.Is(t, second(task.Call(context.Background(), l, neverRun)), loop.ErrClosed, "Call")
	})
	t.Run("before it began", func(t *testing.T) {
		l := newTestLoop(t)
		ended := calling(context.Background(), l, neverRun)
		check.NoError(t, l.Close())
		check.Is(t, (<-ended).err, loop.ErrClosed)
	})
	t.Run("while it waits", func(t *testing.T) {
		l := newTestLoop(t)
		check.Collect(l)
		ended := calling(context.Background(), l, func(ctx context.Context) (int, error) {
			l.Stop()
			return 0, sleepsLong(ctx)
		})
		check.NoError(t, l.RunForever())
		check.NoError(t, l.Close())
		check.Is(t, (<-ended).err, loop.ErrClosed)
	})
	t.Run("by Run, which cancels", func(t *testing.T) {
		loops := make(chan *loop.Loop)
		begun := make(chan struct{})
		ended := make(chan error, 1)
		go func() {
			ended <- second(task.Call(context.Background(), <-loops, func(ctx context.Context) (int, error) {
				close(begun)
				return 0, sleepsLong(ctx)
			}))
		}()
		check.NoError(t, task.Main(context.Background(), func(ctx context.Context) error {
			defer loop.Running(ctx).Hold()()
			loops <- loop.Running(ctx)
			received(ctx, begun)
			return nil
		}, virtually()))
		check.Cancelled(t, <-ended, "")
	})
}

// What ends the run is told before the loop is closed, or when it runs again.
func TestCallThatEndsTheRun(t *testing.T) {
	exit := &loop.SystemExit{Code: 3}
	leaves := func(context.Context) (int, error) { return 0, exit }
	t.Run("a fatal error, then Close", func(t *testing.T) {
		l := newTestLoop(t)
		ended := calling(context.Background(), l, leaves)
		check.Equal(t, "run", l.RunForever(), error(exit))
		check.NoError(t, l.Close())
		check.Equal(t, "call", <-ended, ending{err: exit})
	})
	t.Run("a fatal error, then another run", func(t *testing.T) {
		l := newTestLoop(t)
		ended := calling(context.Background(), l, leaves)
		check.Equal(t, "run", l.RunForever(), error(exit))
		serve(t, l, func() { check.Equal(t, "call", <-ended, ending{err: exit}) })
	})
	t.Run("runtime.Goexit", func(t *testing.T) {
		l := newTestLoop(t)
		ended := calling(context.Background(), l, func(context.Context) (int, error) {
			runtime.Goexit()
			return 1, nil
		})
		check.Equal(t, "returned", onOwnGoroutine(func() { _ = l.RunForever() }), false)
		check.NoError(t, l.Close())
		check.Equal(t, "call", <-ended, ending{err: task.ErrGoexit})
	})
}

func TestCallWithAFactory(t *testing.T) {
	t.Run("that panics", func(t *testing.T) {
		l := newTestLoop(t)
		got := check.Collect(l)
		task.SetFactory(l, func(*loop.Loop, task.Settings) task.Settings { panic(errTest) })
		serve(t, l, func() {
			check.Is(t, second(task.Call(context.Background(), l, neverRun)), errTest)
		})
		check.Equal(t, "reports", len(got.Taken()), 1)
	})
	t.Run("of eager tasks", func(t *testing.T) {
		l := newTestLoop(t)
		task.SetFactory(l, task.EagerFactory)
		serve(t, l, func() {
			ctx, cancel := context.WithCancelCause(context.Background())
			v, err := task.Call(ctx, l, func(context.Context) (int, error) { return 3, nil })
			check.NoError(t, err)
			check.Equal(t, "result", v, 3)
			_, err = task.Call(ctx, l, func(ctx context.Context) (int, error) {
				cancel(errTest)
				return 0, sleepsLong(ctx)
			})
			check.Equal(t, "error", err, errTest)
		})
	})
}

func TestCallWhoseContextEndsInAnEagerStartIsCancelledOnce(t *testing.T) {
	l := newTestLoop(t)
	task.SetFactory(l, task.EagerFactory)
	serve(t, l, func() {
		ctx, cancel := context.WithCancelCause(context.Background())
		v, err := task.Call(ctx, l, func(ctx context.Context) (int, error) {
			cancel(errTest)
			check.Cancelled(t, sleepsLong(ctx), "")
			err := task.Sleep(ctx, time.Second) // cleaning up takes time
			return task.Current(ctx).Cancelling(), err
		})
		check.NoError(t, err)
		check.Equal(t, "requests", v, 1)
	})
}

func TestCallMisuse(t *testing.T) {
	l := newTestLoop(t)
	check.Is(t, second(task.Call[int](context.Background(), l, nil)), task.ErrNilCoroutine, "Call")
	check.Is(t, second(task.Call(context.Background(), nil, neverRun)), loop.ErrNotRunning, "Call")
}

// Whenever the contexts end, each caller and the loop agree on what has happened.
func TestCallLosesNothing(t *testing.T) {
	l := newTestLoop(t)
	sold := make(map[int]bool) // of the loop
	serve(t, l, func() {
		const callers = 300
		answers := make([]error, callers)
		var wg sync.WaitGroup
		for i := range callers {
			wg.Go(func() {
				ctx, cancel := context.WithCancelCause(context.Background())
				defer cancel(nil)
				wg.Go(func() {
					for range i % 7 {
						runtime.Gosched()
					}
					cancel(errTest)
				})
				var got int
				got, answers[i] = task.Call(ctx, l, func(ctx context.Context) (int, error) {
					for range i % 5 {
						if err := task.Yield(ctx); err != nil {
							if i%2 == 0 {
								break // too late to give up
							}
							return 0, err
						}
					}
					sold[i] = true
					return i, nil
				})
				if answers[i] == nil {
					check.Equal(t, "result", got, i)
				}
			})
		}
		wg.Wait()
		_, err := task.Call(context.Background(), l, func(context.Context) (int, error) {
			for i, err := range answers {
				if err != nil {
					check.Equal(t, "error", err, errTest)
				}
				if sold[i] != (err == nil) {
					t.Errorf("caller %d: sold is %t, and it was told %v", i, sold[i], err)
				}
			}
			return 0, nil
		})
		check.NoError(t, err)
	})
}

// The loop has taken the call, so that its caller cannot leave, when the context ends.
func TestCallWhoseContextEndsBeforeTheTaskBeginsRunsNothing(t *testing.T) {
	l := newTestLoop(t)
	ctx, cancel := context.WithCancelCause(context.Background())
	task.SetFactory(l, func(_ *loop.Loop, s task.Settings) task.Settings { cancel(errTest); return s })
	serve(t, l, func() {
		check.Equal(t, "error", second(task.Call(ctx, l, neverRun)), errTest)
	})
}

// callersOwn is a context whose methods must not be called on a loop.
type callersOwn struct {
	context.Context
	t *testing.T
}

func (c callersOwn) check(method string) {
	check.Equal(c.t, method+" on a loop", kernel.OnLoop(), false)
}

func (c callersOwn) Done() <-chan struct{} { c.check("Done"); return c.Context.Done() }
func (c callersOwn) Err() error            { c.check("Err"); return c.Context.Err() }
func (c callersOwn) Value(key any) any     { c.check("Value"); return c.Context.Value(key) }

func TestCallLeavesTheContextToItsCaller(t *testing.T) {
	l := newTestLoop(t)
	serve(t, l, func() {
		ctx, cancel := context.WithCancelCause(context.Background())
		check.Equal(t, "error", second(task.Call(callersOwn{ctx, t}, l, func(ctx context.Context) (int, error) {
			check.NoError(t, task.Sleep(ctx, time.Second))
			cancel(errTest)
			return 0, sleepsLong(ctx)
		})), errTest)
	})
}
