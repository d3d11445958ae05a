package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
)

// node is one coroutine of a program, and what is known about it.
type node struct {
	p         *program
	id        int
	r         *rand.Rand
	depth     int
	detached  bool            // the program does not keep its task
	task      *task.Task[int] // nil if it has none of its own, or is detached
	begun     int             // how often the coroutine began
	ended     int             // how often its deferred functions ran
	told      int             // how often its done callback was called
	returned  bool            // it did not panic or call runtime.Goexit
	condemned bool            // it cancelled itself just before it returned
	value     int             // what it returned
	err       error           // likewise
	retrieved bool            // its exception was, before the loop was closed
}

// newNode makes a node, to be used for one coroutine.
func (p *program) newNode(r *rand.Rand) *node {
	n := &node{p: p, id: len(p.nodes), r: r}
	p.nodes = append(p.nodes, n)
	return n
}

// keep notes the task of a node.
func (p *program) keep(n *node, t *task.Task[int]) {
	n.task = t
	t.AddDoneCallback(func() {
		p.enter()
		defer p.leave()
		p.checkTask(n)
	})
}

func (n *node) String() string { return fmt.Sprintf("coroutine %d", n.id) }

// coroutine is what the node's task runs: a few operations, and then an end.
func (n *node) coroutine() task.Coroutine[int] {
	return func(ctx context.Context) (v int, err error) {
		p := n.p
		p.enter()
		defer p.leave()
		n.begun++
		defer n.end(ctx)
		a := &actor{p: p, r: n.r, ctx: ctx, node: n, depth: n.depth}
		p.log("%v begins", n)
		v, err = a.live()
		if t := task.Current(ctx); n.task != nil && t.Kernel() == n.task.Kernel() && a.r.IntN(12) == 0 {
			n.condemned = t.Cancel()
		}
		n.value, n.err, n.returned = v, err, true
		p.log("%v returns %s", n, text(err))
		return v, err
	}
}

// end is the deferred function of a coroutine. If the loop is closed, it tries to
// await.
func (n *node) end(ctx context.Context) {
	n.ended++
	if !n.p.loop.IsClosed() {
		return
	}
	n.p.outside(func() {
		if err := task.Sleep(ctx, n.p.unit); !errors.Is(err, loop.ErrClosed) {
			n.p.fault("%v awaits while the loop is closed: got %v", n, err)
		}
	})
}

// actor is who does operations: a coroutine, a body in one, or a callback.
type actor struct {
	p     *program
	r     *rand.Rand
	ctx   context.Context
	node  *node // nil in a callback
	depth int
}

// live is the life of a coroutine.
func (a *actor) live() (int, error) {
	if err := a.act(1 + a.r.IntN(8)); err != nil {
		return 0, err
	}
	return a.finish()
}

// act does a number of operations. Some of their errors it returns, some it passes over.
func (a *actor) act(times int) error {
	for range times {
		op := pickOperation(a.r, a.node != nil)
		a.p.log("%v: %s", a.who(), op.name)
		err := op.do(a)
		a.p.touched++
		if err != nil {
			a.p.log("%v: %s failed: %s", a.who(), op.name, text(err))
			if err = a.face(err); err != nil {
				return err
			}
		}
	}
	return nil
}

func (a *actor) who() string {
	if a.node == nil {
		return "callback"
	}
	return a.node.String()
}

// face decides what to do about an error.
func (a *actor) face(err error) error {
	t := task.Current(a.ctx)
	switch choice := a.r.IntN(10); {
	case !isCancelled(err) && choice < 7:
		return nil
	case !isCancelled(err) || choice < 5:
		return err
	case choice < 7:
		return fmt.Errorf("%v wraps: %w", a.who(), err)
	case choice < 9 && t != nil:
		t.Uncancel()
	}
	return nil
}

// finish ends a coroutine well or badly.
func (a *actor) finish() (int, error) {
	p := a.p
	switch choice := a.r.IntN(30); {
	case choice < 18:
		return a.r.IntN(100), nil
	case choice < 22:
		return 0, a.error()
	case choice < 24:
		panic(a.panicValue())
	case choice == 24 && p.exits:
		p.log("%v calls runtime.Goexit", a.who())
		runtime.Goexit()
	case choice == 25 && a.r.IntN(3) == 0:
		return 0, pick(a.r, []error{loop.ErrKeyboardInterrupt, &loop.SystemExit{Code: 3}, fmt.Errorf("fatal: %w", loop.ErrKeyboardInterrupt)})
	case choice == 26:
		return 0, pick(a.r, []error{future.ErrCancelled, &future.CancelledError{Message: "by choice"}, context.Canceled, future.ErrTimeout})
	}
	return 0, nil
}

// body is the function that a scope runs in the same task: a few operations with its own
// context, and perhaps a bad end.
func (a *actor) body(more func(b *actor) error) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		a.p.enter()
		defer a.p.leave()
		b := *a
		b.ctx = ctx
		b.depth++
		if more != nil {
			if err := more(&b); err != nil {
				return err
			}
		}
		if b.depth <= maxDepth {
			if err := b.act(b.r.IntN(3)); err != nil {
				return err
			}
		}
		if b.r.IntN(4) == 0 {
			_, err := b.finish()
			return err
		}
		return nil
	}
}

// callback is a function of the program that the loop calls: a few operations that do
// not wait, and perhaps a bad end.
func (a *actor) callback() func() {
	r := split(a.r)
	p := a.p
	return func() {
		p.enter()
		defer p.leave()
		b := &actor{p: p, r: r, ctx: loop.NewContext(context.Background(), p.loop), depth: a.depth + 1}
		if b.depth <= maxDepth {
			_ = b.act(r.IntN(3)) // nobody to return it to
		}
		if r.IntN(6) == 0 {
			_, err := b.finish()
			if err != nil && r.IntN(2) == 0 {
				panic(err)
			}
		}
	}
}

// spawn makes a task of a new coroutine. It returns nil if there are enough.
func (a *actor) spawn(create func(ctx context.Context, coro task.Coroutine[int], opts ...task.Option) *task.Task[int]) *node {
	n := a.newNode()
	if n == nil {
		return nil
	}
	n.detached = a.r.IntN(8) == 0
	var t *task.Task[int]
	ctx, opts := a.ctx, a.options()
	a.p.outside(func() { t = create(ctx, n.coroutine(), opts...) })
	if !n.detached {
		a.p.keep(n, t)
	}
	return n
}

// newNode makes a node for a coroutine of this actor, nil if there are enough.
func (a *actor) newNode() *node {
	if len(a.p.nodes) >= maxNodes || a.depth >= maxDepth {
		return nil
	}
	n := a.p.newNode(split(a.r))
	n.depth = a.depth + 1
	return n
}

// options are random options of a new task.
func (a *actor) options() (opts []task.Option) {
	if a.p.eager && a.r.IntN(3) == 0 {
		opts = append(opts, task.Eager())
	}
	if a.r.IntN(5) == 0 {
		opts = append(opts, task.Name(fmt.Sprintf("name %d", a.r.IntN(5))))
	}
	if a.r.IntN(8) == 0 {
		opts = append(opts, task.InContext(context.WithValue(a.ctx, key{}, a.r.IntN(5))))
	}
	return opts
}

type key struct{}

// some returns a task that this actor may await or cancel, nil if there is none. Only tasks that
// are younger than its own, so that tasks do not await each other in a circle.
func (a *actor) some() *node {
	oldest := 0
	if a.node != nil {
		oldest = a.node.id + 1
	}
	if oldest >= len(a.p.nodes) {
		return nil
	}
	n := a.p.nodes[oldest+a.r.IntN(len(a.p.nodes)-oldest)]
	if n.task == nil {
		return nil
	}
	return n
}

// any returns any task, nil if there is none.
func (a *actor) any() *task.Task[int] {
	if len(a.p.nodes) == 0 {
		return nil
	}
	return pick(a.r, a.p.nodes).task
}

// awaitable returns something to await: a coroutine, a task, a future. What is not new may be
// awaited by others, too.
func (a *actor) awaitable() future.Awaitable[int] {
	switch a.r.IntN(4) {
	case 0:
		if n := a.newNode(); n != nil {
			return n.coroutine()
		}
	case 1:
		if n := a.some(); n != nil {
			return a.overridden(n.task)
		}
	case 2:
		return a.future()
	}
	v, d := a.r.IntN(100), a.time()
	return task.Coro(func(ctx context.Context) (int, error) { return task.SleepResult(ctx, d, v) })
}

// waitables returns futures and tasks.
func (a *actor) waitables() (fs []future.Typed[int]) {
	for range 1 + a.r.IntN(4) {
		if n := a.some(); n != nil && a.r.IntN(2) == 0 {
			fs = append(fs, a.overridden(n.task))
		} else {
			fs = append(fs, a.overridden(a.future()))
		}
	}
	return fs
}

// future returns a future that will be completed in most cases.
func (a *actor) future() *future.Future[int] {
	if len(a.p.futures) > 0 && a.r.IntN(3) == 0 {
		return pick(a.r, a.p.futures)
	}
	f := future.New[int](a.p.loop)
	a.p.futures = append(a.p.futures, f)
	if v := a.r.IntN(100); v > 5 {
		a.p.loop.CallLater(a.time(), func() { _ = f.SetResult(v) })
	}
	return f
}

// time returns how long something takes: most often a few units, or nothing.
func (a *actor) time() time.Duration {
	switch a.r.IntN(6) {
	case 0:
		return 0
	case 1:
		return -1
	default:
		return time.Duration(a.r.IntN(8)) * a.p.unit / 2
	}
}

// await calls something that waits, sometimes with a context of Go's that may end.
func (a *actor) await(wait func(ctx context.Context) error) (err error) {
	ctx, end := a.derived()
	defer end()
	a.p.outside(func() { err = wait(ctx) })
	return err
}

// derived returns the actor's context, or one that was derived from it with package context.
func (a *actor) derived() (context.Context, context.CancelFunc) {
	cause := &fault{name: "cause of a context"}
	switch a.r.IntN(16) {
	case 0:
		return context.WithTimeout(a.ctx, time.Duration(a.r.IntN(100))*time.Microsecond)
	case 1:
		ctx, end := context.WithCancelCause(a.ctx)
		end(cause)
		return ctx, func() { end(nil) }
	case 2:
		ctx, end := context.WithCancelCause(a.ctx)
		a.p.apartForeign(func() { end(cause) })
		return ctx, func() { end(nil) }
	case 3:
		ctx, end := context.WithCancelCause(a.ctx)
		a.p.loop.CallLater(a.time(), func() { end(cause) })
		return ctx, func() { end(nil) }
	case 4:
		return context.WithValue(a.ctx, key{}, 7), func() {}
	default:
		return a.ctx, func() {}
	}
}
