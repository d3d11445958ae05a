package kernel

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/goasyncio/asyncio/timers"
)

// Kernel is an event loop without its public face. See [New].
//
// What the owner of the baton may touch stands apart from what any goroutine may.
type Kernel struct {
	// Owned with the baton.
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

	// Safe for any goroutine.
	inbox         inbox
	running       atomic.Bool
	stopping      atomic.Bool
	asleep        atomic.Bool
	loopGoroutine atomic.Uintptr // while running
	stepOwner     atomic.Uintptr // the goroutine of the task whose step is run, 0 if none is
	ended         atomic.Bool    // closed, for those who do not own the baton
}

// A Host is what a kernel cannot do without its public face.
type Host interface {
	// CallbackFailed deals with the value that a callback panicked with.
	CallbackFailed(h *Handle, description string, value any)
	// Report tells the exception handler of an error with no caller to return it to.
	Report(Report)
	// TookLong warns of a step or callback that kept the loop busy.
	TookLong(description string, d time.Duration)
	// WrongGoroutine panics: the operation belongs to the owner of the baton.
	WrongGoroutine(operation string)
	// ExecutorUsed reports whether there is a default executor to shut down.
	ExecutorUsed() bool
}

// A Scheduler runs the tasks of a loop.
type Scheduler interface {
	// BeforeJump is called when the loop is about to let a clock jump that does
	// not wait for what goes on outside (see timers.Holder). It makes ready what
	// is decided already.
	BeforeJump()
	// Unwind ends every task and every goroutine. It is called once, when the loop
	// has just been closed.
	Unwind()
}

// New returns the kernel of a new loop. The face is what [Kernel.Face] returns.
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
	return k
}

// Face is the loop that the kernel belongs to, as programs know it: a *loop.Loop.
func (k *Kernel) Face() any { return k.face }

// Scheduler returns what runs the loop's tasks, made by create at the first call.
func (k *Kernel) Scheduler(create func(*Kernel) Scheduler) Scheduler {
	if k.scheduler == nil {
		k.scheduler = create(k)
	}
	return k.scheduler
}

// ExecutorUsed reports whether the loop has a default executor to shut down.
func (k *Kernel) ExecutorUsed() bool { return k.host.ExecutorUsed() }

// Clock is the clock that the loop lives on.
func (k *Kernel) Clock() timers.Clock { return k.clock }

// Debug reports whether the debug mode is on.
func (k *Kernel) Debug() bool { return k.debug }

// SetDebug switches the debug mode.
func (k *Kernel) SetDebug(on bool) { k.debug = on }

// SetSlow sets how long a step or callback may take in debug mode.
func (k *Kernel) SetSlow(d time.Duration) { k.slow = d }

// Push appends a prepared handle to the ready queue. On a closed loop it does
// nothing: nothing can be called any more.
//
// What was posted before comes first: this puts a call of CallSoonThreadsafe on the
// loop's own goroutine in its place among the others.
func (k *Kernel) Push(h *Handle) {
	if k.closed {
		return
	}
	if k.debug {
		k.checkBaton("a future of the loop")
	}
	if !k.inbox.empty() {
		k.collect()
	}
	k.ready.Push(h)
}

// Post is Push for any goroutine. It reports false if the loop is closed.
func (k *Kernel) Post(h *Handle) bool { return k.inbox.post(h) }

// collect moves what was posted to the ready queue.
func (k *Kernel) collect() {
	posted := k.inbox.collect()
	for i, h := range posted {
		k.ready.Push(h)
		posted[i] = nil
	}
}

// Raise makes the run end at once with the fatal error err. The first one counts.
func (k *Kernel) Raise(err error) {
	if k.raised == nil {
		k.raised = err
	}
}

// Goexit makes the run end by runtime.Goexit on the loop's goroutine: a task has
// called it.
func (k *Kernel) Goexit() { k.raised = errGoexit }

// errGoexit stands for "a task has called runtime.Goexit" in Kernel.raised.
var errGoexit = errors.New("kernel: a task called runtime.Goexit")

// Stop ends the run at the end of the present iteration. Any goroutine may call it.
func (k *Kernel) Stop() {
	k.stopping.Store(true)
	if k.running.Load() {
		k.inbox.wakeUp()
	}
}

// IsRunning reports whether the loop is running. Any goroutine may ask.
func (k *Kernel) IsRunning() bool { return k.running.Load() }

// IsClosed reports whether the loop is closed. Any goroutine may ask.
func (k *Kernel) IsClosed() bool { return k.ended.Load() }

// Busy reports whether the loop is running and not asleep. Any goroutine may ask.
func (k *Kernel) Busy() bool { return k.running.Load() && !k.asleep.Load() }

// Close ends a loop that does not run: what was scheduled is dropped, and the
// scheduler unwinds its tasks. It reports false if the loop was closed already.
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
