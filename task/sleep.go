package task

import (
	"context"
	"time"

	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task/internal/sched"
)

// Forever is the duration that means "no timeout": asyncio's None.
const Forever time.Duration = 1<<63 - 1

// Sleep suspends the task for d by the loop's clock: asyncio's sleep. A d that is
// not positive gives way for one iteration, as [Yield] does. It returns early
// with an error if the task is cancelled or ctx ends.
func Sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return Yield(ctx)
	}
	t, err := mayAwait(ctx, "Sleep")
	if err != nil {
		return err
	}
	s := &sleeper{}
	s.done.Init(t.Kernel(), nil)
	s.timer.Init(kernel.Internal, s)
	t.Kernel().PushTimer(&s.timer, d)
	err = t.Await(ctx, &s.done.Future)
	s.timer.Cancel()
	return err
}

// SleepResult is [Sleep] with a result, for use as a coroutine: asyncio's
// sleep(d, result).
func SleepResult[T any](ctx context.Context, d time.Duration, v T) (T, error) {
	if err := Sleep(ctx, d); err != nil {
		var zero T
		return zero, err
	}
	return v, nil
}

// Yield lets everything else that is ready run first: asyncio's sleep(0). The
// task goes on in the loop's next iteration.
func Yield(ctx context.Context) error { return sched.Yield(ctx) }

// sleeper is a future that a timer completes.
type sleeper struct {
	done  kernel.Promise
	timer kernel.Timer
}

// Run is called when the time has come.
func (s *sleeper) Run() { s.done.Wake() }

// String says whose sleep it is.
func (s *sleeper) String() string { return "the sleep" + ofWhom(&s.done.Future) }
