package tasktest

import (
	"context"
	"fmt"
	"path"
	"runtime"
	"strings"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task/tasktest/internal/choice"
)

// executor is a loop.Executor whose results arrive when the schedule says so.
type executor struct {
	run    *run
	faults []ExecutorFault
	down   bool
}

// An ExecutorFault is something that may go wrong in an executor: see [NewExecutor].
type ExecutorFault uint8

const (
	// Hang is a function whose result never arrives.
	Hang ExecutorFault = iota + 1
	// Refuse is an executor that does not take a function, as if it were shut down: the
	// error matches [loop.ErrExecutorShutdown].
	Refuse
)

// NewExecutor returns an executor for tests. It calls a function at once, on a goroutine of
// its own, while the loop waits; so the function must not wait for the loop. Under [Explore]
// its result arrives later: after those of later functions, say, or exactly when a timeout
// is over. In some schedules there are faults, if the executor is to have any. The loop of
// [Explore] has an executor without faults by default.
func NewExecutor(t *T, faults ...ExecutorFault) loop.Executor {
	for _, f := range faults {
		if f != Hang && f != Refuse {
			panic(fmt.Errorf("tasktest: NewExecutor: there is no fault %d: %w", f, loop.ErrInvalidArgument))
		}
	}
	return &executor{run: t.run, faults: faults}
}

// SubmitCall makes the executor call call. The handle runs on the loop when the result
// arrives.
func (x *executor) SubmitCall(call func(), result *kernel.Handle) error {
	if x.down {
		return fmt.Errorf("tasktest: Executor: %w", loop.ErrExecutorShutdown)
	}
	e := x.run.explorer
	fault, what := ExecutorFault(0), "a result"
	if e != nil {
		if e.trace.on {
			what = "the result of " + programSite()
		}
		fault = e.fault(x.faults, what)
	}
	if fault == Refuse {
		return fmt.Errorf("tasktest: Executor: this schedule makes it refuse: %w", loop.ErrExecutorShutdown)
	}
	done := make(chan struct{})
	go func() {
		defer close(done) // also after Fatal
		call()
	}()
	<-done
	switch {
	case fault == Hang, result == nil:
	case e != nil:
		e.expect(what, result)
	default:
		x.run.kernel.Push(result)
	}
	return nil
}

// fault decides what goes wrong: 0 is nothing.
func (e *explorer) fault(faults []ExecutorFault, what string) ExecutorFault {
	if len(faults) == 0 || e.run.cancelOnly {
		return 0
	}
	v := e.decide(choice.Point{Kind: choice.Fault, N: len(faults) + 1})
	if v == 0 {
		return 0
	}
	switch faults[v-1] {
	case Hang:
		e.deviates(choice.Fault, "%s will never arrive", what)
	case Refuse:
		e.deviates(choice.Fault, "the executor refuses: %s", what)
	}
	return faults[v-1]
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
		if strings.HasPrefix(f.Function, module+"/task/internal/sched.(*Task).watch.") {
			return true
		}
		if !more {
			return false
		}
	}
}

// programSite is where the program has called the library, as in "cache.go:12".
func programSite() string {
	for f := range calls {
		if !ofLibrary(f.Function, f.File) {
			return fmt.Sprintf("%s:%d", path.Base(f.File), f.Line)
		}
	}
	return "another place"
}
