package task

import (
	"context"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task/internal/sched"
)

// Gather awaits several things at once: asyncio's gather. Coroutines among them
// become tasks. The future that it returns gets their results, in the order of
// the arguments.
//
// The arguments are of one type: coroutines, tasks, futures, or a slice of one of
// these, as in Gather(ctx, tasks...). For a mixture, pass a slice of
// [future.Awaitable]. T follows from the arguments.
//
// The first one that fails or is cancelled completes the future with its error;
// the others go on. Cancelling the future, or a task that awaits it, cancels all
// that are not done. Gather panics as [EnsureFuture] does.
func Gather[T any, A future.Awaitable[T]](ctx context.Context, aws ...A) *future.Future[[]T] {
	return gather(ctx, aws, false, func(f future.Typed[T]) T {
		v, _ := f.Result()
		return v
	})
}

// GatherSettled is [Gather] that waits for all: asyncio's gather with
// return_exceptions=True. Errors are outcomes like results.
func GatherSettled[T any, A future.Awaitable[T]](ctx context.Context, aws ...A) *future.Future[[]future.Outcome[T]] {
	return gather(ctx, aws, true, func(f future.Typed[T]) future.Outcome[T] {
		if f.Cancelled() {
			return future.Outcome[T]{Err: &future.CancelledError{Message: f.Kernel().Message()}}
		}
		v, err := f.Result()
		return future.Outcome[T]{Value: v, Err: err}
	})
}

// gathering is the future of a gather: it passes requests for cancellation to
// its children, and is itself never "cancelled" but gets their errors.
type gathering[T, R any] struct {
	promise  future.Promise[[]R]
	creator  *sched.Task      // for call graphs; nil if no task made it
	slots    []gathered[T, R] // in the order of the arguments
	result   func(future.Typed[T]) R
	given    map[*kernel.Future]struct{} // arguments that are not new, to find repetitions
	done     []future.Typed[T]           // those that were done already
	distinct int
	finished int
	foreign  bool // an argument is of a type of the program, whose Result is called
	settled  bool // errors are outcomes
	asked    bool // to be cancelled
	hopeless bool // a request reached no child, so all are done and none ever will
}

// gathered is one argument, and the callback for it if it was pending and is no
// repetition.
type gathered[T, R any] struct {
	callback kernel.Callback
	g        *gathering[T, R]
	child    future.Typed[T]
}

func gather[T, R any, A future.Awaitable[T]](ctx context.Context, aws []A, settled bool, result func(future.Typed[T]) R) *future.Future[[]R] {
	g := &gathering[T, R]{creator: sched.Running(ctx), settled: settled, result: result}
	l := loopFor(ctx, "Gather")
	for _, aw := range aws {
		if err := checkAwaitable[T](aw, l.Kernel(), "Gather"); err != nil {
			panic(err)
		}
		if f, ok := future.Awaitable[T](aw).(future.Typed[T]); ok {
			g.foreign = g.foreign || foreign(f)
		}
	}
	g.promise.Kernel(l, g)
	if len(aws) == 0 {
		_ = g.promise.SetResult([]R{})
		return g.promise.Future()
	}
	g.slots = make([]gathered[T, R], 0, len(aws))
	for _, aw := range aws {
		if coro, ok := future.Awaitable[T](aw).(Coroutine[T]); ok {
			t := new(Task[T])
			t.start(l, ctx, coro, nil, true)
			t.engine().SetQuiet()
			g.watch(g.add(t))
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
	return g.promise.Future()
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
	f := slot.child.Kernel()
	if f.Done() {
		g.done = append(g.done, slot.child)
		return
	}
	slot.g = g
	kind := kernel.Internal
	if g.foreign {
		kind = kernel.OnLoopGoroutine
	}
	slot.callback.Init(kind, slot)
	f.Register(&slot.callback)
}

// ensure returns the future that aw is, or that of a task that awaits it, and
// whether it has been given before.
func (g *gathering[T, R]) ensure(ctx context.Context, aw future.Awaitable[T]) (f future.Typed[T], repeated bool) {
	f, created := ensure(ctx, aw, "Gather")
	if created != nil {
		created.engine().SetQuiet()
		return f, false
	}
	if _, repeated = g.given[f.Kernel()]; !repeated {
		if g.given == nil {
			g.given = make(map[*kernel.Future]struct{})
		}
		g.given[f.Kernel()] = struct{}{}
	}
	return f, repeated
}

// Run is called when the child is done.
func (s *gathered[T, R]) Run() { s.g.childDone(s.child) }

// String names the callback in descriptions of the child.
func (*gathered[T, R]) String() string { return "gather" }

func (s *gathered[T, R]) AwaitingTask() *sched.Task { return s.g.creator }

func (s *gathered[T, R]) AwaitedBy() *kernel.Future { return s.g.promise.Future().Kernel() }

// Parts is the children: see sched.Part. Unless their errors are outcomes, one that fails will do.
func (s *gathered[T, R]) Parts(*kernel.Future) sched.Parts {
	return sched.Parts{Futures: func(yield func(*kernel.Future) bool) {
		for i := range s.g.slots {
			if !yield(s.g.slots[i].child.Kernel()) {
				return
			}
		}
	}, All: s.g.settled, Cancelled: true}
}

func (g *gathering[T, R]) childDone(f future.Typed[T]) {
	g.finished++
	if g.promise.Future().Done() {
		f.Kernel().Forget()
		return
	}
	if !g.settled {
		if err := sched.Exception(f.Kernel()); err != nil {
			_ = g.promise.SetException(err)
			return
		}
	}
	if g.finished < g.distinct {
		return
	}
	results := make([]R, len(g.slots))
	err := callResult(g.foreign, func() {
		for i := range g.slots {
			results[i] = g.result(g.slots[i].child)
		}
	})
	if err != nil {
		_ = g.promise.SetException(err)
		return
	}
	if g.asked {
		_ = g.promise.SetException(cancellation(g.slots[len(g.slots)-1].child.Kernel()))
		return
	}
	_ = g.promise.SetResult(results)
}

// cancellation is the error of a gather that was cancelled while its last child, f, was
// not, or whose errors are outcomes.
func cancellation(f *kernel.Future) error {
	if f.Cancelled() {
		return sched.Exception(f)
	}
	return &future.CancelledError{Message: f.Message()}
}

// CancelFuture cancels the children. It does not complete the future: they do.
func (g *gathering[T, R]) CancelFuture(message string) bool {
	if g.promise.Future().Done() || g.hopeless {
		return false
	}
	some := false
	for i := range g.slots {
		if g.slots[i].child.Kernel().Cancel(message) {
			some = true
		}
	}
	g.asked = g.asked || some
	g.hopeless = !some
	return some
}

func (g *gathering[T, R]) FutureKind() string { return "Future" }

func (g *gathering[T, R]) DescribeFuture() string {
	f, details := g.promise.Future(), ""
	if f.Kernel().State() == kernel.Finished && !f.Kernel().Failed() {
		results, _ := f.Result()
		details = f.Kernel().DescribeResult(&results)
	}
	return f.Kernel().Describe("GatheringFuture", "", details)
}
