package loop

import (
	"context"
	"fmt"
)

// Key is the key under which a context carries its loop. A context type that
// stands for a loop answers it with a *Loop; everybody else uses [FromContext].
type Key struct{}

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
	if key == (Key{}) {
		return c.loop
	}
	return c.Context.Value(key)
}

func (c *loopContext) String() string {
	return fmt.Sprintf("%v.WithLoop", c.Context)
}

// FromContext returns the loop that ctx carries, if any.
func FromContext(ctx context.Context) (*Loop, bool) {
	l, ok := ctx.Value(Key{}).(*Loop)
	return l, ok
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
