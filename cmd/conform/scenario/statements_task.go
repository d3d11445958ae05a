package scenario

import (
	"context"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/task"
)

// spawn has create make a task that runs a coroutine of the program, and registers
// it. Its position is reserved before that, because an eager task may create
// others in its first step.
func (r *run) spawn(name, coro string, create func(coroutine, ...task.Option) (aTask, error), opts ...task.Option) (aTask, error) {
	position := r.futures.reserve()
	body := r.coroutine(coro)
	t, err := create(func(ctx context.Context) (Value, error) {
		r.futures.place(position, task.Current(ctx))
		return body(ctx)
	}, append(opts, task.Name(name))...)
	if err != nil {
		return nil, err
	}
	r.futures.place(position, t)
	return t, nil
}

func (a *activation) doSpawn(ctx context.Context, args []argument) (Value, error) {
	var opts []task.Option
	if args[2].given {
		opts = append(opts, task.Eager())
	}
	t, err := a.spawn(args[0].text, args[1].text, func(c coroutine, opts ...task.Option) (aTask, error) {
		return task.Create(ctx, c, opts...), nil
	}, opts...)
	if err != nil {
		return nil, err
	}
	a.bind(args[0].text, t)
	return nothing{}, nil
}

func (a *activation) doAwait(ctx context.Context, args []argument) (Value, error) {
	obj, err := lookUp[futureLike](a, ctx, args[0].text)
	if err != nil {
		return nil, err
	}
	return obj.Await(ctx)
}

func (a *activation) doCancel(ctx context.Context, args []argument) (Value, error) {
	obj, err := lookUp[futureLike](a, ctx, args[0].text)
	if err != nil {
		return nil, err
	}
	if args[1].given {
		return boolean(obj.Cancel(args[1].text)), nil
	}
	return boolean(obj.Cancel()), nil
}

func (a *activation) doUncancel(ctx context.Context, args []argument) (Value, error) {
	t, err := lookUp[task.Any](a, ctx, args[0].text)
	if err != nil {
		return nil, err
	}
	return integer(t.Uncancel()), nil
}

func (a *activation) doCancelling(ctx context.Context, args []argument) (Value, error) {
	t, err := lookUp[task.Any](a, ctx, args[0].text)
	if err != nil {
		return nil, err
	}
	return integer(t.Cancelling()), nil
}

func (a *activation) doResult(ctx context.Context, args []argument) (Value, error) {
	obj, err := lookUp[futureLike](a, ctx, args[0].text)
	if err != nil {
		return nil, err
	}
	return obj.Result()
}

// doException is asyncio's exception(): it raises if the future is pending or
// cancelled, and otherwise returns the exception.
func (a *activation) doException(ctx context.Context, args []argument) (Value, error) {
	obj, err := lookUp[futureLike](a, ctx, args[0].text)
	if err != nil {
		return nil, err
	}
	raises := !obj.Done() || obj.Cancelled()
	err = obj.Err()
	switch {
	case raises:
		return nil, err
	case err == nil:
		return nil, nil
	}
	return failure{err}, nil
}

func (a *activation) doFuture(_ context.Context, args []argument) (Value, error) {
	f := future.New[Value](a.loop)
	a.settable[f] = true
	a.bind(args[0].text, f)
	return silence{}, nil
}

func (a *activation) doSetResult(ctx context.Context, args []argument) (Value, error) {
	f, err := a.settableFuture(ctx, args[0].text)
	if err != nil {
		return nil, err
	}
	return nothing{}, f.SetResult(args[1].value)
}

func (a *activation) doSetException(ctx context.Context, args []argument) (Value, error) {
	f, err := a.settableFuture(ctx, args[0].text)
	if err != nil {
		return nil, err
	}
	return nothing{}, f.SetException(args[1].err())
}

// registration is a callback of the program on a future. As in Python, one callback
// may be registered several times, and remove_done_callback removes all of these.
// The library returns a token for each.
type registration struct {
	future   futureLike
	callback string
}

func (a *activation) doAddDoneCallback(ctx context.Context, args []argument) (Value, error) {
	obj, err := lookUp[futureLike](a, ctx, args[0].text)
	if err != nil {
		return nil, err
	}
	name := args[1].text
	key := registration{obj, name}
	token := obj.AddDoneCallback(func() { a.callback(name, obj) })
	a.callbacks[key] = append(a.callbacks[key], token)
	return nothing{}, nil
}

func (a *activation) doRemoveDoneCallback(ctx context.Context, args []argument) (Value, error) {
	obj, err := lookUp[futureLike](a, ctx, args[0].text)
	if err != nil {
		return nil, err
	}
	key := registration{obj, args[1].text}
	removed := 0
	for _, token := range a.callbacks[key] {
		removed += obj.RemoveDoneCallback(token)
	}
	delete(a.callbacks, key)
	return integer(removed), nil
}
