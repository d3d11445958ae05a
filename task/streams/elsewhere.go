package streams

import (
	"context"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task"
)

// elsewhere calls fn, which may block, on another goroutine, and waits for it. The error is
// that of the wait, or a panic of fn.
//
// If the wait ends early, so does the context of fn, and elsewhere returns at once. What fn
// returns all the same, if only because it was too late to stop it, is given to drop, which
// must neither wait nor call the program. Nobody waits for the goroutine: it may be in a
// function of the program, or in a resolver that cannot be interrupted.
//
// A virtual clock does not jump meanwhile.
func elsewhere[T any](ctx context.Context, waiter kernel.Awaiter, fn func(ctx context.Context) T, drop func(T)) (value T, err error) {
	k := waiter.Kernel()
	c := &call[T]{kernel: k, drop: drop, release: k.Face().(*loop.Loop).Hold()}
	c.future.Init(k, nil)
	c.done.Init(kernel.Internal, c)
	inner, cancel := context.WithCancel(context.WithoutCancel(ctx))
	taken := false
	defer func() { // also if the loop is closed
		cancel()
		if !taken {
			c.abandon()
		}
	}()
	go c.run(inner, fn)
	if err := waiter.Await(ctx, &c.future.Future); err != nil {
		return value, err
	}
	taken = true
	return c.value, c.err
}

// call is a function on another goroutine. Its value has one owner at a time: the goroutine
// until it has posted done, then the loop, then the task that waits.
type call[T any] struct {
	kernel  *kernel.Kernel
	drop    func(T)
	release func() // of the clock
	done    kernel.Handle
	value   T
	err     error // if fn has not returned

	// For the owner of the baton.
	future    kernel.Promise
	delivered bool
	abandoned bool
}

func (c *call[T]) run(ctx context.Context, fn func(ctx context.Context) T) {
	c.err = task.ErrGoexit // unless fn returns or panics
	defer func() {
		if value := recover(); value != nil {
			c.err = loop.NewPanicError(value)
		}
		if ctx.Err() != nil || !c.kernel.PostIO(&c.done) { // the task waits no more
			c.Drop()
		}
		c.release()
	}()
	c.value = fn(ctx)
	c.err = nil
}

// Run hands the value to the task, if that still waits.
func (c *call[T]) Run() {
	if c.abandoned {
		c.Drop()
		return
	}
	c.delivered = true
	c.future.Wake()
}

// Drop is for a value that nobody takes.
func (c *call[T]) Drop() {
	if c.err == nil {
		c.drop(c.value)
	}
}

// abandon is called when the task waits no more.
func (c *call[T]) abandon() {
	c.abandoned = true
	c.release()
	if c.delivered {
		c.Drop()
	}
}

func (*call[T]) String() string { return "connect" }
