package task_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/goasyncio/asyncio/task"
)

// prices looks up prices. Requests for the same thing share one lookup, which belongs to
// none of them.
type prices struct {
	lookups map[string]*task.Task[int]
}

func (p *prices) of(ctx context.Context, thing string) (int, error) {
	lookup, ok := p.lookups[thing]
	if !ok {
		// A task is cancelled when the context that it is made with ends. The values of
		// ctx are welcome, its end is that of one request.
		lookup = task.Create(context.WithoutCancel(ctx), func(ctx context.Context) (int, error) {
			return p.lookUp(ctx, thing)
		})
		p.lookups[thing] = lookup
		lookup.AddDoneCallback(func() {
			delete(p.lookups, thing)
			if !lookup.Cancelled() {
				_ = lookup.Err() // perhaps nobody waits any more: then nobody need be told
			}
		})
	}
	// Who awaits a task and is cancelled cancels the task, unless a shield stands between.
	return task.Shield(ctx, lookup).Await(ctx)
}

func (p *prices) lookUp(ctx context.Context, thing string) (int, error) {
	fmt.Println("looking up the price of a", thing)
	return task.SleepResult(ctx, time.Second, 7*len(thing)) // stands for a database
}

// Several requests wait for one task, which goes on when those that have started it or
// wait for it leave.
func Example_sharedTask() {
	runVirtually(func(ctx context.Context) error {
		p := &prices{lookups: make(map[string]*task.Task[int])}
		request := func(ctx context.Context, name string) error {
			price, err := p.of(ctx, "parrot")
			fmt.Println(name, price, err)
			return nil
		}
		var hangUp context.CancelCauseFunc
		first := task.Go(ctx, func(ctx context.Context) error {
			ctx, hangUp = context.WithCancelCause(ctx)
			return request(ctx, "first:")
		})
		second := task.Go(ctx, func(ctx context.Context) error { return request(ctx, "second:") })
		third := task.Go(ctx, func(ctx context.Context) error { return request(ctx, "third:") })
		if err := task.Sleep(ctx, time.Millisecond); err != nil {
			return err
		}
		hangUp(errors.New("the client has gone"))
		if err := first.Join(ctx); err != nil {
			return err
		}
		second.Cancel()
		return errors.Join(second.Join(ctx), third.Join(ctx))
	})
	// Output:
	// looking up the price of a parrot
	// first: 0 the client has gone
	// second: 0 cancelled
	// third: 42 <nil>
}
