package task_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
)

// Count the steps of each task, and say how it ended.
func ExampleAddInstrument() {
	runVirtually(func(ctx context.Context) error {
		steps := make(map[task.Any]int)
		remove := task.AddInstrument(loop.Running(ctx), &task.Instrument{
			Created:    func(t task.Any) { steps[t] = 0 },
			BeforeStep: func(t task.Any) { steps[t]++ },
			Finished: func(t task.Any) {
				fmt.Printf("%s has ended after %d steps\n", t.Name(), steps[t])
				delete(steps, t)
			},
		})
		defer remove()
		slow := task.Go(ctx, func(ctx context.Context) error { return task.Sleep(ctx, time.Second) }, task.Name("slow"))
		quick := task.Go(ctx, func(ctx context.Context) error { return nil }, task.Name("quick"))
		return task.Join(ctx, task.Gather(ctx, slow, quick))
	})
	// Output:
	// quick has ended after 1 steps
	// slow has ended after 2 steps
}

// Measure how long each coroutine takes, from its first line to its last.
func ExampleInstrument_begin() {
	runVirtually(func(ctx context.Context) error {
		l := loop.Running(ctx)
		defer task.AddInstrument(l, &task.Instrument{
			Begin: func(t task.Any) (end func()) {
				begin := l.Time()
				return func() { fmt.Println(t.Name(), "took", l.Time().Sub(begin)) }
			},
		})()
		return task.Go(ctx, func(ctx context.Context) error { return task.Sleep(ctx, time.Second) }, task.Name("download")).Join(ctx)
	})
	// Output:
	// download took 1s
}

// Records say which task they come from, also if a function in a thread logs them.
func ExampleLogHandler() {
	withoutVariables := func(groups []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey && len(groups) == 0 || a.Key == "loop" {
			return slog.Attr{}
		}
		return a
	}
	text := slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: withoutVariables})
	log := slog.New(task.LogHandler(text))
	runVirtually(func(ctx context.Context) error {
		return task.Go(ctx, func(ctx context.Context) error {
			log.InfoContext(ctx, "hello", "answer", 42)
			_, err := task.ToThread(ctx, func(ctx context.Context) (int, error) {
				log.InfoContext(ctx, "hello from a thread")
				return 0, nil
			})
			return err
		}, task.Name("greeter")).Join(ctx)
	})
	log.Info("no task")
	// Output:
	// level=INFO msg=hello answer=42 asyncio.task=greeter
	// level=INFO msg="hello from a thread" asyncio.task=greeter
	// level=INFO msg="no task"
}
