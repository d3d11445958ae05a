package scenario

import (
	"context"
	"slices"

	"github.com/goasyncio/asyncio/task"
)

func (a *activation) doLog(context.Context, []argument) (Value, error) {
	return nothing{}, nil
}

func (a *activation) doTime(context.Context, []argument) (Value, error) {
	return integer(number(a.loop.Time())), nil
}

func (a *activation) doCurrentTask(ctx context.Context, _ []argument) (Value, error) {
	current := task.Current(ctx)
	if current == nil {
		return nil, nil
	}
	return text(current.Name()), nil
}

func (a *activation) doAllTasks(ctx context.Context, _ []argument) (Value, error) {
	var names []string
	for _, t := range task.All(ctx) {
		names = append(names, t.Name())
	}
	slices.Sort(names)
	result := make(array, len(names))
	for i, name := range names {
		result[i] = text(name)
	}
	return result, nil
}

func (a *activation) doProbe(ctx context.Context, args []argument) (Value, error) {
	obj, err := lookUp[any](a, ctx, args[0].text)
	if err != nil {
		return nil, err
	}
	return text(a.showState(obj)), nil
}

func (a *activation) doSleep(ctx context.Context, args []argument) (Value, error) {
	return nothing{}, task.Sleep(ctx, seconds(args[0].number))
}

// doCall awaits a coroutine in the current task. The coroutine itself writes all
// lines, also when it fails.
func (a *activation) doCall(ctx context.Context, args []argument) (Value, error) {
	_, err := a.call(ctx, args[0].text)
	return silence{}, err
}

func (a *activation) doRaise(_ context.Context, args []argument) (Value, error) {
	return nil, args[0].err()
}

func (a *activation) doReraise(context.Context, []argument) (Value, error) {
	if len(a.caught) == 0 {
		return nil, errNothingToReraise
	}
	return nil, a.caught[len(a.caught)-1]
}

func (a *activation) flowReturn(_ context.Context, args []argument) (*returned, error) {
	return &returned{args[0].value}, nil
}

func (a *activation) flowLoop(ctx context.Context, args []argument) (*returned, error) {
	for range args[0].number {
		if end, err := a.execute(ctx, args[1].body); err != nil || end != nil {
			return end, err
		}
	}
	return nil, nil
}

// flowTry is Python's try: a handler may replace the exception, and so may the
// final statements, whose return even discards it.
func (a *activation) flowTry(ctx context.Context, args []argument) (*returned, error) {
	end, err := a.execute(ctx, args[0].body)
	if err != nil {
		end, err = a.handle(ctx, args[1].handlers, err)
	}
	if !args[2].given {
		return end, err
	}
	a.log(ctx, "finally")
	override, failure := a.execute(ctx, args[2].body)
	if failure != nil || override != nil {
		return override, failure
	}
	return end, err
}

// handle runs the first handler that catches err.
func (a *activation) handle(ctx context.Context, handlers []handler, err error) (*returned, error) {
	i := slices.IndexFunc(handlers, func(h handler) bool { return h.kind.matches(err) })
	if i < 0 {
		return nil, err
	}
	a.log(ctx, "catch "+string(handlers[i].kind)+" "+showException(err))
	a.caught = append(a.caught, err)
	defer func() { a.caught = a.caught[:len(a.caught)-1] }()
	return a.execute(ctx, handlers[i].body)
}

func (a *activation) flowWith(ctx context.Context, args []argument) (*returned, error) {
	var end *returned
	phase := "enter "
	name := args[0].text
	err := a.enter(ctx, name, func(ctx context.Context) error {
		a.log(ctx, "enter "+name)
		phase = "exit "
		var err error
		end, err = a.execute(ctx, args[1].body)
		return err
	})
	if err != nil {
		a.log(ctx, phase+name+" ! "+showException(err))
		return nil, err
	}
	a.log(ctx, "exit "+name)
	return end, nil
}
