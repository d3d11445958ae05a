package future

import (
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
)

// Promise is the right to complete a future. Others can await and cancel that future, but
// its own SetResult and SetException return an error. Make a Promise with [NewPromise].
//
// Call its methods only from its loop's tasks and callbacks. asyncio has nothing of the
// kind.
type Promise[T any] struct{ future Future[T] }

// NewPromise returns a promise with a pending future of loop l. It panics if l is nil.
func NewPromise[T any](l *loop.Loop) *Promise[T] {
	p := new(Promise[T])
	p.Kernel(l, nil)
	return p
}

// Kernel prepares the promise in place. Requests to cancel its future go to the owner, if
// there is one. It is for the packages of this module: there is no promise of
// compatibility.
func (p *Promise[T]) Kernel(l *loop.Loop, owner kernel.Owner) {
	if owner == nil {
		owner = (*promiseOwner[T])(p)
	}
	p.future.init(l, owner)
}

// Future returns the future that the promise completes. It is the same one each time.
func (p *Promise[T]) Future() *Future[T] { return &p.future }

// SetResult sets the future's result to v; then the future is done. The error matches
// [ErrInvalidState] if it was done already, for instance because it was cancelled.
func (p *Promise[T]) SetResult(v T) error {
	if err := p.future.open("SetResult"); err != nil {
		return err
	}
	p.future.finish(v)
	return nil
}

// SetException sets the future's exception to err; then the future is done. The error
// matches [ErrInvalidState] if it was done already or err is nil.
func (p *Promise[T]) SetException(err error) error {
	if err == nil {
		return p.future.nilException()
	}
	if e := p.future.open("SetException"); e != nil {
		return e
	}
	p.future.core.Finish(err)
	return nil
}

// promiseOwner makes a promise the owner of its future, which so refuses to be completed
// by others. It cancels and describes the future as if there were no owner.
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
