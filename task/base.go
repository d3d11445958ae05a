package task

import (
	"context"
	"errors"
	"fmt"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
)

// base is the part of a task that does not depend on the type of its result:
// asyncio's Task, but for the Future that it is.
//
// An unfinished task is in one of three states:
//
//	waiting    waiter is a pending future, and wake one of its callbacks
//	runnable   wake is in the ready queue; waiter is nil or done
//	running    its step is being run, or it is about to suspend; waiter is nil
//
// The fields that every step uses come first, and share a cache line: with many
// tasks, a step costs about as much as the memory that it touches.
type base struct {
	sched       *sched
	worker      worker          // from its first step to its end
	mustCancel  bool            // cancel at the next opportunity
	interrupted bool            // what it awaits was cancelled by the end of a context
	lending     bool            // it waits for a baton that it lent, as in an eager start
	quiet       bool            // not to be reported if it is destroyed pending
	requests    int32           // for cancellation, that were not taken back
	wake        future.Callback // its steps, all of them

	waiter *future.Core // what it awaits
	core   future.Core
	life   lifetime        // of its context
	values context.Context // that its context passes on
	prev   *base           // in the order of creation
	next   *base
	extra  *extra
	number int32 // of a default name
}

// extra is what few tasks have.
type extra struct {
	name  string
	cause error  // why a context ended, if interrupted
	watch *watch // on the context that the task was made with
}

// rare returns the task's extra, to be changed.
func (b *base) rare() *extra {
	if b.extra == nil {
		b.extra = new(extra)
	}
	return b.extra
}

// body is a task of some type: it runs the coroutine to its end, and finishes the
// task.
type body interface {
	future.Owner
	task() *base
	any() Any
	execute()
	broken(value any)
	finishCancelled(message string, err error)
}

// body returns the task with its type.
func (b *base) body() body { return b.core.Owner().(body) }

// any returns the task as the program knows it.
func (b *base) any() Any { return b.body().any() }

// taskOf returns the task whose future f is, nil if it is no task's.
func taskOf(f *future.Core) *base {
	if body, ok := f.Owner().(body); ok {
		return body.task()
	}
	return nil
}

// context returns the context of the task's coroutine.
func (b *base) context() *taskContext { return (*taskContext)(b) }

// Run is a step on the loop's goroutine: it hands the baton over, and returns
// when it is back, which is later than the end of the step if the baton was
// passed on meanwhile.
func (b *base) Run() {
	if b.cancelledBeforeStart() {
		return
	}
	s := b.sched
	s.handoff.runStep(s.workerOf(b))
	s.setCurrent(nil)
}

// String describes the task's step, as a callback of what it waits for. It must
// not describe the task, whose description has that of what it waits for.
func (b *base) String() string { return "Task.wakeup(" + b.Name() + ")" }

// DescribeFuture is the task's String, for reports of slow steps.
func (b *base) DescribeFuture() string { return b.body().DescribeFuture() }

// cancelledBeforeStart finishes a task that was cancelled before its first step:
// its coroutine never runs.
func (b *base) cancelledBeforeStart() bool {
	if !b.mustCancel || b.worker.begun() {
		return false
	}
	b.mustCancel = false
	b.body().finishCancelled("", &future.CancelledError{Message: b.core.Message()})
	return true
}

// Loop is the loop that the task runs on.
func (b *base) Loop() *loop.Loop { return b.sched.loop }

// Await waits for f: see [future.Future.Await].
func (b *base) Await(ctx context.Context, f *future.Core) error {
	if b.worker.goroutine != loop.Goroutine() || b.sched.closed {
		return b.refuse(f)
	}
	if f.Done() {
		return f.Result()
	}
	if f.Loop() != b.sched.loop || f == &b.core {
		return b.misled(f)
	}
	f.Register(&b.wake)
	b.waiter = f
	if b.mustCancel && f.Cancel(b.core.Message()) {
		b.mustCancel = false
	}
	if outer := foreignOf(ctx); outer != nil {
		b.suspendWatching(outer)
	} else {
		if to, wake := b.handOver(); wake != nil {
			if to != nil {
				to <- struct{}{}
			}
			<-wake
		}
		b.goOn()
	}
	b.waiter = nil
	return b.resumed(f.Result())
}

// misled refuses to await a future of another loop, or the task itself. As in
// asyncio, the error comes one iteration later. Like refuse, it is apart because
// it needs a lot of stack.
//
//go:noinline
func (b *base) misled(f *future.Core) error {
	err := fmt.Errorf("task: %v got %v: %w", b.any(), f, future.ErrOtherLoop)
	if f == &b.core {
		err = fmt.Errorf("task: %v: %w", b.any(), ErrAwaitsItself)
	}
	b.sched.kernel.Push(&b.wake.Handle)
	b.suspend()
	return b.resumed(err)
}

// check refuses an await through a context that is not that of the running task.
// It compares goroutines, since a task runs exactly when its goroutine does.
func (b *base) check() error {
	if b.worker.goroutine == loop.Goroutine() && !b.sched.closed {
		return nil
	}
	return b.refuse(nil)
}

// refuse says what is wrong with an await. It is apart because it needs a lot of
// stack, and awaits are called on every stack that is to be parked.
//
//go:noinline
func (b *base) refuse(f *future.Core) error {
	what := "await"
	if f != nil {
		what = "await of a future"
	}
	s := b.sched
	switch holder := s.kernel.Holder(); {
	case s.loop.IsClosed():
		return fmt.Errorf("task: %s in task %q: %w", what, b.Name(), loop.ErrClosed)
	case holder == 0:
		return fmt.Errorf("task: %s through the context of task %q while no task is running: %w", what, b.Name(), ErrNotCurrent)
	case holder == loop.Goroutine():
		return fmt.Errorf("task: %s through the context of task %q while task %q is running: %w", what, b.Name(), s.current.Name(), ErrNotCurrent)
	default:
		return fmt.Errorf("task: %s through the context of task %q on a goroutine that is not the task's: %w", what, b.Name(), ErrNotCurrent)
	}
}

// suspend gives the baton away until the loop reaches the task's next step.
//
// Await and Yield spell it out. Each call between the program and the channels is a
// return that the processor mispredicts after the switch, and a bit of stack that
// has to come from memory.
func (b *base) suspend() {
	if to, wake := b.handOver(); wake != nil {
		if to != nil {
			to <- struct{}{}
		}
		<-wake
	}
	b.goOn()
}

// handOver gives the baton to whoever is next, or tells the caller to do so, by
// the channel to send to, if that is all there is to do. It also tells the channel
// to wait on then. That is nil if there is no need: because the handoff has waited,
// not being the default one, or because b itself is next.
func (b *base) handOver() (to, wake chan struct{}) {
	s := b.sched
	wake = b.worker.wake
	if s.lent {
		s.handoff.giveBack()
	} else {
		next := s.next()
		switch {
		case next == b:
			return nil, nil
		case next != nil && next.worker.wake != nil:
			return next.worker.wake, wake
		}
		s.pass(next)
	}
	if wake == nil {
		s.handoff.wait(b.worker)
	}
	return nil, wake
}

// goOn begins a step, having received the visits that come in its place.
func (b *base) goOn() {
	s := b.sched
	if s.visit != nil {
		s.receive(b)
	}
	s.setCurrent(b)
}

// resumed is what a step begins with: it decides what the await returns.
func (b *base) resumed(err error) error {
	if b.mustCancel {
		b.mustCancel = false
		if !future.IsCancelled(err) {
			err = &future.CancelledError{Message: b.core.Message()}
		}
	}
	if b.interrupted {
		b.interrupted = false
		if future.IsCancelled(err) {
			err = b.extra.cause
		}
	}
	return err
}

// cancel is Task.Cancel.
func (b *base) cancel(message string) bool {
	b.core.Forget()
	if b.core.Done() {
		return false
	}
	b.requests++
	b.interrupted = false
	if b.waiter != nil && b.waiter.Cancel(message) {
		return true
	}
	b.mustCancel = true
	b.core.SetMessage(message)
	return true
}

// interrupt cancels what the task waits for because a context of Go's ended. It
// is like cancel, but counts as no request, and the await returns cause.
func (b *base) interrupt(cause error) {
	if b.mustCancel || b.waiter != nil && b.waiter.State() == future.Cancelled {
		return // it is being cancelled
	}
	b.interrupted = true
	b.rare().cause = cause
	if b.waiter != nil && b.waiter.Cancel("") {
		return
	}
	b.mustCancel = true
	b.core.SetMessage("")
}

// suspendWatching is suspend with an eye on ctx. The watch costs no goroutine
// until ctx ends.
func (b *base) suspendWatching(ctx context.Context) {
	if ctx.Err() != nil {
		b.interrupt(context.Cause(ctx))
		b.suspend()
		return
	}
	w := &watch{ctx: ctx, interrupt: func() { b.interrupt(context.Cause(ctx)) }}
	w.start(b.sched)
	defer w.stop() // also if the coroutine is unwound
	b.suspend()
}

// watch brings the end of a context to the loop.
type watch struct {
	handle     loop.Handle
	sched      *sched
	ctx        context.Context
	interrupt  func()
	cancel     func() bool
	over       bool
	prev, next *watch // among those of the loop
}

func (w *watch) start(s *sched) {
	w.sched = s
	w.next = s.watches
	if w.next != nil {
		w.next.prev = w
	}
	s.watches = w
	w.handle.Init(loop.Internal, w)
	w.cancel = context.AfterFunc(w.ctx, func() {
		_ = s.kernel.Post(&w.handle) // a closed loop has nobody to interrupt
	})
}

func (w *watch) stop() {
	if w.over {
		return
	}
	w.over = true
	w.cancel()
	if w.prev == nil {
		w.sched.watches = w.next
	} else {
		w.prev.next = w.next
	}
	if w.next != nil {
		w.next.prev = w.prev
	}
}

// Run is called on the loop when the context has ended.
func (w *watch) Run() {
	if !w.over {
		w.stop()
		w.interrupt()
	}
}

// watchParent makes the end of the context that the task was made with cancel
// the task, once.
func (b *base) watchParent(ctx context.Context) {
	if ctx.Err() != nil {
		b.cancel("")
		return
	}
	w := &watch{ctx: ctx, interrupt: func() { b.cancel("") }}
	w.start(b.sched)
	b.rare().watch = w
}

func (b *base) stopWatching() {
	if b.extra != nil && b.extra.watch != nil {
		b.extra.watch.stop()
	}
}

// finished is called when the task is about to get its outcome.
func (b *base) finished() {
	b.sched.remove(b)
	b.stopWatching()
	b.life.end(context.Canceled)
}

// Name is the task's name.
func (b *base) Name() string {
	switch {
	case b.number > 0:
		return fmt.Sprintf("Task-%d", b.number)
	case b.extra != nil:
		return b.extra.name
	}
	return ""
}

func (b *base) setName(name string) {
	b.number = 0
	b.rare().name = name
}

// Errors that say how this package was misused. They come wrapped in an error
// that names the task or group; test for them with errors.Is.
var (
	// ErrNotCurrent: an await through the context of a task that is not the one
	// running on this goroutine.
	ErrNotCurrent = errors.New("await with the context that the running coroutine was given")
	// ErrAwaitsItself: a task awaits itself.
	ErrAwaitsItself = errors.New("a task cannot await itself")
	// ErrGoexit: the exception of a task whose coroutine called runtime.Goexit.
	ErrGoexit = errors.New("task: the coroutine called runtime.Goexit")
	// ErrNilCoroutine: a coroutine or awaitable is nil.
	ErrNilCoroutine = errors.New("the coroutine is nil")
	// ErrStopped: the loop was stopped before what it ran for was done.
	ErrStopped = errors.New("the event loop was stopped before the future completed")
)

// PanicError is what a panic in a coroutine becomes.
type PanicError = loop.PanicError
