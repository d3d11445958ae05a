package loop

import (
	"context"
	"fmt"

	"github.com/goasyncio/asyncio/loop/kernel"
)

// NewContext returns a context that carries l but no task. It serves callbacks, which
// are given no context, and code that runs before the loop does. Any goroutine may
// call it. It panics if parent is nil ([ErrInvalidArgument]) or l is ([ErrNotRunning]).
func NewContext(parent context.Context, l *Loop) context.Context {
	switch {
	case parent == nil:
		panic(misuse("NewContext: the parent is nil", ErrInvalidArgument))
	case l == nil:
		panic(misuse("NewContext: the loop is nil", ErrNotRunning))
	}
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

// FromContext returns the loop that ctx carries, and false if it carries none. A nil
// context carries none. Any goroutine may call it.
func FromContext(ctx context.Context) (*Loop, bool) {
	if ctx == nil {
		return nil, false
	}
	k, ok := ctx.Value(kernel.Key{}).(*kernel.Kernel)
	if !ok {
		return nil, false
	}
	return k.Face().(*Loop), true
}

// Running returns the loop that ctx carries. It panics with an error that matches
// [ErrNotRunning] if ctx carries none. Any goroutine may call it. It is asyncio's
// get_running_loop.
func Running(ctx context.Context) *Loop {
	l, ok := FromContext(ctx)
	if !ok {
		panic(misuse("Running: the context carries no loop", ErrNotRunning))
	}
	return l
}
