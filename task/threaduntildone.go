package task

import (
	"context"

	"github.com/goasyncio/asyncio/loop/kernel"
)

// ToThreadUntilDone is [ToThread] for functions whose result must not be lost, such as
// a payment: if the await is cancelled, it waits for fn all the same. It is what
// anyio's to_thread.run_sync does by default; asyncio has nothing of the kind.
//
// A cancellation, of the task or by the end of ctx, ends the context of fn, so that fn
// can give up. It can come more than once. What then counts is how fn ends:
//
//   - fn returns a result, or an error of its own. So does ToThreadUntilDone, and the
//     task's next await delivers the cancellation; a task that ends without another
//     await has its own result.
//   - fn gives up, with an error that matches context.Canceled, context.DeadlineExceeded,
//     or the cause for which ctx has ended. ToThreadUntilDone returns the cancellation.
//   - fn has not begun, because an executor with a limit is busy, say. Then it never
//     does, and ToThreadUntilDone returns the cancellation at once.
//
// So timeouts around it are kept only if fn looks at its context, and a run ends only
// after fn. If the loop is closed meanwhile, the coroutine is unwound, and fn goes on
// alone.
func ToThreadUntilDone[T any](ctx context.Context, fn func(ctx context.Context) (T, error)) (T, error) {
	var zero T
	t, err := mayUseThread(ctx, fn == nil, "ToThreadUntilDone")
	if err != nil {
		return zero, err
	}
	c := newThreadCall(ctx, t.Loop(), fn)
	defer c.scope.End(context.Canceled)
	if err := c.submit(nil); err != nil {
		return zero, err
	}
	var cancelled error // the latest one
	f := c.promise.Future()
	for !f.Done() {
		if err := awaitEnd(ctx, t, f.Kernel()); err != nil {
			if c.withdraw() {
				return zero, err
			}
			cancelled = err
			c.scope.End(context.Canceled)
			ctx = t.Context() // one that has ended must not interrupt the wait for ever
		}
	}
	v, err := f.Result()
	switch {
	case cancelled == nil:
	case kernel.Is(err, context.Canceled), kernel.Is(err, context.DeadlineExceeded), kernel.Is(err, cancelled):
		return zero, cancelled
	default:
		t.CancelLater(cancelled)
	}
	return v, err
}
