package kernel

import "context"

// Future is a result that is not there yet, without the type of its value: its
// state, its exception and its callbacks. Only its [Promise] completes it, except
// that a future without an owner may be cancelled by anybody.
//
// Invariant: a pending future has no error; callbacks are registered only while it
// is pending, and are all handed to the loop, in order, when it is done.
type Future struct {
	kernel *Kernel
	owner  Owner
	// err is the exception of a finished future. Of a cancelled one it is the very
	// error that ended the task, handed out once (see Take).
	err       error
	message   *string // of the cancellation; nil if it is empty
	report    *report
	callbacks List[registration]
	state     State
	shown     bool // its result is being described
}

// Promise is a future together with the right to complete it.
type Promise struct{ Future }

// State is what a future has come to.
type State uint8

// The states of a future. Only a pending one changes.
const (
	Pending State = iota
	Finished
	Cancelled
)

func (s State) String() string {
	return [...]string{"pending", "finished", "cancelled"}[s]
}

// An Owner is what a future belongs to that is more than a future: a task, a
// gathering. It takes cancellation requests and describes itself.
type Owner interface {
	CancelFuture(message string) bool
	DescribeFuture() string
	FutureKind() string // "Task", "Future": for reports
}

// An Awaiter can wait for a future: it is a task. Await returns the exception of
// the future, or what kept it from waiting.
type Awaiter interface {
	Await(ctx context.Context, f *Future) error
	Kernel() *Kernel
}

// AwaiterKey is the key under which a context carries its [Awaiter].
type AwaiterKey struct{}

// Key is the key under which a context carries the [*Kernel] of its loop.
type Key struct{}

// Init prepares a pending future in place. The owner may be nil.
func (p *Promise) Init(k *Kernel, owner Owner) { p.kernel, p.owner = k, owner }

// Finish makes a pending future finished, with an exception unless err is nil.
func (p *Promise) Finish(err error) {
	p.state = Finished
	if err != nil {
		p.err = err
		p.report = newReport(&p.Future, err)
	}
	p.schedule()
}

// FinishCancelled makes a pending future cancelled. Take gives err, if it is not
// nil, to the first who asks.
func (p *Promise) FinishCancelled(message string, err error) { p.finishCancelled(message, err) }

// Wake finishes the future without an exception unless it is done, and reports
// whether it did. It is for futures that a task waits for to be woken.
func (p *Promise) Wake() bool {
	if p.state != Pending {
		return false
	}
	p.Finish(nil)
	return true
}

// Kernel is the loop that the future belongs to.
func (f *Future) Kernel() *Kernel { return f.kernel }

// Owner is what the future belongs to; nil for a plain one.
func (f *Future) Owner() Owner { return f.owner }

// State is the state of the future.
func (f *Future) State() State { return f.state }

// Done reports whether the future is no longer pending.
func (f *Future) Done() bool { return f.state != Pending }

// Cancelled reports whether the future was cancelled.
func (f *Future) Cancelled() bool { return f.state == Cancelled }

// Failed reports whether the future has an exception.
func (f *Future) Failed() bool { return f.state == Finished && f.err != nil }

// Peek is the exception of a finished future, which does not count as retrieved.
func (f *Future) Peek() error { return f.err }

// Take returns the exception of a future that is done, which thereby is retrieved.
// If the future was cancelled, that is the error that ended the task for the first
// who asks, and one made by cancelled for later ones, without that error's message.
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

// Message is the message of the latest cancellation that the future knows of.
func (f *Future) Message() string {
	if f.message == nil {
		return ""
	}
	return *f.message
}

// SetMessage notes the message of a cancellation that is to come.
func (f *Future) SetMessage(message string) {
	f.message = nil
	if message != "" {
		kept := message // the parameter stays on the stack: most are empty
		f.message = &kept
	}
}

// Retrieved reports whether nobody need be told of the future's exception: there
// is none, or somebody has seen it.
func (f *Future) Retrieved() bool { return f.report == nil }

// Forget takes the future's exception as seen.
func (f *Future) Forget() {
	if f.report != nil {
		f.report.retrieved()
		f.report = nil
	}
}

// Cancel requests the cancellation of the future, and reports whether that will
// have an effect. A request to a future that is done still takes its exception as
// seen.
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
	f.SetMessage(message)
	f.schedule()
}

// Callback is a function of the program, or a part of the library, that is
// registered to be run when a future is done.
type Callback struct{ node Node[registration] }

type registration struct {
	handle Handle
	future *Future // where it is registered, nil if it is not
}

// Handle is what the loop runs.
func (c *Callback) Handle() *Handle { return &c.node.Value.handle }

// Init prepares a callback that is a part of the library.
func (c *Callback) Init(kind Kind, j Job) { c.Handle().Init(kind, j) }

// Register appends a callback whose handle is prepared. If the future is done, the
// loop will run it in its next iteration.
func (f *Future) Register(c *Callback) {
	if f.state != Pending {
		f.kernel.Push(c.Handle())
		return
	}
	c.node.Value.future = f
	f.callbacks.PushBack(&c.node)
}

// Unregister removes a callback that has not been handed to the loop. It reports
// whether there was one.
func (f *Future) Unregister(c *Callback) bool {
	if c == nil || c.node.Value.future != f {
		return false
	}
	c.node.Value.future = nil
	f.callbacks.Remove(&c.node)
	return true
}

// AddDoneCallback registers a function of the program.
func (f *Future) AddDoneCallback(fn func()) *Callback {
	c := new(Callback)
	c.Handle().InitCallback(fn)
	f.Register(c)
	return c
}

// RemoveDoneCallback is Unregister, and returns how many were removed.
func (f *Future) RemoveDoneCallback(c *Callback) int {
	if f.Unregister(c) {
		return 1
	}
	return 0
}

// schedule hands the callbacks to the loop, in the order of registration.
func (f *Future) schedule() {
	for n := f.callbacks.TakeAll(); n != nil; {
		next := n.Detach()
		n.Value.future = nil
		f.kernel.Push(&n.Value.handle)
		n = next
	}
}

// Awaited calls visit with the job of each registered callback that has one: this is
// how "who awaits this" is found.
func (f *Future) Awaited(visit func(Job)) {
	for n := f.callbacks.First(); n != nil; n = n.Next() {
		if j := n.Value.handle.Job(); j != nil {
			visit(j)
		}
	}
}
