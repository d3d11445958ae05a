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
	Handle  fmt.Stringer
}

// Report hands r to the loop's exception handler.
func (k *Kernel) Report(r Report) { k.host.Report(r) }

// report tracks an exception not yet retrieved. It exists from the moment a future
// gets an exception until somebody retrieves it. If the garbage collector finds the
// future first, the loop's exception handler is told: asyncio's "exception was never
// retrieved". Only futures that fail pay for it.
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

func (r *report) retrieved() {
	r.seen.Store(true)
	r.cleanup.Stop()
}

// lost runs on a goroutine of the runtime when the future is gone.
func (r *report) lost() {
	if r.seen.Load() {
		return
	}
	tell := func() { r.kernel.Report(Report{Message: r.message, Err: r.err}) }
	h := new(Handle)
	h.InitShared(tell)
	if !r.kernel.Post(h) {
		tell() // the loop is closed
	}
}
