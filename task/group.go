package task

import (
	"context"
	"errors"
	"fmt"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
)

// Errors that say how a group was misused.
var (
	// ErrGroupClosed: a task was to be created in a group that has not been
	// entered, is finished, or is shutting down.
	ErrGroupClosed = errors.New("no task can be created in it")
	// ErrGroupEntered: a group was run twice.
	ErrGroupEntered = errors.New("the group has already been entered")
)

// WithGroup runs body with a new group, and waits for the tasks that were
// created in it: asyncio's TaskGroup. See [Group.Run].
func WithGroup(ctx context.Context, body func(ctx context.Context, g *Group) error) error {
	return NewGroup().Run(ctx, body)
}

// Group holds tasks that belong together: asyncio's TaskGroup. They end together:
// if one fails, the others and the body of the group are cancelled. It belongs to
// what its loop runs; the zero Group is ready to use.
type Group struct {
	state   groupState
	exiting bool
	asked   bool // the parent was cancelled by the group
	parent  *base
	scope   scopeContext
	first   *member // live children, in the order in which they were added
	last    *member
	errors  []error
	fatal   error
	emptied *future.Core // what the exit waits for
}

type groupState uint8

const (
	groupCreated groupState = iota
	groupEntered
	groupAborting
)

// NewGroup returns a group that has not been entered.
func NewGroup() *Group { return new(Group) }

// member is a child of the group.
type member struct {
	callback   future.Callback
	g          *Group
	task       *base
	prev, next *member
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
// values.
func (g *Group) Run(ctx context.Context, body func(ctx context.Context, g *Group) error) error {
	b, err := running(ctx, "Group.Run")
	switch {
	case err != nil:
		return err
	case body == nil:
		return fmt.Errorf("task: Group.Run: %w", loop.ErrNilFunc)
	case g.state != groupCreated:
		return fmt.Errorf("task: %v: %w", g, ErrGroupEntered)
	}
	if err := b.check(); err != nil {
		return err
	}
	g.state = groupEntered
	g.parent = b
	g.scope.Context = ctx
	returned := false
	defer func() {
		if !returned && !b.sched.closed { // runtime.Goexit: the children must not outlive it
			_ = g.exit(ErrGoexit)
		}
		g.scope.end(context.Canceled)
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

// Go creates a task in the group. It is [CreateIn] for a function without a
// result.
func (g *Group) Go(fn func(ctx context.Context) error, opts ...Option) (*Task[struct{}], error) {
	if fn == nil {
		return nil, nilCoroutine("Group.Go")
	}
	return createIn(g, void(fn), opts)
}

// CreateIn creates a task in the group: asyncio's TaskGroup.create_task. It may
// be called by the body, by the group's tasks and by callbacks, as long as the
// body or a task of the group runs. The error matches [ErrGroupClosed]
// otherwise, and if the group is being shut down; and [ErrNilCoroutine].
func CreateIn[T any](g *Group, coro Coroutine[T], opts ...Option) (*Task[T], error) {
	if coro == nil {
		return nil, nilCoroutine("CreateIn")
	}
	return createIn(g, coro, opts)
}

// child is a task of a group and its place there, which come and go together.
type child[T any] struct {
	task   Task[T]
	member member
}

func createIn[T any](g *Group, coro future.Awaitable[T], opts []Option) (*Task[T], error) {
	rule := ""
	switch {
	case g.state == groupCreated:
		rule = "has not been entered"
	case g.exiting && g.first == nil:
		rule = "is finished"
	case g.state == groupAborting:
		rule = "is shutting down"
	}
	if rule != "" {
		return nil, fmt.Errorf("task: %v %s: %w", g, rule, ErrGroupClosed)
	}
	c := new(child[T])
	c.task.start(g.parent.sched.loop, &g.scope, coro, opts, false)
	m := &c.member
	m.g, m.task = g, &c.task.base
	m.callback.Handle.Init(loop.Internal, m)
	g.add(m)
	c.task.Core().Register(&m.callback)
	return &c.task, nil
}

func (g *Group) add(m *member) {
	m.prev = g.last
	if g.last == nil {
		g.first = m
	} else {
		g.last.next = m
	}
	g.last = m
}

func (g *Group) remove(m *member) {
	if m.prev == nil {
		g.first = m.next
	} else {
		m.prev.next = m.next
	}
	if m.next == nil {
		g.last = m.prev
	} else {
		m.next.prev = m.prev
	}
	m.prev, m.next = nil, nil
}

// Run is called when the child is done.
func (m *member) Run() {
	g := m.g
	m.g = nil // whoever keeps the task does not keep the group
	g.remove(m)
	if g.emptied != nil && g.first == nil && !g.emptied.Done() {
		g.emptied.Finish(nil)
	}
	if m.task.core.State() == future.Cancelled {
		return
	}
	err := m.task.core.Err()
	if err == nil {
		return
	}
	g.errors = append(g.errors, err)
	if loop.IsFatal(err) && g.fatal == nil {
		g.fatal = err
	}
	if g.parent.core.Done() {
		g.parent.sched.loop.CallExceptionHandler(loop.ExceptionContext{
			Message: fmt.Sprintf("%v has errored out but its parent %v is already completed", m.task.any(), g.parent.any()),
			Err:     err,
			Task:    m.task.any(),
		})
		return
	}
	if g.state != groupAborting && !g.asked {
		g.abort()
		g.asked = true
		g.parent.cancel("")
	}
}

// abort cancels the children, once.
func (g *Group) abort() {
	g.state = groupAborting
	for m := g.first; m != nil; m = m.next {
		if !m.task.core.Done() {
			m.task.cancel("")
		}
	}
	g.scope.end(context.Canceled)
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
	if interrupted := g.join(); interrupted != nil {
		if errors.Is(interrupted, loop.ErrClosed) {
			return interrupted
		}
		propagate = interrupted
	}
	if g.fatal != nil {
		return g.fatal
	}
	if g.asked && g.parent.uncancel() == 0 {
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
	if g.parent.requests > 0 {
		// The request is still to be delivered: the group's own errors take its
		// place here, and the next await brings it up again.
		g.parent.uncancel()
		g.parent.cancel("")
	}
	return &ExceptionGroup{Message: "unhandled errors in a TaskGroup", Errors: g.errors}
}

// join waits for the children. It returns the first interruption that was not
// the group's own doing.
func (g *Group) join() (interrupted error) {
	ctx := g.scope.Context
	for g.first != nil {
		g.emptied = &future.Core{}
		g.emptied.Init(g.parent.sched.loop, nil)
		err := g.parent.Await(ctx, g.emptied)
		g.emptied = nil
		switch {
		case err == nil:
		case errors.Is(err, loop.ErrClosed):
			return err
		case g.state != groupAborting:
			interrupted = err
			g.abort()
		}
		// A context that has ended must not interrupt the wait for ever.
		ctx = g.parent.context()
	}
	return interrupted
}

// String shows the state of the group.
func (g *Group) String() string {
	n := 0
	for m := g.first; m != nil; m = m.next {
		n++
	}
	s := "<Group"
	if n > 0 {
		s += fmt.Sprintf(" tasks=%d", n)
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
