package task

import (
	"context"
	"fmt"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task/internal/sched"
)

// WithGroup runs body with a new group, and waits for the tasks that were
// created in it: asyncio's TaskGroup. See [Group.Run].
func WithGroup(ctx context.Context, body func(ctx context.Context, g *Group) error) error {
	return NewGroup().Run(ctx, body)
}

// Group holds tasks that belong together: asyncio's TaskGroup. They end together:
// if one fails, the others and the body of the group are cancelled. The zero Group
// is ready to use. Call its methods only from tasks and callbacks of one loop.
type Group struct {
	state    groupState
	exiting  bool // the body is over
	asked    bool // the parent was cancelled by the group
	children children
	members  kernel.List[member] // live children, in the order in which they were added
	scope    sched.Scope
	errors   []error
	fatal    error
}

type groupState uint8

const (
	groupCreated   groupState = iota
	groupCancelled            // by Cancel, before it was entered
	groupEntered
	groupAborting
)

// NewGroup returns a group that has not been entered.
func NewGroup() *Group { return new(Group) }

// member is what a group knows of a child.
type member struct {
	callback kernel.Callback
	g        *Group
	task     *sched.Task
}

// Run runs body in the calling task, waits for the tasks that were created in
// the group meanwhile, and ends the group, which cannot be run again.
//
// If a task or body fails, the rest is cancelled and waited for, and Run returns
// an [*ExceptionGroup] of all errors, in the order in which the tasks ended, that
// of body last. Cancelled tasks are no errors. If the calling task is cancelled,
// so are the tasks, and Run returns the cancellation once they are done, unless
// there are errors. A panic in body counts as its error.
//
// The context of body is done when the group aborts or ends; tasks inherit its
// values. The error matches [ErrGroupEntered] if the group was run before.
func (g *Group) Run(ctx context.Context, body func(ctx context.Context, g *Group) error) error {
	t, err := mayAwait(ctx, "Group.Run")
	switch {
	case err != nil:
		return err
	case body == nil:
		return fmt.Errorf("task: Group.Run: %w", loop.ErrNilFunc)
	case g.state >= groupEntered:
		return fmt.Errorf("task: %v: %w", g, ErrGroupEntered)
	}
	cancelled := g.state == groupCancelled
	g.state = groupEntered
	g.children.parent = t
	g.scope.Enter(ctx)
	if cancelled {
		g.Cancel()
	}
	returned := false
	defer func() {
		if !returned && !t.Sched().Closed() { // runtime.Goexit: the children must not outlive it
			_ = g.exit(ErrGoexit)
		}
		g.scope.End(context.Canceled)
	}()
	err = protect(func() error { return body(&g.scope, g) })
	returned = true
	return g.exit(err)
}

// protect turns a panic of fn into an error.
func protect(fn func() error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = loop.NewPanicError(value)
		}
	}()
	return fn()
}

// Cancel cancels the group's tasks and its body: asyncio's TaskGroup.cancel, which is
// new in CPython 3.15. The group then ends without an error, unless tasks fail
// meanwhile.
//
// Before the group is entered, Cancel takes effect when it is. Calling it again, or
// after the end of the group, does nothing. As in CPython, if somebody else cancels the
// calling task while a cancelled group waits for its tasks, Run does not return that
// cancellation; [Task.Cancelling] still counts it.
func (g *Group) Cancel() {
	g.mustOwn("Cancel")
	switch {
	case g.state <= groupCancelled:
		g.state = groupCancelled
	case g.finished() || g.state == groupAborting:
	default:
		g.abort()
		g.cancelParent()
	}
}

// mustOwn is MustOwn of the group's loop. A group that has not been entered has none.
func (g *Group) mustOwn(operation string) {
	if g.children.parent != nil {
		g.children.parent.Kernel().MustOwn(operation, g)
	}
}

// finished reports whether the group is over, or about to be.
func (g *Group) finished() bool { return g.exiting && g.members.Empty() }

// cancelParent ends the body, or its wait for the tasks, once.
func (g *Group) cancelParent() {
	if !g.asked {
		g.asked = true
		g.children.parent.Cancel("")
	}
}

// Go creates a task in the group. It is [CreateIn] for a function without a
// result.
func (g *Group) Go(fn func(ctx context.Context) error, opts ...Option) *Task[struct{}] {
	if fn == nil {
		panic(nilCoroutine("Group.Go"))
	}
	return createIn(g, void(fn), opts)
}

// CreateIn creates a task in the group: asyncio's TaskGroup.create_task. The body, the
// group's tasks and callbacks may call it, as long as the body or a task of the group
// runs.
//
// If the group is shutting down, because a task has failed or the group was
// cancelled, the task that comes back is done and has never run. Its exception
// matches [ErrGroupClosed], and is none of the group's errors.
//
// CreateIn panics with an error that matches ErrGroupClosed if the group has not been
// entered or is finished, and with [ErrNilCoroutine].
func CreateIn[T any](g *Group, coro Coroutine[T], opts ...Option) *Task[T] {
	if coro == nil {
		panic(nilCoroutine("CreateIn"))
	}
	return createIn(g, coro, opts)
}

// child is a task of a group and its place there, which come and go together.
type child[T any] struct {
	task   Task[T]
	member kernel.Node[member]
}

func createIn[T any](g *Group, coro future.Awaitable[T], opts []Option) *Task[T] {
	g.mustOwn("CreateIn")
	if g.state != groupEntered || g.exiting {
		if err := g.closed(); err != nil {
			return neverRun[T](g, err, opts)
		}
	}
	c := new(child[T])
	c.task.start(g.children.parent.Loop(), &g.scope, coro, opts, false)
	g.add(&c.member, c.task.engine())
	return &c.task
}

// closed panics if the group cannot have tasks, and returns an error if it is shutting
// down.
func (g *Group) closed() error {
	switch {
	case g.state <= groupCancelled:
		panic(fmt.Errorf("task: %v has not been entered: %w", g, ErrGroupClosed))
	case g.finished():
		panic(fmt.Errorf("task: %v is finished: %w", g, ErrGroupClosed))
	case g.state == groupAborting:
		return fmt.Errorf("task: %v is shutting down: %w", g, ErrGroupClosed)
	}
	return nil
}

// neverRun returns a task that has ended with err before it could begin.
func neverRun[T any](g *Group, err error, opts []Option) *Task[T] {
	var settings Settings
	settings.apply(opts)
	t := new(Task[T])
	if settings.Name != "" {
		t.SetName(settings.Name)
	}
	g.children.parent.Sched().FailStart(&t.entry, (*body[T])(t), &g.scope, err)
	return t
}

func (g *Group) add(n *kernel.Node[member], t *sched.Task) {
	m := &n.Value
	m.g, m.task = g, t
	m.callback.Init(kernel.Internal, (*memberDone)(n))
	g.members.PushBack(n)
	g.children.alive++
	t.Future().Register(&m.callback)
}

// memberDone is the callback for the end of a child.
type memberDone kernel.Node[member]

// String names the callback in descriptions of the child.
func (*memberDone) String() string { return "TaskGroup" }

func (d *memberDone) AwaitingTask() *sched.Task { return d.Value.g.children.parent }

// AwaitedBy is what the parent awaits once the body is over.
func (d *memberDone) AwaitedBy() *kernel.Future { return d.Value.g.children.end() }

// Parts is the children: see sched.Part. One that fails cancels the others.
func (d *memberDone) Parts(*kernel.Future) sched.Parts {
	g := d.Value.g
	return sched.Parts{Futures: func(yield func(*kernel.Future) bool) {
		for n := g.members.First(); n != nil; n = n.Next() {
			if !yield(n.Value.task.Future()) {
				return
			}
		}
	}, Cancelled: g.state != groupAborting}
}

// Run is called when the child is done.
func (d *memberDone) Run() {
	n := (*kernel.Node[member])(d)
	m := &n.Value
	g := m.g
	m.g = nil // a reference to the task must not keep the group alive
	g.members.Remove(n)
	g.children.ended()
	if m.task.Future().Cancelled() {
		return
	}
	err := m.task.Exception()
	if err == nil {
		return
	}
	g.errors = append(g.errors, err)
	if loop.IsFatal(err) && g.fatal == nil {
		g.fatal = err
	}
	if g.state != groupAborting {
		g.abort()
		g.cancelParent()
	}
}

// abort cancels the children, once.
func (g *Group) abort() {
	g.state = groupAborting
	for n := g.members.First(); n != nil; n = n.Next() {
		if t := n.Value.task; !t.Done() {
			t.Cancel("")
		}
	}
	g.scope.End(context.Canceled)
}

// exit ends the group after its body returned err.
func (g *Group) exit(err error) error {
	g.exiting = true
	if loop.IsFatal(err) && g.fatal == nil {
		g.fatal = err
	}
	var propagate error
	if future.IsCancelled(err) {
		propagate = err
	}
	if err != nil && g.state != groupAborting {
		g.abort()
	}
	closed := g.children.wait(g.scope.Parent(), func(interruption error) {
		switch {
		case g.state != groupAborting: // it was not the group's own doing
			propagate = interruption
			g.abort()
		case propagate != nil && !future.IsCancelled(propagate):
			propagate = interruption // a request matters more than a context that has ended
		}
	})
	if closed != nil {
		return closed
	}
	if g.fatal != nil {
		return g.fatal
	}
	parent := g.children.parent
	// A group that cancelled its parent takes the request back. If none is left, the
	// cancellation was the group's own doing, and ends here.
	if g.asked && parent.Uncancel() == 0 {
		propagate = nil
	}
	if propagate != nil && len(g.errors) == 0 {
		return propagate
	}
	if err != nil && !future.IsCancelled(err) {
		g.errors = append(g.errors, err)
	}
	if len(g.errors) == 0 {
		return nil
	}
	if parent.Cancelling() > 0 {
		// The request is still to be delivered: the group's own errors take its
		// place here, and the next await brings it up again.
		parent.CancelAgain()
	}
	return &ExceptionGroup{Message: "unhandled errors in a TaskGroup", Errors: g.errors}
}

// String shows the state of the group.
func (g *Group) String() string {
	if g == nil {
		return "<nil>"
	}
	s := "<Group"
	if g.children.alive > 0 {
		s += fmt.Sprintf(" tasks=%d", g.children.alive)
	}
	if len(g.errors) > 0 {
		s += fmt.Sprintf(" errors=%d", len(g.errors))
	}
	switch {
	case g.state == groupAborting:
		s += " cancelling"
	case g.state == groupEntered:
		s += " entered"
	}
	return s + ">"
}
