package loop

import (
	"fmt"
	"reflect"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/goasyncio/asyncio/timers"
)

// A Handle is a call that was scheduled with [Loop.CallSoon] or
// [Loop.CallSoonThreadsafe]: asyncio's Handle.
//
// A handle that CallSoonThreadsafe returned may be used from any goroutine, any
// other one only by what its loop runs.
type Handle struct {
	runner Runner
	state  atomic.Uint32
	kind   Kind
	shared bool // came through CallSoonThreadsafe
}

// The states of a handle. A shared handle leaves ready by compare-and-swap, so
// that either its loop runs it or another goroutine cancels it.
const (
	handleReady uint32 = iota
	handleCancelled
	handleRun
)

// Cancel drops the call and what its function refers to. It has no effect on a
// call that has begun.
func (h *Handle) Cancel() {
	if h.shared && !h.state.CompareAndSwap(handleReady, handleCancelled) {
		h.state.Store(handleCancelled) // too late: the loop has taken the runner
		return
	}
	h.state.Store(handleCancelled)
	h.runner = nil
}

// Cancelled reports whether the call was cancelled.
func (h *Handle) Cancelled() bool {
	return h.state.Load() == handleCancelled
}

// String shows the function and the state, as in "<Handle main.tick>".
func (h *Handle) String() string {
	return "<Handle " + h.describe() + ">"
}

func (h *Handle) describe() string {
	switch {
	case h.Cancelled():
		return "cancelled"
	case h.shared:
		return "threadsafe" // the loop may be using the function right now
	}
	return describe(h.runner)
}

func describe(r Runner) string {
	switch r := r.(type) {
	case nil:
		return "done"
	case callback:
		return FuncName(r)
	case fmt.Stringer:
		return r.String()
	default:
		return fmt.Sprintf("%T", r)
	}
}

// take prepares the handle for being run, and returns what to run: nil if it
// was cancelled. A handle may be pushed again afterwards.
func (h *Handle) take() Runner {
	if h.shared {
		if !h.state.CompareAndSwap(handleReady, handleRun) {
			return nil
		}
	}
	r := h.runner
	if h.kind == callbackKind {
		h.runner = nil
	}
	return r
}

// A TimerHandle is a call that was scheduled for later with [Loop.CallLater] or
// [Loop.CallAt]: asyncio's TimerHandle.
type TimerHandle struct {
	Handle
	loop *Loop
	item timers.Item[*TimerHandle] // its place in the loop's heap
}

// When is the loop time at which the call is due.
func (t *TimerHandle) When() time.Time {
	return t.loop.epoch.Add(time.Duration(t.item.When()))
}

// Cancel drops the call; the timer leaves the loop's heap at once. It has no
// effect on a call that has begun.
func (t *TimerHandle) Cancel() {
	if t.loop != nil {
		t.loop.timers.Remove(&t.item)
	}
	t.Handle.Cancel()
}

// String shows the function, the deadline and the state.
func (t *TimerHandle) String() string {
	return fmt.Sprintf("<TimerHandle when=%s %s>", t.When().Format("15:04:05.000000"), t.describe())
}

// callback makes a function a Runner. It costs no allocation: a function value
// is a pointer.
type callback func()

func (fn callback) Run() { fn() }

// FuncName is the name of a function for messages, such as "main.say" or
// "main.main.func1", with its file and line.
func FuncName[F any](fn F) string {
	v := reflect.ValueOf(fn)
	if v.Kind() != reflect.Func || v.IsNil() {
		return fmt.Sprintf("%T", fn)
	}
	f := runtime.FuncForPC(v.Pointer())
	if f == nil {
		return "func"
	}
	file, line := f.FileLine(f.Entry())
	for i := len(file) - 1; i > 0; i-- {
		if file[i] == '/' {
			file = file[i+1:]
			break
		}
	}
	name := f.Name()
	for i := len(name) - 1; i > 0; i-- {
		if name[i] == '/' {
			name = name[i+1:]
			break
		}
	}
	return fmt.Sprintf("%s at %s:%d", name, file, line)
}

// Runner returns what the handle is going to run, nil if it is cancelled or over.
func (h *Handle) Runner() Runner {
	return h.runner
}
