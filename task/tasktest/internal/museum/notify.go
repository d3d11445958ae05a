package museum

import (
	"context"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
)

// A notification that wakes a task which is cancelled before it goes on is lost: somebody
// else waits for it for ever. CPython's Semaphore and Condition had it (cpython#90155,
// cpython#112202).

// Bell wakes one waiting task for each ring.
type Bell struct{ waiters []*future.Future[struct{}] }

// Wait waits for a ring.
func (b *Bell) Wait(ctx context.Context) error {
	f := future.New[struct{}](loop.Running(ctx))
	b.waiters = append(b.waiters, f)
	_, err := f.Await(ctx)
	return err // a ring that f has got is lost
}

// WaitMended passes a ring on that it cannot use.
func (b *Bell) WaitMended(ctx context.Context) error {
	f := future.New[struct{}](loop.Running(ctx))
	b.waiters = append(b.waiters, f)
	_, err := f.Await(ctx)
	if err != nil && !f.Cancelled() {
		b.Ring()
	}
	return err
}

// Ring wakes the task that has waited longest.
func (b *Bell) Ring() {
	for len(b.waiters) > 0 {
		f := b.waiters[0]
		b.waiters = b.waiters[1:]
		if f.SetResult(struct{}{}) == nil { // or it has given up
			return
		}
	}
}
