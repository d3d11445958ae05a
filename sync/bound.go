package sync

import (
	"context"
	"fmt"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
)

// bound ties an object to the loop of its first operation that had to wait
// (asyncio's _LoopBoundMixin). What does not wait neither binds nor checks: it
// touches nothing of a loop.
type bound struct {
	_    noCopy
	loop *loop.Loop
}

// bind returns the task that ctx carries, if the object may wait on its loop.
func (b *bound) bind(ctx context.Context, object fmt.Stringer) (future.Awaiter, error) {
	a, ok := ctx.Value(future.AwaiterKey{}).(future.Awaiter)
	if !ok {
		return nil, notInTask(ctx, object)
	}
	l := a.Loop()
	if b.loop == nil {
		b.loop = l
	}
	if b.loop != l {
		return nil, refuse(object, "cannot wait on this loop", future.ErrOtherLoop)
	}
	return a, nil
}

func notInTask(ctx context.Context, object fmt.Stringer) error {
	if _, ok := loop.FromContext(ctx); !ok {
		return refuse(object, "cannot wait", loop.ErrNotRunning)
	}
	return refuse(object, "cannot wait", future.ErrNoTask)
}

// noCopy lets go vet report copies of what contains it.
type noCopy struct{}

func (*noCopy) Lock()   {}
func (*noCopy) Unlock() {}
