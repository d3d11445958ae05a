package sync

import (
	"context"
	"fmt"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
)

// bound ties an object to the loop of its first operation that had to wait
// (asyncio's _LoopBoundMixin). What does not wait neither binds nor checks: it
// touches nothing of a loop.
type bound struct {
	_      noCopy
	kernel *kernel.Kernel
}

// bind returns the task that ctx carries, if the object may wait on its loop. What is
// called before it must not change anything: the caller may be on any goroutine.
func (b *bound) bind(ctx context.Context, object fmt.Stringer) (kernel.Awaiter, error) {
	if ctx == nil {
		return nil, notInTask(ctx, object)
	}
	task, ok := ctx.Value(kernel.AwaiterKey{}).(kernel.Awaiter)
	if !ok {
		return nil, notInTask(ctx, object)
	}
	if err := task.Check(); err != nil {
		return nil, err
	}
	k := task.Kernel()
	if b.kernel == nil {
		b.kernel = k
	}
	if b.kernel != k {
		return nil, misuse(object, "cannot wait on this loop", future.ErrOtherLoop)
	}
	return task, nil
}

func notInTask(ctx context.Context, object fmt.Stringer) error {
	if _, ok := loop.FromContext(ctx); !ok {
		return misuse(object, "cannot wait", loop.ErrNotRunning)
	}
	return misuse(object, "cannot wait", future.ErrNoTask)
}

// noCopy lets go vet report copies of what contains it.
type noCopy struct{}

func (*noCopy) Lock()   {}
func (*noCopy) Unlock() {}
