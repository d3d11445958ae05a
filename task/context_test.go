package task_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

type key struct{}

func valueOf(ctx context.Context) (any, error) { return ctx.Value(key{}), nil }

func TestContextValuesAreThoseTheTaskWasCreatedWith(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		plain := task.Create(ctx, valueOf)
		ctx = context.WithValue(ctx, key{}, 1) // too late for the task
		with := task.Create(ctx, func(ctx context.Context) (any, error) {
			ctx = context.WithValue(ctx, key{}, 2) // nobody else sees it
			return valueOf(ctx)
		})
		gives(t, ctx, plain, nil)
		gives(t, ctx, with, any(2))
		check.Equal(t, "the creator's", ctx.Value(key{}), any(1))
	})
}

func TestContextValuesAreInheritedFromTheParentTask(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		child := task.Create(context.WithValue(ctx, key{}, "a"), func(ctx context.Context) (any, error) {
			var v any
			err := task.WithTimeout(ctx, time.Second, func(ctx context.Context) (err error) {
				v, err = task.Create(ctx, valueOf).Await(ctx)
				return err
			})
			return v, err
		})
		gives(t, ctx, child, any("a"))
	})
}

func TestContextValuesOfManyTasksStayApart(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		var all []*task.Task[any]
		for i := range 100 {
			all = append(all, task.Create(context.WithValue(ctx, key{}, i), func(ctx context.Context) (any, error) {
				for range 3 {
					check.NoError(t, task.Sleep(ctx, time.Duration(100-i)*ms))
					check.Equal(t, "value", ctx.Value(key{}), any(i))
				}
				return valueOf(ctx)
			}))
		}
		for i, tk := range all {
			gives(t, ctx, tk, any(i))
		}
	})
}

// Two tasks compute with settings of their own, here a precision, across awaits.
func TestContextSettingsStayApart(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		third := func(ctx context.Context) (string, error) {
			tick(ctx)
			return fmt.Sprintf("%.*g", ctx.Value(key{}), 1.0/3), nil
		}
		precise := func(digits int) *task.Task[string] {
			return task.Create(context.WithValue(ctx, key{}, digits), third)
		}
		gives(t, ctx, task.Gather(ctx, precise(3), precise(6)), []string{"0.333", "0.333333"})
	})
}

// Contexts are immutable: what tasks in one context share is what it refers to.
func TestInContextSharedByTasks(t *testing.T) {
	type box struct{ v any }
	put := func(v any) task.Coroutine[any] {
		return func(ctx context.Context) (any, error) {
			b := ctx.Value(key{}).(*box)
			old := b.v
			b.v = v
			return old, nil
		}
	}
	runTest(t, func(ctx context.Context) {
		shared := context.WithValue(context.Background(), key{}, &box{})
		var seen []any
		for i, create := range []func(coro task.Coroutine[any]) *task.Task[any]{
			func(coro task.Coroutine[any]) *task.Task[any] { return task.Create(ctx, coro, task.InContext(shared)) },
			func(coro task.Coroutine[any]) *task.Task[any] {
				return task.CreateOn(loop.Running(ctx), coro, task.InContext(shared))
			},
			func(coro task.Coroutine[any]) *task.Task[any] {
				return task.Create(ctx, coro, task.InContext(shared), task.Eager())
			},
		} {
			v, err := create(put(i + 1)).Await(ctx)
			check.NoError(t, err)
			seen = append(seen, v)
		}
		check.Equal(t, "seen", seen, []any{nil, 1, 2})
		check.Equal(t, "left", shared.Value(key{}).(*box).v, any(3))
	})
}

func TestInContextInheritsTheValuesOfAnotherTaskOnly(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		ctx = context.WithValue(ctx, key{}, "mine")
		var of context.Context
		other := task.Create(context.WithValue(ctx, key{}, "other's"), func(ctx context.Context) (int, error) {
			of = ctx
			return 1, nil
		})
		gives(t, ctx, other, 1)
		tk := task.Create(ctx, func(ctx context.Context) (any, error) {
			tick(ctx) // with its own task, not with the other
			return valueOf(ctx)
		}, task.InContext(of))
		gives(t, ctx, tk, any("other's"))
	})
}

func TestInContextOfNothingIsRefused(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		var none context.Context
		err := check.Panics(t, func() { task.Create(ctx, returns(0, 1), task.InContext(none)) })
		check.Is(t, err, err, "InContext", "nil")
		check.Equal(t, "tasks", len(task.All(ctx)), 1)
	})
}

func TestContextOfATask(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		var own context.Context
		tk := task.Create(ctx, func(ctx context.Context) (int, error) {
			own = ctx
			return 1, task.Yield(ctx)
		})
		tick(ctx)
		check.Equal(t, "Context", tk.Context(), own)
		check.Equal(t, "loop", loop.Running(own), loop.Running(ctx))
		check.NoError(t, own.Err())
		tk.Cancel()
		check.NoError(t, own.Err()) // a request ends no context
		ticks(ctx, 2)
		check.Is(t, own.Err(), context.Canceled)
		<-own.Done()
	})
}

// goContexts are contexts of Go's that end, and what they end with.
var goContexts = []struct {
	name   string
	derive func(ctx context.Context) (context.Context, func())
	cause  error
}{
	{"WithCancel", func(ctx context.Context) (context.Context, func()) {
		ctx, cancel := context.WithCancel(ctx)
		return ctx, cancel
	}, context.Canceled},
	{"WithCancelCause", func(ctx context.Context) (context.Context, func()) {
		ctx, cancel := context.WithCancelCause(ctx)
		return ctx, func() { cancel(errTest) }
	}, errTest},
	{"a value above it", func(ctx context.Context) (context.Context, func()) {
		ctx, cancel := context.WithCancelCause(ctx)
		return context.WithValue(ctx, key{}, 1), func() { cancel(errTest) }
	}, errTest},
}

func TestContextThatEndsEndsAnAwait(t *testing.T) {
	for _, test := range goContexts {
		for _, when := range []string{"before the await", "on the loop", "on another goroutine"} {
			t.Run(test.name+" "+when, func(t *testing.T) {
				runTest(t, func(ctx context.Context) {
					derived, cancel := test.derive(ctx)
					switch when {
					case "before the await":
						cancel()
					case "on the loop":
						loop.Running(ctx).CallLater(time.Second, cancel)
					default:
						loop.Running(ctx).CallLater(time.Second, func() {
							go cancel()
						})
					}
					f := newFuture[int](ctx)
					_, err := f.Await(derived)
					check.Is(t, err, test.cause)
					check.Equal(t, "the future is cancelled, as by a task", f.Cancelled(), true)
					check.Equal(t, "requests", task.Current(ctx).Cancelling(), 0)
					tick(ctx) // the task itself goes on
					_, err = newFuture[int](ctx).Await(derived)
					check.Is(t, err, test.cause)
				})
			})
		}
	}
}

func TestContextDeadlineEndsAnAwait(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		derived, cancel := context.WithDeadline(ctx, time.Unix(0, 0))
		defer cancel()
		_, err := newFuture[int](ctx).Await(derived)
		check.Is(t, err, context.DeadlineExceeded)
		check.Equal(t, "it is no cancellation", future.IsCancelled(err), false)
		tick(ctx)
	})
}

func TestContextThatEndsEndsTheTaskMadeWithIt(t *testing.T) {
	for _, test := range goContexts {
		t.Run(test.name, func(t *testing.T) {
			runTest(t, func(ctx context.Context) {
				derived, cancel := test.derive(ctx)
				tk := task.Create(derived, waits[int](newFuture[int](ctx)))
				tick(ctx)
				cancel()
				_, err := tk.Await(ctx)
				check.Equal(t, "Cancelled", tk.Cancelled(), true)
				check.Cancelled(t, err, "")
				never := task.Create(derived, func(context.Context) (int, error) {
					t.Error("the coroutine ran")
					return 0, nil
				})
				_, err = never.Await(ctx)
				check.Cancelled(t, err, "")
			})
		})
	}
}

func TestContextThatEndsCancelsTheTaskMadeWithItOnce(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		derived, cancel := context.WithCancel(ctx)
		tk := task.Create(derived, func(ctx context.Context) (int, error) {
			_, err := newFuture[int](ctx).Await(ctx)
			check.Cancelled(t, err, "")
			return 1, task.Sleep(ctx, time.Second) // cleaning up takes time
		})
		tick(ctx)
		cancel()
		gives(t, ctx, tk, 1)
		check.Equal(t, "time", elapsed(ctx), time.Second)
	})
}

func TestContextThatEndsAfterTheAwaitDoesNothing(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		derived, cancel := context.WithCancel(ctx)
		f := newFuture[int](ctx)
		loop.Running(ctx).CallSoon(func() { check.NoError(t, f.SetResult(1)) })
		gives(t, derived, f, 1)
		cancel()
		check.NoError(t, task.Sleep(ctx, time.Second))
	})
}

// The request of a task comes before the end of a context.
func TestContextThatEndsGivesWayToACancellation(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		tk := task.Create(ctx, func(ctx context.Context) (int, error) {
			derived, cancel := context.WithCancelCause(ctx)
			defer cancel(nil)
			loop.Running(ctx).CallLater(time.Second, func() {
				task.Current(ctx).Cancel("request")
				cancel(errTest)
			})
			_, err := newFuture[int](ctx).Await(derived)
			return 0, err
		})
		_, err := tk.Await(ctx)
		if errors.Is(err, errTest) {
			t.Error("the request was lost")
		}
		check.Cancelled(t, err, "request")
	})
}

// done callbacks are plain functions: what they need they capture.
func TestCallbacksRunOutsideOfAnyTask(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		tk := task.Create(ctx, returns(0, 1))
		current := []task.Any{}
		tk.AddDoneCallback(func() { current = append(current, task.CurrentOn(loop.Running(ctx))) })
		gives(t, ctx, tk, 1)
		tick(ctx)
		check.Equal(t, "current task", current, []task.Any{nil})
	})
}

// A timeout in a context of Go's that ends: the news passes through its scope.
func TestContextThatEndsPassesThroughScopes(t *testing.T) {
	for _, test := range goContexts {
		t.Run(test.name, func(t *testing.T) {
			runTest(t, func(ctx context.Context) {
				derived, cancel := test.derive(ctx)
				loop.Running(ctx).CallSoon(cancel)
				var inside context.Context
				err := task.WithTimeout(derived, task.Forever, func(ctx context.Context) error {
					return task.WithTimeout(ctx, task.Forever, func(ctx context.Context) error {
						inside = context.WithValue(ctx, key{}, 1)
						_, err := newFuture[int](ctx).Await(inside)
						check.Is(t, inside.Err(), context.Canceled)
						return err
					})
				})
				check.Is(t, err, test.cause)
				<-inside.Done()
				tick(ctx)
			})
		})
	}
}
