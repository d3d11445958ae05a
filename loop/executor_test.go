package loop_test

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/loop"
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
		noError(t, p.Submit(func() {
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
	noError(t, p.Shutdown(context.Background()))
	equal(t, "running at a time, at most", most.Load(), int32(limit))
	equal(t, "running in the end", running.Load(), int32(0))
}

func TestPoolWithoutLimitRunsAllAtOnce(t *testing.T) {
	for _, p := range []*loop.Pool{loop.NewPool(0), new(loop.Pool)} {
		const functions = 50
		var met sync.WaitGroup
		met.Add(functions)
		for range functions {
			noError(t, p.Submit(func() {
				met.Done()
				met.Wait() // for all the others
			}))
		}
		noError(t, p.Shutdown(context.Background()))
	}
}

func TestPoolOfOneKeepsTheOrder(t *testing.T) {
	p := loop.NewPool(1)
	var s steps
	want := []string{"a", "b", "c", "d"}
	for _, name := range want {
		noError(t, p.Submit(s.of(name)))
	}
	noError(t, p.Shutdown(context.Background()))
	s.check(t, want...)
}

func TestPoolGoesOnAfterAFunctionThatEndsItsGoroutine(t *testing.T) {
	p := loop.NewPool(1)
	var s steps
	noError(t, p.Submit(func() {
		s.add("a")
		runtime.Goexit()
	}))
	noError(t, p.Submit(s.of("b")))
	noError(t, p.Submit(s.of("c")))
	noError(t, p.Shutdown(context.Background()))
	s.check(t, "a", "b", "c")
}

func TestPoolRefusesAfterShutdown(t *testing.T) {
	p := loop.NewPool(2)
	noError(t, p.Shutdown(context.Background()))
	noError(t, p.Shutdown(context.Background())) // again: nothing
	isError(t, p.Submit(func() { t.Error("called") }), loop.ErrExecutorShutdown, "loop: Pool.Submit: ")
}

func TestPoolShutdownWaitsUntilItsContextEnds(t *testing.T) {
	p := loop.NewPool(1)
	finish := make(chan struct{})
	var s steps
	noError(t, p.Submit(func() { <-finish }))
	noError(t, p.Submit(s.of("in line")))
	if err := p.Shutdown(ended); err != errTest {
		t.Errorf("Shutdown gave up with %v, want the cause of the context's end", err)
	}
	close(finish)
	noError(t, p.Shutdown(context.Background())) // what was submitted runs all the same
	s.check(t, "in line")
}

func TestPoolShutdownFromManyGoroutines(t *testing.T) {
	p := loop.NewPool(0)
	finish := make(chan struct{})
	noError(t, p.Submit(func() { <-finish }))
	var waiting sync.WaitGroup
	for range 5 {
		waiting.Go(func() { noError(t, p.Shutdown(context.Background())) })
	}
	close(finish)
	waiting.Wait()
}

func TestPoolRefusesMisuse(t *testing.T) {
	const want = "loop: NewPool: the limit is -1: it must not be negative: invalid argument"
	if err := panicOf(t, func() { loop.NewPool(-1) }); err.Error() != want {
		t.Errorf("the panic is %q, want %q", err, want)
	}
	isError(t, loop.NewPool(1).Submit(nil), loop.ErrNilFunc, "loop: Pool.Submit: ")
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
	equal(t, "ExecutorUsed at first", l.Kernel().ExecutorUsed(), false)
	e, err := l.DefaultExecutor()
	noError(t, err)
	equal(t, "ExecutorUsed afterwards", l.Kernel().ExecutorUsed(), true)
	again, err := l.DefaultExecutor()
	noError(t, err)
	equal(t, "the same executor again", again == e, true)
	noError(t, l.Close())
	isError(t, e.Submit(func() {}), loop.ErrExecutorShutdown, "loop: Pool.Submit: ")
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
	if err := panicOf(t, func() { l.SetDefaultExecutor(nil) }); err.Error() != want {
		t.Errorf("the panic is %q, want %q", err, want)
	}
}

func TestCloseDoesNotWaitForTheExecutor(t *testing.T) {
	var got error
	l, _ := newLoop(t, loop.WithExecutor(&stubExecutor{shutdown: func(ctx context.Context) error {
		got = ctx.Err()
		return got
	}}))
	noError(t, l.Close())
	equal(t, "state of the context of Shutdown", got, context.Canceled)
}

func TestShutdownDefaultExecutorWaitsForItsFunctions(t *testing.T) {
	l, _ := newLoop(t)
	noError(t, l.ShutdownDefaultExecutor(0)) // there is none
	l, _ = newLoop(t)
	e, err := l.DefaultExecutor()
	noError(t, err)
	finish := make(chan struct{})
	finished := false
	noError(t, e.Submit(func() {
		<-finish
		finished = true
	}))
	go close(finish)
	noError(t, l.ShutdownDefaultExecutor(time.Hour))
	equal(t, "finished", finished, true)
	equal(t, "ExecutorUsed", l.Kernel().ExecutorUsed(), true)
	_, err = l.DefaultExecutor()
	isError(t, err, loop.ErrExecutorShutdown, "loop: default executor: ")
}

func TestShutdownDefaultExecutorGivesUpAfterItsTimeout(t *testing.T) {
	l, _ := newLoop(t)
	e, err := l.DefaultExecutor()
	noError(t, err)
	finish := make(chan struct{})
	noError(t, e.Submit(func() { <-finish }))
	err = l.ShutdownDefaultExecutor(time.Nanosecond)
	isError(t, err, context.DeadlineExceeded, "loop: the executor did not finish within 1ns: ")
	close(finish)
	noError(t, e.Shutdown(context.Background()))
}

// Whoever takes over from a function that ended its goroutine counts as running.
func TestPoolCountsWhatRunsAfterAFunctionThatEndedItsGoroutine(t *testing.T) {
	p := loop.NewPool(1)
	begin, begun, finish := make(chan struct{}), make(chan struct{}), make(chan struct{})
	noError(t, p.Submit(func() {
		<-begin
		runtime.Goexit()
	}))
	noError(t, p.Submit(func() {
		close(begun)
		<-finish
	}))
	close(begin)
	<-begun
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	isError(t, p.Shutdown(ended), context.Canceled, "")
	close(finish)
	noError(t, p.Shutdown(context.Background()))
}
