package task

import (
	"context"
	"fmt"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task/internal/sched"
)

// Settings are how a task is created. [Option] functions change them, and a
// [Factory] may.
type Settings struct {
	Name    string          // "" for a default name
	Eager   bool            // see Eager
	Lazy    bool            // see Lazy: for factories, which decide by Eager
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
//
// Eager tasks may create each other, a thousand levels deep. What creates the next
// one then panics with an error that matches [ErrRecursion].
func Eager() Option {
	return func(s *Settings) { s.Eager, s.Lazy = true, false }
}

// Lazy makes the task begin in the loop's next iteration even if the loop's factory is
// [EagerFactory]: asyncio's eager_start=False. A [Factory] of your own sees it in its
// settings. Without an eager factory tasks are lazy anyway.
func Lazy() Option {
	return func(s *Settings) { s.Eager, s.Lazy = false, true }
}

// InContext makes the task inherit the values of that context, in place of those
// of the context that it is created with. If ctx is nil, creating the task panics
// ([loop.ErrInvalidArgument]).
func InContext(ctx context.Context) Option {
	return func(s *Settings) { s.Context = ctx }
}

// A Factory decides how the tasks of a loop are created: asyncio's task factory.
// It is called for each task with the settings of its options, and returns those
// to be used. Without a Context, the task gets the one it would have had.
type Factory func(l *loop.Loop, s Settings) Settings

// SetFactory sets the loop's factory: asyncio's set_task_factory. nil takes it away.
func SetFactory(l *loop.Loop, f Factory) {
	s := ownSched(l, "SetFactory")
	if f == nil {
		s.Factory = nil
		return
	}
	s.Factory = f
}

// FactoryOf returns the loop's factory, or nil: asyncio's get_task_factory.
func FactoryOf(l *loop.Loop) Factory {
	return factoryOf(ownSched(l, "FactoryOf"))
}

func factoryOf(s *sched.Sched) Factory {
	f, _ := s.Factory.(Factory)
	return f
}

// EagerFactory is the factory that makes every task eager but those that are to be
// [Lazy]: asyncio's eager_task_factory.
func EagerFactory(_ *loop.Loop, s Settings) Settings {
	s.Eager = !s.Lazy
	return s
}

// CreateEagerFactory returns a factory that does as f does, and then as [EagerFactory]:
// asyncio's create_eager_task_factory. It panics if f is nil ([loop.ErrNilFunc]).
func CreateEagerFactory(f Factory) Factory {
	if f == nil {
		panic(fmt.Errorf("task: CreateEagerFactory: the factory is nil: %w", loop.ErrNilFunc))
	}
	return func(l *loop.Loop, s Settings) Settings {
		return EagerFactory(l, f(l, s))
	}
}

func (s *Settings) apply(opts []Option) {
	for _, opt := range opts {
		if opt == nil {
			panic(fmt.Errorf("task: Create: an option is nil: %w", loop.ErrNilFunc))
		}
		opt(s)
	}
}

// configure does as the options and the factory say. It is apart from start because it
// needs stack.
//
//go:noinline
func configure(l *loop.Loop, e *sched.Entry, ctx context.Context, opts []Option) (values context.Context, eager bool) {
	settings := Settings{Context: ctx}
	settings.apply(opts)
	if settings.Context == nil {
		panic(fmt.Errorf("task: InContext: the context is nil: %w", loop.ErrInvalidArgument))
	}
	if f := factoryOf(schedOf(l)); f != nil {
		given := settings.Context
		if settings = f(l, settings); settings.Context == nil {
			settings.Context = given // it is for a factory to say so only if it wants another
		}
	}
	if settings.Name != "" {
		e.Value.SetName(settings.Name)
	}
	return settings.Context, settings.Eager
}
