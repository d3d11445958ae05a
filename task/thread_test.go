package task_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
	"github.com/goasyncio/asyncio/timers"
)

func TestToThreadReturnsTheOutcomeOfTheFunction(t *testing.T) {
	var calls atomic.Int32
	tests := []struct {
		name string
		fn   func(ctx context.Context) (int, error)
		want int
		err  error
	}{
		{"result", func(context.Context) (int, error) { return 42, nil }, 42, nil},
		{"error", func(context.Context) (int, error) { return 0, errTest }, 0, errTest},
		{"panic", func(context.Context) (int, error) { panic(errTest) }, 0, errTest},
		{"end of its goroutine", func(context.Context) (int, error) { runtime.Goexit(); return 1, nil }, 0, task.ErrGoexit},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			runTest(t, func(ctx context.Context) {
				calls.Store(0)
				v, err := task.ToThread(ctx, func(ctx context.Context) (int, error) {
					calls.Add(1)
					return test.fn(ctx)
				})
				check.Equal(t, "result", v, test.want)
				if test.err == nil {
					check.NoError(t, err)
				} else {
					check.Is(t, err, test.err)
				}
				check.Equal(t, "calls", calls.Load(), int32(1))
				var p *task.PanicError
				check.Equal(t, "a panic", errors.As(err, &p), test.name == "panic")
			})
		})
	}
}

func TestToThreadDoesNotBlockTheLoop(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		release := make(chan struct{})
		loop.Running(ctx).CallSoon(func() { close(release) })
		v, err := task.ToThread(ctx, func(context.Context) (bool, error) {
			<-release
			return kernel.OnLoop(), nil
		})
		check.NoError(t, err)
		check.Equal(t, "the function is on the loop", v, false)
	})
}

func TestToThreadCallsRunSideBySide(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		var all sync.WaitGroup
		all.Add(10)
		var calls []task.Coroutine[int]
		want := []int{}
		for i := range 10 {
			want = append(want, i)
			calls = append(calls, task.Coroutine[int](func(ctx context.Context) (int, error) {
				return task.ToThread(ctx, func(context.Context) (int, error) {
					all.Done()
					all.Wait()
					return i, nil
				})
			}))
		}
		gives(t, ctx, task.Gather(ctx, calls...), want)
	})
}

func TestToThreadPassesTheValuesOfTheContext(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		v, err := task.ToThread(context.WithValue(ctx, runKey{}, "parrot"), func(ctx context.Context) (any, error) {
			return ctx.Value(runKey{}), nil
		})
		check.NoError(t, err)
		check.Equal(t, "value", v, "parrot")
	})
}

func TestToThreadFunctionCannotAwait(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		f := newFuture[int](ctx)
		check.Is(t, second(task.ToThread(ctx, f.Await)), task.ErrNotCurrent, `"main"`)
		check.Is(t, second(task.ToThread(ctx, func(ctx context.Context) (int, error) {
			return 0, task.Sleep(ctx, time.Second)
		})), task.ErrNotCurrent)
	})
}

func TestToThreadFunctionIsToldOfTheCancellation(t *testing.T) {
	var told atomic.Bool
	check.NoError(t, second(task.Run(context.Background(), task.Void(func(ctx context.Context) error {
		started := make(chan struct{})
		tk := task.Go(ctx, func(ctx context.Context) error {
			return second(task.ToThread(ctx, func(ctx context.Context) (int, error) {
				close(started)
				<-ctx.Done()
				told.Store(true)
				return 1, nil
			}))
		})
		check.NoError(t, second(task.ToThread(ctx, func(context.Context) (int, error) { <-started; return 0, nil })))
		tk.Cancel("give up")
		check.Cancelled(t, second(tk.Await(ctx)), "give up")
		return nil
	}), virtually())))
	check.Equal(t, "the function has ended before Run returned", told.Load(), true)
}

func TestToThreadInAContextThatEnds(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		limited, cancel := context.WithCancelCause(ctx)
		check.Is(t, second(task.ToThread(limited, func(ctx context.Context) (int, error) {
			cancel(errTest)
			<-ctx.Done()
			return 1, context.Cause(ctx) // it may come before the cancellation
		})), errTest)
		check.NoError(t, task.ShutdownDefaultExecutor(ctx, task.Forever))
	})
}

// Not only the end of the task tells the function.
func TestToThreadContextEndsWithTheAwait(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		inner, err := task.ToThread(ctx, func(ctx context.Context) (context.Context, error) { return ctx, ctx.Err() })
		check.NoError(t, err)
		check.Equal(t, "error of the context", inner.Err(), context.Canceled)
	})
}

func TestToThreadAfterTheExecutorWasShutDown(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		check.NoError(t, task.ShutdownDefaultExecutor(ctx, task.Forever))
		check.Is(t, second(task.ToThread(ctx, neverRun)), loop.ErrExecutorShutdown)
	})
}

func TestToThreadMisuse(t *testing.T) {
	check.Is(t, second(task.ToThread(context.Background(), neverRun)), future.ErrNoTask, "ToThread")
	runTest(t, func(ctx context.Context) {
		check.Is(t, second(task.ToThread[int](ctx, nil)), loop.ErrNilFunc, "ToThread")
		check.Is(t, task.RunInExecutor[int](loop.Running(ctx), nil, nil).Err(), loop.ErrNilFunc, "RunInExecutor")
	})
}

func TestRunInExecutorOnAForeignGoroutineIsRefused(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		check.ForeignCalls(loop.Running(ctx))
		refused := make(chan error)
		go func() {
			refused <- check.Panics(t, func() { task.RunInExecutor(loop.Running(ctx), nil, neverRunOutside) })
		}()
		check.Is(t, <-refused, loop.ErrWrongGoroutine, "RunInExecutor")
	})
}

func neverRunOutside() (int, error) { panic("the function was called") }

func TestRunInExecutorThatIsCancelledInLineDoesNotBegin(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		l := loop.Running(ctx)
		pool := loop.NewPool(1)
		release := make(chan struct{})
		first := task.RunInExecutor(l, pool, func() (int, error) { <-release; return 1, nil })
		var called atomic.Bool
		dropped := task.RunInExecutor(l, pool, func() (int, error) { called.Store(true); return 2, nil })
		third := task.RunInExecutor(l, pool, func() (int, error) { return 3, nil })
		dropped.Cancel()
		tick(ctx)
		close(release)
		gives(t, ctx, first, 1)
		gives(t, ctx, third, 3)
		check.Equal(t, "cancelled", dropped.Cancelled(), true)
		check.NoError(t, pool.Shutdown(context.Background()))
		check.Equal(t, "the cancelled one was called", called.Load(), false)
	})
}

func TestRunInExecutorRunsOnAnotherGoroutine(t *testing.T) {
	l := newTestLoop(t)
	home := kernel.Goroutine()
	f := task.RunInExecutor(l, nil, func() (string, error) {
		check.Equal(t, "on the goroutine of the loop", kernel.Goroutine() == home, false)
		return "result", nil
	})
	v, err := task.RunUntilComplete(l, f)
	check.NoError(t, err)
	check.Equal(t, "result", v, "result")
}

func TestRunInExecutorUsesTheExecutorGiven(t *testing.T) {
	l := newTestLoop(t)
	own := &countingExecutor{}
	l.SetDefaultExecutor(own)
	v, err := task.RunUntilComplete(l, task.RunInExecutor(l, nil, func() (int, error) { return 1, nil }))
	check.NoError(t, err)
	check.Equal(t, "result", v, 1)
	check.Equal(t, "functions of the default executor", own.submitted, 1)
	given := &countingExecutor{}
	v, err = task.RunUntilComplete(l, task.RunInExecutor(l, given, func() (int, error) { return 2, nil }))
	check.NoError(t, err)
	check.Equal(t, "result", v, 2)
	check.Equal(t, "functions of the given executor", given.submitted, 1)
	check.Equal(t, "functions of the default executor", own.submitted, 1)
}

// countingExecutor is a pool that counts.
type countingExecutor struct {
	loop.Pool
	submitted int
}

func (e *countingExecutor) Submit(fn func()) error {
	e.submitted++
	return e.Pool.Submit(fn)
}

func TestRunInExecutorFinishesAfterTheLoopIsClosed(t *testing.T) {
	l := newTestLoop(t)
	r := check.Collect(l)
	begun, finish := make(chan struct{}), make(chan struct{})
	f := task.RunInExecutor(l, nil, func() (int, error) {
		close(begun)
		<-finish
		return 1, errTest
	})
	pool, err := l.DefaultExecutor()
	check.NoError(t, err)
	<-begun
	f.Cancel()
	l.Poll()
	l.Poll()
	check.NoError(t, l.Close())
	close(finish)
	check.NoError(t, pool.Shutdown(context.Background()))
	check.Equal(t, "Cancelled", f.Cancelled(), true)
	check.Equal(t, "reports", r.Messages(), []string{})
}

func TestShutdownDefaultExecutorGivesUpAfterItsTimeout(t *testing.T) {
	l := newTestLoop(t)
	finish := make(chan struct{})
	f := task.RunInExecutor(l, nil, func() (int, error) {
		<-finish
		return 1, nil
	})
	pool, err := l.DefaultExecutor()
	check.NoError(t, err)
	check.RunOn(t, l, func(ctx context.Context) {
		err := task.ShutdownDefaultExecutor(ctx, time.Nanosecond)
		check.Is(t, err, context.DeadlineExceeded, "the executor did not finish within 1ns")
		_, err = task.RunInExecutor(l, nil, func() (int, error) { return 2, nil }).Await(ctx)
		check.Is(t, err, loop.ErrExecutorShutdown)
		close(finish)
		gives(t, ctx, future.Awaitable[int](f), 1)
	})
	check.NoError(t, pool.Shutdown(context.Background()))
}

// idleClock is a virtual clock that tells when its loop is about to sleep.
type idleClock struct {
	*timers.Virtual
	idle func()
}

func (c *idleClock) Sleep(until time.Time, wake <-chan struct{}) {
	c.idle()
	c.Virtual.Sleep(until, wake)
}

func TestToThreadHoldsAVirtualClock(t *testing.T) {
	release := make(chan struct{})
	clock := &idleClock{Virtual: timers.NewVirtual(start), idle: sync.OnceFunc(func() { close(release) })}
	check.NoError(t, second(task.Run(context.Background(), task.Void(func(ctx context.Context) error {
		other := task.Go(ctx, sleepsLong) // the clock could jump to its end
		v, err := task.ToThread(ctx, func(context.Context) (int, error) {
			<-release // the loop has nothing else to do
			return 42, nil
		})
		check.Equal(t, "result", v, 42)
		check.Equal(t, "time", elapsed(ctx), time.Duration(0))
		other.Cancel()
		return err
	}), task.WithLoopOptions(loop.WithClock(clock)))))
}

func TestRunInExecutorThatWasShutDownFails(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		pool := loop.NewPool(1)
		check.NoError(t, pool.Shutdown(ctx))
		f := task.RunInExecutor(loop.Running(ctx), pool, func() (int, error) { return 1, nil })
		check.Is(t, f.Err(), loop.ErrExecutorShutdown)
		check.NoError(t, task.Sleep(ctx, time.Second)) // the clock is not held
	})
}

func TestShutdownDefaultExecutorNeedsATask(t *testing.T) {
	check.Is(t, task.ShutdownDefaultExecutor(context.Background(), time.Second), future.ErrNoTask, "ShutdownDefaultExecutor")
}
