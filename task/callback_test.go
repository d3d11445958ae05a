package task_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// What waits for a future is named by asyncio's words, in the order in which it came.
func TestDescriptionOfAFutureNamesWhatWaitsForIt(t *testing.T) {
	gather := func(ctx context.Context, f *intFuture) error { return task.Join(ctx, task.Gather(ctx, f)) }
	wait := func(ctx context.Context, f *intFuture) error {
		_, _, err := task.Wait(ctx, []*intFuture{f})
		return err
	}
	for _, test := range []struct {
		name  string
		waits []func(ctx context.Context, f *intFuture) error
		want  string
	}{
		{"nobody", nil, ""},
		{"an await", []func(ctx context.Context, f *intFuture) error{func(ctx context.Context, f *intFuture) error {
			return second(f.Await(ctx))
		}}, "Task.wakeup(waiter 0)"},
		{"Gather", []func(ctx context.Context, f *intFuture) error{gather}, "gather"},
		{"Gather, given the same one twice", []func(ctx context.Context, f *intFuture) error{func(ctx context.Context, f *intFuture) error {
			return task.Join(ctx, task.Gather(ctx, f, f))
		}}, "gather"},
		{"GatherSettled", []func(ctx context.Context, f *intFuture) error{func(ctx context.Context, f *intFuture) error {
			return task.Join(ctx, task.GatherSettled(ctx, f))
		}}, "gather"},
		{"Wait", []func(ctx context.Context, f *intFuture) error{wait}, "wait"},
		{"AsCompleted", []func(ctx context.Context, f *intFuture) error{func(ctx context.Context, f *intFuture) error {
			for _, err := range task.AsCompleted(ctx, []*intFuture{f}) {
				return err
			}
			return nil
		}}, "as_completed"},
		{"Shield", []func(ctx context.Context, f *intFuture) error{func(ctx context.Context, f *intFuture) error {
			return second(task.Shield(ctx, f).Await(ctx))
		}}, "shield"},
		{"WaitFor", []func(ctx context.Context, f *intFuture) error{func(ctx context.Context, f *intFuture) error {
			return second(task.WaitFor(ctx, f, time.Hour)) // it awaits in the task itself
		}}, "Task.wakeup(waiter 0)"},
		{"two", []func(ctx context.Context, f *intFuture) error{wait, gather}, "wait, gather"},
		{"many", []func(ctx context.Context, f *intFuture) error{wait, gather, gather, gather}, "wait, <2 more>, gather"},
	} {
		t.Run(test.name, func(t *testing.T) {
			runTest(t, func(ctx context.Context) {
				f := newFuture[int](ctx)
				var waiters []*task.Task[struct{}]
				for i, wait := range test.waits {
					waiters = append(waiters, task.Go(ctx, func(ctx context.Context) error { return wait(ctx, f) }, task.Name(fmt.Sprint("waiter ", i))))
				}
				tick(ctx)
				want := "<Future pending>"
				if test.want != "" {
					want = "<Future pending cb=[" + test.want + "]>"
				}
				check.Equal(t, "description", f.String(), want)
				check.NoError(t, f.SetResult(1))
				check.Equal(t, "description afterwards", f.String(), "<Future finished result=1>")
				for _, waiter := range waiters {
					check.NoError(t, waiter.Join(ctx))
				}
			})
		})
	}
}

func TestDescriptionOfAShieldNamesWhatWaitsForIt(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		f := newFuture[int](ctx)
		outer := task.Shield(ctx, f)
		check.Equal(t, "the shield", fmt.Sprint(outer), "<Future pending cb=[shield]>")
		waiter := task.Create(ctx, outer.Await, task.Name("w"))
		tick(ctx)
		check.Equal(t, "the shield", fmt.Sprint(outer), "<Future pending cb=[shield, Task.wakeup(w)]>")
		check.NoError(t, f.SetResult(1))
		gives(t, ctx, waiter, 1)
	})
}

func TestDescriptionOfAGather(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		f := newFuture[int](ctx)
		all := task.Gather(ctx, f)
		check.Equal(t, "pending", all.String(), "<GatheringFuture pending>")
		w := task.Create(ctx, all.Await, task.Name("w"))
		tick(ctx)
		check.Equal(t, "awaited", all.String(), "<GatheringFuture pending cb=[Task.wakeup(w)]>")
		check.NoError(t, f.SetException(errTest))
		tick(ctx)
		check.Equal(t, "failed", all.String(), `<GatheringFuture finished exception="test error">`)
		check.Is(t, second(w.Await(ctx)), errTest)
	})
}

// describes checks that the description of a task tells of one callback, that one.
func describes(t testing.TB, tk task.Any, callback string) {
	t.Helper()
	if text := tk.String(); !strings.HasSuffix(text, " cb=["+callback+"]>") {
		t.Errorf("the callback of %s is not %s", text, callback)
	}
}

func TestDescriptionOfATaskNamesWhatWaitsForIt(t *testing.T) {
	t.Run("Group", func(t *testing.T) {
		runTest(t, func(ctx context.Context) {
			check.NoError(t, task.WithGroup(ctx, func(_ context.Context, g *task.Group) error {
				describes(t, g.Go(task.Yield), "TaskGroup")
				describes(t, task.CreateIn(g, returns(0, 1)), "TaskGroup")
				return nil
			}))
		})
	})
	t.Run("StaggeredRace", func(t *testing.T) {
		runTest(t, func(ctx context.Context) {
			_, _, _, err := task.StaggeredRace(ctx, []task.Coroutine[int]{func(ctx context.Context) (int, error) {
				describes(t, task.Current(ctx), "staggered_race")
				return 1, nil
			}}, task.Forever)
			check.NoError(t, err)
		})
	})
	t.Run("WaitFor, once the time is over", func(t *testing.T) {
		runTest(t, func(ctx context.Context) {
			slow := task.Go(ctx, func(ctx context.Context) error {
				check.Cancelled(t, sleepsLong(ctx), "")
				describes(t, task.Current(ctx), "wait_for")
				return nil
			})
			tick(ctx)
			check.NoError(t, second(task.WaitFor(ctx, slow, 0)))
		})
	})
	t.Run("RunUntilComplete", func(t *testing.T) {
		check.RunOn(t, newTestLoop(t), func(ctx context.Context) { describes(t, task.Current(ctx), "run_until_complete") })
	})
	t.Run("Main", func(t *testing.T) {
		check.NoError(t, task.Main(context.Background(), func(ctx context.Context) error {
			describes(t, task.Current(ctx), "run_until_complete")
			return nil
		}))
	})
	t.Run("RunCoroutineThreadsafe", func(t *testing.T) {
		l := newTestLoop(t)
		result := task.RunCoroutineThreadsafe(l, func(ctx context.Context) (int, error) {
			describes(t, task.Current(ctx), "run_coroutine_threadsafe")
			return 1, nil
		})
		check.NoError(t, second(task.RunUntilComplete(l, returns(time.Second, 0))))
		v, err := result.Result(context.Background())
		check.NoError(t, err)
		check.Equal(t, "result", v, 1)
	})
	t.Run("Create", func(t *testing.T) {
		runTest(t, func(ctx context.Context) {
			tk := task.Go(ctx, task.Yield)
			check.Equal(t, "callbacks", strings.Contains(tk.String(), "cb="), false)
			check.NoError(t, tk.Join(ctx))
		})
	})
}

func TestDescriptionOfACallInAnExecutor(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		begin := make(chan struct{})
		f := task.RunInExecutor(loop.Running(ctx), nil, func() (int, error) {
			<-begin
			return 1, nil
		})
		check.Equal(t, "description", f.String(), "<Future pending cb=[run_in_executor]>")
		close(begin)
		gives(t, ctx, f, 1)
	})
}
