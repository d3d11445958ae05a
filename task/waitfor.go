package task

import (
	"context"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
)

// WaitFor awaits aw for at most d: asyncio's wait_for. When the time is over aw
// is cancelled, WaitFor waits until that is done, and returns an error that
// matches [future.ErrTimeout], unless aw swallows the cancellation and ends in
// another way. A coroutine runs in the calling task.
//
// If d is not positive, WaitFor returns the result of aw if it is done, and
// cancels it at once if not. [Forever] is no timeout.
func WaitFor[T any](ctx context.Context, aw future.Awaitable[T], d time.Duration) (T, error) {
	var zero T
	b, err := running(ctx, "WaitFor")
	if err != nil {
		return zero, err
	}
	if aw == nil {
		return zero, nilCoroutine("WaitFor")
	}
	switch {
	case d == Forever:
		return aw.Await(ctx)
	case d <= 0:
		return cancelAndWait(ctx, b, aw)
	}
	var v T
	err = newTimeout(b.sched.loop, d).Run(ctx, func(ctx context.Context) (err error) {
		v, err = aw.Await(ctx)
		return err
	})
	if err != nil {
		return zero, err
	}
	return v, nil
}

func cancelAndWait[T any](ctx context.Context, b *base, aw future.Awaitable[T]) (T, error) {
	var zero T
	if err := b.check(); err != nil {
		return zero, err
	}
	f, _ := ensure(ctx, aw, "WaitFor")
	if f.Done() {
		return f.Result()
	}
	r := &releaser{}
	r.done.Init(b.sched.loop, nil)
	r.callback.Handle.Init(loop.Internal, r)
	f.Core().Register(&r.callback)
	f.Cancel()
	err := b.Await(ctx, &r.done)
	f.Core().Unregister(&r.callback)
	if err != nil {
		return zero, err
	}
	v, err := f.Result()
	if future.IsCancelled(err) {
		err = timedOut(err, 0)
	}
	return v, err
}

// releaser is a future that is done when another one is.
type releaser struct {
	done     future.Core
	callback future.Callback
}

// Run is called when the other one is done.
func (r *releaser) Run() {
	if !r.done.Done() {
		r.done.Finish(nil)
	}
}
