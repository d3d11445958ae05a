package tasktest

import (
	"context"
	"fmt"
	"runtime"
	"strings"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
)

// executor is a loop.Executor whose results arrive when the schedule says so.
type executor struct {
	run  *run
	down bool
}

// NewExecutor returns an executor for tests. It calls a function at once, on a goroutine of
// its own, while the loop waits; so the function must not wait for the loop. Under [Explore]
// its result arrives later, in any order. The loop of [Explore] uses one by default.
func NewExecutor(t *T) loop.Executor { return &executor{run: t.run} }

// SubmitCall makes the executor call call. The handle runs on the loop when the result
// arrives.
func (x *executor) SubmitCall(call func(), result *kernel.Handle) error {
	if x.down {
		return fmt.Errorf("tasktest: Executor: %w", loop.ErrExecutorShutdown)
	}
	done := make(chan struct{})
	go func() {
		defer close(done) // also after Fatal
		call()
	}()
	<-done
	switch e := x.run.explorer; {
	case result == nil:
	case e != nil:
		e.expect("a result arrives", result)
	default:
		x.run.kernel.Push(result)
	}
	return nil
}

// Submit makes the executor call fn.
func (x *executor) Submit(fn func()) error { return x.SubmitCall(fn, nil) }

// Shutdown makes Submit refuse further functions.
func (x *executor) Shutdown(context.Context) error {
	x.down = true
	return nil
}

// fromContext reports whether package context has called the caller because a context has
// ended.
func fromContext() bool {
	var pcs [16]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(1, pcs[:])])
	for {
		f, more := frames.Next()
		if strings.HasPrefix(f.Function, module+"/task/internal/sched.(*Sched).watch.") {
			return true
		}
		if !more {
			return false
		}
	}
}
