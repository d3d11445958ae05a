// Package loop is a single-goroutine event loop that schedules exactly as the
// one of Python's asyncio does: a ready queue, timers, and iterations that run
// what was ready when they began.
//
// The goroutine that calls [Loop.RunForever] is the loop's goroutine. All
// callbacks run on it, one at a time, so that what they share needs no lock.
// The methods of a loop belong to that goroutine too, and to the coroutines
// that package task runs on the loop, except for those documented as safe for
// any goroutine: above all [Loop.CallSoonThreadsafe], the way in from outside.
// Before Run, any single goroutine may call them.
//
// Most programs meet this package as the loop that task.Run made for them.
package loop

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/timers"
)

// Loop is an event loop. See [New].
type Loop struct {
	kernel *kernel.Kernel

	// Owned by what the loop runs.
	slab    []kernel.Handle // unused handles, allocated together
	handler func(*Loop, ExceptionContext)

	// Fixed by New.
	log *slog.Logger

	// Safe for any goroutine.
	executor executorState
	signals  signalState
}

// An Option configures a loop that [New] makes.
type Option func(*settings)

// settings are what options say.
type settings struct {
	clock    timers.Clock
	debug    bool
	log      *slog.Logger
	executor Executor
}

// WithClock makes the loop live on that clock. The default is [timers.System].
func WithClock(c timers.Clock) Option {
	if c == nil {
		panic(misuse("WithClock", errors.New("the clock is nil")))
	}
	return func(s *settings) { s.clock = c }
}

// WithDebug switches the debug mode on: see [Loop.SetDebug].
func WithDebug() Option {
	return func(s *settings) { s.debug = true }
}

// WithLogger makes the loop report to that logger what nobody handles. The
// default is [slog.Default], as it is at the time of the report.
func WithLogger(log *slog.Logger) Option {
	return func(s *settings) { s.log = log }
}

// WithExecutor sets the default executor: see [Loop.SetDefaultExecutor].
func WithExecutor(e Executor) Option {
	return func(s *settings) { s.executor = e }
}

// New returns a loop that is neither running nor closed: asyncio's
// new_event_loop. It must be closed in the end; a loop that was used holds
// goroutines.
func New(opts ...Option) *Loop {
	var s settings
	for _, opt := range opts {
		opt(&s)
	}
	if s.clock == nil {
		s.clock = timers.System()
	}
	l := &Loop{log: s.log}
	l.kernel = kernel.New(s.clock, (*host)(l), l)
	l.kernel.SetDebug(s.debug)
	l.executor.set(s.executor)
	return l
}

// Kernel leads into the engine room, for the packages of this module. Programs
// have no use for it.
func (l *Loop) Kernel() *kernel.Kernel { return l.kernel }

// String shows the state of the loop. Any goroutine may call it.
func (l *Loop) String() string {
	return fmt.Sprintf("<Loop %p running=%t closed=%t>", l, l.IsRunning(), l.IsClosed())
}

// Time is the loop's time: asyncio's loop.time. Any goroutine may call it.
func (l *Loop) Time() time.Time { return l.kernel.Clock().Now() }

// Stop ends the run at the end of the present iteration: asyncio's stop. What
// became ready meanwhile stays so for the next run. A loop that is stopped
// before it runs does one iteration without sleeping. Any goroutine may call
// Stop.
func (l *Loop) Stop() { l.kernel.Stop() }

// IsRunning reports whether the loop is running. Any goroutine may call it.
func (l *Loop) IsRunning() bool { return l.kernel.IsRunning() }

// IsClosed reports whether the loop was closed. Any goroutine may call it.
func (l *Loop) IsClosed() bool { return l.kernel.IsClosed() }

// Close ends the loop: asyncio's close. What was scheduled is forgotten.
// Coroutines that are still suspended are unwound, one after the other in the
// order of their creation: their deferred functions run, and an await in one
// fails with [ErrClosed]. No goroutine of the loop or its tasks is left
// afterwards; functions that run in executors end on their own.
//
// Closing a running loop is refused with [ErrRunning]; closing a closed one does
// nothing.
func (l *Loop) Close() error {
	if l.IsRunning() {
		return misuse("Close", ErrRunning)
	}
	if !l.kernel.Close() {
		return nil
	}
	l.slab = nil
	l.signals.close()
	l.executor.abandon()
	return nil
}

// Hold tells the loop that work is going on outside whose result it will get
// through CallSoonThreadsafe. It matters to a virtual clock, which does not jump
// while somebody holds it; see [timers.Holder]. Any goroutine may call Hold and
// release, and release more than once.
func (l *Loop) Hold() (release func()) {
	holder, ok := l.kernel.Clock().(timers.Holder)
	if !ok {
		return func() {}
	}
	return holder.Hold()
}
