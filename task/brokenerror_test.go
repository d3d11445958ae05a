package task_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// brokenError is an error whose methods panic if it is nil, as programs return it by
// mistake: in an interface, a nil pointer is not nil.
type brokenError struct{ inner error }

func (e *brokenError) Error() string        { return "broken: " + e.inner.Error() }
func (e *brokenError) Unwrap() error        { return e.inner }
func (e *brokenError) Is(target error) bool { return e.inner == target }

// The methods of an error are called where the library asks what the error is, often in
// the middle of ending a task. A panic there would break the loop.
func TestErrorWithMethodsThatPanicIsLikeAnyOther(t *testing.T) {
	var broken *brokenError
	same := func(t *testing.T, err error) {
		t.Helper()
		if err != error(broken) {
			t.Errorf("got %T, want the broken error itself", err)
		}
	}
	for name, test := range map[string]func(t *testing.T, ctx context.Context){
		"returned by a coroutine": func(t *testing.T, ctx context.Context) {
			same(t, task.Go(ctx, func(context.Context) error { return broken }).Join(ctx))
		},
		"of a panic": func(t *testing.T, ctx context.Context) {
			err := task.Go(ctx, func(context.Context) error { panic(broken) }).Join(ctx)
			p, ok := err.(*task.PanicError)
			if !ok {
				t.Fatalf("got %T, want a PanicError", err)
			}
			same(t, p.Unwrap())
		},
		"of a panic in a callback": func(t *testing.T, ctx context.Context) {
			l := loop.Running(ctx)
			r := check.Collect(l)
			l.CallSoon(func() { panic(broken) })
			tick(ctx)
			all := r.Taken()
			check.Equal(t, "reports", len(all), 1)
		},
		"of a panic in an exception handler": func(t *testing.T, ctx context.Context) {
			l := loop.Running(ctx)
			l.SetExceptionHandler(func(*loop.Loop, loop.ExceptionContext) { panic(broken) })
			l.CallExceptionHandler(loop.ExceptionContext{Message: "something"})
		},
		"of a future": func(t *testing.T, ctx context.Context) {
			f := newFuture[int](ctx)
			check.NoError(t, f.SetException(broken))
			_, err := task.WaitFor(ctx, f, time.Second)
			same(t, err)
		},
		"in a timeout": func(t *testing.T, ctx context.Context) {
			same(t, task.WithTimeout(ctx, time.Millisecond, func(ctx context.Context) error {
				check.Cancelled(t, task.Sleep(ctx, time.Hour), "")
				return broken
			}))
		},
		"in the body of a group": func(t *testing.T, ctx context.Context) {
			err := task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
				g.Go(func(ctx context.Context) error { return task.Sleep(ctx, time.Hour) })
				return broken
			})
			var g *task.ExceptionGroup
			if !errors.As(err, &g) {
				t.Fatalf("got %T, want a group", err)
			}
			same(t, g.Errors[0])
		},
		"in a task of a group": func(t *testing.T, ctx context.Context) {
			err := task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
				g.Go(func(context.Context) error { return broken })
				return task.Sleep(ctx, time.Hour)
			})
			rest, others := task.Except(err, func(err error) bool { return err == error(broken) })
			check.Equal(t, "others", others, nil)
			same(t, rest.Errors[0])
		},
		"as the cause of a context": func(t *testing.T, ctx context.Context) {
			derived, cancel := context.WithCancelCause(ctx)
			cancel(broken)
			same(t, task.Yield(derived))
		},
		"as the cause that ends a race": func(t *testing.T, ctx context.Context) {
			derived, cancel := context.WithCancelCause(ctx)
			loop.Running(ctx).CallSoon(func() { cancel(broken) })
			_, _, _, err := task.StaggeredRace(derived, []task.Coroutine[int]{returns(time.Hour, 1)}, task.Forever)
			same(t, err)
		},
		"of a coroutine in a race": func(t *testing.T, ctx context.Context) {
			_, _, errs, _ := task.StaggeredRace(ctx, []task.Coroutine[int]{fails[int](0, broken)}, task.Forever)
			same(t, errs[0])
		},
		"taken apart": func(t *testing.T, ctx context.Context) {
			part, rest := task.Except(broken, future.IsCancelled)
			check.Equal(t, "part", part, (*task.ExceptionGroup)(nil))
			same(t, rest)
			check.Equal(t, "fatal", loop.IsFatal(broken), false)
		},
	} {
		t.Run(name, func(t *testing.T) {
			runTest(t, func(ctx context.Context) { test(t, ctx) })
		})
	}
}

// brokenExecutor cannot be shut down without such an error.
type brokenExecutor struct{ loop.Pool }

func (*brokenExecutor) Shutdown(context.Context) error { return (*brokenError)(nil) }

func TestRunReturnsTheErrorOfAnExecutorWhoseMethodsPanic(t *testing.T) {
	_, err := task.Run(context.Background(), returns(0, 1), virtually(), task.WithLoopOptions(loop.WithExecutor(new(brokenExecutor))))
	var broken *brokenError
	if !errors.As(err, &broken) {
		t.Errorf("got %T, want the executor's error", err)
	}
}
