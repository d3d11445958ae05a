package task

import (
	"context"
	"fmt"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task/internal/sched"
)

// Join waits for a future or task of any type, without its result: it is what Await
// is for one whose type is known. It returns the exception, or what kept it from
// waiting; see [future.Future.Await].
func Join(ctx context.Context, w future.Waitable) error {
	f := futureOf(w)
	if f == nil {
		return nilCoroutine("Join")
	}
	return join(ctx, f)
}

// join waits for f in the task that ctx carries, and returns its exception.
func join(ctx context.Context, f *kernel.Future) error {
	t := sched.Running(ctx)
	if t == nil {
		return noTaskFor(f)
	}
	return t.Await(ctx, f)
}

//go:noinline
func noTaskFor(f *kernel.Future) error {
	return fmt.Errorf("task: await of %s: %w", f.Text(), future.ErrNoTask)
}

// children counts the tasks that a group or race has to wait for.
type children struct {
	parent  *sched.Task
	alive   int
	emptied *kernel.Promise // what the parent waits for
}

// end is what the parent waits for, nil if it does not.
func (c *children) end() *kernel.Future {
	if c.emptied == nil {
		return nil
	}
	return &c.emptied.Future
}

// ended notes that a child is done.
func (c *children) ended() {
	c.alive--
	if c.alive == 0 && c.emptied != nil {
		c.emptied.Wake()
	}
}

// wait waits until no child is alive. It tells interrupted of each error that ends
// an await early, and waits on; only if the loop is closed it returns that error.
func (c *children) wait(ctx context.Context, interrupted func(error)) error {
	for c.alive > 0 {
		c.emptied = new(kernel.Promise)
		c.emptied.Init(c.parent.Kernel(), nil)
		err := c.parent.Await(ctx, &c.emptied.Future)
		c.emptied = nil
		if err != nil {
			if c.parent.Sched().Closed() {
				return err
			}
			interrupted(err)
		}
		// A context that has ended must not interrupt the wait for ever.
		ctx = c.parent.Context()
	}
	return nil
}
