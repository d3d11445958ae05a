package tracing

import (
	"context"
	"io"
	"runtime/trace"
	"testing"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/internal/sched"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// What a task inherits does not grow from task to task, each created by the one before.
func TestContextsMakeNoChain(t *testing.T) {
	for name, o := range map[string]Options{"trace": {Trace: true}, "labels": {Labels: true}, "names": {Trace: true, Names: true}} {
		t.Run(name, func(t *testing.T) {
			if o.Trace {
				check.NoError(t, trace.Start(io.Discard))
				defer trace.Stop()
			}
			type key struct{}
			base := context.WithValue(context.Background(), key{}, 1)
			_, err := task.Run(base, func(ctx context.Context) (int, error) {
				under := sched.Running(ctx).Values()
				Install(loop.Running(ctx), o)
				depth := 0
				var next func(ctx context.Context) error
				next = func(ctx context.Context) error {
					c := carriedBy(sched.Running(ctx))
					check.Equal(t, "what is underneath", c.Context == under, true)
					if c.span != nil {
						check.Equal(t, "the origin is forgotten", c.span.ctx.Value(key{}), nil)
					}
					if depth++; depth == 5 {
						return nil
					}
					return task.Go(ctx, next).Join(ctx)
				}
				return 0, task.Go(ctx, next).Join(ctx)
			})
			check.NoError(t, err)
		})
	}
}

func TestTasksOutsideOfATraceCarryNothing(t *testing.T) {
	_, err := task.Run(context.Background(), func(ctx context.Context) (int, error) {
		Install(loop.Running(ctx), Options{Steps: true})
		check.NoError(t, trace.Start(io.Discard))
		return 0, task.Go(ctx, func(ctx context.Context) error {
			check.Equal(t, "during a trace", carriedBy(sched.Running(ctx)) != nil, true)
			trace.Stop()
			return task.Go(ctx, func(ctx context.Context) error {
				_, carries := sched.Running(ctx).Values().(*carried)
				check.Equal(t, "after it", carries, false)
				return nil
			}).Join(ctx)
		}).Join(ctx)
	})
	check.NoError(t, err)
}

// Tasks that run one function have one label set.
func TestLabelsAreShared(t *testing.T) {
	_, err := task.Run(context.Background(), func(ctx context.Context) (int, error) {
		Install(loop.Running(ctx), Options{Labels: true})
		var sets []context.Context
		collect := func(ctx context.Context) error {
			sets = append(sets, carriedBy(sched.Running(ctx)).labels)
			return nil
		}
		for range 2 {
			check.NoError(t, task.Go(ctx, collect).Join(ctx))
			check.NoError(t, task.Go(ctx, func(ctx context.Context) error { return task.Go(ctx, collect).Join(ctx) }).Join(ctx))
		}
		check.Equal(t, "sets", len(sets), 4)
		for _, set := range sets {
			check.Equal(t, "the same", set == sets[0], true)
		}
		return 0, nil
	})
	check.NoError(t, err)
}
