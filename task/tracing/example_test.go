package tracing_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"runtime/pprof"
	"runtime/trace"
	"strings"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tracing"
)

// Write a trace, to be shown by "go tool trace trace.out": its tasks are those of the loop.
func ExampleInstall() {
	file, err := os.CreateTemp("", "trace-*.out")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.Remove(file.Name()) }()
	if err := trace.Start(file); err != nil {
		fmt.Println(err)
		return
	}
	err = task.Main(context.Background(), func(ctx context.Context) error {
		tracing.Install(loop.Running(ctx), tracing.Options{Trace: true})
		return task.Go(ctx, func(ctx context.Context) error {
			trace.WithRegion(ctx, "parse", func() {}) // belongs to the task
			return task.Yield(ctx)
		}, task.Name("request 7")).Join(ctx)
	})
	trace.Stop()
	fmt.Println(err, file.Close())
	// Output:
	// <nil> <nil>
}

// Find out in a profile which coroutine a goroutine runs, and for which request.
func ExampleInstall_labels() {
	err := task.Main(context.Background(), func(ctx context.Context) error {
		tracing.Install(loop.Running(ctx), tracing.Options{Labels: true})
		var requests []*task.Task[struct{}]
		for _, path := range []string{"/a", "/b"} {
			pprof.Do(ctx, pprof.Labels("path", path), func(ctx context.Context) {
				requests = append(requests, task.Go(ctx, serve))
			})
		}
		if err := task.Yield(ctx); err != nil {
			return err
		}
		var profile bytes.Buffer
		if err := pprof.Lookup("goroutine").WriteTo(&profile, 1); err != nil {
			return err
		}
		for line := range strings.Lines(profile.String()) {
			if labels, ok := strings.CutPrefix(line, "# labels: "); ok {
				fmt.Print(labels)
			}
		}
		return task.Join(ctx, task.Gather(ctx, requests...))
	})
	fmt.Println(err)
	// Unordered output:
	// {"asyncio.coroutine":"tracing_test.serve", "path":"/a"}
	// {"asyncio.coroutine":"tracing_test.serve", "path":"/b"}
	// <nil>
}

func serve(ctx context.Context) error { return task.Yield(ctx) }
