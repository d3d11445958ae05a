package kernel

import (
	"fmt"
	"runtime"
	"sync/atomic"
)

// A Report is an error with no caller to return it to.
type Report struct {
	Message   string
	Err       error
	Task      fmt.Stringer
	Future    fmt.Stringer
	Handle    fmt.Stringer
	Transport fmt.Stringer
	Socket    fmt.Stringer
	Created   []uintptr // where the thing that it is about was created
}

// Report passes r to the loop's exception handler: see [Kernel.CallNext].
func (k *Kernel) Report(r Report) {
	if k.IsRunning() {
		k.CallNext(func() { k.host.Report(r) })
	} else {
		k.host.Report(r)
	}
}

// report tracks an exception not yet retrieved. A future has one from the moment it gets
// an exception until the exception is retrieved. It goes to the exception handler if that
// has not happened by the time the loop is closed, or if the garbage collector frees the
// future before that. It is asyncio's "exception was never retrieved".
//
// Most exceptions are retrieved at once, so a report begins young, which costs little: it
// refers to its future. When the loop has nothing else to do, or after the next garbage
// collection, the report lets go of the future, and asks the collector for news of it.
// From then on it must not keep the future alive in a roundabout way either, as by an
// exception that refers to its task.
type report struct {
	kernel  *Kernel
	future  *Future // while the report is young
	message string
	err     error
	subject description // of the future, once the report is old
	created []uintptr   // that too
	cleanup runtime.Cleanup
	seen    atomic.Bool // it is retrieved or reported
	late    bool        // the loop was closed before
}

// reports are the exceptions of a loop that are not yet retrieved, in the order in which
// they came.
type reports struct {
	old, young List[report]
	watching   bool // the next garbage collection makes the young ones old
	kept       bool // none gets old
}

// description is the String of something that is gone.
type description string

func (d description) String() string { return string(d) }

func newReport(f *Future, err error) *Node[report] {
	k, kind := f.kernel, "Future"
	if f.owner != nil {
		kind = f.owner.FutureKind()
	}
	n := &Node[report]{Value: report{
		kernel:  k,
		future:  f,
		message: kind + " exception was never retrieved",
		err:     err,
		late:    k.IsClosed(),
	}}
	if n.Value.late {
		n.Value.grow(n)
		return n
	}
	k.reports.young.PushBack(n)
	if !k.reports.watching && !k.reports.kept {
		k.reports.watching = true
		runtime.AddCleanup(&rubbish{k}, func(k *Kernel) {
			h := new(Handle)
			h.Init(OnLoopGoroutine, aging{k})
			k.inbox.leave(&k.inbox.posted, h) // a closed loop has told all
		}, k)
	}
	return n
}

// rubbish is what the garbage collector finds at its next occasion.
type rubbish struct{ *Kernel }

// aging is the job that makes the young reports old.
type aging struct{ k *Kernel }

func (a aging) Run() {
	a.k.reports.watching = false
	a.k.Age()
}

func (aging) String() string { return "exceptions not yet retrieved" }

// Age makes the loop let go of futures whose exceptions were not retrieved: see report.
// It calls the program, for the text of exceptions.
func (k *Kernel) Age() {
	if k.reports.kept {
		return
	}
	for n := k.reports.young.First(); n != nil; n = k.reports.young.First() {
		k.reports.young.Remove(n)
		n.Value.grow(n)
		k.reports.old.PushBack(n)
	}
}

// KeepReports makes the loop report exceptions that were not retrieved at its end only, and
// in order, not when the garbage collector finds them. It is for tests, which must not
// depend on the collector. Call it before the loop runs.
func (k *Kernel) KeepReports() { k.reports.kept = true }

// grow makes a young report old.
func (r *report) grow(n *Node[report]) {
	f := r.future
	r.future = nil
	r.describe(f)
	r.err = detached(r.err)
	r.cleanup = runtime.AddCleanup(f, lost, n)
}

// lost is called by the runtime, on a goroutine of its own, when the future is gone. It
// does not wake the loop: the news can wait, and a loop in a bubble of testing/synctest
// must not be woken from outside.
func lost(n *Node[report]) {
	r := &n.Value
	h := new(Handle)
	h.InitShared(func() {
		if !r.seen.Load() {
			r.kernel.reports.old.Remove(n)
			r.tell()
		}
	})
	if !r.kernel.inbox.leave(&r.kernel.inbox.posted, h) && r.late && !r.seen.Load() {
		r.tell()
	}
}

// tell passes the exception to the exception handler.
func (r *report) tell() {
	r.seen.Store(true)
	if f := r.future; f != nil {
		r.describe(f)
	}
	r.kernel.host.Report(Report{Message: r.message, Err: r.err, Future: r.subject, Created: r.created})
}

// describe notes what the report says of its future.
func (r *report) describe(f *Future) {
	r.subject, r.created = description(f.String()), f.Created()
}

// retrieved forgets the report.
func (r *report) retrieved(n *Node[report]) {
	if r.seen.Swap(true) {
		return
	}
	switch {
	case r.late:
		r.cleanup.Stop()
	case r.future != nil:
		r.kernel.reports.young.Remove(n)
	default:
		r.kernel.reports.old.Remove(n)
		r.cleanup.Stop()
	}
}

// tellAll reports all exceptions that have not been retrieved.
func (k *Kernel) tellAll() {
	for _, l := range []*List[report]{&k.reports.old, &k.reports.young} {
		for n := l.First(); n != nil; n = l.First() {
			l.Remove(n)
			n.Value.cleanup.Stop()
			n.Value.tell()
		}
	}
}
