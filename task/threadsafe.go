package task

import (
	"context"
	"fmt"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
)

// RunCoroutineThreadsafe starts coro as a task of loop l, and returns its result for
// any goroutine: asyncio's run_coroutine_threadsafe. Any goroutine may call it.
//
// Cancelling the result cancels the task, and does not wait for it: the result is then
// "cancelled", even if the task succeeds. [Call] waits.
//
// If the loop is closed first, the exception matches [loop.ErrClosed]; if coro is nil,
// [ErrNilCoroutine].
func RunCoroutineThreadsafe[T any](l *loop.Loop, coro Coroutine[T]) *future.Concurrent[T] {
	s := new(submission[T])
	switch {
	case coro == nil:
		s.fail(nilCoroutine("RunCoroutineThreadsafe"))
		return &s.result
	case l == nil:
		s.fail(fmt.Errorf("task: RunCoroutineThreadsafe: the loop is nil: %w", loop.ErrNotRunning))
		return &s.result
	}
	if !s.post(l, coro, s) {
		s.Drop()
	}
	return &s.result
}

// submission is a coroutine that came from another goroutine, and its result there.
type submission[T any] struct {
	result future.Concurrent[T]
	outsideTask[T]
}

// Run starts the task, on the loop.
func (s *submission[T]) Run() {
	if s.goesOnOnLoopGoroutine() {
		return
	}
	defer func() { // a factory may panic: both sides are to know
		if value := recover(); value != nil {
			s.fail(loop.NewPanicError(value))
			panic(value)
		}
	}()
	s.create(context.Background(), (*submissionDone[T])(s), s)
	s.result.RunOnCancel((*submissionCancel[T])(s))
}

// Drop is called if the loop is closed before the task was started or finished. The
// goroutine that waits for its result learns of that.
func (s *submission[T]) Drop() {
	s.fail(fmt.Errorf("task: RunCoroutineThreadsafe: %w", loop.ErrClosed))
}

func (s *submission[T]) fail(err error) {
	_ = s.result.SetException(err) // unless it was cancelled
}

type submissionDone[T any] submission[T]

// String names the callback in descriptions of the task.
func (*submissionDone[T]) String() string { return "run_coroutine_threadsafe" }

// Run copies the outcome of the task, on the loop.
func (s *submissionDone[T]) Run() {
	s.finished()
	var v T
	var err error
	cancelled := s.task.Cancelled()
	if !cancelled {
		v, err = s.task.Result()
	}
	s.loop.Kernel().CallNext(s.result.Settle(v, err, cancelled)...)
}

type submissionCancel[T any] submission[T]

// Run is called by the goroutine that has cancelled the result.
func (s *submissionCancel[T]) Run() {
	_, _ = s.loop.CallSoonThreadsafe(func() { s.task.Cancel() }) // a closed loop has unwound it
}

// outsideTask is a task that was asked for by a goroutine outside of its loop. It is part of
// what that goroutine waits for.
type outsideTask[T any] struct {
	loop    *loop.Loop
	task    Task[T] // until create it has nothing but its coroutine
	begin   kernel.Handle
	done    kernel.Callback
	atClose kernel.Node[kernel.Dropper]
}

// post makes the loop run begin, which is to create the task. It reports false if the loop
// is closed. Any goroutine may call it.
func (o *outsideTask[T]) post(l *loop.Loop, coro Coroutine[T], begin kernel.Job) bool {
	o.loop, o.task.coro = l, coro
	o.begin.Init(kernel.Internal, begin)
	return l.Kernel().Post(&o.begin)
}

// goesOnOnLoopGoroutine is what the begin job asks first. It reports true if the loop runs
// the job again, on its own goroutine: functions of the program are going to be called
// there, or the stack be looked at.
func (o *outsideTask[T]) goesOnOnLoopGoroutine() bool {
	k := o.loop.Kernel()
	if k.StepOwner() == 0 || k.Attention()&attendCreation == 0 && schedOf(o.loop).Factory == nil {
		return false
	}
	o.begin.Init(kernel.OnLoopGoroutine, o.begin.Job())
	k.RunNext(&o.begin)
	return true
}

// attendCreation says that the creation of a task is told to the program, or that it is
// recorded where that is.
const attendCreation = kernel.AttendDebug | kernel.AttendStacks | kernel.AttendProgram

// create creates the task, and has done run at its end, or atClose be told if the loop is
// closed before.
func (o *outsideTask[T]) create(values context.Context, done kernel.Job, atClose kernel.Dropper) {
	o.task.start(o.loop, values, o.task.coro, nil, false)
	o.done.Init(kernel.Internal, done)
	o.task.Kernel().Register(&o.done)
	o.atClose.Value = atClose
	schedOf(o.loop).AtClose.PushBack(&o.atClose)
}

// finished is what the done job begins with.
func (o *outsideTask[T]) finished() { schedOf(o.loop).AtClose.Remove(&o.atClose) }
