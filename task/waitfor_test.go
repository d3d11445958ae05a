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

// lingers makes a coroutine that takes another second to end once it is
// cancelled, and ends as end says then.
func lingers(end func(cancelled error) (int, error)) task.Coroutine[int] {
	return func(ctx context.Context) (int, error) {
		err := task.Sleep(ctx, time.Hour)
		_ = task.Sleep(ctx, time.Second)
		return end(err)
	}
}

func TestWaitForReturnsWhatIsThereInTime(t *testing.T) {
	for name, limit := range map[string]time.Duration{"with a limit": time.Minute, "forever": task.Forever} {
		t.Run(name, func(t *testing.T) {
			runTest(t, func(ctx context.Context) {
				v, err := task.WaitFor(ctx, returns(time.Second, "coroutine"), limit)
				check.NoError(t, err)
				check.Equal(t, "result", v, "coroutine")
				v, err = task.WaitFor[string](ctx, task.Create(ctx, returns(time.Second, "task")), limit)
				check.NoError(t, err)
				check.Equal(t, "result", v, "task")
				check.Is(t, second(task.WaitFor(ctx, fails[int](time.Second, errTest), limit)), errTest)

				f := newFuture[string](ctx)
				loop.Running(ctx).CallLater(time.Second, func() { check.NoError(t, f.SetResult("ok")) })
				v, err = task.WaitFor[string](ctx, f, limit)
				check.NoError(t, err)
				check.Equal(t, "result", v, "ok")
				check.Equal(t, "time", elapsed(ctx), 4*time.Second)
			})
		})
	}
}

func TestWaitForRunsACoroutineInTheCallingTask(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		me := task.Current(ctx)
		v, err := task.WaitFor(ctx, task.Coroutine[task.Any](func(ctx context.Context) (task.Any, error) {
			return task.Current(ctx), nil
		}), time.Second)
		check.NoError(t, err)
		check.Equal(t, "task", v, me)
	})
}

func TestWaitForAtOnce(t *testing.T) {
	for name, limit := range map[string]time.Duration{"zero": 0, "negative": -time.Second} {
		t.Run(name, func(t *testing.T) {
			runTest(t, func(ctx context.Context) {
				done := newFuture[string](ctx)
				check.NoError(t, done.SetResult("done"))
				v, err := task.WaitFor[string](ctx, done, limit)
				check.NoError(t, err)
				check.Equal(t, "result", v, "done")

				started := false
				expired(t, second(task.WaitFor(ctx, task.Coroutine[int](func(context.Context) (int, error) {
					started = true
					return 1, nil
				}), limit)))
				check.Equal(t, "the coroutine was started", started, false)

				cleaned := false
				running := task.Create(ctx, lingers(func(err error) (int, error) {
					cleaned = true
					return 0, err
				}))
				tick(ctx)
				expired(t, second(task.WaitFor(ctx, running, limit)))
				check.Equal(t, "the task has cleaned up", cleaned, true)
				check.Equal(t, "the task is cancelled", running.Cancelled(), true)
				check.Equal(t, "time", elapsed(ctx), time.Second)
			})
		})
	}
}

// WaitFor does not return before what it cancels has ended, in whatever way.
func TestWaitForEndsAsWhatItCancelsDoes(t *testing.T) {
	tests := []struct {
		name string
		end  func(cancelled error) (int, error)
		want int
		err  error // nil with want 0: a timeout
	}{
		{"in a cancellation", func(err error) (int, error) { return 0, err }, 0, nil},
		{"in a result", func(error) (int, error) { return 42, nil }, 42, nil},
		{"in another error", func(error) (int, error) { return 0, errTest }, 0, errTest},
	}
	for _, test := range tests {
		for _, kind := range []string{"task", "coroutine", "task without time"} {
			t.Run(test.name+"/"+kind, func(t *testing.T) {
				runTest(t, func(ctx context.Context) {
					aw := future.Awaitable[int](lingers(test.end))
					limit, end := time.Second, 2*time.Second
					var inner *intTask
					if kind != "coroutine" {
						inner = task.Create(ctx, lingers(test.end))
						aw = inner
						tick(ctx)
					}
					if kind == "task without time" {
						limit, end = 0, time.Second
					}
					v, err := task.WaitFor(ctx, aw, limit)
					if inner != nil {
						check.Equal(t, "the task is done", inner.Done(), true)
						check.Equal(t, "the task is cancelled", inner.Cancelled(), test.err == nil && test.want == 0)
					}
					switch {
					case test.err != nil:
						check.Equal(t, "error", err, test.err)
					case test.want != 0:
						check.NoError(t, err)
						check.Equal(t, "result", v, test.want)
					default:
						expired(t, err)
					}
					check.Equal(t, "time", elapsed(ctx), end)
					check.Equal(t, "requests left", task.Current(ctx).Cancelling(), 0)
				})
			})
		}
	}
}

func TestWaitForThatIsCancelled(t *testing.T) {
	for name, limit := range map[string]time.Duration{"with a limit": time.Hour, "forever": task.Forever} {
		t.Run(name, func(t *testing.T) {
			runTest(t, func(ctx context.Context) {
				inner := task.Create(ctx, lingers(func(err error) (int, error) { return 0, err }))
				outer := task.Create(ctx, func(ctx context.Context) (int, error) { return task.WaitFor(ctx, inner, limit) })
				ticks(ctx, 2)
				outer.Cancel("stop")
				check.Cancelled(t, second(outer.Await(ctx)), "stop")
				check.Equal(t, "inner task is cancelled", inner.Cancelled(), true)
				check.Equal(t, "outer task is cancelled", outer.Cancelled(), true)
				check.Equal(t, "time", elapsed(ctx), time.Second) // it has waited for the inner one
			})
		})
	}
	t.Run("while the coroutine ignores it", func(t *testing.T) {
		runTest(t, func(ctx context.Context) {
			outer := task.Create(ctx, func(ctx context.Context) (int, error) {
				return task.WaitFor(ctx, lingers(func(error) (int, error) { return 1, nil }), time.Hour)
			})
			tick(ctx)
			outer.Cancel()
			gives(t, ctx, outer, 1)
			check.Equal(t, "time", elapsed(ctx), time.Second)
		})
	})
}

func TestWaitForThatIsCancelledWhenTheResultIsThere(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		inner := newFuture[string](ctx)
		reached := false
		outer := task.Create(ctx, func(ctx context.Context) (string, error) {
			v, err := task.WaitFor[string](ctx, inner, time.Second)
			reached = err == nil
			return v, err
		})
		tick(ctx)
		check.NoError(t, inner.SetResult("done"))
		outer.Cancel() // the task is runnable, and has not run yet
		check.Cancelled(t, second(outer.Await(ctx)), "")
		check.Equal(t, "the code behind it was reached", reached, false)
		gives[string](t, ctx, inner, "done")
	})
}

func TestWaitForOfAShieldedTask(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		for _, limit := range []time.Duration{0, time.Second} {
			inner := task.Create(ctx, returns(time.Minute, "done"))
			shield := task.Shield[string](ctx, inner)
			expired(t, second(task.WaitFor(ctx, shield, limit)))
			check.Equal(t, "shield is cancelled", shield.Cancelled(), true)
			check.Equal(t, "inner task is done", inner.Done(), false)
			check.Equal(t, "inner task is being cancelled", inner.Cancelling(), 0)
			gives(t, ctx, inner, "done")
		}
		v, err := task.WaitFor(ctx, task.Shield(ctx, returns(time.Minute, "done")), task.Forever)
		check.NoError(t, err)
		check.Equal(t, "result", v, "done")
	})
}

func TestWaitForInAContextThatEnds(t *testing.T) {
	for name, limit := range map[string]time.Duration{"with a limit": time.Hour, "forever": task.Forever} {
		t.Run(name, func(t *testing.T) {
			runTest(t, func(ctx context.Context) {
				defer loop.Running(ctx).Hold()() // the news comes from a goroutine of package context
				limited, cancel := context.WithCancelCause(ctx)
				loop.Running(ctx).CallSoon(func() { cancel(errTest) })
				f := newFuture[int](ctx)
				err := second(task.WaitFor[int](limited, f, limit))
				check.Is(t, err, errTest)
				check.Equal(t, "the error is a timeout", errors.Is(err, future.ErrTimeout), false)
				check.Equal(t, "what was awaited is cancelled", f.Cancelled(), true)
			})
		})
	}
}

func TestWaitForMisuse(t *testing.T) {
	check.Is(t, second(task.WaitFor(context.Background(), returns(0, 1), time.Second)), future.ErrNoTask, "WaitFor")
	runTest(t, func(ctx context.Context) {
		check.Is(t, second(task.WaitFor[int](ctx, nil, time.Second)), task.ErrNilCoroutine, "WaitFor")
		other := task.Go(ctx, sleepsLong)
		for _, limit := range []time.Duration{0, time.Second, task.Forever} {
			check.Is(t, second(task.WaitFor[int](other.Context(), newFuture[int](ctx), limit)), task.ErrNotCurrent)
		}
		other.Cancel()
		tick(ctx)
	})
}
