package monitor

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task/internal/sched"
)

// errand is a job that a monitor gives to a loop, and waits for. Only the owner of the
// baton may look at tasks.
type errand struct {
	*watched
	handle kernel.Handle
	fn     func(s *sched.Sched)
	state  atomic.Uint32 // an errandState
	done   chan struct{} // closed when fn has returned, or the loop was closed
}

type errandState = uint32

const (
	errandWaiting errandState = iota
	errandRuns
	errandWithdrawn // whoever waited for it has given up
	errandDropped   // the loop was closed
)

// onLoop has the loop call fn between two steps or callbacks, on whichever goroutine owns
// the baton, and waits until fn has returned or ctx ends. Then fn is not called any more,
// unless it has begun. fn must not block and call nothing of the program.
func (w *watched) onLoop(ctx context.Context, fn func(s *sched.Sched)) error {
	return w.run(ctx, kernel.Internal, fn)
}

// asProgram is onLoop for an fn that calls the program.
func (w *watched) asProgram(ctx context.Context, fn func(s *sched.Sched)) error {
	return w.run(ctx, kernel.OnLoopGoroutine, fn)
}

func (w *watched) run(ctx context.Context, kind kernel.Kind, fn func(s *sched.Sched)) error {
	e := &errand{watched: w, fn: fn, done: make(chan struct{})}
	e.handle.Init(kind, e)
	if !w.loop.Kernel().Post(&e.handle) {
		return fmt.Errorf("monitor: loop %d: %w", w.number, loop.ErrClosed)
	}
	select {
	case <-e.done:
	case <-ctx.Done():
		if e.state.CompareAndSwap(errandWaiting, errandWithdrawn) {
			return context.Cause(ctx)
		}
		<-e.done // it takes no longer than a slice of a snapshot
	}
	if e.state.Load() == errandDropped {
		return fmt.Errorf("monitor: loop %d: %w", w.number, loop.ErrClosed)
	}
	return nil
}

// Run is called by the loop.
func (e *errand) Run() {
	e.own.Add(1)
	if e.state.CompareAndSwap(errandWaiting, errandRuns) {
		defer close(e.done)
		e.fn(sched.Of(e.loop.Kernel()))
	}
}

// Drop is called when the loop is closed before it could run the errand.
func (e *errand) Drop() {
	if e.state.CompareAndSwap(errandWaiting, errandDropped) {
		close(e.done)
	}
}

func (*errand) String() string { return "a monitor" }
