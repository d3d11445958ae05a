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
	slots    []gathered[T, R] // in the order of the arguments
	result   func(future.Typed[T]) R
	given    map[*future.Core]struct{} // arguments that are not new, to find repetitions
	done     []future.Typed[T]         // those that were done already
	distinct int
	finished int
	settled  bool // errors are outcomes
	asked    bool // to be cancelled
}

// gathered is one argument, and the callback for it if it was pending and is no
// repetition.
type gathered[T, R any] struct {
	callback future.Callback
	g        *gathering[T, R]
	child    future.Typed[T]
}

func gather[T, R any](ctx context.Context, aws []future.Awaitable[T], settled bool, result func(future.Typed[T]) R) *future.Future[[]R] {
	g := &gathering[T, R]{settled: settled, result: result}
	g.fut.Init(loop.Running(ctx), g)
	if len(aws) == 0 {
		_ = g.fut.SetResult([]R{})
		return &g.fut
	}
	g.slots = make([]gathered[T, R], 0, len(aws))
	for _, aw := range aws {
		if coro, ok := aw.(Coroutine[T]); ok && coro != nil {
			g.start(ctx, new(Task[T]), coro)
		} else if child, repeated := g.ensure(ctx, aw); repeated {
			g.add(child)
		} else {
			g.watch(g.add(child))
		}
	}
	for _, f := range g.done {
		g.childDone(f)
	}
	g.given, g.done = nil, nil
	return &g.fut
}

func (g *gathering[T, R]) start(ctx context.Context, t *Task[T], coro Coroutine[T]) {
	t.start(g.fut.Loop(), ctx, coro, nil, true)
	t.base.quiet = true
	g.watch(g.add(t))
}

// add appends a child.
func (g *gathering[T, R]) add(child future.Typed[T]) *gathered[T, R] {
	i := len(g.slots)
	g.slots = g.slots[:i+1]
	g.slots[i].child = child
	return &g.slots[i]
}

// watch arranges for the gathering to learn of the child's end.
func (g *gathering[T, R]) watch(slot *gathered[T, R]) {
	g.distinct++
	core := slot.child.Core()
	if core.Done() {
		g.done = append(g.done, slot.child)
		return
	}
	slot.g = g
	slot.callback.Handle.Init(loop.Internal, slot)
	core.Register(&slot.callback)
}

// ensure returns the future that aw is, or that of a task that awaits it, and
// whether it has been given before.
func (g *gathering[T, R]) ensure(ctx context.Context, aw future.Awaitable[T]) (f future.Typed[T], repeated bool) {
	f, created := ensure(ctx, aw, "Gather")
	if created {
		f.(*Task[T]).base.quiet = true
		return f, false
	}
	if _, repeated = g.given[f.Core()]; !repeated {
		if g.given == nil {
			g.given = make(map[*future.Core]struct{})
		}
		g.given[f.Core()] = struct{}{}
	}
	return f, repeated
}

// Run is called when the child is done.
func (s *gathered[T, R]) Run() { s.g.childDone(s.child) }

func (g *gathering[T, R]) childDone(f future.Typed[T]) {
	g.finished++
	core := f.Core()
	if g.fut.Done() {
		core.Forget()
		return
	}
	if !g.settled {
		if core.State() == future.Cancelled {
			_ = g.fut.SetException(core.CancelledError())
			return
		}
		if err := core.Err(); err != nil {
			_ = g.fut.SetException(err)
			return
		}
	}
	if g.finished < g.distinct {
		return
	}
	results := make([]R, len(g.slots))
	for i := range g.slots {
		results[i] = g.result(g.slots[i].child)
	}
	if g.asked {
		_ = g.fut.SetException(g.slots[len(g.slots)-1].child.Core().CancelledError())
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
	for i := range g.slots {
		if g.slots[i].child.Core().Cancel(message) {
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
