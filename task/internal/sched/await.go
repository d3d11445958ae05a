package sched

import (
	"context"
	"fmt"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
)

// awaiter is the task as its context shows it to futures: it can wait, and nothing
// else.
type awaiter Task

var _ kernel.Awaiter = (*awaiter)(nil)

// Kernel is the kernel of the task's loop.
func (a *awaiter) Kernel() *kernel.Kernel { return a.sched.kernel }

// Check is [Task.Check].
func (a *awaiter) Check() error { return (*Task)(a).Check() }

// Await waits for f in the task, and returns its exception.
func (t *Task) Await(ctx context.Context, f *kernel.Future) error {
	return (*awaiter)(t).Await(ctx, f)
}

// Await waits for f: see future.Future.Await.
func (a *awaiter) Await(ctx context.Context, f *kernel.Future) error {
	t := (*Task)(a)
	if !t.runsHere() {
		return t.mayNotAwait("await of a future")
	}
	if f.Done() {
		return f.Take(cancelled)
	}
	if f.Kernel() != t.sched.kernel || f == &t.promise.Future {
		return t.awaitImpossible(f)
	}
	f.Register(&t.wake)
	t.awaited = f
	if t.mustCancel && f.Cancel(t.promise.Message()) {
		t.mustCancel = false
	}
	if outer := foreignOf(ctx); outer != nil {
		t.suspendWatching(outer)
	} else {
		if to, wake := t.handOver(); wake != nil { // suspend
			if to != nil {
				to <- struct{}{}
			}
			<-wake
		}
		t.goOn()
	}
	t.awaited = nil
	return t.resumed(f.Take(cancelled))
}

// Yield suspends the task that ctx carries for one iteration: asyncio's sleep(0).
func Yield(ctx context.Context) error {
	t, outer, err := mayYield(ctx)
	if err != nil {
		return err
	}
	if outer != nil && outer.Err() != nil {
		t.interrupt(context.Cause(outer))
	}
	t.sched.kernel.PushRunning(t.wake.Handle())
	if to, wake := t.handOver(); wake != nil { // suspend
		if to != nil {
			to <- struct{}{}
		}
		<-wake
	}
	t.goOn()
	return t.resumed(nil)
}

// mayYield returns the task that ctx carries if it may await through ctx, and what
// foreignOf says.
func mayYield(ctx context.Context) (t *Task, outer context.Context, err error) {
	if c, ok := ctx.(*taskContext); ok { // as a rule
		t = (*Task)(c)
	} else {
		if t = Running(ctx); t == nil {
			return nil, nil, NoTask("Yield")
		}
		outer = foreignOf(ctx)
	}
	if !t.runsHere() {
		return nil, nil, t.mayNotAwait("await")
	}
	return t, outer, nil
}

// NoTask is the error of an operation whose context carries no task.
//
// Errors of awaits are made in functions of their own: that takes a lot of stack, and
// every suspended goroutine has called an await.
//
//go:noinline
func NoTask(operation string) error {
	return fmt.Errorf("task: %s: %w", operation, future.ErrNoTask)
}

// Check refuses an await through a context that is not that of the running task. Any
// goroutine may call it.
func (t *Task) Check() error {
	if t.runsHere() {
		return nil
	}
	return t.mayNotAwait("await")
}

// runsHere reports whether the calling goroutine is running the task's step. It may be
// any goroutine: what belongs to the owner of the baton is looked at only once it is
// known that the caller is the owner. On a closed loop no goroutine runs a step: see
// unwind.
func (t *Task) runsHere() bool {
	s := t.sched
	return s.kernel.RunsCaller() && s.current == t
}

// mayNotAwait says what is wrong with an await. Any goroutine may call it.
//
//go:noinline
func (t *Task) mayNotAwait(what string) error {
	s := t.sched
	switch owner := s.kernel.StepOwner(); {
	case s.kernel.IsClosed():
		return fmt.Errorf("task: %s in task %q: %w", what, t.Name(), loop.ErrClosed)
	case owner == 0:
		return fmt.Errorf("task: %s through the context of task %q while no task is running: %w", what, t.Name(), ErrNotCurrent)
	case owner == kernel.Goroutine() && s.current == nil:
		return fmt.Errorf("task: %s through the context of task %q in a hook of an instrument: %w", what, t.Name(), ErrNotCurrent)
	case owner == kernel.Goroutine():
		return fmt.Errorf("task: %s through the context of task %q while task %q is running: %w", what, t.Name(), s.current.Name(), ErrNotCurrent)
	default:
		return fmt.Errorf("task: %s through the context of task %q on a goroutine that is not the task's: %w", what, t.Name(), ErrNotCurrent)
	}
}

// awaitImpossible refuses to await a future of another loop, or the task itself. As
// in asyncio, the error comes one iteration later.
//
//go:noinline
func (t *Task) awaitImpossible(f *kernel.Future) error {
	err := fmt.Errorf("task: %v got %s: %w", t.Public(), f.Outline(), future.ErrOtherLoop)
	if f == &t.promise.Future {
		err = fmt.Errorf("task: %v: %w", t.Public(), ErrAwaitsItself)
	}
	t.sched.kernel.Push(t.wake.Handle())
	t.suspend()
	return t.resumed(err)
}

// suspend gives the baton away until the loop reaches the task's next step.
//
// Await and Yield spell it out. Each call between the program and the channels is a
// return that the processor mispredicts after the switch, and a bit of stack that
// has to come from memory.
func (t *Task) suspend() {
	if to, wake := t.handOver(); wake != nil {
		if to != nil {
			to <- struct{}{}
		}
		<-wake
	}
	t.goOn()
}

// handOver gives the baton to the next step, or tells the caller to do so, by the
// channel to send to, if that is all there is to do. It also tells the channel to
// wait on then. That is nil if there is no need: because the handoff has waited, not
// being the default one, or because t itself is next.
func (t *Task) handOver() (to, wake chan struct{}) {
	s := t.sched
	if s.kernel.Attention()&kernel.AttendSteps != 0 {
		s.afterStep(t)
	}
	wake = t.worker.wake
	if s.inCall {
		s.handoff.giveBack()
	} else {
		next := s.next()
		switch {
		case next == t:
			return nil, nil
		case next != nil && next.worker.wake != nil:
			return next.worker.wake, wake
		}
		s.pass(next)
	}
	if wake == nil {
		s.handoff.wait(t.worker)
	}
	return nil, wake
}

// goOn begins a step, having received the visits that come in its place.
func (t *Task) goOn() {
	s := t.sched
	if s.kernel.Attention()&atStep != 0 {
		s.attend(t)
	}
	if s.current != t { // or it is its own successor
		s.setCurrent(t)
	}
}

// resumed is what a step begins with: it decides what the await returns.
func (t *Task) resumed(err error) error {
	if t.mustCancel {
		t.mustCancel = false
		if !future.IsCancelled(err) {
			err = cancelled(t.promise.Message())
		}
	}
	if t.interrupted {
		t.interrupted = false
		if future.IsCancelled(err) {
			err = t.extra.Load().cause
		}
	}
	return err
}

// suspendWatching is suspend with an eye on ctx. The watch costs no goroutine
// until ctx ends.
func (t *Task) suspendWatching(ctx context.Context) {
	if ctx.Err() != nil {
		t.interrupt(context.Cause(ctx))
		t.suspend()
		return
	}
	w := t.watch(ctx, false)
	defer w.Value.stop(w) // also if the coroutine is unwound
	t.suspend()
}
