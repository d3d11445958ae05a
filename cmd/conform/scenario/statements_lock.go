package scenario

import (
	"context"

	asyncsync "github.com/goasyncio/asyncio/sync"
	"github.com/goasyncio/asyncio/task"
)

// locker is what acquire works on.
type locker interface {
	Acquire(ctx context.Context) error
	With(ctx context.Context, fn func() error) error
}

// releaser is what release works on, besides a semaphore, whose Release returns
// no error.
type releaser interface {
	Release() error
}

var (
	_ locker   = (*asyncsync.Lock)(nil)
	_ locker   = (*asyncsync.Condition)(nil)
	_ locker   = (*asyncsync.Semaphore)(nil)
	_ locker   = (*asyncsync.BoundedSemaphore)(nil)
	_ releaser = (*asyncsync.Lock)(nil)
	_ releaser = (*asyncsync.Condition)(nil)
	_ releaser = (*asyncsync.BoundedSemaphore)(nil)
)

// enter runs the body of a with statement inside the object that the variable is
// bound to.
func (a *activation) enter(ctx context.Context, name string, body func(context.Context) error) error {
	obj, err := lookUp[any](a, ctx, name)
	if err != nil {
		return err
	}
	switch obj := obj.(type) {
	case *task.Timeout:
		return obj.Run(ctx, body)
	case *task.Group:
		return obj.Run(ctx, func(ctx context.Context, _ *task.Group) error { return body(ctx) })
	case *asyncsync.Barrier:
		return obj.With(ctx, func(int) error { return body(ctx) })
	case locker:
		return obj.With(ctx, func() error { return body(ctx) })
	}
	return &kindError{name}
}

// construct binds a variable to what create makes. The library panics with an
// error where asyncio's constructor raises one.
func (a *activation) construct(name string, create func() any) (result Value, err error) {
	defer func() {
		switch value := recover().(type) {
		case nil:
		case error:
			err = value
		default:
			panic(value)
		}
	}()
	a.variables[name] = create()
	return silence{}, nil
}

func (a *activation) doLock(_ context.Context, args []argument) (Value, error) {
	a.variables[args[0].text] = new(asyncsync.Lock)
	return silence{}, nil
}

func (a *activation) doSemaphore(_ context.Context, args []argument) (Value, error) {
	return a.construct(args[0].text, func() any {
		return asyncsync.NewSemaphore(int(args[1].number))
	})
}

func (a *activation) doBoundedSemaphore(_ context.Context, args []argument) (Value, error) {
	return a.construct(args[0].text, func() any {
		return asyncsync.NewBoundedSemaphore(int(args[1].number))
	})
}

func (a *activation) doCondition(ctx context.Context, args []argument) (Value, error) {
	condition := new(asyncsync.Condition)
	if args[1].given {
		lock, err := lookUp[*asyncsync.Lock](a, ctx, args[1].text)
		if err != nil {
			return nil, err
		}
		condition = asyncsync.NewCondition(lock)
	}
	a.variables[args[0].text] = condition
	return silence{}, nil
}

func (a *activation) doAcquire(ctx context.Context, args []argument) (Value, error) {
	lock, err := lookUp[locker](a, ctx, args[0].text)
	if err != nil {
		return nil, err
	}
	return boolean(true), lock.Acquire(ctx)
}

func (a *activation) doRelease(ctx context.Context, args []argument) (Value, error) {
	obj, err := lookUp[any](a, ctx, args[0].text)
	if err != nil {
		return nil, err
	}
	switch obj := obj.(type) {
	case *asyncsync.Semaphore:
		obj.Release()
		return nothing{}, nil
	case releaser:
		return nothing{}, obj.Release()
	}
	return nil, &kindError{args[0].text}
}

func (a *activation) doCondWait(ctx context.Context, args []argument) (Value, error) {
	condition, err := lookUp[*asyncsync.Condition](a, ctx, args[0].text)
	if err != nil {
		return nil, err
	}
	return boolean(true), condition.Wait(ctx)
}

func (a *activation) doCondWaitFor(ctx context.Context, args []argument) (Value, error) {
	condition, err := lookUp[*asyncsync.Condition](a, ctx, args[0].text)
	if err != nil {
		return nil, err
	}
	event, err := lookUp[*asyncsync.Event](a, ctx, args[1].text)
	if err != nil {
		return nil, err
	}
	return boolean(true), condition.WaitFor(ctx, func() bool {
		value := event.IsSet()
		a.log(ctx, "check "+args[0].text+" = "+boolean(value).show())
		return value
	})
}

func (a *activation) doNotify(ctx context.Context, args []argument) (Value, error) {
	condition, err := lookUp[*asyncsync.Condition](a, ctx, args[0].text)
	if err != nil {
		return nil, err
	}
	return nothing{}, condition.Notify(int(args[1].number))
}

func (a *activation) doNotifyAll(ctx context.Context, args []argument) (Value, error) {
	condition, err := lookUp[*asyncsync.Condition](a, ctx, args[0].text)
	if err != nil {
		return nil, err
	}
	return nothing{}, condition.NotifyAll()
}

func (a *activation) doEvent(_ context.Context, args []argument) (Value, error) {
	a.variables[args[0].text] = new(asyncsync.Event)
	return silence{}, nil
}

func (a *activation) doEventWait(ctx context.Context, args []argument) (Value, error) {
	event, err := lookUp[*asyncsync.Event](a, ctx, args[0].text)
	if err != nil {
		return nil, err
	}
	return boolean(true), event.Wait(ctx)
}

func (a *activation) doEventSet(ctx context.Context, args []argument) (Value, error) {
	event, err := lookUp[*asyncsync.Event](a, ctx, args[0].text)
	if err != nil {
		return nil, err
	}
	event.Set()
	return nothing{}, nil
}

func (a *activation) doEventClear(ctx context.Context, args []argument) (Value, error) {
	event, err := lookUp[*asyncsync.Event](a, ctx, args[0].text)
	if err != nil {
		return nil, err
	}
	event.Clear()
	return nothing{}, nil
}

func (a *activation) doBarrier(_ context.Context, args []argument) (Value, error) {
	return a.construct(args[0].text, func() any {
		return asyncsync.NewBarrier(int(args[1].number))
	})
}

func (a *activation) doBarrierWait(ctx context.Context, args []argument) (Value, error) {
	barrier, err := lookUp[*asyncsync.Barrier](a, ctx, args[0].text)
	if err != nil {
		return nil, err
	}
	index, err := barrier.Wait(ctx)
	return integer(index), err
}

func (a *activation) doBarrierReset(ctx context.Context, args []argument) (Value, error) {
	barrier, err := lookUp[*asyncsync.Barrier](a, ctx, args[0].text)
	if err != nil {
		return nil, err
	}
	return nothing{}, barrier.Reset(ctx)
}

func (a *activation) doBarrierAbort(ctx context.Context, args []argument) (Value, error) {
	barrier, err := lookUp[*asyncsync.Barrier](a, ctx, args[0].text)
	if err != nil {
		return nil, err
	}
	return nothing{}, barrier.Abort(ctx)
}
