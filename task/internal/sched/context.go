package sched

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/goasyncio/asyncio/loop/kernel"
)

// The contexts of tasks: one for each task, one for each scope (a timeout
// or a group), one for each function in a thread. A coroutine's context knows
// its task, and thereby its loop.
//
// A task's context is done when the task is finished, a scope's when the scope
// expires, aborts or ends. Cancelling a task closes no context: a request can be
// refused and taken back, a closed channel cannot.
//
// Cancellation that comes from Go, through a context that was derived from ours
// or that ours was made from, is told apart by its Done channel: see foreignOf.

// ownKey is the key under which a context finds the nearest one of ours.
type ownKey struct{}

// taskContext is the context of a task: the task itself, seen as a context.
type taskContext Task

func (*taskContext) Deadline() (time.Time, bool)       { return time.Time{}, false }
func (c *taskContext) Done() <-chan struct{}           { return c.life.channel() }
func (c *taskContext) Err() error                      { return c.life.err() }
func (c *taskContext) AfterFunc(fn func()) func() bool { return c.life.afterFunc(fn) }
func (c *taskContext) String() string                  { return "task " + kernel.Plain((*Task)(c).Name()) }

func (c *taskContext) Value(key any) any {
	switch key.(type) {
	case kernel.AwaiterKey:
		return (*awaiter)(c)
	case kernel.Key:
		return c.sched.kernel
	case ownKey:
		return c
	}
	return c.values.Value(key)
}

// Scope is the context of the body of a timeout or group, or of a
// function in a thread. Enter prepares it.
type Scope struct {
	context.Context        // the nearest one outside that is no scope
	outer           *Scope // between the two, if there are any
	life            lifetime

	mu     sync.Mutex
	detach func() bool // not nil once the end of the parent ends the scope: ends that
}

// Enter makes the scope one inside of ctx.
//
// Scopes can be nested deeply, and each await looks for its task: so a scope knows the
// context that has the answers, and need not ask all scopes around it.
func (c *Scope) Enter(ctx context.Context) {
	c.Context = ctx
	if outer, ok := ctx.(*Scope); ok {
		c.Context, c.outer = outer.Context, outer
	}
}

// Parent returns the context that the scope was made inside of.
func (c *Scope) Parent() context.Context {
	if c.outer != nil {
		return c.outer
	}
	return c.Context
}

func (c *Scope) Done() <-chan struct{} {
	c.attach()
	return c.life.channel()
}

func (c *Scope) Err() error {
	if err := c.life.err(); err != nil {
		return err
	}
	return c.Parent().Err()
}

func (c *Scope) AfterFunc(fn func()) func() bool {
	c.attach()
	return c.life.afterFunc(fn)
}

// attach makes the scope end when its parent does. Most scopes never need it: it
// is left until somebody waits for the end. A task's own context outlives the
// scopes in it.
func (c *Scope) attach() {
	parent := c.Parent()
	if _, ok := parent.(*taskContext); ok {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.detach != nil || c.life.err() != nil {
		return
	}
	if parent.Done() == nil { // asked once only: it may have to ask all around it
		c.detach = func() bool { return false }
		return
	}
	c.detach = context.AfterFunc(parent, func() { c.life.end(parent.Err()) })
}

// End ends the scope.
func (c *Scope) End(err error) {
	c.life.end(err)
	c.mu.Lock()
	detach := c.detach
	c.detach = nil
	c.mu.Unlock()
	if detach != nil {
		detach()
	}
}

func (c *Scope) Value(key any) any {
	if _, ok := key.(ownKey); ok {
		return c
	}
	return c.Context.Value(key)
}

// valuesOf is ctx without the contexts of ours that it begins with: what a new
// task inherits. So no chain grows from task to task.
func valuesOf(ctx context.Context) context.Context {
	for {
		switch c := ctx.(type) {
		case *taskContext:
			ctx = c.values
		case *Scope:
			ctx = c.Context
		default:
			return ctx
		}
	}
}

// foreignOf returns the context whose end, by a deadline or cancel function of
// package context, cancels an await through ctx: ctx itself if it was derived
// with one, or what our own contexts in front of that were made from. It is nil
// if there is none.
func foreignOf(ctx context.Context) context.Context {
	switch c := ctx.(type) {
	case *taskContext:
		return nil
	case *Scope:
		return foreignOf(c.Context)
	}
	done := ctx.Done()
	if done == nil {
		return nil
	}
	own, _ := ctx.Value(ownKey{}).(context.Context)
	if own == nil || done != own.Done() {
		return ctx
	}
	return foreignOf(own)
}

// lifetime is when a context ends. It costs one word until somebody asks.
type lifetime struct {
	state atomic.Pointer[lifeState]
}

type lifeState struct {
	mu    sync.Mutex
	done  chan struct{}
	err   error
	funcs map[*func()]struct{}
}

// over is the state of a lifetime that nobody had asked for when it ended.
var over = func() *lifeState {
	s := &lifeState{done: make(chan struct{}), err: context.Canceled}
	close(s.done)
	return s
}()

func (l *lifetime) get() *lifeState {
	if s := l.state.Load(); s != nil {
		return s
	}
	l.state.CompareAndSwap(nil, &lifeState{done: make(chan struct{})})
	return l.state.Load()
}

func (l *lifetime) channel() <-chan struct{} {
	return l.get().done
}

func (l *lifetime) err() error {
	s := l.state.Load()
	if s == nil || s == over {
		if s == nil {
			return nil
		}
		return s.err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

func (l *lifetime) afterFunc(fn func()) func() bool {
	s := l.get()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		go fn()
		return func() bool { return false }
	}
	if s.funcs == nil {
		s.funcs = make(map[*func()]struct{})
	}
	s.funcs[&fn] = struct{}{}
	return func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		_, waiting := s.funcs[&fn]
		delete(s.funcs, &fn)
		return waiting
	}
}

// end ends the lifetime, once. The functions that wait for it belong to package
// context and do not block, so they are called here and now.
func (l *lifetime) end(err error) {
	if l.state.Load() == nil && err == context.Canceled && l.state.CompareAndSwap(nil, over) {
		return
	}
	s := l.get()
	if s == over {
		return
	}
	s.mu.Lock()
	if s.err != nil {
		s.mu.Unlock()
		return
	}
	s.err = err
	funcs := s.funcs
	s.funcs = nil
	close(s.done)
	s.mu.Unlock()
	for fn := range funcs {
		(*fn)()
	}
}
