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

// bind returns the loop that ctx carries, if the object may wait on it, and if there
// is a task that could.
func (b *bound) bind(ctx context.Context, object fmt.Stringer) (*loop.Loop, error) {
	l, ok := loop.FromContext(ctx)
	if !ok {
		return nil, refuse(object, "cannot wait", loop.ErrNotRunning)
	}
	if _, ok := ctx.Value(future.AwaiterKey{}).(future.Awaiter); !ok {
		return nil, refuse(object, "cannot wait", future.ErrNoTask)
	}
	if b.loop == nil {
		b.loop = l
	}
	if b.loop != l {
		return nil, refuse(object, "cannot wait on this loop", future.ErrOtherLoop)
	}
	return l, nil
}

// noCopy lets go vet report copies of what contains it.
type noCopy struct{}

func (*noCopy) Lock()   {}
func (*noCopy) Unlock() {}
