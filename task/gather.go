package task

import (
	"context"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
)

// Gather awaits several things at once: asyncio's gather. Coroutines among them
// become tasks. The future that it returns gets their results, in the order of
// the arguments.
//
// The first one that fails or is cancelled completes the future with its error;
// the others go on. Cancelling the future, or a task that awaits it, cancels all
// that are not done. Gather panics as [EnsureFuture] does.
func Gather[T any](ctx context.Context, aws ...future.Awaitable[T]) *future.Future[[]T] {
	return gather(ctx, aws, false, func(f future.Typed[T]) T {
		v, _ := f.Result()
		return v
	})
}

// GatherSettled is Gather with return_exceptions=True: it waits for all, and
// errors are outcomes like results.
func GatherSettled[T any](ctx context.Context, aws ...future.Awaitable[T]) *future.Future[[]future.Outcome[T]] {
	return gather(ctx, aws, true, func(f future.Typed[T]) future.Outcome[T] {
		if f.Cancelled() {
			return future.Outcome[T]{Err: &future.CancelledError{Message: f.Core().Message()}}
		}
		v, err := f.Result()
		return future.Outcome[T]{Value: v, Err: err}
	})
}

// gathering is the future of a gather: it passes requests for cancellation to
// its children, and is itself never "cancelled" but gets their errors.
type gathering[T, R any] struct {
	fut      future.Future[[]R]
	children []future.Typed[T] // in the order of the arguments, with repetitions
	slots    []gathered[T, R]  // for those that were pending
	result   func(future.Typed[T]) R
	distinct int
	finished int
	settled  bool // errors are outcomes
	asked    bool // to be cancelled
}

// gathered is the callback for one child.
type gathered[T, R any] struct {
	callback future.Callback
	g        *gathering[T, R]
	child    future.Typed[T]
}

func gather[T, R any](ctx context.Context, aws []future.Awaitable[T], settled bool, result func(future.Typed[T]) R) *future.Future[[]R] {
	g := &gathering[T, R]{settled: settled, result: result}
	l := loop.Running(ctx)
	g.fut.Init(l, g)
	if len(aws) == 0 {
		_ = g.fut.SetResult([]R{})
		return &g.fut
	}
	g.children = make([]future.Typed[T], 0, len(aws))
	g.slots = make([]gathered[T, R], len(aws))
	var done []future.Typed[T]
	var given map[*future.Core]struct{} // those that are not new, to find repetitions
	for i, aw := range aws {
		f, created := ensure(ctx, aw, "Gather")
		if t, ok := f.(Any); ok && created {
			t.task().quiet = true
		}
		g.children = append(g.children, f)
		if !created {
			if _, again := given[f.Core()]; again {
				continue
			}
			if given == nil {
				given = make(map[*future.Core]struct{})
			}
			given[f.Core()] = struct{}{}
		}
		g.distinct++
		if f.Done() {
			done = append(done, f)
		} else {
			slot := &g.slots[i]
			slot.g, slot.child = g, f
			slot.callback.Handle.Init(loop.Internal, slot)
			f.Core().Register(&slot.callback)
		}
	}
	for _, f := range done {
		g.childDone(f)
	}
	return &g.fut
}

// Run is called when the child is done.
func (s *gathered[T, R]) Run() { s.g.childDone(s.child) }

func (g *gathering[T, R]) childDone(f future.Typed[T]) {
	g.finished++
	if g.fut.Done() {
		f.Core().Forget()
		return
	}
	if !g.settled {
		if f.Cancelled() {
			_ = g.fut.SetException(f.Core().CancelledError())
			return
		}
		if err := f.Err(); err != nil {
			_ = g.fut.SetException(err)
			return
		}
	}
	if g.finished < g.distinct {
		return
	}
	results := make([]R, len(g.children))
	for i, child := range g.children {
		results[i] = g.result(child)
	}
	if g.asked {
		_ = g.fut.SetException(g.children[len(g.children)-1].Core().CancelledError())
		return
	}
	_ = g.fut.SetResult(results)
}

// CancelFuture cancels the children. It does not complete the future: they do.
func (g *gathering[T, R]) CancelFuture(message string) bool {
	if g.fut.Done() {
		return false
	}
	some := false
	for _, f := range g.children {
		if f.Core().Cancel(message) {
			some = true
		}
	}
	g.asked = g.asked || some
	return some
}

func (g *gathering[T, R]) FutureKind() string { return "Future" }

func (g *gathering[T, R]) DescribeFuture() string {
	return g.fut.Core().Describe("GatheringFuture", "", "")
}
