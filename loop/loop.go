// Package loop is an event loop: it calls functions one at a time, in exactly the order
// in which the event loop of Python's asyncio would.
//
// Most programs do not make a loop: task.Run makes one for them. A loop of your own,
// with callbacks and without tasks, looks like this:
//
//	l := loop.New()
//	defer l.Close()
//	l.CallLater(time.Second, func() {
//		fmt.Println("one second later")
//		l.Stop()
//	})
//	err := l.RunForever()
//
// # Iterations
//
// A loop runs in iterations. Each one makes the calls that are ready when it begins:
// first those scheduled since the last iteration began, then the timers that are due.
// Calls scheduled meanwhile are for the next iteration. A loop with nothing to do
// sleeps.
//
// # Goroutines
//
// The goroutine that calls [Loop.RunForever] is the loop's goroutine. All callbacks run
// on it, one at a time, so what they share needs no lock. Call a loop's methods only
// from its tasks and callbacks, unless they say that any goroutine may call them.
// [Loop.CallSoonThreadsafe] is the way in from other goroutines. While the loop is not
// running, any single goroutine may call them all.
//
// # Misuse
//
// A broken rule panics where nothing returns an error; what can happen in a right
// program is an error. Test for the errors below with errors.Is, in both cases.
package loop

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/timers"
)

// Loop is an event loop. Make one with [New]. It is asyncio's event loop.
type Loop struct {
	kernel *kernel.Kernel

	// For the loop's tasks and callbacks only.
	slab    []Handle // unused handles, allocated together
	handler func(*Loop, ExceptionContext)

	// Fixed by New.
	log *slog.Logger

	// For any goroutine.
	executor executorState
	signals  signalState
}

// An Option configures a loop that [New] makes.
type Option func(*settings)

// settings is what the options of New add up to.
type settings struct {
	clock    timers.Clock
	debug    bool
	log      *slog.Logger
	executor Executor
	creation int // the depth of creation stacks, 0 if they are left to debug mode
	setups   []func(*Loop)
}

// WithClock sets the loop's clock. The default is [timers.System]. It panics if c is
// nil ([ErrInvalidArgument]).
func WithClock(c timers.Clock) Option {
	if c == nil {
		panic(misuse("WithClock: the clock is nil", ErrInvalidArgument))
	}
	return func(s *settings) { s.clock = c }
}

// WithDebug switches debug mode on: see [Loop.SetDebug].
func WithDebug() Option {
	return func(s *settings) { s.debug = true }
}

// WithLogger sets the logger of [Loop.DefaultExceptionHandler] and of debug mode. The
// default, also if log is nil, is [slog.Default], looked up for each message.
func WithLogger(log *slog.Logger) Option {
	return func(s *settings) { s.log = log }
}

// WithExecutor sets the default executor: see [Loop.SetDefaultExecutor]. If e is nil, the
// loop makes one when it is first needed.
func WithExecutor(e Executor) Option {
	return func(s *settings) { s.executor = e }
}

// WithCreationStacks has the loop record where tasks and futures are created, as debug mode
// does without being asked: the innermost calls of the program, depth of them at most. Debug
// mode keeps 10, or as many as this option says. Exception handlers get them as
// [ExceptionContext.Created], and descriptions have the innermost.
//
// It costs about half a microsecond and 8 bytes a call for each task, and a multiple of that
// for each future. It panics if depth is not positive ([ErrInvalidArgument]).
func WithCreationStacks(depth int) Option {
	if depth < 1 {
		panic(misuse(fmt.Sprintf("WithCreationStacks: the depth is %d", depth), ErrInvalidArgument))
	}
	return func(s *settings) { s.creation = depth }
}

// WithSetup calls setup with the new loop before New returns it. It is for packages that
// watch loops, and have an option of their own. It panics if setup is nil ([ErrNilFunc]).
func WithSetup(setup func(l *Loop)) Option {
	if setup == nil {
		panic(misuse("WithSetup", ErrNilFunc))
	}
	return func(s *settings) { s.setups = append(s.setups, setup) }
}

// New returns a new loop. Close it after use: a loop that has run tasks keeps
// goroutines until then. It is asyncio's new_event_loop.
func New(opts ...Option) *Loop {
	var s settings
	for _, opt := range opts {
		if opt == nil {
			panic(misuse("New: an option is nil", ErrNilFunc))
		}
		opt(&s)
	}
	if s.clock == nil {
		s.clock = timers.System()
	}
	l := &Loop{log: s.log}
	l.kernel = kernel.New(s.clock, (*host)(l), l)
	l.kernel.SetDebug(s.debug)
	if s.creation > 0 {
		l.kernel.SetCreationDepth(s.creation)
		l.kernel.Attend(kernel.AttendStacks)
	}
	l.executor.set(s.executor)
	for _, setup := range s.setups {
		setup(l)
	}
	return l
}

// Kernel returns the loop's engine. It is for the packages of this module: there is no
// promise of compatibility.
func (l *Loop) Kernel() *kernel.Kernel { return l.kernel }

// String returns the loop's address and state. Any goroutine may call it.
func (l *Loop) String() string {
	return fmt.Sprintf("<Loop %p running=%t closed=%t>", l, l.IsRunning(), l.IsClosed())
}

// Time returns the time by the loop's clock. Any goroutine may call it. It is asyncio's
// loop.time.
func (l *Loop) Time() time.Time { return l.kernel.Clock().Now() }

// Stop ends the run when the present iteration is over. Calls that are ready then are
// made when the loop runs again. A loop that is stopped before it runs does one
// iteration without sleeping.
//
// Any goroutine may call Stop. It is asyncio's stop.
func (l *Loop) Stop() { l.kernel.Stop() }

// IsRunning reports whether the loop is running. Any goroutine may call it. It is
// asyncio's is_running.
func (l *Loop) IsRunning() bool { return l.kernel.IsRunning() }

// IsClosed reports whether the loop is closed. Any goroutine may call it. It is
// asyncio's is_closed.
func (l *Loop) IsClosed() bool { return l.kernel.IsClosed() }

// Close drops all scheduled calls and ends all tasks. Tasks that have begun are ended in
// the order of their creation: the deferred functions of their coroutines run, and an
// await in one of these fails with [ErrClosed]. After that, no goroutine of the loop or
// its tasks is left. Close does not wait for functions in executors.
//
// The error matches [ErrRunning] if the loop is running. Closing a closed loop does
// nothing. Any goroutine may call Close. It is asyncio's close.
func (l *Loop) Close() error {
	ok := true
	defer func() { // also if the exception handler calls runtime.Goexit
		if ok {
			l.signals.close()
			l.executor.abandon()
		}
	}()
	if ok = l.kernel.Close(); !ok {
		return misuse("Close", ErrRunning)
	}
	return nil
}

// Hold keeps a virtual clock from jumping until release is called. Hold the clock while
// another goroutine works on something that it will pass to the loop with
// CallSoonThreadsafe. With a clock that is no [timers.Holder], Hold does nothing.
//
// Any goroutine may call Hold and release. Calling release again does nothing. asyncio
// has nothing of the kind.
func (l *Loop) Hold() (release func()) {
	holder, ok := l.kernel.Clock().(timers.Holder)
	if !ok {
		return func() {}
	}
	return holder.Hold()
}
