package scenario

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/task"
)

// What a wait statement can wait for.
const (
	allCompleted   = "ALL_COMPLETED"
	firstCompleted = "FIRST_COMPLETED"
	firstException = "FIRST_EXCEPTION"
)

// timeLimit is a timeout of the language as a duration.
func timeLimit(a argument) time.Duration {
	if a.null {
		return task.Forever
	}
	return seconds(a.number)
}

func (a *activation) doGather(ctx context.Context, args []argument) (Value, error) {
	found, err := a.futuresOf(ctx, args[1].items)
	if err != nil {
		return nil, err
	}
	awaitables := make([]future.Awaitable[Value], len(found))
	for i, obj := range found {
		if awaitables[i] = obj; obj == nil {
			awaitables[i] = a.coroutine(args[1].items[i].coro)
		}
	}
	if args[2].flag {
		a.bind(args[0].text, settled{task.GatherSettled(ctx, awaitables...)})
	} else {
		a.bind(args[0].text, gathered{task.Gather(ctx, awaitables...)})
	}
	return nothing{}, nil
}

func (a *activation) doShield(ctx context.Context, args []argument) (Value, error) {
	found, err := a.futuresOf(ctx, args[1].items)
	if err != nil {
		return nil, err
	}
	var inner future.Awaitable[Value] = found[0]
	if found[0] == nil {
		inner = a.coroutine(args[1].items[0].coro)
	}
	a.bind(args[0].text, task.Shield(ctx, inner))
	return nothing{}, nil
}

func (a *activation) doWait(ctx context.Context, args []argument) (Value, error) {
	found, err := a.futuresOf(ctx, args[0].items)
	if err != nil {
		return nil, err
	}
	opts := []task.WaitOption{task.Within(timeLimit(args[1]))}
	switch args[2].text {
	case firstCompleted:
		opts = append(opts, task.FirstCompleted)
	case firstException:
		opts = append(opts, task.FirstException)
	}
	done, pending, err := task.Wait(ctx, found, opts...)
	if err != nil {
		return nil, err
	}
	return text(fmt.Sprintf("done[%s] pending[%s]", a.namesOf(done), a.namesOf(pending))), nil
}

func (a *activation) namesOf(found []futureLike) string {
	names := make([]string, len(found))
	for i, obj := range found {
		names[i] = a.futures.name(obj)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

func (a *activation) doWaitFor(ctx context.Context, args []argument) (Value, error) {
	found, err := a.futuresOf(ctx, args[0].items)
	if err != nil {
		return nil, err
	}
	var awaited future.Awaitable[Value] = found[0]
	if found[0] == nil {
		awaited = a.coroutine(args[0].items[0].coro)
	}
	return task.WaitFor(ctx, awaited, timeLimit(args[1]))
}

func (a *activation) flowAsCompleted(ctx context.Context, args []argument) (*returned, error) {
	label := "next " + args[0].text
	found, err := a.futuresOf(ctx, args[1].items)
	if err != nil {
		a.log(ctx, label+" ! "+showException(err))
		return nil, err
	}
	for i, obj := range found {
		if obj == nil {
			found[i] = task.Create(ctx, a.coroutine(args[1].items[i].coro))
		}
	}
	for obj, err := range task.AsCompleted(ctx, found, task.Within(timeLimit(args[2]))) {
		if err != nil {
			a.log(ctx, label+" ! "+showException(err))
			return nil, err
		}
		a.variables[args[0].text] = obj
		a.log(ctx, label+" = "+a.futures.name(obj))
		if end, err := a.execute(ctx, args[3].body); err != nil || end != nil {
			return end, err
		}
	}
	a.log(ctx, label+" end")
	return nil, nil
}
