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

func TestStaggeredRaceOfNobodyHasNoWinner(t *testing.T) {
	onBothStarts(t, func(t *testing.T, ctx context.Context) {
		_, index, errs, err := task.StaggeredRace[int](ctx, nil, time.Second)
		isGroupOf(t, err)
		check.Equal(t, "text", err.Error(), "no coroutine won the staggered race (0 sub-exceptions)")
		check.Equal(t, "index", index, -1)
		check.Equal(t, "errors", len(errs), 0)
	})
}

func TestStaggeredRaceEndsWithTheFirstSuccess(t *testing.T) {
	never := func(context.Context) (string, error) { panic("the second coroutine was started") }
	onBothStarts(t, func(t *testing.T, ctx context.Context) {
		winner, index, errs, err := task.StaggeredRace(ctx, []task.Coroutine[string]{returns(0, "first"), never}, task.Forever)
		check.NoError(t, err)
		check.Equal(t, "winner", winner, "first")
		check.Equal(t, "index", index, 0)
		check.Equal(t, "errors", errs, []error{nil})
		check.Equal(t, "tasks left", len(task.All(ctx)), 1)
	})
}

func TestStaggeredRaceStartsTheNextOneAfterAFailure(t *testing.T) {
	for name, delay := range map[string]time.Duration{"only then": task.Forever, "before the delay": time.Hour} {
		t.Run(name, func(t *testing.T) {
			onBothStarts(t, func(t *testing.T, ctx context.Context) {
				winner, index, errs, err := task.StaggeredRace(ctx,
					[]task.Coroutine[string]{fails[string](time.Second, errTest), returns(time.Second, "second")}, delay)
				check.NoError(t, err)
				check.Equal(t, "winner", winner, "second")
				check.Equal(t, "index", index, 1)
				check.Equal(t, "errors", errs, []error{errTest, nil})
				check.Equal(t, "time", elapsed(ctx), 2*time.Second)
			})
		})
	}
}

func TestStaggeredRaceStartsTheNextOneAfterTheDelay(t *testing.T) {
	onBothStarts(t, func(t *testing.T, ctx context.Context) {
		winner, index, errs, err := task.StaggeredRace(ctx,
			[]task.Coroutine[string]{returns(time.Hour, "first"), returns(time.Second, "second")}, 250*time.Millisecond)
		check.NoError(t, err)
		check.Equal(t, "winner", winner, "second")
		check.Equal(t, "index", index, 1)
		check.Equal(t, "number of errors", len(errs), 2)
		check.Cancelled(t, errs[0], "")
		check.NoError(t, errs[1])
		check.Equal(t, "time", elapsed(ctx), 1250*time.Millisecond)
	})
}

func TestStaggeredRaceWithoutDelayStartsThemAllAtOnce(t *testing.T) {
	onBothStarts(t, func(t *testing.T, ctx context.Context) {
		_, index, errs, err := task.StaggeredRace(ctx,
			[]task.Coroutine[int]{returns(3*time.Second, 0), returns(time.Second, 1), returns(2*time.Second, 2)}, 0)
		check.NoError(t, err)
		check.Equal(t, "index", index, 1)
		check.Equal(t, "number of errors", len(errs), 3)
		check.Equal(t, "time", elapsed(ctx), time.Second)
	})
}

func TestStaggeredRaceInWhichAllFailHasNoWinner(t *testing.T) {
	other := errors.New("another error")
	onBothStarts(t, func(t *testing.T, ctx context.Context) {
		winner, index, errs, err := task.StaggeredRace(ctx,
			[]task.Coroutine[int]{fails[int](0, errTest), fails[int](0, other)}, task.Forever)
		isGroupOf(t, err, errTest, other)
		check.Equal(t, "text", err.Error(), "no coroutine won the staggered race (2 sub-exceptions): test error; another error")
		check.Equal(t, "winner", winner, 0)
		check.Equal(t, "index", index, -1)
		check.Equal(t, "errors", errs, []error{errTest, other})
		errs[0] = nil // they are the caller's, and the group has its own
		isGroupOf(t, err, errTest, other)
	})
}

// That every coroutine gave itself up does not make the race a cancelled one.
func TestStaggeredRaceOfCoroutinesThatGiveUpIsNotCancelled(t *testing.T) {
	onBothStarts(t, func(t *testing.T, ctx context.Context) {
		_, index, _, err := task.StaggeredRace(ctx, []task.Coroutine[int]{fails[int](0, future.ErrCancelled)}, task.Forever)
		isGroupOf(t, err, future.ErrCancelled)
		check.Equal(t, "cancelled", future.IsCancelled(err), false)
		check.Equal(t, "index", index, -1)
	})
}

func TestStaggeredRaceTakesAPanicForAFailure(t *testing.T) {
	onBothStarts(t, func(t *testing.T, ctx context.Context) {
		winner, _, errs, err := task.StaggeredRace(ctx, []task.Coroutine[int]{
			func(context.Context) (int, error) { panic(errTest) },
			returns(0, 7),
		}, task.Forever)
		check.NoError(t, err)
		check.Equal(t, "winner", winner, 7)
		var p *task.PanicError
		if !errors.As(errs[0], &p) {
			t.Errorf("got %v, want a PanicError", errs[0])
		}
	})
}

func TestStaggeredRaceHasOneWinnerOfTwoThatAreReadyTogether(t *testing.T) {
	onBothStarts(t, func(t *testing.T, ctx context.Context) {
		gun := newFuture[int](ctx)
		started := 0
		run := func(n int) task.Coroutine[int] {
			return func(ctx context.Context) (int, error) {
				mine := newFuture[int](ctx)
				gun.AddDoneCallback(func() { _ = mine.SetResult(0) })
				if started++; started == 2 {
					check.NoError(t, gun.SetResult(0))
				}
				_, err := mine.Await(ctx)
				return n, err
			}
		}
		_, index, errs, err := task.StaggeredRace(ctx, []task.Coroutine[int]{run(0), run(1)}, 0)
		check.NoError(t, err)
		check.Equal(t, "number of errors", len(errs), 2)
		check.Equal(t, "index", index, 0)
		check.NoError(t, errs[0])
		check.Cancelled(t, errs[1], "")
	})
}

func TestStaggeredRaceIgnoresALoserThatIgnoresItsCancellation(t *testing.T) {
	onBothStarts(t, func(t *testing.T, ctx context.Context) {
		stubborn := func(ctx context.Context) (string, error) {
			_ = task.Sleep(ctx, time.Hour)
			_ = task.Sleep(ctx, time.Second)
			return "stubborn", nil
		}
		winner, index, errs, err := task.StaggeredRace(ctx, []task.Coroutine[string]{stubborn, returns(0, "winner")}, time.Second)
		check.NoError(t, err)
		check.Equal(t, "winner", winner, "winner")
		check.Equal(t, "index", index, 1)
		check.Cancelled(t, errs[0], "")
		check.Equal(t, "the race waits for the loser until", elapsed(ctx), 2*time.Second)
	})
}

func TestStaggeredRaceForwardsEachCancellationAndWaits(t *testing.T) {
	onBothStarts(t, func(t *testing.T, ctx context.Context) {
		var log []string
		held := newFuture[struct{}](ctx)
		stubborn := func(ctx context.Context) (int, error) {
			for range 3 {
				_, err := task.Shield(ctx, held).Await(ctx)
				var c *future.CancelledError
				if errors.As(err, &c) {
					log = append(log, c.Message)
				}
			}
			return 0, &future.CancelledError{}
		}
		race := task.Go(ctx, func(ctx context.Context) error {
			_, _, _, err := task.StaggeredRace(ctx, []task.Coroutine[int]{stubborn}, task.Forever)
			return err
		})
		ticks(ctx, 5)
		for _, message := range []string{"one", "two", "three"} {
			check.Equal(t, "the race is over", race.Done(), false)
			race.Cancel(message)
			ticks(ctx, 5)
		}
		check.Cancelled(t, race.Err(), "three")
		check.Equal(t, "what the coroutine got", log, []string{"one", "two", "three"})
		check.Equal(t, "tasks left", len(task.All(ctx)), 1)
	})
}

func TestStaggeredRaceEndsWithTheContext(t *testing.T) {
	runTest(t, func(ctx context.Context) {
		limited, cancel := context.WithCancelCause(ctx)
		loop.Running(ctx).CallSoon(func() { cancel(errTest) })
		_, index, _, err := task.StaggeredRace(limited, []task.Coroutine[struct{}]{waits(newFuture[struct{}](ctx))}, task.Forever)
		check.Is(t, err, errTest)
		check.Equal(t, "index", index, -1)
		check.Equal(t, "tasks left", len(task.All(ctx)), 1)
	})
}

func TestStaggeredRaceMisuse(t *testing.T) {
	_, _, _, err := task.StaggeredRace[int](context.Background(), nil, 0)
	check.Is(t, err, future.ErrNoTask, "StaggeredRace")
	runTest(t, func(ctx context.Context) {
		_, index, _, err := task.StaggeredRace(ctx, []task.Coroutine[int]{returns(0, 1), nil}, 0)
		check.Is(t, err, task.ErrNilCoroutine, "coroutine 1")
		check.Equal(t, "index", index, -1)
		check.Equal(t, "tasks started", len(task.All(ctx)), 1)
	})
}

func TestStaggeredRaceLetsAFatalErrorThrough(t *testing.T) {
	l := newTestLoop(t)
	check.Collect(l) // of the tasks that are left behind
	_, err := task.RunUntilComplete(l, task.Void(func(ctx context.Context) error {
		_, _, _, err := task.StaggeredRace(ctx, []task.Coroutine[int]{fails[int](0, loop.ErrKeyboardInterrupt)}, task.Forever)
		return err
	}))
	check.Is(t, err, loop.ErrKeyboardInterrupt)
}
