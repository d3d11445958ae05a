package scenario

import (
	"context"

	asyncsync "github.com/goasyncio/asyncio/sync"
)

// queue is what the three kinds of queues have in common.
type queue interface {
	Put(ctx context.Context, item Value) error
	PutNowait(item Value) error
	Get(ctx context.Context) (Value, error)
	GetNowait() (Value, error)
	TaskDone() error
	Join(ctx context.Context) error
	Shutdown(immediate bool)
	MaxSize() int
	Size() int
	Empty() bool
	Full() bool
}

func (a *activation) doQueue(_ context.Context, args []argument) (Value, error) {
	size := int(args[2].number)
	var q queue
	switch args[1].text {
	case "fifo":
		q = asyncsync.NewQueue[Value](size)
	case "priority":
		q = asyncsync.NewPriorityQueueFunc(size, compareItems)
	case "lifo":
		q = asyncsync.NewLifoQueue[Value](size)
	}
	a.variables[args[0].text] = q
	return silence{}, nil
}

func (a *activation) doPut(ctx context.Context, args []argument) (Value, error) {
	q, err := lookUp[queue](a, ctx, args[0].text)
	if err != nil {
		return nil, err
	}
	return nothing{}, q.Put(ctx, args[1].value)
}

func (a *activation) doPutNowait(ctx context.Context, args []argument) (Value, error) {
	q, err := lookUp[queue](a, ctx, args[0].text)
	if err != nil {
		return nil, err
	}
	return nothing{}, q.PutNowait(args[1].value)
}

func (a *activation) doGet(ctx context.Context, args []argument) (Value, error) {
	q, err := lookUp[queue](a, ctx, args[0].text)
	if err != nil {
		return nil, err
	}
	return q.Get(ctx)
}

func (a *activation) doGetNowait(ctx context.Context, args []argument) (Value, error) {
	q, err := lookUp[queue](a, ctx, args[0].text)
	if err != nil {
		return nil, err
	}
	return q.GetNowait()
}

func (a *activation) doTaskDone(ctx context.Context, args []argument) (Value, error) {
	q, err := lookUp[queue](a, ctx, args[0].text)
	if err != nil {
		return nil, err
	}
	return nothing{}, q.TaskDone()
}

func (a *activation) doJoin(ctx context.Context, args []argument) (Value, error) {
	q, err := lookUp[queue](a, ctx, args[0].text)
	if err != nil {
		return nil, err
	}
	return nothing{}, q.Join(ctx)
}

func (a *activation) doShutdown(ctx context.Context, args []argument) (Value, error) {
	q, err := lookUp[queue](a, ctx, args[0].text)
	if err != nil {
		return nil, err
	}
	q.Shutdown(args[1].flag)
	return nothing{}, nil
}
