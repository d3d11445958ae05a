package scenario

import (
	"context"

	"github.com/goasyncio/asyncio/loop"
)

// scheduled is a handle or a timer.
type scheduled interface {
	Cancel()
	Cancelled() bool
}

var (
	_ scheduled = (*loop.Handle)(nil)
	_ scheduled = (*loop.TimerHandle)(nil)
)

// called returns the function that the loop is to call.
func (a *activation) called(name string) func() {
	return func() { a.callback(name, nil) }
}

func (a *activation) doCallSoon(_ context.Context, args []argument) (Value, error) {
	a.variables[args[0].text] = a.loop.CallSoon(a.called(args[1].text))
	return nothing{}, nil
}

func (a *activation) doCallSoonThreadsafe(_ context.Context, args []argument) (Value, error) {
	handle, err := a.loop.CallSoonThreadsafe(a.called(args[1].text))
	if err != nil {
		return nil, err
	}
	a.variables[args[0].text] = handle
	return nothing{}, nil
}

func (a *activation) doCallLater(_ context.Context, args []argument) (Value, error) {
	a.variables[args[0].text] = a.loop.CallLater(seconds(args[1].number), a.called(args[2].text))
	return nothing{}, nil
}

func (a *activation) doCallAt(_ context.Context, args []argument) (Value, error) {
	a.variables[args[0].text] = a.loop.CallAt(at(args[1].number), a.called(args[2].text))
	return nothing{}, nil
}

func (a *activation) doCancelHandle(ctx context.Context, args []argument) (Value, error) {
	handle, err := lookUp[scheduled](a, ctx, args[0].text)
	if err != nil {
		return nil, err
	}
	handle.Cancel()
	return nothing{}, nil
}
