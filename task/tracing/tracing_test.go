package tracing_test

import (
	"context"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest"
	"github.com/goasyncio/asyncio/task/tasktest/check"
	"github.com/goasyncio/asyncio/task/tracing"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// run runs main as the main task of a loop on a virtual clock on which o is installed.
func run(t *testing.T, o tracing.Options, main func(ctx context.Context)) {
	t.Helper()
	tasktest.Run(t, func(ctx context.Context, _ *tasktest.T) {
		defer tracing.Install(loop.Running(ctx), o)()
		main(ctx)
	}, tasktest.Grace(20*time.Second))
}

// join awaits tasks.
func join(t *testing.T, ctx context.Context, tasks ...task.Any) {
	t.Helper()
	for _, tk := range tasks {
		check.NoError(t, tk.Join(ctx))
	}
}

func TestInstallBelongsToTheLoop(t *testing.T) {
	check.Is(t, check.Panics(t, func() { tracing.Install(nil, tracing.Options{}) }), loop.ErrNotRunning, "Install")
	run(t, tracing.Options{Labels: true}, func(ctx context.Context) {
		remove := tracing.Install(loop.Running(ctx), tracing.Options{})
		done := make(chan struct{})
		go func() {
			defer close(done)
			check.Is(t, check.Panics(t, func() { tracing.Install(loop.Running(ctx), tracing.Options{}) }), loop.ErrWrongGoroutine, "Install")
			check.Is(t, check.Panics(t, remove), loop.ErrWrongGoroutine, "Install")
		}()
		<-done
	})
}

// Whatever is installed, a task has the values of the context that it is created with.
func TestContextPassesValuesOn(t *testing.T) {
	type key struct{}
	for name, o := range map[string]tracing.Options{
		"nothing": {}, "trace": {Trace: true}, "labels": {Labels: true}, "names": {Names: true}, "all": {Steps: true, Names: true},
	} {
		t.Run(name, func(t *testing.T) {
			recorded(t, func() {
				run(t, o, func(ctx context.Context) {
					ctx = context.WithValue(ctx, key{}, "v")
					join(t, ctx, task.Go(ctx, func(ctx context.Context) error {
						check.Equal(t, "value", ctx.Value(key{}), any("v"))
						check.Equal(t, "loop", loop.Running(ctx) != nil, true)
						inner := task.Go(ctx, func(ctx context.Context) error {
							check.Equal(t, "inherited", ctx.Value(key{}), any("v"))
							check.Equal(t, "another", ctx.Value("v"), nil)
							return task.Yield(ctx)
						})
						return inner.Join(ctx)
					}))
				})
			})
		})
	}
}
