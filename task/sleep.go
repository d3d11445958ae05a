package task

import (
	"context"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
)

// Forever is the duration that means "no timeout": asyncio's None.
const Forever time.Duration = 1<<63 - 1

// Sleep suspends the task for d by the loop's clock: asyncio's sleep. A d that is
// not positive gives way for one iteration, as [Yield] does. It returns early
// with an error if the task is cancelled or ctx ends.
func Sleep(ctx context.Context, d time.Duration) error {
	b, err := running(ctx, "Sleep")
	if err != nil {
		return err
	}
	if d <= 0 {
		return Yield(ctx)
	}
	if err := b.check(); err != nil {
		return err
	}
	s := &sleeper{}
	s.done.Init(b.sched.loop, nil)
	s.timer.Init(loop.Internal, s)
	b.sched.kernel.PushTimer(&s.timer, d)
	err = b.Await(ctx, &s.done)
	s.timer.Cancel()
	return err
}

// SleepResult is Sleep with a result, for use as a coroutine.
func SleepResult[T any](ctx context.Context, d time.Duration, v T) (T, error) {
	if err := Sleep(ctx, d); err != nil {
		var zero T
		return zero, err
	}
	return v, nil
}

// Yield lets everything else that is ready run first: asyncio's sleep(0). The
// task goes on in the loop's next iteration.
func Yield(ctx context.Context) error {
	b, outer, err := mayAwait(ctx, "Yield")
	if err != nil {
		return err
	}
	if outer != nil && outer.Err() != nil {
		b.interrupt(context.Cause(outer))
	}
	b.sched.kernel.Push(&b.wake.Handle)
	if to, wake := b.handOver(); wake != nil { // suspend
		if to != nil {
			to <- struct{}{}
		}
		<-wake
	}
	b.goOn()
	return b.resumed(nil)
}

// sleeper is a future that a timer completes.
type sleeper struct {
	done  future.Core
	timer loop.TimerHandle
}

// Run is called when the time has come.
func (s *sleeper) Run() {
	if !s.done.Done() {
		s.done.Finish(nil)
	}
}
