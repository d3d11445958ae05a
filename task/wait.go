package task

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
)

// ErrNothingToWait: Wait was given no futures.
var ErrNothingToWait = errors.New("the list of futures is empty")

// A WaitOption says what [Wait] and [AsCompleted] wait for.
type WaitOption func(*waitSettings)

type waitSettings struct {
	when    returnWhen
	timeout time.Duration
}

type returnWhen uint8

const (
	allCompleted returnWhen = iota
	firstCompleted
	firstException
)

// AllCompleted makes Wait return when all futures are done; it is the default.
func AllCompleted(s *waitSettings) { s.when = allCompleted }

// FirstCompleted makes Wait return as soon as any future is done.
func FirstCompleted(s *waitSettings) { s.when = firstCompleted }

// FirstException makes Wait return as soon as any future has failed, or all are
// done. A cancelled one does not count as failed.
func FirstException(s *waitSettings) { s.when = firstException }

// Within limits the wait to d; [Forever] is no limit.
func Within(d time.Duration) WaitOption {
	return func(s *waitSettings) { s.timeout = d }
}

func waitSettingsOf(opts []WaitOption) waitSettings {
	s := waitSettings{timeout: Forever}
	for _, opt := range opts {
		opt(&s)
	}
	return s
}

// Wait suspends the task until the futures are done, or one of them is, as the
// options say: asyncio's wait. It returns those that are done and those that are
// not, in the order given, each once.
//
// Running out of time is no error, and nothing is cancelled, not even if the
// waiting task is. The error matches [ErrNothingToWait] if fs is empty.
func Wait[F future.Waitable](ctx context.Context, fs []F, opts ...WaitOption) (done, pending []F, err error) {
	b, err := running(ctx, "Wait")
	if err != nil {
		return nil, nil, err
	}
	if len(fs) == 0 {
		return nil, nil, fmt.Errorf("task: Wait: %w", ErrNothingToWait)
	}
	fs, err = distinct(fs)
	if err != nil {
		return nil, nil, err
	}
	settings := waitSettingsOf(opts)
	w := &waiter{when: settings.when, counter: len(fs)}
	w.done.Init(b.sched.loop, nil)
	if settings.timeout != Forever {
		w.timer.Init(loop.Internal, (*waiterTimeout)(w))
		b.sched.kernel.PushTimer(&w.timer, settings.timeout)
		w.timed = true
	}
	w.slots = make([]waited, len(fs))
	for i, f := range fs {
		slot := &w.slots[i]
		slot.w, slot.child = w, f.Core()
		slot.callback.Handle.Init(loop.Internal, slot)
		slot.child.Register(&slot.callback)
	}
	err = b.Await(ctx, &w.done)
	w.stopTimer()
	for i := range w.slots {
		slot := &w.slots[i]
		slot.child.Unregister(&slot.callback)
	}
	if err != nil {
		return nil, nil, err
	}
	for _, f := range fs {
		if f.Done() {
			done = append(done, f)
		} else {
			pending = append(pending, f)
		}
	}
	return done, pending, nil
}

// distinct drops repetitions, keeping the order.
func distinct[F future.Waitable](fs []F) ([]F, error) {
	seen := make(map[*future.Core]struct{}, len(fs))
	unique := make([]F, 0, len(fs))
	for _, f := range fs {
		if future.Waitable(f) == nil {
			return nil, fmt.Errorf("task: Wait: a future is nil: %w", ErrNilCoroutine)
		}
		if _, again := seen[f.Core()]; !again {
			seen[f.Core()] = struct{}{}
			unique = append(unique, f)
		}
	}
	return unique, nil
}

// waiter is the future that a Wait awaits itself.
type waiter struct {
	done    future.Core
	timer   loop.TimerHandle
	slots   []waited
	counter int
	when    returnWhen
	timed   bool
}

// waited is the callback for one of the futures.
type waited struct {
	callback future.Callback
	w        *waiter
	child    *future.Core
}

// Run is called when the child is done.
func (s *waited) Run() {
	w := s.w
	w.counter--
	if w.counter <= 0 || w.when == firstCompleted || w.when == firstException &&
		s.child.State() != future.Cancelled && s.child.Err() != nil {
		w.stopTimer()
		w.release()
	}
}

func (w *waiter) release() {
	if !w.done.Done() {
		w.done.Finish(nil)
	}
}

func (w *waiter) stopTimer() {
	if w.timed {
		w.timer.Cancel()
	}
}

type waiterTimeout waiter

// Run is called when the time is over.
func (w *waiterTimeout) Run() { (*waiter)(w).release() }
