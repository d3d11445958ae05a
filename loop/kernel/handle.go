package kernel

import (
	"fmt"
	"sync/atomic"
)

// A Job is what a handle runs.
type Job interface{ Run() }

// A Dropper is a Job that wants to know that its loop was closed before it ran.
type Dropper interface{ Drop() }

// Kind says on which goroutine a handle runs, and what it may do there. The order
// of handles is that of the ready queue, whatever their kinds.
type Kind uint8

const (
	// OfProgram is a function of the program. It runs on the loop's goroutine, and
	// its handle lets go of it when it runs.
	OfProgram Kind = iota
	// OnLoopGoroutine is library code that runs on the loop's goroutine.
	OnLoopGoroutine
	// Internal is library code that calls nothing of the program and does not
	// block: it runs on whatever goroutine owns the baton.
	Internal
	// Step is the next step of a task, which runs on a goroutine of its own. Its
	// Run, called on the loop's goroutine, hands the baton over and returns when
	// it has come back.
	Step
)

// A Handle is a job to be run by a loop: asyncio's Handle. It is prepared by one of
// the Init methods. A handle that is not shared may be pushed again once it has
// been run.
type Handle struct {
	job    Job
	state  atomic.Uint32 // a handleState
	kind   Kind
	shared bool // other goroutines may cancel it
}

type handleState = uint32

// A shared handle leaves handleReady by compare-and-swap, so that either its loop
// runs it or another goroutine cancels it.
const (
	handleReady handleState = iota
	handleCancelled
	handleRun
)

// Init prepares a handle for a part of the library.
func (h *Handle) Init(kind Kind, j Job) { h.kind, h.job = kind, j }

// InitCallback prepares a handle that calls a function of the program, once.
func (h *Handle) InitCallback(fn func()) { h.job = callback(fn) }

// InitShared is InitCallback for a handle that other goroutines may cancel.
func (h *Handle) InitShared(fn func()) { h.job, h.shared = callback(fn), true }

// callback makes a function a Job. It costs no allocation: a function value is a
// pointer.
type callback func()

func (fn callback) Run() { fn() }

// Cancel drops the job. It has no effect on one that has begun.
func (h *Handle) Cancel() {
	if h.shared && !h.state.CompareAndSwap(handleReady, handleCancelled) {
		h.state.Store(handleCancelled) // too late: the loop has taken the job
		return
	}
	h.state.Store(handleCancelled)
	h.job = nil
}

// Cancelled reports whether the job was cancelled.
func (h *Handle) Cancelled() bool { return h.state.Load() == handleCancelled }

// Job is what the handle is going to run, nil if it is cancelled or over.
func (h *Handle) Job() Job { return h.job }

// String shows the function and the state, as in "<Handle main.tick>".
func (h *Handle) String() string { return "<Handle " + h.Describe() + ">" }

// Describe is what String shows between its brackets.
func (h *Handle) Describe() string {
	switch {
	case h.Cancelled():
		return "cancelled"
	case h.shared:
		return "threadsafe" // the loop may be using the function right now
	}
	return describeJob(h.job)
}

func describeJob(j Job) string {
	switch j := j.(type) {
	case nil:
		return "done"
	case callback:
		return FuncName(j)
	case fmt.Stringer:
		return j.String()
	default:
		return fmt.Sprintf("%T", j)
	}
}

// take prepares the handle for being run, and returns what to run: nil if it was
// cancelled.
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
