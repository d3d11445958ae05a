package task

import (
	"context"
	"fmt"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
)

// Shield returns a future that can be cancelled without cancelling aw: asyncio's
// shield. A coroutine becomes a task, which goes on when the future is cancelled. If
// aw is done already, Shield returns aw itself. It panics as [EnsureFuture] does.
func Shield[T any](ctx context.Context, aw future.Awaitable[T]) future.Typed[T] {
	inner, _ := ensure(ctx, aw, "Shield")
	if k := inner.Kernel().Kernel(); !k.OwnsBaton() {
		panic(fmt.Errorf("task: Shield: %w", loop.ErrWrongGoroutine))
	}
	if inner.Done() {
		return inner
	}
	s := &shielding[T]{inner: inner, outer: future.New[T](inner.Loop())}
	s.innerDone.Init(kernel.Internal, s)
	s.outerDone.Init(kernel.Internal, (*shieldingOuter[T])(s))
	inner.Kernel().Register(&s.innerDone)
	s.outer.Kernel().Register(&s.outerDone)
	return s.outer
}

// shielding connects the future that Shield returns with what it protects.
type shielding[T any] struct {
	inner     future.Typed[T]
	outer     *future.Future[T]
	innerDone kernel.Callback
	outerDone kernel.Callback
}

// Run is called when the inner future is done.
func (s *shielding[T]) Run() {
	switch {
	case s.outer.Done():
		if s.outer.Cancelled() {
			s.inner.Kernel().Forget()
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

// String names the callback in descriptions of the inner future.
func (*shielding[T]) String() string { return "shield" }

func (s *shielding[T]) awaitedBy() *kernel.Future { return s.outer.Kernel() }

type shieldingOuter[T any] shielding[T]

// Run is called when the outer future is done: it need not learn of the inner one's
// end any more.
func (s *shieldingOuter[T]) Run() {
	if !s.inner.Done() {
		s.inner.Kernel().Unregister(&s.innerDone)
	}
}

// String names the callback in descriptions of the outer future.
func (*shieldingOuter[T]) String() string { return "shield" }
