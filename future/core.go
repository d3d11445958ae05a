package future

import (
	"context"
	"fmt"

	"github.com/goasyncio/asyncio/loop"
)

// Core is the part of a future that does not depend on the type of its result:
// its state, its exception and its callbacks. It is exported for packages that
// build on futures, such as this module's task and sync; programs use [Future].
//
// Invariant: a pending future has no error; callbacks are registered only while
// it is pending, and are all handed to the loop, in order, at the moment when it
// is done.
type Core struct {
	loop  *loop.Loop
	owner Owner
	// err is the exception of a finished future. Of a cancelled one, it is the
	// very error that ended the task, handed out once (see take).
	err     error
	message *string // of the cancellation; nil if it is empty
	report  *report
	first   *Callback
	last    *Callback
	state   State
	shown   bool // its result is being described
}

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
// gathering. It takes cancellation requests, and describes itself.
type Owner interface {
	CancelFuture(message string) bool
	DescribeFuture() string
	FutureKind() string // "Task", "Future": for reports
}

// An Awaiter is what can wait for a future: a task. Await returns the
// exception of the future, or what kept it from waiting.
type Awaiter interface {
	Await(ctx context.Context, c *Core) error
	Loop() *loop.Loop
}

// AwaiterKey is the key under which a context carries its [Awaiter].
type AwaiterKey struct{}

// Init prepares a pending future in place. The owner may be nil.
func (c *Core) Init(l *loop.Loop, owner Owner) {
	if l == nil {
		panic(fmt.Errorf("future: New: the loop is nil: %w", loop.ErrNotRunning))
	}
	c.loop, c.owner = l, owner
}

// Loop is the loop that the future belongs to.
func (c *Core) Loop() *loop.Loop { return c.loop }

// Owner is what the future belongs to; nil for a plain one.
func (c *Core) Owner() Owner { return c.owner }

// State is the state of the future.
func (c *Core) State() State { return c.state }

// Done reports whether the future is no longer pending.
func (c *Core) Done() bool { return c.state != Pending }

// Err is the exception; see [Future.Err].
func (c *Core) Err() error {
	if c.state == Pending {
		return misuse(c, "Err", fmt.Errorf("the exception is not set: %w", ErrInvalidState))
	}
	return c.take()
}

// Result is Err for callers that want the result.
func (c *Core) Result() error {
	if c.state == Pending {
		return c.unset()
	}
	return c.take()
}

// unset is what is wrong with asking a pending future. It is apart because Await
// calls Result on stacks that are to be parked, and formatting needs a lot.
//
//go:noinline
func (c *Core) unset() error {
	return misuse(c, "Result", fmt.Errorf("the result is not set: %w", ErrInvalidState))
}

// take returns the error of a future that is done, which thereby is retrieved.
// The error that ended a cancelled task is given to the first who asks; later
// ones get a new one, without that error's message.
func (c *Core) take() error {
	if c.state == Cancelled {
		return c.CancelledError()
	}
	if c.report != nil {
		c.report.retrieved()
		c.report = nil
	}
	return c.err
}

// CancelledError is the error of the future's cancellation: the one that ended
// the task, for the first who asks, or a new one.
func (c *Core) CancelledError() error {
	if err := c.err; err != nil && c.state == Cancelled {
		c.err = nil
		return err
	}
	return &CancelledError{Message: c.Message()}
}

// Message is the message of the latest cancellation that the future knows of.
func (c *Core) Message() string {
	if c.message == nil {
		return ""
	}
	return *c.message
}

// SetMessage notes the message of a cancellation that is to come.
func (c *Core) SetMessage(message string) {
	c.message = nil
	if message != "" {
		kept := message // the parameter stays on the stack: most are empty
		c.message = &kept
	}
}

// Retrieved reports whether nobody need be told of the future's exception:
// there is none, or somebody has seen it.
func (c *Core) Retrieved() bool { return c.report == nil }

// Forget takes the future's exception as seen.
func (c *Core) Forget() {
	if c.report != nil {
		c.report.retrieved()
		c.report = nil
	}
}

// settable checks that the future can be set.
func (c *Core) settable(operation string) error {
	if c.state != Pending {
		return misuse(c, operation, ErrInvalidState)
	}
	return nil
}

// Finish makes a pending future finished, with an exception unless err is nil.
func (c *Core) Finish(err error) {
	c.state = Finished
	if err != nil {
		c.err = err
		c.report = newReport(c, err)
	}
	c.schedule()
}

// FinishCancelled makes a pending future cancelled. The first who asks for its
// exception gets err, if it is not nil.
func (c *Core) FinishCancelled(message string, err error) {
	c.state = Cancelled
	c.err = err
	c.SetMessage(message)
	c.schedule()
}

// Cancel requests the cancellation of the future; see [Future.Cancel]. A
// request to a future that is done still takes its exception as seen.
func (c *Core) Cancel(message string) bool {
	if c.owner != nil {
		return c.owner.CancelFuture(message)
	}
	c.Forget()
	if c.state != Pending {
		return false
	}
	c.FinishCancelled(message, nil)
	return true
}

// schedule hands the callbacks to the loop, in the order of registration.
func (c *Core) schedule() {
	cb := c.first
	if cb == nil {
		return
	}
	c.first, c.last = nil, nil
	k := c.loop.Kernel()
	for cb != nil {
		next := cb.next
		cb.core, cb.prev, cb.next = nil, nil, nil
		k.Push(&cb.Handle)
		cb = next
	}
}

// Await waits for the future in the task that ctx carries. It returns the
// future's exception.
func (c *Core) Await(ctx context.Context) error {
	a, ok := ctx.Value(AwaiterKey{}).(Awaiter)
	if !ok {
		return c.noTask()
	}
	return a.Await(ctx, c)
}

//go:noinline
func (c *Core) noTask() error {
	return misuse(c, "await", ErrNoTask)
}

// String describes the future, or its owner.
func (c *Core) String() string {
	if c.owner != nil {
		return c.owner.DescribeFuture()
	}
	return c.Describe("Future", "", "")
}

// Callback is a function, or a part of the library, that is registered to be
// run when a future is done. It is the token for [Future.RemoveDoneCallback].
type Callback struct {
	Handle     loop.Handle
	core       *Core // where it is registered, nil if it is not
	prev, next *Callback
}

// Register appends a callback whose Handle is prepared. If the future is done,
// the loop will run it in its next iteration.
func (c *Core) Register(cb *Callback) {
	if c.state != Pending {
		c.loop.Kernel().Push(&cb.Handle)
		return
	}
	cb.core, cb.prev = c, c.last
	if c.last == nil {
		c.first = cb
	} else {
		c.last.next = cb
	}
	c.last = cb
}

// Unregister removes a callback that has not been handed to the loop. It
// reports whether there was one.
func (c *Core) Unregister(cb *Callback) bool {
	if cb == nil || cb.core != c {
		return false
	}
	if cb.prev == nil {
		c.first = cb.next
	} else {
		cb.prev.next = cb.next
	}
	if cb.next == nil {
		c.last = cb.prev
	} else {
		cb.next.prev = cb.prev
	}
	cb.core, cb.prev, cb.next = nil, nil, nil
	return true
}

// AddDoneCallback registers a function of the program.
func (c *Core) AddDoneCallback(fn func()) *Callback {
	if fn == nil {
		panic(misuse(c, "AddDoneCallback", loop.ErrNilFunc))
	}
	cb := &Callback{}
	cb.Handle.InitCallback(fn)
	c.Register(cb)
	return cb
}

// RemoveDoneCallback removes cb and returns how many were removed.
func (c *Core) RemoveDoneCallback(cb *Callback) int {
	if c.Unregister(cb) {
		return 1
	}
	return 0
}

// Failed reports whether the future has an exception.
func (c *Core) Failed() bool { return c.state == Finished && c.err != nil }

// Peek is the exception of a finished future, which does not count as retrieved.
func (c *Core) Peek() error { return c.err }
