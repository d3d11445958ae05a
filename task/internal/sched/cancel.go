package sched

import (
	"context"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop/kernel"
)

// Cancel is Task.Cancel of package task.
func (t *Task) Cancel(message string) bool {
	t.promise.Forget()
	if t.Done() {
		return false
	}
	if s := t.sched; s != nil && s.kernel.Attention()&kernel.AttendTasks != 0 {
		s.requested(t, message)
	}
	t.request(message)
	return true
}

// request is Cancel of an unfinished task.
func (t *Task) request(message string) {
	if t.is(asking) {
		t.breakCircle(message)
		return
	}
	t.requests++
	t.interrupted = false
	if t.awaited != nil && t.ask(message) {
		return
	}
	t.mustCancel, t.late = true, false
	t.promise.SetMessage(message)
}

// ask cancels what the task awaits, and reports whether that will have an effect.
func (t *Task) ask(message string) bool {
	t.marks |= asking
	defer func() { t.marks &^= asking }()
	return t.awaited.Cancel(message)
}

// breakCircle cancels a task that awaits, through others, itself: somebody must go first,
// and this is who the request has come back to. CPython raises RecursionError.
func (t *Task) breakCircle(message string) {
	if !t.awaited.Unregister(&t.wake) {
		return // it is on its way already
	}
	t.mustCancel = true
	t.promise.SetMessage(message)
	t.sched.kernel.Push(t.wake.Handle())
}

// Cancelling is the number of cancellation requests that were not taken back.
func (t *Task) Cancelling() int { return int(t.requests) }

// Uncancel takes one request back, and returns how many are left.
func (t *Task) Uncancel() int {
	if t.requests > 0 {
		t.requests--
		if t.requests == 0 {
			t.mustCancel = false
		}
	}
	return int(t.requests)
}

// CancelAgain takes the latest request back and makes it anew, so that the next
// await delivers it, while the number of requests stays.
func (t *Task) CancelAgain() {
	t.Uncancel()
	t.request("")
}

// CancelLater makes the task's next await deliver the cancellation err, which this one
// has swallowed for the sake of a result. It counts as no request. If the task ends
// before it awaits again, it keeps its own result. An err that is no cancellation says
// that a context has ended, which the next await through that context finds by itself.
func (t *Task) CancelLater(err error) {
	if !future.IsCancelled(err) {
		return
	}
	t.mustCancel, t.late = true, true
	t.promise.SetMessage(MessageOf(err))
}

// Owes reports whether CancelLater has put a cancellation off that no await has delivered
// since. A finished task that owes one did not ignore it.
func (t *Task) Owes() bool { return t.mustCancel && t.late }

// MessageOf is the message of the cancellation err.
func MessageOf(err error) string {
	for err != nil {
		if c, ok := err.(*future.CancelledError); ok {
			return c.Message
		}
		err = kernel.Unwrap(err)
	}
	return ""
}

// interrupt cancels what the task waits for because a context of Go's ended. It
// is like Cancel, but counts as no request, and the await returns cause.
func (t *Task) interrupt(cause error) {
	if t.mustCancel || t.awaited != nil && t.awaited.Cancelled() {
		return // it is being cancelled
	}
	t.interrupted = true
	t.ensureExtra().cause = cause
	if t.awaited != nil && t.ask("") {
		return
	}
	t.mustCancel = true
	t.promise.SetMessage("")
}

// watch brings the end of a context to the loop.
type watch struct {
	handle  kernel.Handle
	task    *Task
	ctx     context.Context
	cause   error       // why the context ended, when the handle has been posted
	release func() bool // of the context
	request bool        // the task is to be cancelled then, else what it waits for
	over    bool
}

// watch cancels the task, or what it waits for, once on the loop if ctx ends before the
// watch is stopped. The context's own methods are not called there, since they may be the
// program's.
func (t *Task) watch(ctx context.Context, request bool) *kernel.Node[watch] {
	s := t.sched
	n := &kernel.Node[watch]{Value: watch{task: t, ctx: ctx, request: request}}
	w := &n.Value
	s.watches.PushBack(n)
	w.handle.Init(kernel.Internal, (*watchEnded)(n))
	w.release = context.AfterFunc(ctx, func() {
		w.cause = context.Cause(ctx)
		s.kernel.Post(&w.handle) // a closed loop has nobody to interrupt
	})
	return n
}

func (w *watch) stop(n *kernel.Node[watch]) {
	if !w.over {
		w.over = true
		w.release()
		w.task.sched.watches.Remove(n)
	}
}

func (w *watch) end(n *kernel.Node[watch], cause error) {
	if !w.over {
		w.stop(n)
		if w.request {
			w.task.Cancel("")
		} else {
			w.task.interrupt(cause)
		}
	}
}

type watchEnded kernel.Node[watch]

// Run is called on the loop when the context has ended.
func (e *watchEnded) Run() {
	e.Value.end((*kernel.Node[watch])(e), e.Value.cause)
}

func (*watchEnded) String() string { return "the end of a context" }

// BeforeJump interrupts those whose context has ended: the news of it comes from
// a goroutine of package context, which a clock that jumps would not wait for.
func (s *Sched) BeforeJump() {
	for n := s.watches.First(); n != nil; {
		next := n.Next()
		if n.Value.ctx.Err() != nil {
			n.Value.end(n, context.Cause(n.Value.ctx))
		}
		n = next
	}
	for n := s.AtClose.First(); n != nil; n = n.Next() {
		if waiting, ok := n.Value.(interface{ BeforeJump() }); ok {
			waiting.BeforeJump()
		}
	}
}

// WatchParent makes the end of the context that the task was made with cancel
// the task, once.
func (t *Task) WatchParent(ctx context.Context) {
	if ctx.Err() != nil {
		t.Cancel("")
		return
	}
	t.ensureExtra().watch = t.watch(ctx, true)
}

func (t *Task) stopWatching() {
	if extra := t.extra.Load(); extra != nil && extra.watch != nil {
		extra.watch.Value.stop(extra.watch)
	}
}
