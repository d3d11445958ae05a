package task

import (
	"context"
	"fmt"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task/internal/sched"
)

// Shield returns a future that can be cancelled without cancelling aw: asyncio's
// shield. A coroutine becomes a task, which goes on when the future is cancelled. If
// it fails after that, the loop's exception handler is told. If aw is done already,
// Shield returns aw itself. It panics as [EnsureFuture] does.
func Shield[T any](ctx context.Context, aw future.Awaitable[T]) future.Typed[T] {
	inner, _ := ensure(ctx, aw, "Shield")
	if k := inner.Kernel().Kernel(); !k.OwnsBaton() {
		panic(wrongGoroutine("Shield", inner.Loop()))
	}
	if inner.Done() {
		return inner
	}
	s := &shielding[T]{inner: inner, outer: future.New[T](inner.Loop()), creator: sched.Running(ctx)}
	kind := kernel.Internal
	if foreign(inner) {
		kind = kernel.OnLoopGoroutine
	}
	s.innerDone.Init(kind, s)
	s.outerDone.Init(kernel.Internal, (*shieldingOuter[T])(s))
	inner.Kernel().Register(&s.innerDone)
	s.outer.Kernel().Register(&s.outerDone)
	return s.outer
}

// shielding connects the future that Shield returns with what it protects.
type shielding[T any] struct {
	inner     future.Typed[T]
	outer     *future.Future[T]
	creator   *sched.Task // for call graphs; nil if no task made it
	innerDone kernel.Callback
	outerDone kernel.Callback
}

// Run is called when the inner future is done.
func (s *shielding[T]) Run() {
	switch {
	case s.outer.Done(): // the program was faster
	case s.inner.Kernel().Cancelled():
		s.outer.Cancel()
	default:
		var v T
		var err error
		if panicked := callResult(foreign(s.inner), func() { v, err = s.inner.Result() }); panicked != nil {
			err = panicked
		}
		if err != nil {
			_ = s.outer.SetException(err)
		} else {
			_ = s.outer.SetResult(v)
		}
	}
}

// String names the callback in descriptions of the inner future.
func (*shielding[T]) String() string { return "shield" }

func (s *shielding[T]) AwaitingTask() *sched.Task { return s.creator }

func (s *shielding[T]) AwaitedBy() *kernel.Future { return s.outer.Kernel() }

// Parts is what is shielded: see sched.Part.
func (s *shielding[T]) Parts(f *kernel.Future) sched.Parts { return sched.Only(f, false) }

type shieldingOuter[T any] shielding[T]

// Run is called when the outer future is done. If that is not the inner one's doing,
// nobody may be left to see how that ends.
func (s *shieldingOuter[T]) Run() {
	if !s.inner.Kernel().Done() {
		s.inner.Kernel().Unregister(&s.innerDone)
		abandon(s.inner.Kernel(), s.inner)
	}
}

// String names the callback in descriptions of the outer future.
func (*shieldingOuter[T]) String() string { return "shield" }

// Shields, of all callbacks of a shield, is what it protects: see sched.Shielded.
func (s *shieldingOuter[T]) Shields() *kernel.Future { return s.inner.Kernel() }
func (s *shielding[T]) Shields() *kernel.Future      { return s.inner.Kernel() }
func (a *abandoned) Shields() *kernel.Future         { return a.inner }

// abandoned is the callback that reports the exception of a future whose shield was
// cancelled.
type abandoned struct {
	callback kernel.Callback
	inner    *kernel.Future
	public   fmt.Stringer // inner, as the program knows it
}

// abandon registers an abandoned, after all other callbacks. There is one at most,
// however many shields were cancelled.
func abandon(inner *kernel.Future, public fmt.Stringer) {
	var a *abandoned
	inner.Awaited(func(j kernel.Job) {
		if earlier, ok := j.(*abandoned); ok {
			a = earlier
		}
	})
	if a == nil {
		a = &abandoned{inner: inner, public: public}
		a.callback.Init(kernel.OnLoopGoroutine, a)
	}
	inner.Unregister(&a.callback)
	inner.Register(&a.callback)
}

// Run is called when the inner future is done.
func (a *abandoned) Run() {
	if !a.inner.Failed() {
		return
	}
	a.inner.Forget()
	err := a.inner.Peek()
	a.inner.Kernel().Report(kernel.Report{
		Message: fmt.Sprintf("%T exception in shielded future", err),
		Err:     err,
		Future:  a.public,
		Created: a.inner.Created(),
	})
}

// String names the callback in descriptions of the inner future.
func (*abandoned) String() string { return "shield" }
