package task

import (
	"context"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task/internal/sched"
)

// WaitFor awaits aw for at most d: asyncio's wait_for. When the time is over, it
// cancels aw, waits until aw has ended, and returns an error that matches
// context.DeadlineExceeded. If aw swallows the cancellation, its own result is
// returned. A coroutine runs in the calling task.
//
// If d is not positive, WaitFor returns the result of aw if it is done, and
// cancels it at once if not. [Forever] is no timeout.
func WaitFor[T any](ctx context.Context, aw future.Awaitable[T], d time.Duration) (T, error) {
	var zero T
	t, err := mayAwait(ctx, "WaitFor")
	if err != nil {
		return zero, err
	}
	var k *kernel.Kernel
	if d <= 0 {
		k = t.Kernel() // otherwise the await refuses futures of another loop
	}
	if err := checkAwaitable(aw, k, "WaitFor"); err != nil {
		return zero, err
	}
	switch {
	case d == Forever:
		return aw.Await(ctx)
	case d <= 0:
		return cancelAndWait(ctx, t, aw)
	}
	var v T
	err = newTimeout(t.Loop(), d).Run(ctx, func(ctx context.Context) (err error) {
		v, err = aw.Await(ctx)
		return err
	})
	if err != nil {
		return zero, err
	}
	return v, nil
}

func cancelAndWait[T any](ctx context.Context, t *sched.Task, aw future.Awaitable[T]) (T, error) {
	var zero T
	f, _ := ensure(ctx, aw, "WaitFor")
	if f.Done() {
		return f.Result()
	}
	f.Cancel()
	if err := awaitEnd(ctx, t, f.Kernel()); err != nil {
		return zero, err
	}
	v, err := f.Result()
	if future.IsCancelled(err) {
		err = timedOut(err, 0)
	}
	return v, err
}

// awaitEnd waits until f is done, and does not pass a cancellation on to f.
func awaitEnd(ctx context.Context, t *sched.Task, f *kernel.Future) error {
	r := &releaser{}
	r.done.Init(t.Kernel(), nil)
	r.callback.Init(kernel.Internal, r)
	f.Register(&r.callback)
	defer f.Unregister(&r.callback) // also if the coroutine is unwound
	return t.Await(ctx, &r.done.Future)
}

// releaser is a future that is done when another one is.
type releaser struct {
	done     kernel.Promise
	callback kernel.Callback
}

// Run is called when the other one is done.
func (r *releaser) Run() { r.done.Wake() }

// String names the callback in descriptions of the other one.
func (*releaser) String() string { return "wait_for" }

func (r *releaser) AwaitedBy() *kernel.Future { return &r.done.Future }

// Parts is what awaitEnd was given: see sched.Part.
func (r *releaser) Parts(f *kernel.Future) sched.Parts { return sched.Only(f, false) }
