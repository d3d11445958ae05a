package task

import (
	"context"
	"fmt"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task/internal/sched"
)

// A WaitOption says what [Wait] and [AsCompleted] wait for: [Within], or a
// [ReturnWhen].
type WaitOption interface{ apply(*waitSettings) }

type waitSettings struct {
	when    ReturnWhen
	timeout time.Duration
}

// ReturnWhen says when [Wait] returns: asyncio's return_when.
type ReturnWhen uint8

const (
	// AllCompleted: when all futures are done. It is the default.
	AllCompleted ReturnWhen = iota
	// FirstCompleted: as soon as any future is done.
	FirstCompleted
	// FirstException: as soon as any future has failed, or all are done. A cancelled
	// one does not count as failed.
	FirstException
)

func (w ReturnWhen) apply(s *waitSettings) { s.when = w }

// Within limits the wait to d; [Forever] is no limit.
func Within(d time.Duration) WaitOption { return within(d) }

type within time.Duration

func (d within) apply(s *waitSettings) { s.timeout = time.Duration(d) }

func waitSettingsOf(opts []WaitOption, operation string) (waitSettings, error) {
	s := waitSettings{timeout: Forever}
	for _, opt := range opts {
		if opt == nil {
			return s, fmt.Errorf("task: %s: an option is nil: %w", operation, loop.ErrInvalidArgument)
		}
		opt.apply(&s)
	}
	return s, nil
}

// Wait suspends the task until all futures are done, or until one is, as the options
// say: asyncio's wait. It returns the done ones and the others, in the order given,
// each once.
//
// Running out of time is no error. Wait cancels nothing, not even if the waiting task
// is cancelled. The error matches [ErrNothingToWait] if fs is empty, and
// [future.ErrOtherLoop] if one of them belongs to another loop.
func Wait[F future.Waitable](ctx context.Context, fs []F, opts ...WaitOption) (done, pending []F, err error) {
	t, err := mayAwait(ctx, "Wait")
	if err != nil {
		return nil, nil, err
	}
	if len(fs) == 0 {
		return nil, nil, fmt.Errorf("task: Wait: %w", ErrNothingToWait)
	}
	fs, err = distinct(fs, t.Kernel(), "Wait")
	if err != nil {
		return nil, nil, err
	}
	settings, err := waitSettingsOf(opts, "Wait")
	if err != nil {
		return nil, nil, err
	}
	w := &waiting{when: settings.when, counter: len(fs)}
	w.done.Init(t.Kernel(), nil)
	if settings.timeout != Forever {
		w.timer.Init(kernel.Internal, (*waitingTimeout)(w))
		t.Kernel().PushTimer(&w.timer, settings.timeout)
	}
	w.slots = make([]waited, len(fs))
	for i, f := range fs {
		slot := &w.slots[i]
		slot.w, slot.child = w, f.Kernel()
		slot.callback.Init(kernel.Internal, slot)
		slot.child.Register(&slot.callback)
	}
	err = t.Await(ctx, &w.done.Future)
	w.timer.Cancel()
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

// distinct drops repetitions, keeping the order. It returns an error if one of them cannot
// be waited for on the loop of k.
func distinct[F future.Waitable](fs []F, k *kernel.Kernel, operation string) ([]F, error) {
	seen := make(map[*kernel.Future]struct{}, len(fs))
	unique := make([]F, 0, len(fs))
	for _, f := range fs {
		if err := checkFuture(f, k, operation); err != nil {
			return nil, err
		}
		if _, again := seen[f.Kernel()]; !again {
			seen[f.Kernel()] = struct{}{}
			unique = append(unique, f)
		}
	}
	return unique, nil
}

// waiting is the future that a Wait awaits itself.
type waiting struct {
	done    kernel.Promise
	timer   kernel.Timer
	slots   []waited
	counter int
	when    ReturnWhen
}

// waited is the callback for one of the futures.
type waited struct {
	callback kernel.Callback
	w        *waiting
	child    *kernel.Future
}

// Run is called when the child is done.
func (s *waited) Run() {
	w := s.w
	w.counter--
	if w.counter <= 0 || w.when == FirstCompleted ||
		w.when == FirstException && !s.child.Cancelled() && sched.Exception(s.child) != nil {
		w.timer.Cancel()
		w.done.Wake()
	}
}

// String names the callback in descriptions of the child.
func (*waited) String() string { return "wait" }

func (s *waited) AwaitedBy() *kernel.Future { return &s.w.done.Future }

// Parts is what Wait was given: see sched.Part.
func (s *waited) Parts(*kernel.Future) sched.Parts {
	return sched.Parts{Futures: func(yield func(*kernel.Future) bool) {
		for i := range s.w.slots {
			if !yield(s.w.slots[i].child) {
				return
			}
		}
	}, All: s.w.when == AllCompleted}
}

type waitingTimeout waiting

// Run is called when the time is over.
func (w *waitingTimeout) Run() { w.done.Wake() }

// AwaitedBy is the future that is done when the time is over.
func (w *waitingTimeout) AwaitedBy() *kernel.Future { return &w.done.Future }

// String says whose timeout it is.
func (w *waitingTimeout) String() string { return "the timeout" + ofWhom(&w.done.Future) }
