package scenario

import (
	"context"
	"errors"
	"time"

	"github.com/goasyncio/asyncio/task"
)

func (a *activation) doTimeout(ctx context.Context, args []argument) (Value, error) {
	a.variables[args[0].text] = task.NewTimeout(ctx, timeLimit(args[1]))
	return silence{}, nil
}

// deadline is a time of the language; null is no deadline.
func deadline(a argument) time.Time {
	if a.null {
		return time.Time{}
	}
	return at(a.number)
}

func (a *activation) doTimeoutAt(_ context.Context, args []argument) (Value, error) {
	a.variables[args[0].text] = task.NewTimeoutAt(deadline(args[1]))
	return silence{}, nil
}

func (a *activation) doReschedule(ctx context.Context, args []argument) (Value, error) {
	var when time.Time
	if !args[1].null {
		when = a.loop.Time().Add(seconds(args[1].number))
	}
	scope, err := lookUp[*task.Timeout](a, ctx, args[0].text)
	if err != nil {
		return nil, err
	}
	return nothing{}, scope.Reschedule(when)
}

func (a *activation) doRescheduleAt(ctx context.Context, args []argument) (Value, error) {
	scope, err := lookUp[*task.Timeout](a, ctx, args[0].text)
	if err != nil {
		return nil, err
	}
	return nothing{}, scope.Reschedule(deadline(args[1]))
}

func (a *activation) doGroup(_ context.Context, args []argument) (Value, error) {
	a.variables[args[0].text] = task.NewGroup()
	return silence{}, nil
}

// createIn reports as an error, as asyncio does, that no task can be created in the
// group: the library panics, or returns a task that is done.
func createIn(group *task.Group, c coroutine, opts []task.Option) (t aTask, err error) {
	defer func() {
		if value := recover(); value != nil {
			refusal, ok := value.(error)
			if !ok || !errors.Is(refusal, task.ErrGroupClosed) {
				panic(value)
			}
			err = refusal
		}
	}()
	began := false // an eager task may be done as well
	created := task.CreateIn(group, func(ctx context.Context) (Value, error) {
		began = true
		return c(ctx)
	}, opts...)
	if created.Done() && !began {
		return nil, created.Err()
	}
	return created, nil
}

func (a *activation) doGroupSpawn(ctx context.Context, args []argument) (Value, error) {
	group, err := lookUp[*task.Group](a, ctx, args[1].text)
	if err != nil {
		return nil, err
	}
	t, err := a.spawn(args[0].text, args[2].text, func(c coroutine, opts ...task.Option) (aTask, error) {
		return createIn(group, c, opts)
	})
	if err != nil {
		return nil, err
	}
	a.bind(args[0].text, t)
	return nothing{}, nil
}

func (a *activation) doGroupCancel(ctx context.Context, args []argument) (Value, error) {
	group, err := lookUp[*task.Group](a, ctx, args[0].text)
	if err != nil {
		return nil, err
	}
	group.Cancel()
	return nothing{}, nil
}
