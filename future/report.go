package future

import (
	"runtime"
	"sync/atomic"

	"github.com/goasyncio/asyncio/loop"
)

// report is the duty to tell somebody of an exception. It exists from the moment
// a future gets an exception until somebody retrieves it. If the garbage
// collector finds the future first, the loop's exception handler is told:
// asyncio's "exception was never retrieved". Only futures that fail pay for it.
type report struct {
	loop    *loop.Loop
	err     error
	message string
	cleanup runtime.Cleanup
	seen    atomic.Bool
}

func newReport(c *Core, err error) *report {
	kind := "Future"
	if c.owner != nil {
		kind = c.owner.FutureKind()
	}
	r := &report{loop: c.loop, err: err, message: kind + " exception was never retrieved"}
	r.cleanup = runtime.AddCleanup(c, (*report).lost, r)
	return r
}

// retrieved ends the duty.
func (r *report) retrieved() {
	r.seen.Store(true)
	r.cleanup.Stop()
}

// lost runs on a goroutine of the runtime when the future is gone.
func (r *report) lost() {
	if r.seen.Load() {
		return
	}
	e := loop.ExceptionContext{Message: r.message, Err: r.err}
	if _, err := r.loop.CallSoonThreadsafe(func() { r.loop.CallExceptionHandler(e) }); err != nil {
		r.loop.CallExceptionHandler(e) // the loop is closed
	}
}
