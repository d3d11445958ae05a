package loop_test

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

var ended = func() context.Context {
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errTest)
	return ctx
}()

func TestPoolRunsNoMoreThanItsLimit(t *testing.T) {
	const limit, functions = 3, 50
	p := loop.NewPool(limit)
	var running, most atomic.Int32
	full := make(chan struct{}) // closed when as many run as may
	for range functions {
		check.NoError(t, p.Submit(func() {
			defer running.Add(-1)
			now := running.Add(1)
			for {
				before := most.Load()
				if now <= before {
					break
				}
				if most.CompareAndSwap(before, now) {
					if now == limit {
						close(full)
					}
					break
				}
			}
			<-full
		}))
	}
	check.NoError(t, p.Shutdown(context.Background()))
	check.Equal(t, "running at a time, at most", most.Load(), int32(limit))
	check.Equal(t, "running in the end", running.Load(), int32(0))
}

func TestPoolWithoutLimitRunsAllAtOnce(t *testing.T) {
	for _, p := range []*loop.Pool{loop.NewPool(0), new(loop.Pool)} {
		const functions = 50
		var met sync.WaitGroup
		met.Add(functions)
		for range functions {
			check.NoError(t, p.Submit(func() {
				met.Done()
				met.Wait() // for all the others
			}))
		}
		check.NoError(t, p.Shutdown(context.Background()))
	}
}

func TestPoolOfOneKeepsTheOrder(t *testing.T) {
	p := loop.NewPool(1)
	var s check.Steps
	want := []string{"a", "b", "c", "d"}
	for _, name := range want {
		check.NoError(t, p.Submit(s.Of(name)))
	}
	check.NoError(t, p.Shutdown(context.Background()))
	s.Check(t, want...)
}

func TestPoolGoesOnAfterAFunctionThatEndsItsGoroutine(t *testing.T) {
	p := loop.NewPool(1)
	var s check.Steps
	check.NoError(t, p.Submit(func() {
		s.Add("a")
		runtime.Goexit()
	}))
	check.NoError(t, p.Submit(s.Of("b")))
	check.NoError(t, p.Submit(s.Of("c")))
	check.NoError(t, p.Shutdown(context.Background()))
	s.Check(t, "a", "b", "c")
}

func TestPoolRefusesAfterShutdown(t *testing.T) {
	p := loop.NewPool(2)
	check.NoError(t, p.Shutdown(context.Background()))
	check.NoError(t, p.Shutdown(context.Background())) // again: nothing
	check.IsFrom(t, p.Submit(func() { t.Error("called") }), loop.ErrExecutorShutdown, "loop: Pool.Submit: ")
}

func TestPoolShutdownWaitsUntilItsContextEnds(t *testing.T) {
	p := loop.NewPool(1)
	finish := make(chan struct{})
	var s check.Steps
	check.NoError(t, p.Submit(func() { <-finish }))
	check.NoError(t, p.Submit(s.Of("in line")))
	if err := p.Shutdown(ended); err != errTest {
		t.Errorf("Shutdown gave up with %v, want the cause of the context's end", err)
	}
	close(finish)
	check.NoError(t, p.Shutdown(context.Background())) // what was submitted runs all the same
	s.Check(t, "in line")
}

func TestPoolShutdownFromManyGoroutines(t *testing.T) {
	p := loop.NewPool(0)
	finish := make(chan struct{})
	check.NoError(t, p.Submit(func() { <-finish }))
	var waiting sync.WaitGroup
	for range 5 {
		waiting.Go(func() { check.NoError(t, p.Shutdown(context.Background())) })
	}
	close(finish)
	waiting.Wait()
}

func TestPoolRefusesMisuse(t *testing.T) {
	const want = "loop: NewPool: the limit is -1: it must not be negative: invalid argument"
	if err := check.Panics(t, func() { loop.NewPool(-1) }); err.Error() != want {
		t.Errorf("the panic is %q, want %q", err, want)
	}
	check.IsFrom(t, loop.NewPool(1).Submit(nil), loop.ErrNilFunc, "loop: Pool.Submit: ")
}

// stubExecutor notes how it is used.
type stubExecutor struct {
	submitted int
	shutdown  func(ctx context.Context) error
}

func (e *stubExecutor) Submit(fn func()) error {
	e.submitted++
	return nil
}

func (e *stubExecutor) Shutdown(ctx context.Context) error { return e.shutdown(ctx) }

func TestDefaultExecutorIsMadeOnceAndShutDownByClose(t *testing.T) {
	l, _ := newLoop(t)
	check.Equal(t, "ExecutorUsed at first", l.Kernel().ExecutorUsed(), false)
	e, err := l.DefaultExecutor()
	check.NoError(t, err)
	check.Equal(t, "ExecutorUsed afterwards", l.Kernel().ExecutorUsed(), true)
	again, err := l.DefaultExecutor()
	check.NoError(t, err)
	check.Equal(t, "the same executor again", again == e, true)
	check.NoError(t, l.Close())
	check.IsFrom(t, e.Submit(func() {}), loop.ErrExecutorShutdown, "loop: Pool.Submit: ")
}

func TestDefaultExecutorCanBeReplaced(t *testing.T) {
	first := &stubExecutor{}
	second := &stubExecutor{shutdown: func(context.Context) error { return nil }}
	l, _ := newLoop(t, loop.WithExecutor(first))
	if e, err := l.DefaultExecutor(); e != loop.Executor(first) || err != nil {
		t.Errorf("DefaultExecutor = %v, %v", e, err)
	}
	l.SetDefaultExecutor(second)
	if e, err := l.DefaultExecutor(); e != loop.Executor(second) || err != nil {
		t.Errorf("DefaultExecutor = %v, %v", e, err)
	}
	const want = "loop: SetDefaultExecutor: the executor is nil: invalid argument"
	if err := check.Panics(t, func() { l.SetDefaultExecutor(nil) }); err.Error() != want {
		t.Errorf("the panic is %q, want %q", err, want)
	}
}

func TestCloseDoesNotWaitForTheExecutor(t *testing.T) {
	var got error
	l, _ := newLoop(t, loop.WithExecutor(&stubExecutor{shutdown: func(ctx context.Context) error {
		got = ctx.Err()
		return got
	}}))
	check.NoError(t, l.Close())
	check.Equal(t, "state of the context of Shutdown", got, context.Canceled)
}

func TestShutdownDefaultExecutorWaitsForItsFunctions(t *testing.T) {
	l, _ := newLoop(t)
	check.NoError(t, l.ShutdownDefaultExecutor(0)) // there is none
	l, _ = newLoop(t)
	e, err := l.DefaultExecutor()
	check.NoError(t, err)
	finish := make(chan struct{})
	finished := false
	check.NoError(t, e.Submit(func() {
		<-finish
		finished = true
	}))
	go close(finish)
	check.NoError(t, l.ShutdownDefaultExecutor(time.Hour))
	check.Equal(t, "finished", finished, true)
	check.Equal(t, "ExecutorUsed", l.Kernel().ExecutorUsed(), true)
	_, err = l.DefaultExecutor()
	check.IsFrom(t, err, loop.ErrExecutorShutdown, "loop: default executor: ")
}

func TestShutdownDefaultExecutorGivesUpAfterItsTimeout(t *testing.T) {
	l, _ := newLoop(t)
	e, err := l.DefaultExecutor()
	check.NoError(t, err)
	finish := make(chan struct{})
	check.NoError(t, e.Submit(func() { <-finish }))
	err = l.ShutdownDefaultExecutor(time.Nanosecond)
	check.IsFrom(t, err, context.DeadlineExceeded, "loop: the executor did not finish within 1ns: ")
	close(finish)
	check.NoError(t, e.Shutdown(context.Background()))
}

// Whoever takes over from a function that ended its goroutine counts as running.
func TestPoolCountsWhatRunsAfterAFunctionThatEndedItsGoroutine(t *testing.T) {
	p := loop.NewPool(1)
	begin, begun, finish := make(chan struct{}), make(chan struct{}), make(chan struct{})
	check.NoError(t, p.Submit(func() {
		<-begin
		runtime.Goexit()
	}))
	check.NoError(t, p.Submit(func() {
		close(begun)
		<-finish
	}))
	close(begin)
	<-begun
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	check.IsFrom(t, p.Shutdown(ended), context.Canceled, "")
	close(finish)
	check.NoError(t, p.Shutdown(context.Background()))
}

func TestPoolStartsGoroutinesWithoutAnAllocation(t *testing.T) {
	p := loop.NewPool(0)
	called := make(chan struct{})
	fn := func() { called <- struct{}{} }
	if n := testing.AllocsPerRun(100, func() {
		check.NoError(t, p.Submit(fn))
		<-called
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	check.NoError(t, p.Shutdown(context.Background()))
}
