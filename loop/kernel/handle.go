package kernel

import (
	"fmt"
	"sync/atomic"
)

// A Job is something that a loop can run.
type Job interface{ Run() }

// A Dropper is a Job whose Drop method is called if the loop is closed before it could
// run the job.
type Dropper interface{ Drop() }

// Kind says on which goroutine a job runs, and what it may do there. It has no influence
// on the order, which is that of the ready queue.
//
// The rule: functions and methods of the program are called by jobs of the kinds OfProgram
// and OnLoopGoroutine only, and by coroutines. Any other job runs on the goroutine of
// whichever task has just given the baton away. There a panic would hit a bystander, and
// a call back into the loop find the baton between two owners. What such a job must tell
// the program goes through [Kernel.CallNext] or [Kernel.Report].
type Kind uint8

const (
	// OfProgram is a function of the program. It runs on the loop's goroutine. Its
	// handle can run once only, and then lets go of the function.
	OfProgram Kind = iota
	// OnLoopGoroutine is library code that runs on the loop's goroutine. It may call the
	// program, and must be prepared for a panic in it.
	OnLoopGoroutine
	// Internal is library code that does not block and calls nothing of the program. It
	// runs on whichever goroutine owns the baton.
	Internal
	// Step is the next step of a task, which runs on the task's goroutine. Its Run
	// method, called on the loop's goroutine, hands the baton over and returns when
	// the baton is back.
	Step
	// Poll is a job that the loop runs when it collects I/O events, in place of appending
	// it to the ready queue: it looks which events there are, and pushes their handles. It
	// must be posted by PushIO.
	Poll
)

// A Handle is an entry of the ready queue: a job, and how to run it. One of the Init
// methods prepares it. A handle may be pushed again once its job has run, except one that
// calls a function of the program. It is asyncio's Handle.
type Handle struct {
	job    Job
	state  atomic.Uint32 // a handleState
	kind   Kind
	shared bool // any goroutine may cancel it
}

type handleState = uint32

// A shared handle leaves handleReady by compare-and-swap: either its loop gets to run
// the job, or another goroutine to cancel it.
const (
	handleReady handleState = iota
	handleCancelled
	handleRun
)

// Init prepares a handle for a job of the library.
func (h *Handle) Init(kind Kind, j Job) { h.kind, h.job = kind, j }

// InitCallback prepares a handle that calls a function of the program, once.
func (h *Handle) InitCallback(fn func()) { h.job = callback(fn) }

// InitShared is like InitCallback, but any goroutine may cancel the handle.
func (h *Handle) InitShared(fn func()) { h.job, h.shared = callback(fn), true }

// callback makes a function a Job. A function value is a pointer, so this allocates
// nothing.
type callback func()

func (fn callback) Run() { fn() }

// A traced callback knows where it was created. Handles have no room for that.
type traced struct {
	callback
	created []uintptr
}

// NoteCallback notes that the caller creates a handle which calls a function of the
// program. It comes after InitCallback or InitShared.
func (k *Kernel) NoteCallback(h *Handle) {
	h.job = &traced{h.job.(callback), k.creations.stack(0)}
}

// createdOf returns where the handle of a job was created, nil if that was not recorded.
func createdOf(j Job) []uintptr {
	if t, ok := j.(*traced); ok {
		return t.created
	}
	return nil
}

// An owed call is one that is made even if the loop is closed first.
type owed func()

func (fn owed) Run() { fn() }

// Cancel drops the job. It has no effect on a job that has begun. Any goroutine may
// cancel a shared handle.
func (h *Handle) Cancel() {
	if h.shared && !h.state.CompareAndSwap(handleReady, handleCancelled) {
		h.state.Store(handleCancelled) // too late: the job belongs to the loop now
		return
	}
	h.state.Store(handleCancelled)
	h.job = nil
}

// Cancelled reports whether Cancel was called, even if that was too late.
func (h *Handle) Cancelled() bool { return h.state.Load() == handleCancelled }

// Job returns the job. It is nil if the job was cancelled, or was a function of the
// program and has run, or if any goroutine may cancel it.
func (h *Handle) Job() Job {
	if h.shared {
		return nil // only who runs or cancels it may look, since it is not synchronized
	}
	return h.job
}

// String returns the job or the state, as in "<Handle main.tick at main.go:12>" and
// "<Handle cancelled>".
func (h *Handle) String() string {
	if h == nil {
		return "<nil>"
	}
	return "<Handle " + h.describe() + ">"
}

// describe is Describe, and where the handle was created, if that was recorded. It is not
// known any more when the handle has run or is cancelled.
func (h *Handle) describe() string {
	return h.Describe() + createdAt(createdOf(h.Job()))
}

// Describe returns the job or the state.
func (h *Handle) Describe() string {
	switch {
	case h.Cancelled():
		return "cancelled"
	case h.shared:
		return "threadsafe" // only the loop may look at the job, which is not synchronized
	}
	return describeJob(h.job)
}

// DescribeJob returns what descriptions of handles say of j.
func DescribeJob(j Job) string { return describeJob(j) }

func describeJob(j Job) string {
	switch j := j.(type) {
	case nil:
		return "done"
	case callback:
		return FuncName(j)
	case *traced:
		return FuncName(j.callback)
	case owed:
		return FuncName(j)
	case fmt.Stringer:
		return j.String()
	default:
		return fmt.Sprintf("%T", j)
	}
}

// take returns the job so that it can be run, nil if it was cancelled.
func (h *Handle) take() Job {
	if h.shared {
		if !h.state.CompareAndSwap(handleReady, handleRun) {
			return nil
		}
	}
	j := h.job
	if h.kind == OfProgram {
		h.job = nil
	}
	return j
}
