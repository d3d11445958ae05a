package loop

import (
	"context"
	"fmt"

	"github.com/goasyncio/asyncio/loop/kernel"
)

// NewContext returns a context that carries l but no task: for callbacks, which
// have no context of their own, and for what runs before the loop does.
func NewContext(parent context.Context, l *Loop) context.Context {
	return &loopContext{parent, l}
}

type loopContext struct {
	context.Context
	loop *Loop
}

func (c *loopContext) Value(key any) any {
	if key == (kernel.Key{}) {
		return c.loop.kernel
	}
	return c.Context.Value(key)
}

func (c *loopContext) String() string {
	return fmt.Sprintf("%v.WithLoop", c.Context)
}

// FromContext returns the loop that ctx carries, if any.
func FromContext(ctx context.Context) (*Loop, bool) {
	k, ok := ctx.Value(kernel.Key{}).(*kernel.Kernel)
	if !ok {
		return nil, false
	}
	return k.Face().(*Loop), true
}

// Running returns the loop that ctx carries: asyncio's get_running_loop. It
// panics with an error that matches [ErrNotRunning] if there is none.
func Running(ctx context.Context) *Loop {
	l, ok := FromContext(ctx)
	if !ok {
		panic(misuse("the context carries no loop", ErrNotRunning))
	}
	return l
}
