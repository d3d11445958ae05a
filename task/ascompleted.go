package task

import (
	"context"
	"iter"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task/internal/sched"
)

// AsCompleted yields the futures in the order in which they are done: asyncio's
// as_completed, in the form of "async for". It yields the very futures that it was
// given, each once.
//
// With [Within], a future that is not done in time is not cancelled; an error that
// matches context.DeadlineExceeded is yielded in its place. If the task is cancelled
// while it waits, that error is yielded in the place of a future, and the last one is not
// yielded any more, as in asyncio. Leaving the range loop early and ranging over the same
// value again goes on where it stopped.
//
// The range loop waits in the task that ctx carries. Where it would have to wait, but not
// in that task, it yields an error that matches [ErrNotCurrent] or [future.ErrNoTask],
// and ends; no future is lost.
//
// AsCompleted panics if ctx carries no loop ([loop.ErrNotRunning]), if that loop is
// running something else than the caller ([loop.ErrWrongGoroutine]), and if a future is
// nil ([ErrNilCoroutine]) or belongs to another loop ([future.ErrOtherLoop]).
func AsCompleted[F future.Waitable](ctx context.Context, fs []F, opts ...WaitOption) iter.Seq2[F, error] {
	l := loopFor(ctx, "AsCompleted")
	unique, err := distinct(fs, l.Kernel(), "AsCompleted")
	if err != nil {
		panic(err)
	}
	settings, err := waitSettingsOf(opts, "AsCompleted")
	if err != nil {
		panic(err)
	}
	c := &completions[F]{loop: l, left: len(unique), todo: len(unique), limit: settings.timeout}
	c.slots = make([]completion[F], len(unique))
	for i, f := range unique {
		slot := &c.slots[i]
		slot.c, slot.f = c, f
		slot.callback.Init(kernel.Internal, slot)
		f.Kernel().Register(&slot.callback)
	}
	if c.todo > 0 && c.limit != Forever {
		c.timer.Init(kernel.Internal, (*completionsTimeout[F])(c))
		l.Kernel().PushTimer(&c.timer, c.limit)
	}
	return func(yield func(F, error) bool) {
		for c.left > 0 {
			if err := c.check(ctx); err != nil {
				var none F
				yield(none, err)
				return
			}
			c.left--
			if !yield(c.next(ctx)) {
				return
			}
		}
	}
}

// completions is the queue between the futures and the loop over them.
type completions[F future.Waitable] struct {
	loop   *loop.Loop
	slots  []completion[F]
	done   []F // those that nobody has taken
	left   int // how many are still to be yielded
	todo   int // how many are pending; 0 when the time is over
	timer  kernel.Timer
	limit  time.Duration   // after which the timer is due, or Forever
	getter *kernel.Promise // the waiting range loop
}

type completion[F future.Waitable] struct {
	callback kernel.Callback
	c        *completions[F]
	f        F
}

// Run is called when the future is done.
func (s *completion[F]) Run() {
	c := s.c
	if c.todo == 0 {
		return // the timeout came first
	}
	c.todo--
	c.done = append(c.done, s.f)
	c.wake()
	if c.todo == 0 {
		c.timer.Cancel()
	}
}

// String names the callback in descriptions of the future.
func (*completion[F]) String() string { return "as_completed" }

func (s *completion[F]) AwaitedBy() *kernel.Future {
	if s.c.getter == nil {
		return nil
	}
	return &s.c.getter.Future
}

// Parts is what AsCompleted was given: see sched.Part. The next one that is done will do.
func (s *completion[F]) Parts(*kernel.Future) sched.Parts {
	return sched.Parts{Futures: func(yield func(*kernel.Future) bool) {
		for i := range s.c.slots {
			if !yield(s.c.slots[i].f.Kernel()) {
				return
			}
		}
	}}
}

func (c *completions[F]) wake() {
	if c.getter != nil {
		c.getter.Wake()
	}
}

type completionsTimeout[F future.Waitable] completions[F]

// Run is called when the time is over.
func (t *completionsTimeout[F]) Run() {
	c := (*completions[F])(t)
	for i := range c.slots {
		s := &c.slots[i]
		s.f.Kernel().Unregister(&s.callback)
	}
	c.todo = 0
	c.wake()
}

// AwaitedBy is the future that is done when the time is over.
func (t *completionsTimeout[F]) AwaitedBy() *kernel.Future {
	if t.getter == nil {
		return nil
	}
	return &t.getter.Future
}

func (*completionsTimeout[F]) String() string { return "timeout of as_completed" }

// check refuses a range loop that would have to wait, but not in the task that ctx carries.
// It comes before anything is touched: that task may be waiting.
func (c *completions[F]) check(ctx context.Context) error {
	t := sched.Running(ctx)
	switch {
	case c.loop.Kernel().OwnsBaton() && (len(c.done) > 0 || c.todo == 0):
		return nil
	case t == nil:
		return sched.NoTask("AsCompleted")
	default:
		return t.Check()
	}
}

func (c *completions[F]) next(ctx context.Context) (F, error) {
	var none F
	for len(c.done) == 0 && c.todo > 0 {
		getter := new(kernel.Promise)
		getter.Init(c.loop.Kernel(), nil)
		c.getter = getter
		err := join(ctx, &getter.Future)
		c.getter = nil
		if err != nil {
			return none, err
		}
	}
	if len(c.done) > 0 {
		f := c.done[0]
		c.done[0] = none
		c.done = c.done[1:]
		return f, nil
	}
	return none, timedOut(nil, c.limit)
}
