package future

import (
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
)

// Promise completes a future that others can only await and cancel: SetResult and
// SetException of that future are refused. See [NewPromise].
//
// Like its future, a promise belongs to what its loop runs. asyncio has nothing of
// the kind: there, whoever sees a future can complete it.
type Promise[T any] struct{ future Future[T] }

// NewPromise returns a promise whose future is pending and belongs to loop l. It
// panics if l is nil.
func NewPromise[T any](l *loop.Loop) *Promise[T] {
	p := new(Promise[T])
	p.Kernel(l, nil)
	return p
}

// Kernel prepares a promise in place, for the packages of this module. Requests for
// the cancellation of its future go to the owner, if there is one.
func (p *Promise[T]) Kernel(l *loop.Loop, owner kernel.Owner) {
	if owner == nil {
		owner = (*promiseOwner[T])(p)
	}
	p.future.init(l, owner)
}

// Future returns the future to hand out.
func (p *Promise[T]) Future() *Future[T] { return &p.future }

// SetResult makes the future done with the result v. The error matches
// [ErrInvalidState] if it was done, cancelled for instance.
func (p *Promise[T]) SetResult(v T) error {
	if p.future.Done() {
		return misuse(&p.future, "SetResult", ErrInvalidState)
	}
	p.future.finish(v)
	return nil
}

// SetException makes the future done with the exception err. The error matches
// [ErrInvalidState] if it was done or err is nil.
func (p *Promise[T]) SetException(err error) error {
	switch {
	case err == nil:
		return nilException(&p.future)
	case p.future.Done():
		return misuse(&p.future, "SetException", ErrInvalidState)
	}
	p.future.core.Finish(err)
	return nil
}

// promiseOwner is what stands behind the future of a plain promise.
type promiseOwner[T any] Promise[T]

func (o *promiseOwner[T]) CancelFuture(message string) bool {
	o.future.core.Forget()
	if o.future.Done() {
		return false
	}
	o.future.core.FinishCancelled(message, nil)
	return true
}

func (o *promiseOwner[T]) DescribeFuture() string { return o.future.describe() }
func (o *promiseOwner[T]) FutureKind() string     { return "Future" }
