package museum

import (
	"context"
	"slices"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
)

// A pool that waits for a connection with a time limit. If the limit comes in the very
// iteration in which somebody gives a connection back, the task is woken with a connection
// and cancelled before it goes on. Pools for several databases have lost connections so.

// Pool lends items to tasks.
type Pool[T any] struct {
	free    []T
	waiters []*future.Future[T]
}

// Get borrows an item, and waits for one for at most limit.
func (p *Pool[T]) Get(ctx context.Context, limit time.Duration) (item T, err error) {
	if len(p.free) > 0 {
		item, p.free = p.free[0], p.free[1:]
		return item, nil
	}
	f := p.enqueue(ctx)
	err = task.WithTimeout(ctx, limit, func(ctx context.Context) error {
		item, err = f.Await(ctx)
		return err
	})
	return item, err // an item that f holds by now is lost
}

// GetMended gives an item on that came too late.
func (p *Pool[T]) GetMended(ctx context.Context, limit time.Duration) (item T, err error) {
	if len(p.free) > 0 {
		item, p.free = p.free[0], p.free[1:]
		return item, nil
	}
	f := p.enqueue(ctx)
	defer func() {
		if err != nil && f.Done() && !f.Cancelled() {
			late, _ := f.Result() // nobody sets an exception
			p.Put(late)
		}
	}()
	err = task.WithTimeout(ctx, limit, func(ctx context.Context) error {
		item, err = f.Await(ctx)
		return err
	})
	return item, err
}

// Put gives an item back.
func (p *Pool[T]) Put(item T) {
	for len(p.waiters) > 0 {
		f := p.waiters[0]
		p.waiters = p.waiters[1:]
		if f.SetResult(item) == nil { // or it has given up
			return
		}
	}
	p.free = append(p.free, item)
}

func (p *Pool[T]) enqueue(ctx context.Context) *future.Future[T] {
	f := future.New[T](loop.Running(ctx))
	p.waiters = append(slices.DeleteFunc(p.waiters, (*future.Future[T]).Done), f)
	return f
}
