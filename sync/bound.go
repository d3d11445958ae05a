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

// check refuses a caller outside of the loop, if the object has one.
func (b *bound) check(operation string, object any) error {
	if b.kernel == nil {
		return nil
	}
	return b.kernel.Check(operation, object)
}

// mustOwn is check for operations that return no error.
func (b *bound) mustOwn(operation string, object any) {
	if b.kernel != nil {
		b.kernel.MustOwn(operation, object)
	}
}

// checkTask is check for operations that may wait, even if they need not now: the object
// may have no loop yet, but the context says whose task the caller claims to be. It
// returns the kernel of the loop, nil if that is not known.
func (b *bound) checkTask(ctx context.Context, operation string, object any) (*kernel.Kernel, error) {
	if b.kernel != nil {
		return b.kernel, b.kernel.Check(operation, object)
	}
	return checkCaller(ctx)
}

// checkCaller refuses a caller that is not the task that ctx carries, if it carries one. It
// returns the kernel of that task's loop.
func checkCaller(ctx context.Context) (*kernel.Kernel, error) {
	if ctx == nil {
		return nil, nil // which matters only if it must wait: see bind
	}
	if task, ok := ctx.Value(kernel.AwaiterKey{}).(kernel.Awaiter); ok {
		return task.Kernel(), task.Check()
	}
	return nil, nil
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
		return nil, fmt.Errorf("sync: %s: cannot wait on this loop: %w", kernel.Outline(object), future.ErrOtherLoop)
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
