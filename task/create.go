package task

import (
	"context"
	"fmt"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
)

// Settings are how a task is created. [Option] functions change them, and a
// [Factory] may.
type Settings struct {
	Name    string          // "" for a default name
	Eager   bool            // see Eager
	Context context.Context // whose values the task inherits
}

// An Option says something about the creation of a task.
type Option func(*Settings)

// Name gives the task a name.
func Name(name string) Option {
	return func(s *Settings) { s.Name = name }
}

// Eager makes the task begin at once, inside the call that creates it, up to
// the first await that suspends: asyncio's eager_start. If the loop is not
// running, it begins as usual. It is for programs that need that order: unlike in
// CPython, it seldom saves time.
func Eager() Option {
	return func(s *Settings) { s.Eager = true }
}

// InContext makes the task inherit the values of that context, in place of those
// of the context that it is created with.
func InContext(ctx context.Context) Option {
	return func(s *Settings) { s.Context = ctx }
}

// A Factory decides how the tasks of a loop are created: asyncio's task factory.
// It is called for each task with the settings of its options, and returns those
// to be used.
type Factory func(l *loop.Loop, s Settings) Settings

// SetFactory sets the loop's factory; nil takes it away.
func SetFactory(l *loop.Loop, f Factory) {
	schedOf(l).factory = f
}

// FactoryOf returns the loop's factory, or nil: asyncio's get_task_factory.
func FactoryOf(l *loop.Loop) Factory {
	return schedOf(l).factory
}

// EagerFactory is the factory that makes every task eager: asyncio's
// eager_task_factory.
func EagerFactory(_ *loop.Loop, s Settings) Settings {
	s.Eager = true
	return s
}

// CreateEagerFactory returns a factory that does as f does, and makes the task
// eager: asyncio's create_eager_task_factory.
func CreateEagerFactory(f Factory) Factory {
	return func(l *loop.Loop, s Settings) Settings {
		return EagerFactory(l, f(l, s))
	}
}

// Create starts coro as a task of the loop that ctx carries: asyncio's
// create_task. The task begins in the loop's next iteration, not before.
//
// The task inherits the values of ctx, and is cancelled if ctx ends by a
// deadline or cancel function of package context. It does not end with the task
// that creates it.
//
// Create panics if ctx carries no loop ([loop.ErrNotRunning]), if the loop is
// closed ([loop.ErrClosed]) or running something else than the caller
// ([loop.ErrWrongGoroutine]), and if coro is nil ([ErrNilCoroutine]).
func Create[T any](ctx context.Context, coro Coroutine[T], opts ...Option) *Task[T] {
	l := loopOf(ctx, "Create")
	if coro == nil {
		panic(nilCoroutine("Create"))
	}
	return create(l, ctx, coro, opts, true)
}

// CreateOn starts coro as a task of loop l: asyncio's loop.create_task, for
// callbacks and for a loop that does not run yet. It panics as [Create] does.
func CreateOn[T any](l *loop.Loop, coro Coroutine[T], opts ...Option) *Task[T] {
	if l == nil {
		panic(fmt.Errorf("task: CreateOn: the loop is nil: %w", loop.ErrNotRunning))
	}
	if coro == nil {
		panic(nilCoroutine("CreateOn"))
	}
	return create(l, context.Background(), coro, opts, false)
}

// Go is [Create] for a function without a result.
func Go(ctx context.Context, fn func(ctx context.Context) error, opts ...Option) *Task[struct{}] {
	l := loopOf(ctx, "Go")
	if fn == nil {
		panic(nilCoroutine("Go"))
	}
	return create(l, ctx, void(fn), opts, true)
}

// loopOf is the loop that ctx carries, for a task to be created on.
func loopOf(ctx context.Context, operation string) *loop.Loop {
	l, ok := loop.FromContext(ctx)
	if !ok {
		panic(fmt.Errorf("task: %s: %w: the context carries no loop", operation, loop.ErrNotRunning))
	}
	return l
}

// create makes a task and starts it.
func create[T any](l *loop.Loop, ctx context.Context, coro future.Awaitable[T], opts []Option, watch bool) *Task[T] {
	t := new(Task[T])
	t.start(l, ctx, coro, opts, watch)
	return t
}

// start starts a new task. With watch, the end of ctx cancels it.
func (t *Task[T]) start(l *loop.Loop, ctx context.Context, coro future.Awaitable[T], opts []Option, watch bool) {
	t.coro = coro
	t.base.start(l, (*taskBody[T])(t), ctx, opts, watch)
}

func (b *base) start(l *loop.Loop, body future.Owner, ctx context.Context, opts []Option, watch bool) {
	if l.IsClosed() || !l.Kernel().Holds() {
		panic(cannotCreate(l))
	}
	s := schedOf(l)
	s.used = true
	b.sched = s
	b.core.Init(l, body)
	b.wake.Handle.Init(loop.Step, b)
	values, eager := ctx, false
	if len(opts) > 0 || s.factory != nil {
		values, eager = b.configure(ctx, opts)
	}
	b.values = valuesOf(values)
	if b.extra == nil {
		s.unnamed++
		b.number = int32(s.unnamed)
	}
	s.add(b)
	if watch {
		if outer := foreignOf(ctx); outer != nil {
			b.watchParent(outer)
		}
	}
	if eager && l.IsRunning() && !b.mustCancel {
		s.lend(s.workerOf(b)) // its first stretch, inside the present step or callback
	} else {
		s.kernel.Push(&b.wake.Handle)
	}
}

// configure does as the options and the factory say.
//
// What is rare in the creation of tasks is in functions of its own, because it
// needs stack: a goroutine has little of it before it must be moved to a larger one.
//
//go:noinline
func (b *base) configure(ctx context.Context, opts []Option) (values context.Context, eager bool) {
	s := b.sched
	settings := Settings{Context: ctx}
	for _, opt := range opts {
		opt(&settings)
	}
	if settings.Context == nil {
		panic(fmt.Errorf("task: InContext: the context is nil"))
	}
	if s.factory != nil {
		settings = s.factory(s.loop, settings)
	}
	if settings.Name != "" {
		b.setName(settings.Name)
	}
	return settings.Context, settings.Eager
}

//go:noinline
func cannotCreate(l *loop.Loop) error {
	if l.IsClosed() {
		return fmt.Errorf("task: Create: %w", loop.ErrClosed)
	}
	return fmt.Errorf("task: Create: %w", loop.ErrWrongGoroutine)
}
