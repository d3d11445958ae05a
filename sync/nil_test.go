package sync

import (
	"context"
	"testing"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// What is nil or zero is refused by an error with a name, or works.
func TestNilAndZeroArguments(t *testing.T) {
	for name, b := range allBlocked() {
		t.Run(name+" with a nil context", func(t *testing.T) {
			var nobody context.Context
			check.Is(t, b.wait(nobody), loop.ErrNotRunning)
		})
	}
	ctx := context.Background()
	for name, row := range map[string]struct {
		call func() error
		want error // nil: it works
	}{
		"Lock.With":               {func() error { return new(Lock).With(ctx, nil) }, loop.ErrNilFunc},
		"Condition.With":          {func() error { return new(Condition).With(ctx, nil) }, loop.ErrNilFunc},
		"Condition.WaitFor":       {func() error { return new(Condition).WaitFor(ctx, nil) }, loop.ErrNilFunc},
		"Semaphore.With":          {func() error { return new(Semaphore).With(ctx, nil) }, loop.ErrNilFunc},
		"BoundedSemaphore.With":   {func() error { return new(BoundedSemaphore).With(ctx, nil) }, loop.ErrNilFunc},
		"Barrier.With":            {func() error { return NewBarrier(1).With(ctx, nil) }, loop.ErrNilFunc},
		"the zero Lock":           {func() error { return new(Lock).Acquire(ctx) }, nil},
		"the zero Condition":      {func() error { return new(Condition).Acquire(ctx) }, nil},
		"NewCondition":            {func() error { return NewCondition(nil).Acquire(ctx) }, nil},
		"the zero Semaphore":      {func() error { return new(Semaphore).Acquire(ctx) }, nil},
		"the zero Barrier":        {func() error { _, err := new(Barrier).Wait(ctx); return err }, ErrInvalidSize},
		"the zero Queue":          {func() error { return new(Queue[int]).Put(ctx, 1) }, nil},
		"the zero LifoQueue":      {func() error { return new(LifoQueue[int]).Put(ctx, 1) }, nil},
		"the zero Event":          {func() error { new(Event).Set(); return nil }, nil},
		"Release of the zero one": {func() error { return new(Lock).Release() }, ErrNotAcquired},
		"NewSemaphore":            {func() error { return check.ErrorOf(func() error { NewSemaphore(-1); return nil }) }, ErrInvalidSize},
		"NewBarrier":              {func() error { return check.ErrorOf(func() error { NewBarrier(0); return nil }) }, ErrInvalidSize},
		"NewPriorityQueueFunc":    {func() error { return check.ErrorOf(func() error { NewPriorityQueueFunc[int](0, nil); return nil }) }, loop.ErrNilFunc},
		"the zero PriorityQueue":  {func() error { return new(PriorityQueue[int]).Put(ctx, 1) }, loop.ErrNilFunc},
	} {
		t.Run(name, func(t *testing.T) {
			switch err := row.call(); row.want {
			case nil:
				if err != nil {
					t.Error(err)
				}
			default:
				check.Is(t, err, row.want)
			}
		})
	}
}
