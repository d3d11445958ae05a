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

type (
	intFuture = future.Future[int]
	awaitable = future.Awaitable[int]
	outcome   = future.Outcome[int]
)

func futures(ctx context.Context, n int) []*intFuture {
	fs := make([]*intFuture, n)
	for i := range fs {
		fs[i] = newFuture[int](ctx)
	}
	return fs
}

// asArguments makes the futures arguments of a gather: themselves, or coroutines
// that await them.
var asArguments = map[string]func(fs []*intFuture) []awaitable{
	"futures": func(fs []*intFuture) (aws []awaitable) {
		for _, f := range fs {
			aws = append(aws, f)
		}
		return aws
	},
	"coroutines": func(fs []*intFuture) (aws []awaitable) {
		for _, f := range fs {
			aws = append(aws, waits[int](f))
		}
		return aws
	},
}

// forArguments runs a test for both kinds of arguments.
func forArguments(t *testing.T, n int, test func(t *testing.T, ctx context.Context, fs []*intFuture, aws []awaitable)) {
	for name, arguments := range asArguments {
		t.Run(name, func(t *testing.T) {
			runTest(t, func(ctx context.Context) {
				fs := futures(ctx, n)
				test(t, ctx, fs, arguments(fs))
			})
		})
	}
}

// settle lets news pass from a future through a task to a gather.
func settle(ctx context.Context) { ticks(ctx, 4) }

// countCallbacks counts how often f's callback is called.
func countCallbacks(f future.Waitable) *int {
	n := new(int)
	f.AddDoneCallback(func() { *n++ })
	return n
}

func TestGatherGivesResultsInTheOrderOfTheArguments(t *testing.T) {
	forArguments(t, 3, func(t *testing.T, ctx context.Context, fs []*intFuture, aws []awaitable) {
		all := task.Gather(ctx, aws...)
		called := countCallbacks(all)
		settle(ctx)
		for _, step := range []struct{ index, value int }{{1, 1}, {0, 2}, {2, 3}} {
			check.Equal(t, "done", all.Done(), false)
			check.NoError(t, fs[step.index].SetResult(step.value))
			settle(ctx)
		}
		check.Equal(t, "done", all.Done(), true)
		check.Equal(t, "cancelled", all.Cancelled(), false)
		gives(t, ctx, all, []int{2, 1, 3})
		check.Equal(t, "callbacks", *called, 1)
	})
}

func TestGatherSettledWithoutFailuresGivesResults(t *testing.T) {
	forArguments(t, 3, func(t *testing.T, ctx context.Context, fs []*intFuture, aws []awaitable) {
		all := task.GatherSettled(ctx, aws...)
		called := countCallbacks(all)
		settle(ctx)
		for _, step := range []struct{ index, value int }{{1, 1}, {0, 2}, {2, 3}} {
			check.Equal(t, "done", all.Done(), false)
			check.NoError(t, fs[step.index].SetResult(step.value))
			settle(ctx)
		}
		gives(t, ctx, all, []outcome{{Value: 2}, {Value: 1}, {Value: 3}})
		check.Equal(t, "callbacks", *called, 1)
	})
}

func TestGatherFailsWithTheFirstException(t *testing.T) {
	forArguments(t, 5, func(t *testing.T, ctx context.Context, fs []*intFuture, aws []awaitable) {
		got := check.Collect(loop.Running(ctx))
		all := task.Gather(ctx, aws...)
		called := countCallbacks(all)
		settle(ctx)
		check.NoError(t, fs[0].SetResult(1))
		check.NoError(t, fs[1].SetException(errTest))
		settle(ctx)
		check.Equal(t, "done", all.Done(), true)
		check.Equal(t, "the same error", all.Err(), errTest)
		check.Equal(t, "the others", fs[2].Done() || fs[3].Done() || fs[4].Done(), false)
		// What becomes of the others is of no interest any more.
		check.NoError(t, fs[2].SetResult(3))
		fs[3].Cancel()
		check.NoError(t, fs[4].SetException(errors.New("another one")))
		settle(ctx)
		check.Equal(t, "callbacks", *called, 1)
		check.Equal(t, "the late exception is taken as seen", fs[4].Retrieved(), true)
		check.Equal(t, "reports", got.Messages(), []string{})
	})
}

func TestGatherSettledMakesErrorsOutcomes(t *testing.T) {
	forArguments(t, 4, func(t *testing.T, ctx context.Context, fs []*intFuture, aws []awaitable) {
		all := task.GatherSettled(ctx, aws...)
		called := countCallbacks(all)
		settle(ctx)
		other := errors.New("other")
		for _, step := range []func() error{
			func() error { return fs[1].SetResult(1) },
			func() error { return fs[2].SetException(errTest) },
			func() error { return fs[0].SetResult(3) },
			func() error { return fs[3].SetException(other) },
		} {
			check.Equal(t, "done", all.Done(), false)
			check.NoError(t, step())
			settle(ctx)
		}
		gives(t, ctx, all, []outcome{{Value: 3}, {Value: 1}, {Err: errTest}, {Err: other}})
		check.Equal(t, "callbacks", *called, 1)
	})
}

func TestGatherOfNothingIsDone(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		all := task.Gather(ctx, []*intFuture{}...)
		check.Equal(t, "done", all.Done(), true)
		check.Equal(t, "loop", all.Loop(), loop.Running(ctx))
		gives(t, ctx, all, []int{})
		gives(t, ctx, task.GatherSettled(ctx, []*intFuture{}...), []outcome{})
	})
}

func TestGatherBelongsToTheLoopOfItsContext(t *testing.T) {
	l := newTestLoop(t)
	check.Collect(l)
	ctx := loop.NewContext(context.Background(), l)
	f := future.New[int](l)
	all := task.Gather(ctx, f)
	again := task.Gather(ctx, f) // the same one again
	check.Equal(t, "loop", all.Loop(), l)
	check.Equal(t, "loop of coroutines'", task.Gather(ctx, returns(0, 1)).Loop(), l)
	check.NoError(t, f.SetResult(1))
	for _, g := range []*future.Future[[]int]{all, again} {
		got, err := task.RunUntilComplete(l, g)
		check.NoError(t, err)
		check.Equal(t, "result", got, []int{1})
	}
}

func TestGatherWithACancelledArgumentIsNotCancelledItself(t *testing.T) {
	forArguments(t, 2, func(t *testing.T, ctx context.Context, fs []*intFuture, aws []awaitable) {
		all := task.Gather(ctx, aws...)
		called := countCallbacks(all)
		settle(ctx)
		fs[0].Cancel()
		settle(ctx)
		check.Equal(t, "done", all.Done(), true)
		check.Equal(t, "cancelled", all.Cancelled(), false)
		check.Cancelled(t, all.Err(), "")
		check.Equal(t, "the other one", fs[1].Done(), false)
		check.NoError(t, fs[1].SetException(errTest))
		settle(ctx)
		check.Equal(t, "callbacks", *called, 1)
	})
}

func TestGatherSettledMakesCancellationsOutcomes(t *testing.T) {
	forArguments(t, 6, func(t *testing.T, ctx context.Context, fs []*intFuture, aws []awaitable) {
		all := task.GatherSettled(ctx, aws...)
		called := countCallbacks(all)
		settle(ctx)
		check.NoError(t, fs[0].SetResult(1))
		fs[1].Cancel()
		fs[2].Cancel()
		check.NoError(t, fs[3].SetException(errTest))
		fs[4].Cancel()
		settle(ctx)
		check.Equal(t, "done", all.Done(), false)
		check.NoError(t, fs[5].SetResult(3))
		settle(ctx)
		got, err := all.Await(ctx)
		check.NoError(t, err)
		check.Equal(t, "results", []int{got[0].Value, got[5].Value}, []int{1, 3})
		check.Equal(t, "error", got[3].Err, errTest)
		for _, i := range []int{1, 2, 4} {
			check.Cancelled(t, got[i].Err, "")
		}
		check.Equal(t, "callbacks", *called, 1)
	})
}

func TestGatherTakesAFutureThatIsGivenTwiceForOne(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		started := 0
		abc := task.Create(ctx, func(context.Context) (string, error) {
			started++
			return "abc", nil
		})
		def := task.Create(ctx, returns(time.Second, "def"))
		gives(t, ctx, task.Gather(ctx, abc, abc, def, abc), []string{"abc", "abc", "def", "abc"})
		check.Equal(t, "started", started, 1)
		gives(t, ctx, task.Gather(ctx, abc, def, abc), []string{"abc", "def", "abc"}) // done
	})
}

func TestGatherCancelsItsArgumentsWithTheTaskThatAwaitsIt(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		f := newFuture[int](ctx)
		var all *future.Future[[]int]
		first, second := task.Create(ctx, waits[int](f)), task.Create(ctx, waits[int](f))
		outer := task.Create(ctx, func(ctx context.Context) ([]int, error) {
			all = task.Gather(ctx, first, second)
			return all.Await(ctx)
		})
		settle(ctx)
		check.Equal(t, "Cancel", outer.Cancel("msg"), true)
		_, err := outer.Await(ctx)
		check.Cancelled(t, err, "msg")
		check.Equal(t, "the arguments", []bool{first.Cancelled(), second.Cancelled(), f.Cancelled()}, []bool{true, true, true})
		check.Equal(t, "the task", outer.Cancelled(), true)
		check.Equal(t, "the gather itself", all.Cancelled(), false)
		check.Equal(t, "Cancel again", all.Cancel(), false)
	})
}

// The argument is done, its callback is yet to come.
func TestGatherWhoseArgumentsAreDoneRefusesCancel(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		f := newFuture[int](ctx)
		all := task.Gather(ctx, f)
		check.NoError(t, f.SetResult(42))
		check.Equal(t, "done", all.Done(), false)
		check.Equal(t, "Cancel", all.Cancel(), false)
		gives(t, ctx, all, []int{42})
		check.Equal(t, "cancelled", all.Cancelled(), false)
	})
}

func TestGatherSettledLetsItsOwnCancellationOut(t *testing.T) {
	for _, message := range []string{"", "my message"} {
		t.Run("message "+message, func(t *testing.T) {
			runTest(t, func(ctx context.Context) {
				tk := task.Create(ctx, func(ctx context.Context) (int, error) {
					for {
						if _, err := task.GatherSettled(ctx, returns(time.Second, 1)).Await(ctx); err != nil {
							return 0, err
						}
					}
				})
				check.NoError(t, task.Sleep(ctx, 1500*time.Millisecond))
				tk.Cancel(message)
				_, err := tk.Await(ctx)
				check.Cancelled(t, err, message)
			})
		})
	}
}

func TestGatherThatFailedTakesLaterExceptionsAsSeen(t *testing.T) {
	l := newTestLoop(t)
	got := check.Collect(l)
	check.RunOn(t, l, func(ctx context.Context) {
		late := task.Create(ctx, fails[int](2*time.Second, errors.New("late")))
		all := task.Gather(ctx, task.Create(ctx, fails[int](time.Second, errTest)), late)
		_, err := all.Await(ctx)
		check.Is(t, err, errTest)
		check.Equal(t, "the other one", late.Done(), false)
		check.NoError(t, task.Sleep(ctx, time.Minute))
		check.Equal(t, "the late exception is taken as seen", late.Done() && late.Retrieved(), true)
		check.Equal(t, "the first one stays", all.Err(), errTest)
		check.Equal(t, "reports", len(collected(ctx, got)), 0)
	})
}

// gathersSlice checks that Gather and GatherSettled take a slice of that type as it
// is, given five things of which the second fails, or the first three of them.
func gathersSlice[A future.Awaitable[int]](t *testing.T, name string, five func(ctx context.Context) []A) {
	t.Run(name, func(t *testing.T) {
		runTest(t, func(ctx context.Context) {
			gives(t, ctx, task.GatherSettled(ctx, five(ctx)...), []outcome{{Value: 1}, {Err: errTest}, {Value: 3}, {Value: 4}, {Value: 5}})
			check.Is(t, second(task.Gather(ctx, five(ctx)...).Await(ctx)), errTest)
			all := five(ctx)
			gives(t, ctx, task.Gather(ctx, all[2:]...), []int{3, 4, 5})
			gives(t, ctx, task.GatherSettled(ctx, all[:2]...), []outcome{{Value: 1}, {Err: errTest}})
			gives(t, ctx, task.Gather(ctx, all[:0]...), []int{})
			gives(t, ctx, task.GatherSettled(ctx, all[:0]...), []outcome{})
			check.NoError(t, task.Sleep(ctx, time.Minute)) // those that the second gather has left
		})
	})
}

func TestGatherOfASlice(t *testing.T) {
	coroutines := []task.Coroutine[int]{
		returns(2*time.Second, 1), fails[int](time.Second, errTest), returns(0, 3), returns(time.Second, 4), returns(0, 5),
	}
	tasks := func(ctx context.Context) (all []*intTask) {
		for _, coro := range coroutines {
			all = append(all, task.Create(ctx, coro))
		}
		return all
	}
	gathersSlice(t, "of coroutines", func(context.Context) []task.Coroutine[int] { return coroutines })
	gathersSlice(t, "of tasks", tasks)
	gathersSlice(t, "of futures", func(ctx context.Context) []*intFuture {
		all := futures(ctx, 5)
		for i, f := range all {
			loop.Running(ctx).CallLater(time.Second, func() {
				if i == 1 {
					check.NoError(t, f.SetException(errTest))
				} else {
					check.NoError(t, f.SetResult(i+1))
				}
			})
		}
		return all
	})
	gathersSlice(t, "of shields", func(ctx context.Context) (all []future.Typed[int]) {
		for _, tk := range tasks(ctx) {
			all = append(all, task.Shield(ctx, tk))
		}
		return all
	})
	gathersSlice(t, "of awaitables of its own type", func(context.Context) (all []delegate) {
		for _, coro := range coroutines {
			all = append(all, delegate{coro})
		}
		return all
	})
	gathersSlice(t, "of a mixture", func(ctx context.Context) []awaitable {
		f := newFuture[int](ctx)
		loop.Running(ctx).CallLater(time.Second, func() { check.NoError(t, f.SetResult(1)) })
		all := tasks(ctx)
		return []awaitable{f, all[1], task.Shield(ctx, all[2]), coroutines[3], delegate{coroutines[4]}}
	})
}

func TestGatherOfGathers(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		gives(t, ctx, task.Gather(ctx,
			task.Gather(ctx, returns(time.Second, 1), returns(0, 2)),
			task.Gather(ctx, returns(0, 3)),
		), [][]int{{1, 2}, {3}})
		gives(t, ctx, task.Gather(ctx, task.GatherSettled(ctx, fails[int](0, errTest))), [][]outcome{{{Err: errTest}}})
	})
}

// A slice of tasks stays what it was.
func TestGatherLeavesItsSliceAlone(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		a, b := task.Create(ctx, returns(0, 1)), task.Create(ctx, returns(0, 2))
		given := []*intTask{b, a, b}
		gives(t, ctx, task.Gather(ctx, given...), []int{2, 1, 2})
		check.Equal(t, "the slice", given, []*intTask{b, a, b})
	})
}

func TestGatherMakesTasksOfWhatIsNoFuture(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		before := len(task.All(ctx))
		tk, f := task.Create(ctx, returns(0, 1)), newFuture[int](ctx)
		all := task.Gather(ctx, []awaitable{tk, f, returns(0, 3), answer{}, returns(0, 5)}...)
		check.Equal(t, "tasks", len(task.All(ctx)), before+1+3)
		check.NoError(t, f.SetResult(2))
		gives(t, ctx, all, []int{1, 2, 3, 42, 5})
	})
}

// answer is an awaitable of somebody else.
type answer struct{}

func (answer) Await(ctx context.Context) (int, error) { return 42, task.Yield(ctx) }

// delegate is one that awaits another one.
type delegate struct{ to awaitable }

func (d delegate) Await(ctx context.Context) (int, error) { return d.to.Await(ctx) }

func TestGatherWatchesAFutureThatIsGivenAgainLaterOnce(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		f, g := newFuture[int](ctx), newFuture[int](ctx)
		all := task.Gather(ctx, f, g, f)
		check.Equal(t, "the future", f.String(), "<Future pending cb=[gather]>")
		check.NoError(t, f.SetResult(1))
		check.NoError(t, g.SetResult(2))
		gives(t, ctx, all, []int{1, 2, 1})
	})
}

// The error of a cancellation is handed out once. A gather that has failed leaves it to
// others.
func TestGatherThatFailedLeavesLaterCancellationsAlone(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		tk := task.Go(ctx, sleepsLong)
		failing := task.Go(ctx, func(context.Context) error { return errTest })
		all := task.Gather(ctx, tk, failing)
		check.Is(t, second(all.Await(ctx)), errTest)
		tk.Cancel("tea")
		ticks(ctx, 3) // the gather has learnt of it
		_, err := tk.Await(ctx)
		check.Cancelled(t, err, "tea")
	})
}

func TestGatherMadeWithAContextThatEndsIsCancelled(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		derived, cancel := context.WithCancel(ctx)
		g := task.Gather(derived, returns(time.Hour, 1))
		tick(ctx)
		cancel()
		check.Is(t, second(g.Await(ctx)), future.ErrCancelled)
		check.Equal(t, "time", elapsed(ctx), time.Duration(0))
	})
}

func TestGatherOfWhatIsDoneIsDoneAtOnce(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		done, pending := newFuture[int](ctx), newFuture[int](ctx)
		check.NoError(t, done.SetResult(1))
		check.Equal(t, "done", task.Gather(ctx, done).Done(), true)
		g := task.Gather(ctx, done, pending)
		ticks(ctx, 3)
		check.Equal(t, "done before the other one is", g.Done(), false)
		check.NoError(t, pending.SetResult(2))
		gives(t, ctx, g, []int{1, 2})
	})
}
