// Package loop is a single-goroutine event loop that schedules exactly as the
// one of Python's asyncio does: a ready queue, timers, and iterations that run
// what was ready when they began.
//
// The goroutine that calls [Loop.RunForever] is the loop's goroutine. All
// callbacks run on it, one at a time, so that what they share needs no lock.
// The methods of a loop belong to that goroutine too, and to the coroutines
// that package task runs on the loop, except for those documented as safe for
// any goroutine: above all [Loop.CallSoonThreadsafe], the way in from outside.
// While a loop is not running, whoever is about to run it may call them all.
//
// Most programs meet this package as the loop that task.Run made for them.
package loop

import (
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/goasyncio/asyncio/timers"
)

// Loop is an event loop. See [New].
//
// What the loop's goroutine owns stands apart from what others may touch: the
// inbox, the executor, the signals and the atomic fields are the latter.
type Loop struct {
	// Owned by the holder of the baton.
	ready      ring
	todo       int // handles of the present iteration that have not run
	timers     *timers.Heap[*TimerHandle]
	slab       []Handle // unused handles, allocated together
	raised     error    // what ends the run at once: a fatal error, errGoexit
	single     bool     // Poll: one iteration and no more
	closed     bool
	debug      bool
	handler    func(*Loop, ExceptionContext)
	slow       time.Duration
	coroutines Coroutines

	// Fixed by New.
	clock timers.Clock
	epoch time.Time // what deadlines count from
	log   *slog.Logger

	// Safe for any goroutine.
	inbox    inbox
	running  atomic.Bool
	stopping atomic.Bool
	asleep   atomic.Bool
	home     atomic.Uintptr // the loop's goroutine, while running
	holder   atomic.Uintptr // that of the coroutine that is being run, if one is
	ended    atomic.Bool    // closed, for those who do not hold the baton
	executor executorState
	signals  signalState
}

// An Option configures a loop that [New] makes.
type Option func(*Loop)

// WithClock makes the loop live on that clock. The default is [timers.System].
func WithClock(c timers.Clock) Option {
	if c == nil {
		panic(misuse("WithClock", errors.New("the clock is nil")))
	}
	return func(l *Loop) { l.clock = c }
}

// WithDebug switches the debug mode on: see [Loop.SetDebug].
func WithDebug() Option {
	return func(l *Loop) { l.debug = true }
}

// WithLogger makes the loop report to that logger what nobody handles. The
// default is [slog.Default], as it is at the time of the report.
func WithLogger(log *slog.Logger) Option {
	return func(l *Loop) { l.log = log }
}

// WithExecutor sets the default executor: see [Loop.SetDefaultExecutor].
func WithExecutor(e Executor) Option {
	return func(l *Loop) { l.executor.set(e) }
}

// New returns a loop that is neither running nor closed: asyncio's
// new_event_loop. It must be closed in the end; a loop that was used holds
// goroutines.
func New(opts ...Option) *Loop {
	l := &Loop{
		timers: timers.NewHeap[*TimerHandle](),
		slow:   100 * time.Millisecond,
	}
	l.inbox.wake = make(chan struct{}, 1)
	for _, opt := range opts {
		opt(l)
	}
	if l.clock == nil {
		l.clock = timers.System()
	}
	l.epoch = l.clock.Now()
	return l
}

// String shows the state of the loop. Any goroutine may call it.
func (l *Loop) String() string {
	return fmt.Sprintf("<Loop %p running=%t closed=%t>", l, l.IsRunning(), l.IsClosed())
}

// Time is the loop's time: asyncio's loop.time. Any goroutine may call it.
func (l *Loop) Time() time.Time {
	return l.clock.Now()
}

// now is the loop's time in nanoseconds since the epoch.
func (l *Loop) now() int64 {
	return int64(l.clock.Now().Sub(l.epoch))
}

// later adds a delay to a time, without overflow.
func later(now int64, d time.Duration) int64 {
	when := now + int64(d)
	if d > 0 && when < now {
		return 1<<63 - 1
	}
	return when
}

// CallSoon arranges for fn to be called in the next iteration of the loop, in
// the order of scheduling: asyncio's call_soon. It panics if the loop is closed
// ([ErrClosed]) or fn is nil ([ErrNilFunc]).
func (l *Loop) CallSoon(fn func()) *Handle {
	l.check("CallSoon", fn)
	h := l.newHandle(fn)
	l.push(h)
	return h
}

// CallLater arranges for fn to be called once the delay d has passed: asyncio's
// call_later. Callbacks that are due at the same time are called in the order
// in which they were scheduled; a delay that is not positive is over at the
// loop's next iteration. It panics as CallSoon does.
func (l *Loop) CallLater(d time.Duration, fn func()) *TimerHandle {
	l.check("CallLater", fn)
	t := l.newTimer(fn)
	l.schedule(t, later(l.now(), d))
	return t
}

// CallAt arranges for fn to be called at the loop time when: asyncio's call_at.
// It is CallLater with an absolute time.
func (l *Loop) CallAt(when time.Time, fn func()) *TimerHandle {
	l.check("CallAt", fn)
	t := l.newTimer(fn)
	l.schedule(t, int64(when.Sub(l.epoch)))
	return t
}

// CallSoonThreadsafe is CallSoon for any goroutine: asyncio's
// call_soon_threadsafe. What one goroutine submits is called in that order; on
// the loop's own goroutine, in one order with CallSoon. The error matches
// [ErrClosed] if the loop is closed, and [ErrNilFunc] if fn is nil. The handle
// may be cancelled from any goroutine.
func (l *Loop) CallSoonThreadsafe(fn func()) (*Handle, error) {
	if fn == nil {
		return nil, misuse("CallSoonThreadsafe", ErrNilFunc)
	}
	h := &Handle{runner: callback(fn), kind: callbackKind, shared: true}
	if err := l.inbox.post(h); err != nil {
		return nil, err
	}
	return h, nil
}

func (l *Loop) check(operation string, fn func()) {
	if fn == nil {
		panic(misuse(operation, ErrNilFunc))
	}
	if l.closed {
		panic(misuse(operation, ErrClosed))
	}
	if l.debug {
		l.checkGoroutine(operation)
	}
}

// newHandle takes a handle from the slab: one allocation serves many.
func (l *Loop) newHandle(fn func()) *Handle {
	if len(l.slab) == 0 {
		l.slab = make([]Handle, 64)
	}
	h := &l.slab[0]
	l.slab = l.slab[1:]
	h.runner = callback(fn)
	return h
}

func (l *Loop) newTimer(fn func()) *TimerHandle {
	return &TimerHandle{Handle: Handle{runner: callback(fn)}}
}

// push appends to the ready queue. What was posted before comes first: this is
// what puts a call of CallSoonThreadsafe on the loop's own goroutine in its
// place among the others.
func (l *Loop) push(h *Handle) {
	if !l.inbox.empty() {
		l.collect()
	}
	l.ready.push(h)
}

// collect moves what was posted to the ready queue.
func (l *Loop) collect() {
	posted := l.inbox.collect()
	for i, h := range posted {
		l.ready.push(h)
		posted[i] = nil
	}
}

func (l *Loop) schedule(t *TimerHandle, when int64) {
	t.loop = l
	t.item.Value = t
	l.timers.Push(&t.item, when)
}

// Stop ends the run at the end of the present iteration: asyncio's stop. What
// became ready meanwhile stays so for the next run. A loop that is stopped
// before it runs does one iteration without sleeping. Any goroutine may call
// Stop.
func (l *Loop) Stop() {
	l.stopping.Store(true)
	if l.running.Load() {
		l.inbox.wakeUp()
	}
}

// IsRunning reports whether the loop is running. Any goroutine may call it.
func (l *Loop) IsRunning() bool {
	return l.running.Load()
}

// IsClosed reports whether the loop was closed. Any goroutine may call it.
func (l *Loop) IsClosed() bool {
	return l.ended.Load()
}

// Close ends the loop: asyncio's close. What was scheduled is forgotten.
// Coroutines that are still suspended are unwound, one after the other in the
// order of their creation: their deferred functions run, and an await in one
// fails with [ErrClosed]. No goroutine of the loop or its tasks is left
// afterwards; functions that run in executors end on their own.
//
// Closing a running loop is refused with [ErrRunning]; closing a closed one does
// nothing.
func (l *Loop) Close() error {
	if l.running.Load() {
		return misuse("Close", ErrRunning)
	}
	if l.closed {
		return nil
	}
	l.closed = true
	l.ended.Store(true)
	dropped := l.inbox.close()
	for l.ready.n > 0 {
		dropped = append(dropped, l.ready.pop())
	}
	l.ready = ring{}
	l.timers.Clear()
	l.slab = nil
	for _, h := range dropped {
		if r := h.take(); r != nil {
			if d, ok := r.(Dropper); ok {
				d.Drop()
			}
		}
	}
	if l.coroutines != nil {
		l.coroutines.Unwind()
	}
	l.signals.close()
	l.executor.abandon()
	return nil
}

// Hold tells the loop that work is going on outside whose result it will get
// through CallSoonThreadsafe. It matters to a virtual clock, which does not jump
// while somebody holds it; see [timers.Holder]. Any goroutine may call Hold and
// release, and release more than once.
func (l *Loop) Hold() (release func()) {
	holder, ok := l.clock.(timers.Holder)
	if !ok {
		return func() {}
	}
	return holder.Hold()
}
