package kernel

import (
	"errors"
	"io"
	"slices"
	"sync/atomic"
	"time"

	"github.com/goasyncio/asyncio/timers"
)

// Kernel is the engine of an event loop. Make one with [New].
type Kernel struct {
	attention atomic.Uint32 // an Attention, which any goroutine may read

	// For the owner of the baton only.
	ready     Ring[*Handle]
	todo      int // handles of the present iteration that have not run
	timers    *timers.Heap[*Timer]
	raised    error // what ends the run at once: a fatal error, or errGoexit
	reports   reports
	single    bool // one iteration and no more
	slow      time.Duration
	scheduler Scheduler
	network   Network // nil if there are no connections
	nested    int     // futures whose descriptions are being made, one inside the other
	looked    int64   // when the loop last looked for timers that are due
	lent      bool    // somebody has taken the baton from the sleeping loop
	until     int64   // when the loop wakes up by itself
	late      []Ready // what the order has put off
	batch     []Ready // for beginOrdered

	// Fixed by New.
	clock timers.Clock
	epoch time.Time // what deadlines count from
	host  Host
	face  any
	stuck Handle // see watchClock

	// Set before the loop runs, for tests.
	order  Order       // nil for asyncio's own
	onPost func() bool // nil if nobody asks

	// For any goroutine.
	inbox         inbox
	phase         atomic.Int32 // resting, running or closed
	stopping      atomic.Bool
	owner         atomic.Uintptr // the goroutine that owns the baton; 0 while not running
	loopGoroutine atomic.Uintptr // the goroutine that called Begin
	beat          atomic.Uint64  // see Pulse
	creations     *creations
	claimed       atomic.Bool // see Claim

	counters Counters // for the owner of the baton
	job      Job      // see Kernel.Job
}

// The phases of a loop. It rests before and between runs.
const (
	resting int32 = iota
	running
	closed
)

// A Host is a loop as its kernel sees it: what the kernel needs from package loop.
type Host interface {
	// CallbackFailed is told that a callback panicked with value, and where it was created,
	// if that was recorded.
	CallbackFailed(h *Handle, description string, created []uintptr, value any)
	// Report passes r to the exception handler, whose panics do not come out.
	Report(r Report)
	// TookLong warns that a step or callback kept the loop busy for d.
	TookLong(description string, d time.Duration)
	// WrongGoroutine returns the error of an operation whose caller does not own the
	// baton.
	WrongGoroutine(operation string) error
	// Warn logs a warning. Any goroutine may call it.
	Warn(message string)
	// ExecutorUsed reports whether there is a default executor, shut down or not.
	ExecutorUsed() bool
}

// A Scheduler runs the tasks of a loop.
type Scheduler interface {
	// BeforeJump makes ready the tasks whose context of package context has ended. It is
	// called before a clock jumps (see timers.Holder), and before each iteration of a loop
	// with an Order. The end of such a context is posted from another goroutine, and neither
	// waits for that.
	BeforeJump()
	// IdleWorkers is the number of goroutines that wait for a task.
	IdleWorkers() int
	// Pending describes the tasks that are not finished. It is empty if there are none.
	Pending() string
	// Lends reports whether any goroutine can pass the baton to a task without waiting.
	Lends() bool
	// Errand is called on a goroutine that has taken the baton from the sleeping loop. It
	// runs jobs that are ready, and passes the baton to the task that is next, or gives it
	// back.
	Errand()
	// Unwind ends all tasks and their goroutines. It is called when the loop has been
	// closed, and again if the program interrupted it by runtime.Goexit.
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

		creations: newCreations(),
	}
	k.inbox.init()
	k.inbox.answer = k.answer
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

// ExecutorUsed reports whether the loop has a default executor, shut down or not. Any
// goroutine may call it.
func (k *Kernel) ExecutorUsed() bool { return k.host.ExecutorUsed() }

// Warn logs a warning with the loop's logger. Any goroutine may call it.
func (k *Kernel) Warn(message string) { k.host.Warn(message) }

// Clock returns the loop's clock. Any goroutine may call it.
func (k *Kernel) Clock() timers.Clock { return k.clock }

// Debug reports whether debug mode is on.
func (k *Kernel) Debug() bool { return k.Attention()&AttendDebug != 0 }

// SetDebug switches debug mode on or off.
func (k *Kernel) SetDebug(on bool) {
	if on {
		k.Attend(AttendDebug)
	} else {
		k.Ignore(AttendDebug)
	}
}

// SetSlow sets how long a step or callback must take for debug mode to report it.
func (k *Kernel) SetSlow(d time.Duration) { k.slow = d }

// Push appends a prepared handle to the ready queue. On a closed loop it does nothing.
//
// Handles posted before come first. So calls of CallSoonThreadsafe on the loop's own
// goroutine keep their order among those of CallSoon.
func (k *Kernel) Push(h *Handle) {
	if !k.IsClosed() {
		k.PushRunning(h)
	}
}

// PushRunning is Push for callers that know that the loop is running them.
func (k *Kernel) PushRunning(h *Handle) {
	if k.inbox.has(newPosted | newQuestion) {
		k.collect()
	}
	k.ready.Push(h)
}

// Post makes the loop append a prepared handle to its ready queue. If the loop sleeps, Post
// wakes it; or it runs what is ready itself, if the handle's kind is Internal: so the caller
// must hold no lock that a job of the library needs. Post reports false if the loop is
// closed. Any goroutine may call it.
func (k *Kernel) Post(h *Handle) bool {
	if k.onPost != nil && !k.RunsCaller() && !k.onPost() {
		return true
	}
	return k.bring(&k.inbox.posted, h)
}

// collect moves the posted handles to the ready queue.
func (k *Kernel) collect() {
	posted := k.inbox.collect(&k.inbox.posted)
	for i, h := range posted {
		k.ready.Push(h)
		posted[i] = nil
	}
}

// CallNext makes the loop call functions of the program, on its own goroutine and before
// anything else that is ready. If the loop is not running they are called at once. The
// panic of one does not keep the others from being called. It is how a job that may not
// call the program itself (see [Kind]) does so nevertheless.
func (k *Kernel) CallNext(fns ...func()) {
	if !k.IsRunning() {
		CallAll(fns, k.callbackFailed)
		return
	}
	for _, fn := range slices.Backward(fns) {
		h := new(Handle)
		h.Init(OfProgram, owed(fn))
		k.ready.PushFront(h)
		k.todo++
	}
}

// RunNext makes the loop run a prepared handle before anything else that is ready. It is
// CallNext for a job of the library that has found out that it must call the program, with a
// handle of another kind. Only the owner of the baton may call it, while the loop is running.
func (k *Kernel) RunNext(h *Handle) {
	k.ready.PushFront(h)
	k.todo++
}

// callbackFailed tells the host of a panic outside of a run.
func (k *Kernel) callbackFailed(fn func(), value any) {
	h := new(Handle)
	h.InitCallback(fn)
	k.host.CallbackFailed(h, h.Describe(), nil, value)
}

// CallAll calls functions of the program. If one of them panics, it passes the function
// and the value to failed, and goes on. If one calls runtime.Goexit, the others are called
// while the goroutine ends. Any goroutine may call it.
func CallAll(fns []func(), failed func(fn func(), value any)) {
	for len(fns) > 0 {
		fn := fns[0]
		fns = fns[1:]
		callOne(fn, fns, failed)
	}
}

func callOne(fn func(), rest []func(), failed func(fn func(), value any)) {
	returned := false
	defer func() {
		if returned {
			return
		}
		if value := recover(); value != nil {
			failed(fn, value)
			return
		}
		CallAll(rest, failed)
	}()
	fn()
	returned = true
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
	if k.IsRunning() {
		k.inbox.wakeUp()
	}
}

// IsRunning reports whether the loop is running. Any goroutine may call it.
func (k *Kernel) IsRunning() bool { return k.phase.Load() == running }

// IsClosed reports whether the loop is closed. Any goroutine may call it.
func (k *Kernel) IsClosed() bool { return k.phase.Load() == closed }

// Close drops all handles, has the scheduler end all tasks, and closes all connections, last
// the clock if it is an io.Closer.
// It reports false if the loop is running. If the loop was closed already, Close does
// nothing, even if another goroutine is still busy closing it. Any goroutine may call it.
//
// Functions of the program that are called meanwhile, such as an exception handler, may
// call runtime.Goexit (as t.Fatal does): the closing goes on while the goroutine ends.
func (k *Kernel) Close() bool {
	if !k.phase.CompareAndSwap(resting, closed) {
		return k.IsClosed()
	}
	defer k.closeClock()
	dropped := k.inbox.close()
	for k.ready.Len() > 0 {
		dropped = append(dropped, k.ready.PopFront())
	}
	for _, r := range k.late {
		dropped = append(dropped, r.Handle)
	}
	k.ready, k.late, k.batch = Ring[*Handle]{}, nil, nil
	k.timers.Clear()
	k.closing(&dropped)
	k.publish()
	return true
}

// closeClock gives back what the clock has of the system.
func (k *Kernel) closeClock() {
	if c, ok := k.clock.(io.Closer); ok {
		if err := c.Close(); err != nil {
			k.host.Warn("the clock was not closed: " + err.Error())
		}
	}
}

// closing is the part of Close that calls the program. It takes each thing off its list
// before it deals with it, so that it can begin again where it was interrupted.
func (k *Kernel) closing(dropped *[]*Handle) {
	over := false
	defer func() {
		if !over {
			k.closing(dropped)
		}
	}()
	for len(*dropped) > 0 {
		h := (*dropped)[0]
		*dropped = (*dropped)[1:]
		switch j := h.take().(type) {
		case owed:
			CallAll([]func(){j}, k.callbackFailed)
		case Dropper:
			j.Drop()
		}
	}
	if k.scheduler != nil {
		k.scheduler.Unwind()
	}
	k.closeNetwork()
	k.tellAll()
	over = true
}
