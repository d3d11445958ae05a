package kernel

import "context"

// Future is a future without its value: the state, the exception and the callbacks. Only
// its [Promise] can complete it; but anyone can cancel a future without an owner.
//
// A pending future has no exception. Callbacks are registered only while the future is
// pending. When it is done, the loop gets all of them, in order.
type Future struct {
	kernel *Kernel
	owner  Owner
	// err is the exception of a finished future. In a cancelled one it is the error that
	// ended the task, until Take has returned it.
	err       error
	message   *string       // of the cancellation; nil if it is empty
	report    *Node[report] // nil if there is no exception or it was retrieved
	callbacks List[registration]
	state     State
	shown     bool // its result or exception is being described
}

// Promise is a future together with the right to complete it.
type Promise struct{ Future }

// State is the state of a future.
type State uint8

// The states of a future. Only a pending one changes.
const (
	Pending State = iota
	Finished
	Cancelled
)

// String returns the state as asyncio prints it.
func (s State) String() string {
	if s > Cancelled {
		return "unknown"
	}
	return [...]string{"pending", "finished", "cancelled"}[s]
}

// An Owner is the object that a future is part of, such as a task or a gather.
type Owner interface {
	// CancelFuture requests the cancellation of the future: see [Future.Cancel].
	CancelFuture(message string) bool
	// DescribeFuture returns the future's String.
	DescribeFuture() string
	// FutureKind returns what reports call the future: "Task" or "Future".
	FutureKind() string
}

// An Awaiter is a task as package future sees it.
type Awaiter interface {
	// Await suspends the task until f is done. It returns the exception of f, or an
	// error that says why it could not wait.
	Await(ctx context.Context, f *Future) error
	// Check returns the error of an await by the caller, nil if it may wait: if it is
	// the step of the task that is running. Any goroutine may call it.
	Check() error
	// Kernel returns the kernel of the task's loop.
	Kernel() *Kernel
}

// AwaiterKey is the key under which a context carries its [Awaiter].
type AwaiterKey struct{}

// Key is the key under which a context carries the [*Kernel] of its loop.
type Key struct{}

// Init prepares a pending future in place. The owner may be nil.
func (p *Promise) Init(k *Kernel, owner Owner) { p.kernel, p.owner = k, owner }

// Finish makes a pending future finished. It has the exception err unless that is nil.
func (p *Promise) Finish(err error) {
	p.state = Finished
	if err != nil {
		p.err = err
		p.report = newReport(&p.Future, err)
	}
	p.schedule()
}

// FinishCancelled makes a pending future cancelled. The first call of Take returns err,
// unless that is nil.
func (p *Promise) FinishCancelled(message string, err error) { p.finishCancelled(message, err) }

// Wake finishes the future without an exception unless it is done, and reports whether
// it did. It is for futures that only serve to suspend a task.
func (p *Promise) Wake() bool {
	if p.state != Pending {
		return false
	}
	p.Finish(nil)
	return true
}

// Kernel returns the kernel of the future's loop.
func (f *Future) Kernel() *Kernel { return f.kernel }

// Owner returns the future's owner, or nil.
func (f *Future) Owner() Owner { return f.owner }

// State returns the state of the future.
func (f *Future) State() State { return f.state }

// Done reports whether the future is finished or cancelled.
func (f *Future) Done() bool { return f.state != Pending }

// Cancelled reports whether the future was cancelled.
func (f *Future) Cancelled() bool { return f.state == Cancelled }

// Failed reports whether the future has an exception.
func (f *Future) Failed() bool { return f.state == Finished && f.err != nil }

// Peek returns the exception of a finished future, without retrieving it.
func (f *Future) Peek() error { return f.err }

// Take retrieves the exception of a future that is done.
//
// If the future was cancelled, the first call returns the error that ended the task, if
// there is one. Later calls return an error made by cancelled, without that error's
// message. CPython does the same, and programs can see it.
func (f *Future) Take(cancelled func(message string) error) error {
	if f.state == Cancelled {
		if err := f.err; err != nil {
			f.err = nil
			return err
		}
		return cancelled(f.Message())
	}
	f.Forget()
	return f.err
}

// Message returns the message of the last cancellation.
func (f *Future) Message() string {
	if f.message == nil {
		return ""
	}
	return *f.message
}

// SetMessage sets the message of a cancellation that is still to come.
func (p *Promise) SetMessage(message string) { p.setMessage(message) }

func (f *Future) setMessage(message string) {
	f.message = nil
	if message != "" {
		kept := message // the parameter stays on the stack: most are empty
		f.message = &kept
	}
}

// Retrieved reports whether the future has no exception, or its exception was retrieved.
func (f *Future) Retrieved() bool { return f.report == nil }

// Forget makes the exception of the future count as retrieved.
func (f *Future) Forget() {
	if f.report != nil {
		f.report.Value.retrieved(f.report)
		f.report = nil
	}
}

// Cancel requests the cancellation of the future, and reports whether the request will
// have an effect. The request goes to the owner, if there is one. Otherwise a future that
// is done only has its exception count as retrieved, as in CPython.
func (f *Future) Cancel(message string) bool {
	if f.owner != nil {
		return f.owner.CancelFuture(message)
	}
	f.Forget()
	if f.state != Pending {
		return false
	}
	f.finishCancelled(message, nil)
	return true
}

func (f *Future) finishCancelled(message string, err error) {
	f.state = Cancelled
	f.err = err
	f.setMessage(message)
	f.schedule()
}

// Callback is a handle that a future pushes to the ready queue when it is done.
type Callback struct{ node Node[registration] }

type registration struct {
	handle Handle
	future *Future // where it is registered, or nil
}

// Handle returns the callback's handle.
func (c *Callback) Handle() *Handle { return &c.node.Value.handle }

// Init prepares a callback for a job of the library.
func (c *Callback) Init(kind Kind, j Job) { c.Handle().Init(kind, j) }

// Register appends a prepared callback. If the future is done, it pushes the callback's
// handle at once.
func (f *Future) Register(c *Callback) {
	if f.state != Pending {
		f.kernel.Push(c.Handle())
		return
	}
	c.node.Value.future = f
	f.callbacks.PushBack(&c.node)
}

// Unregister removes a callback, and reports whether it was registered. It comes too late
// once the future is done.
func (f *Future) Unregister(c *Callback) bool {
	if c == nil || c.node.Value.future != f {
		return false
	}
	c.node.Value.future = nil
	f.callbacks.Remove(&c.node)
	return true
}

// AddDoneCallback registers a new callback that calls a function of the program.
func (f *Future) AddDoneCallback(fn func()) *Callback {
	c := new(Callback)
	c.Handle().InitCallback(fn)
	if f.kernel.RecordsCreation() {
		f.kernel.NoteCallback(c.Handle())
	}
	f.Register(c)
	return c
}

// RemoveDoneCallback is Unregister, but returns the number of callbacks removed.
func (f *Future) RemoveDoneCallback(c *Callback) int {
	if f.Unregister(c) {
		return 1
	}
	return 0
}

// schedule pushes the handles of all callbacks, in the order of registration.
func (f *Future) schedule() {
	for n := f.callbacks.TakeAll(); n != nil; {
		next := n.Detach()
		n.Value.future = nil
		f.kernel.Push(&n.Value.handle)
		n = next
	}
}

// Awaited calls visit with the job of each registered callback that has one. Call graphs
// find out in this way who awaits a future.
func (f *Future) Awaited(visit func(Job)) {
	for n := f.callbacks.First(); n != nil; n = n.Next() {
		if j := n.Value.handle.Job(); j != nil {
			visit(j)
		}
	}
}
