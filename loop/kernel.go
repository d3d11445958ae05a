package loop

import (
	"time"
)

// Kernel is the view of a [Loop] for packages that run coroutines on it, such
// as this module's task. Programs have no use for it. Its methods belong to
// whoever holds the loop's baton: the loop's goroutine, or the coroutine that
// the loop is running.
type Kernel Loop

// Kernel returns the loop's other face.
func (l *Loop) Kernel() *Kernel {
	return (*Kernel)(l)
}

// A Runner is what a handle runs.
type Runner interface{ Run() }

// Kind says how a handle is run.
type Kind uint8

const (
	// callbackKind is a function of the program. It runs on the loop's
	// goroutine, and its handle lets go of it when it runs.
	callbackKind Kind = iota
	// Home is library code that runs on the loop's goroutine.
	Home
	// Internal is library code that calls nothing of the program and does not
	// block: it runs on any goroutine that holds the baton.
	Internal
	// Step is the next step of a coroutine, which runs on a goroutine of its
	// own: Run, called on the loop's goroutine, hands the baton over and
	// returns when it has come back.
	Step
)

// Coroutines is what runs coroutines on a loop.
type Coroutines interface {
	// BeforeJump is called when the loop is about to let a clock jump that does
	// not wait for what goes on outside (see timers.Holder). It makes ready what
	// is decided already.
	BeforeJump()
	// Unwind ends every coroutine and every goroutine. It is called once, when
	// the loop has just been closed.
	Unwind()
}

// Coroutines returns what runs the loop's coroutines, made by create at the
// first call.
func (k *Kernel) Coroutines(create func(*Loop) Coroutines) Coroutines {
	if k.coroutines == nil {
		k.coroutines = create((*Loop)(k))
	}
	return k.coroutines
}

// Holds reports whether the caller holds the loop's baton, or may take it: whether
// the loop is not running, or is running the calling goroutine.
func (k *Kernel) Holds() bool {
	if !k.running.Load() {
		return true
	}
	holder := k.holder.Load()
	if holder == 0 {
		holder = k.home.Load()
	}
	return goroutine() == holder
}

// SetHolder notes which goroutine, see [Goroutine], runs a coroutine; 0 if it is
// the loop's own turn.
func (k *Kernel) SetHolder(goroutine uintptr) {
	k.holder.Store(goroutine)
}

// Holder is what SetHolder was told last. Any goroutine may ask.
func (k *Kernel) Holder() uintptr {
	return k.holder.Load()
}

// Init prepares a handle that its owner will push, possibly many times, but
// never while it is queued.
func (h *Handle) Init(kind Kind, r Runner) {
	h.kind, h.runner = kind, r
}

// InitCallback prepares a handle that calls a function of the program, once.
func (h *Handle) InitCallback(fn func()) {
	h.kind, h.runner = callbackKind, callback(fn)
}

// Push appends a prepared handle to the ready queue. On a closed loop it does
// nothing: nothing can be called any more.
func (k *Kernel) Push(h *Handle) {
	l := (*Loop)(k)
	if l.closed {
		return
	}
	if l.debug {
		l.checkGoroutine("a future of the loop")
	}
	l.push(h)
}

// PushTimer puts a prepared timer into the heap, to be due after d.
func (k *Kernel) PushTimer(t *TimerHandle, d time.Duration) {
	l := (*Loop)(k)
	if l.closed {
		return
	}
	l.schedule(t, later(l.now(), d))
}

// PushTimerAt puts a prepared timer into the heap, to be due at the loop time
// when.
func (k *Kernel) PushTimerAt(t *TimerHandle, when time.Time) {
	l := (*Loop)(k)
	if l.closed {
		return
	}
	l.schedule(t, int64(when.Sub(l.epoch)))
}

// Next takes the next handle that is a coroutine's step off the ready queue and
// returns its Runner, having run the internal handles before it, across the end
// of the iteration if need be. It returns nil if the baton must go back to the
// loop's goroutine first: for a callback, to sleep, to stop.
func (k *Kernel) Next() Runner {
	l := (*Loop)(k)
	for {
		if l.raised != nil {
			return nil
		}
		if l.todo == 0 {
			if l.single || l.stopping.Load() || l.ready.n == 0 && l.inbox.empty() {
				return nil
			}
			l.beginIteration()
			continue
		}
		h := l.ready.peek()
		if h.kind <= Home && !h.Cancelled() || l.debug {
			return nil
		}
		l.ready.pop()
		l.todo--
		r := h.take()
		switch {
		case r == nil: // cancelled
		case h.kind == Step:
			return r
		default:
			r.Run()
		}
	}
}

// Raise makes the run end at once with the fatal error err, which comes out of
// RunForever.
func (k *Kernel) Raise(err error) {
	if k.raised == nil {
		k.raised = err
	}
}

// Goexit makes the run end by runtime.Goexit on the loop's goroutine: a
// coroutine has called it.
func (k *Kernel) Goexit() {
	k.raised = errGoexit
}

// Post is CallSoonThreadsafe for a handle that its owner has prepared. Any
// goroutine may call it.
func (k *Kernel) Post(h *Handle) error {
	return k.inbox.post(h)
}

// A Dropper is a Runner that wants to know that a loop was closed before it ran.
type Dropper interface{ Drop() }
