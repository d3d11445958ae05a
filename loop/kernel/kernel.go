package kernel

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/goasyncio/asyncio/timers"
)

// Kernel is the engine of an event loop. Make one with [New].
type Kernel struct {
	// For the owner of the baton only.
	ready     Ring[*Handle]
	todo      int // handles of the present iteration that have not run
	timers    *timers.Heap[*Timer]
	raised    error // what ends the run at once: a fatal error, or errGoexit
	single    bool  // one iteration and no more
	closed    bool
	debug     bool
	slow      time.Duration
	scheduler Scheduler

	// Fixed by New.
	clock timers.Clock
	epoch time.Time // what deadlines count from
	host  Host
	face  any
	stuck Handle // see watchClock

	// For any goroutine.
	inbox         inbox
	running       atomic.Bool
	stopping      atomic.Bool
	loopGoroutine atomic.Uintptr // 0 while not running
	stepOwner     atomic.Uintptr // the goroutine of the task whose step is running, or 0
	ended         atomic.Bool    // closed, for goroutines that do not own the baton
}

// A Host is a loop as its kernel sees it: what the kernel needs from package loop.
type Host interface {
	// CallbackFailed is told that a callback panicked with value.
	CallbackFailed(h *Handle, description string, value any)
	// Report passes r to the exception handler.
	Report(r Report)
	// TookLong warns that a step or callback kept the loop busy for d.
	TookLong(description string, d time.Duration)
	// Warn logs a warning. Any goroutine may call it.
	Warn(message string)
	// WrongGoroutine panics because the caller does not own the baton.
	WrongGoroutine(operation string)
	// ExecutorUsed reports whether there is a default executor that has not been shut
	// down.
	ExecutorUsed() bool
}

// A Scheduler runs the tasks of a loop.
type Scheduler interface {
	// BeforeJump makes ready the tasks whose context of package context has ended. It is
	// called before a clock jumps (see timers.Holder). The end of such a context is posted
	// from another goroutine, and the clock does not wait for that.
	BeforeJump()
	// Pending describes the tasks that are not finished. It is empty if there are none.
	Pending() string
	// Unwind ends all tasks and their goroutines. It is called once, when the loop has
	// been closed.
	Unwind()
}

// New returns the kernel of a new loop. The face is the *loop.Loop: see [Kernel.Face].
func New(clock timers.Clock, host Host, face any) *Kernel {
	k := &Kernel{
		timers: timers.NewHeap[*Timer](),
		slow:   100 * time.Millisecond,
		clock:  clock,
		epoch:  clock.Now(),
		host:   host,
		face:   face,
	}
	k.inbox.wake = make(chan struct{}, 1)
	k.watchClock()
	return k
}

// Face returns the *loop.Loop that the kernel belongs to. It has type any because this
// package must not import package loop. Any goroutine may call it.
func (k *Kernel) Face() any { return k.face }

// Scheduler returns the loop's scheduler. The first call makes it with create.
func (k *Kernel) Scheduler(create func(*Kernel) Scheduler) Scheduler {
	if k.scheduler == nil {
		k.scheduler = create(k)
	}
	return k.scheduler
}

// ExecutorUsed reports whether the loop has a default executor that has not been shut
// down. Any goroutine may call it.
func (k *Kernel) ExecutorUsed() bool { return k.host.ExecutorUsed() }

// Warn logs a warning with the loop's logger. Any goroutine may call it.
func (k *Kernel) Warn(message string) { k.host.Warn(message) }

// Clock returns the loop's clock. Any goroutine may call it.
func (k *Kernel) Clock() timers.Clock { return k.clock }

// Debug reports whether debug mode is on.
func (k *Kernel) Debug() bool { return k.debug }

// SetDebug switches debug mode on or off.
func (k *Kernel) SetDebug(on bool) { k.debug = on }

// SetSlow sets how long a step or callback must take for debug mode to report it.
func (k *Kernel) SetSlow(d time.Duration) { k.slow = d }

// Push appends a prepared handle to the ready queue. On a closed loop it does nothing.
//
// Handles posted before come first. So calls of CallSoonThreadsafe on the loop's own
// goroutine keep their order among those of CallSoon.
func (k *Kernel) Push(h *Handle) {
	if k.closed {
		return
	}
	if k.debug {
		k.checkBaton("use of a future")
	}
	if !k.inbox.empty() {
		k.collect()
	}
	k.ready.Push(h)
}

// Post makes the loop append a prepared handle to its ready queue, and wakes it if it
// sleeps. It reports false if the loop is closed. Any goroutine may call it.
func (k *Kernel) Post(h *Handle) bool { return k.inbox.post(h) }

// collect moves the posted handles to the ready queue.
func (k *Kernel) collect() {
	posted := k.inbox.collect()
	for i, h := range posted {
		k.ready.Push(h)
		posted[i] = nil
	}
}

// Raise ends the run at once with the fatal error err. Only the first error counts.
func (k *Kernel) Raise(err error) {
	if k.raised == nil {
		k.raised = err
	}
}

// Goexit ends the run at once because a task has called runtime.Goexit: the loop's
// goroutine will call it too.
func (k *Kernel) Goexit() { k.raised = errGoexit }

// errGoexit is the value of Kernel.raised after Goexit.
var errGoexit = errors.New("kernel: a task called runtime.Goexit")

// Stop ends the run when the present iteration is over. Any goroutine may call it.
func (k *Kernel) Stop() {
	k.stopping.Store(true)
	if k.running.Load() {
		k.inbox.wakeUp()
	}
}

// IsRunning reports whether the loop is running. Any goroutine may call it.
func (k *Kernel) IsRunning() bool { return k.running.Load() }

// IsClosed reports whether the loop is closed. Any goroutine may call it.
func (k *Kernel) IsClosed() bool { return k.ended.Load() }

// Close drops all handles, and has the scheduler end all tasks. The loop must not be
// running. Close reports false if the loop was closed already.
func (k *Kernel) Close() bool {
	if k.closed {
		return false
	}
	k.closed = true
	k.ended.Store(true)
	dropped := k.inbox.close()
	for k.ready.Len() > 0 {
		dropped = append(dropped, k.ready.PopFront())
	}
	k.ready = Ring[*Handle]{}
	k.timers.Clear()
	for _, h := range dropped {
		if j := h.take(); j != nil {
			if d, ok := j.(Dropper); ok {
				d.Drop()
			}
		}
	}
	if k.scheduler != nil {
		k.scheduler.Unwind()
	}
	return true
}
