package monitor_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/goasyncio/asyncio/sync"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/monitor"
)

// A task asks what the others do. Any other goroutine may ask too.
func Example() {
	m := monitor.New()
	defer m.Close()
	err := task.Main(context.Background(), func(ctx context.Context) error {
		orders := sync.NewQueue[string](0)
		task.Create(ctx, orders.Get, task.Name("consumer"))
		if err := task.Yield(ctx); err != nil {
			return err
		}
		s, err := m.Tasks(ctx, monitor.Query{Name: "consumer", Places: true})
		if err != nil {
			return err
		}
		for _, t := range s.Tasks {
			fmt.Printf("%s is %s in %s\n", t.Name, t.State, t.Waits.In)
		}
		return nil
	}, task.WithLoopOptions(m.Watch()))
	if err != nil {
		log.Fatal(err)
	}
	// Output: consumer is waiting in sync.(*Queue).Get
}

func ExampleMonitor_Stuck() {
	m := monitor.New()
	defer m.Close()
	err := task.Main(context.Background(), func(ctx context.Context) error {
		var hen *task.Task[struct{}]
		egg := task.Go(ctx, func(ctx context.Context) error { return hen.Join(ctx) }, task.Name("egg"))
		hen = task.Go(ctx, egg.Join, task.Name("hen"))
		if err := task.Sleep(ctx, 0); err != nil {
			return err
		}
		sets, err := m.Stuck(ctx)
		if err != nil {
			return err
		}
		return monitor.WriteStuck(os.Stdout, sets)
	}, task.WithLoopOptions(m.Watch()))
	if err != nil {
		log.Fatal(err)
	}
	// Output: stuck: egg → hen → egg   (none can finish unless one is cancelled from outside)
}
