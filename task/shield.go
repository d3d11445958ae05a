package task

import (
	"context"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
)

// Shield protects aw from the cancellation of those who await it: asyncio's
// shield. If the future that it returns is cancelled, aw, which becomes a task if
// it is a coroutine, goes on. If aw is done already, Shield returns aw itself.
// It panics as [EnsureFuture] does.
func Shield[T any](ctx context.Context, aw future.Awaitable[T]) future.Typed[T] {
	inner, _ := ensure(ctx, aw, "Shield")
	if inner.Done() {
		return inner
	}
	s := &shielding[T]{inner: inner, outer: future.New[T](inner.Loop())}
	s.innerDone.Handle.Init(loop.Internal, s)
	s.outerDone.Handle.Init(loop.Internal, (*shieldingOuter[T])(s))
	inner.Core().Register(&s.innerDone)
	s.outer.Core().Register(&s.outerDone)
	return s.outer
}

// shielding connects the future that Shield returns with what it protects.
type shielding[T any] struct {
	inner     future.Typed[T]
	outer     *future.Future[T]
	innerDone future.Callback
	outerDone future.Callback
}

// Run is called when the inner future is done.
func (s *shielding[T]) Run() {
	switch {
	case s.outer.Done():
		if s.outer.Cancelled() {
			s.inner.Core().Forget()
		}
	case s.inner.Cancelled():
		s.outer.Cancel()
	default:
		if v, err := s.inner.Result(); err != nil {
			_ = s.outer.SetException(err)
		} else {
			_ = s.outer.SetResult(v)
		}
	}
}

type shieldingOuter[T any] shielding[T]

// Run is called when the outer future is done: it does not care for the inner
// one any more.
func (s *shieldingOuter[T]) Run() {
	if !s.inner.Done() {
		s.inner.Core().Unregister(&s.innerDone)
	}
}

// awaitedBy tells the call graph that the outer future waits for the inner one.
func (s *shielding[T]) awaitedBy() *future.Core { return s.outer.Core() }
