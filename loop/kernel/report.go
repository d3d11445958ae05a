package kernel

import (
	"fmt"
	"runtime"
	"sync/atomic"
)

// A Report is an error with no caller to return it to.
type Report struct {
	Message string
	Err     error
	Task    fmt.Stringer
	Future  fmt.Stringer
	Handle  fmt.Stringer
}

// Report passes r to the loop's exception handler.
func (k *Kernel) Report(r Report) { k.host.Report(r) }

// report tracks an exception not yet retrieved. A future has one from the moment it gets
// an exception until the exception is retrieved. If the garbage collector frees the
// future before that, the exception goes to the loop's exception handler. It is asyncio's
// "exception was never retrieved". Only futures that fail have a report.
type report struct {
	kernel  *Kernel
	err     error
	message string
	cleanup runtime.Cleanup
	seen    atomic.Bool
}

func newReport(f *Future, err error) *report {
	kind := "Future"
	if f.owner != nil {
		kind = f.owner.FutureKind()
	}
	r := &report{kernel: f.kernel, err: err, message: kind + " exception was never retrieved"}
	r.cleanup = runtime.AddCleanup(f, (*report).lost, r)
	return r
}

// retrieved makes lost do nothing.
func (r *report) retrieved() {
	r.seen.Store(true)
	r.cleanup.Stop()
}

// lost passes the exception to the exception handler. The runtime calls it on a goroutine
// of its own when the future is gone.
func (r *report) lost() {
	if r.seen.Load() {
		return // Stop came too late: the call was queued already
	}
	tell := func() { r.kernel.Report(Report{Message: r.message, Err: r.err}) }
	h := new(Handle)
	h.InitShared(tell)
	if !r.kernel.Post(h) {
		tell() // the loop is closed
	}
}
