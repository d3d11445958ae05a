package streams

import (
	"context"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
)

// waitingTask returns the task that ctx carries, if it may wait for the object, which
// belongs to the loop of k.
func waitingTask(ctx context.Context, k *kernel.Kernel, object any, operation string) (kernel.Awaiter, error) {
	var task kernel.Awaiter
	if ctx != nil {
		task, _ = ctx.Value(kernel.AwaiterKey{}).(kernel.Awaiter)
	}
	if task == nil {
		return nil, noTask(ctx, object, operation)
	}
	if err := task.Check(); err != nil {
		return nil, err
	}
	if task.Kernel() != k {
		return nil, mayNotWait(object, operation, future.ErrOtherLoop)
	}
	return task, nil
}

func noTask(ctx context.Context, object any, operation string) error {
	if ctx != nil {
		if _, ok := loop.FromContext(ctx); ok {
			return mayNotWait(object, operation, future.ErrNoTask)
		}
	}
	return mayNotWait(object, operation, loop.ErrNotRunning)
}

// waiters are tasks that wait for the same thing.
type waiters struct{ list kernel.List[waiter] }

type waiter struct {
	future kernel.Promise
	err    error // with which it was woken
}

// wait blocks the task until it is woken or cancelled. It returns the error with which it
// was woken.
func (ws *waiters) wait(ctx context.Context, task kernel.Awaiter) error {
	w := new(kernel.Node[waiter])
	w.Value.future.Init(task.Kernel(), nil)
	ws.list.PushBack(w)
	defer ws.list.Remove(w)
	if err := task.Await(ctx, &w.Value.future.Future); err != nil {
		return err
	}
	return w.Value.err
}

// wakeAll wakes all tasks, in the order in which they came.
func (ws *waiters) wakeAll(err error) {
	for w := ws.list.First(); w != nil; w = w.Next() {
		if w.Value.future.Wake() {
			w.Value.err = err
		}
	}
}

// noCopy lets go vet report copies of what contains it.
type noCopy struct{}

func (*noCopy) Lock()   {}
func (*noCopy) Unlock() {}
