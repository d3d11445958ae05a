package tasktest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/task"
)

// Each run of CancelEverywhere notes how its victim ended, in the order of the runs.
func TestCancelEverywhereHitsEachPlaceOnce(t *testing.T) {
	var ends []string
	cancelling(t, func(ctx context.Context, t *T) {
		at := "before it began"
		victim := task.Go(ctx, func(ctx context.Context) error {
			at = "yield"
			if err := task.Yield(ctx); err != nil {
				return err
			}
			at = "sleep"
			if err := task.Sleep(ctx, time.Second); err != nil {
				return err
			}
			at = "the end"
			return nil
		}, task.Name("victim"))
		join(ctx, t, victim)
		if victim.Cancelled() != (at != "the end") {
			t.Errorf("at %s: cancelled %v", at, victim.Cancelled())
		}
		ends = append(ends, at+", "+t.Elapsed().String())
	}).passes(t, "complete: all 5 schedules, each with one cancellation\n")
	want := []string{
		"the end, 1s",
		"the end, 1s", // again, to see that it can be repeated
		"before it began, 0s",
		"yield, 0s", // woken: a task that yields is ready at once
		"sleep, 0s", // while it waits
		"sleep, 1s", // woken
	}
	if !slices.Equal(ends, want) {
		t.Errorf("the runs are\n%s", strings.Join(ends, "\n"))
	}
}

func TestCancelEverywhereSparesMainAndBackground(t *testing.T) {
	cancelling(t, func(ctx context.Context, t *T) {
		t.Background(ctx, "server", func(ctx context.Context) error { return task.Sleep(ctx, time.Hour) })
		if err := task.Sleep(ctx, time.Second); err != nil {
			t.Fatal(err)
		}
	}).passes(t, "complete: all 1 schedules")
}

func TestCancelEverywhereHasVictims(t *testing.T) {
	cancelling(t, func(ctx context.Context, t *T) {
		sleep := func(name string) *task.Task[struct{}] {
			return task.Go(ctx, func(ctx context.Context) error { return task.Sleep(ctx, time.Second) }, task.Name(name))
		}
		a, b := sleep("a"), sleep("b")
		join(ctx, t, a, b)
		if a.Cancelled() {
			t.Error("a is no victim")
		}
	}, Victims(func(t task.Any) bool { return t.Name() == "b" })).passes(t, "complete: all 4 schedules, each with one cancellation\n")
}

// swallow is a task that ends as if nothing had happened when it is cancelled.
func swallow(ctx context.Context, t *T) {
	join(ctx, t, task.Go(ctx, func(ctx context.Context) error {
		_ = task.Sleep(ctx, time.Second)
		return nil
	}, task.Name("deaf")))
}

func TestCancelEverywhereFailsIfATaskSwallowsTheRequest(t *testing.T) {
	p := cancelling(t, swallow)
	p.fails(t, "task deaf was cancelled, and has ended as if it had not been: <Task finished")
	p.says(t, "schedule 3 of 4, after ")
	p.says(t, "deaf is cancelled in swallow at cancel_test.go:")
	cancelling(t, swallow, AllowRefusal()).passes(t, "complete: all 4 schedules")
}

func TestCancelEverywherePermitsToTakeARequestBack(t *testing.T) {
	cancelling(t, func(ctx context.Context, t *T) {
		join(ctx, t, task.Go(ctx, func(ctx context.Context) error {
			if err := task.Sleep(ctx, time.Second); future.IsCancelled(err) {
				task.Current(ctx).Uncancel()
			}
			return nil
		}))
	}).passes(t, "complete: all 4 schedules")
}

// A result that is there already is not thrown away: then the request is put off, and there
// is no later await.
func TestCancelEverywhereKnowsRequestsThatArePutOff(t *testing.T) {
	cancelling(t, func(ctx context.Context, t *T) {
		join(ctx, t, task.Go(ctx, func(ctx context.Context) error {
			_, err := task.ToThreadUntilDone(ctx, func(context.Context) (int, error) { return 1, nil })
			return err
		}))
	}).passes(t, "complete: all ")
}

func TestCancelEverywhereFailsByADeadlock(t *testing.T) {
	p := cancelling(t, func(ctx context.Context, t *T) {
		done := future.New[int](t.Loop())
		task.Go(ctx, func(ctx context.Context) error {
			if err := task.Yield(ctx); err != nil {
				return err
			}
			return done.SetResult(1)
		}, task.Name("giver"))
		_, _ = done.Await(ctx)
	})
	p.fails(t, "deadlock at 0s")
	p.says(t, "giver is cancelled before it begins\n")
}

func TestCancelEverywhereSaysIfTheBudgetIsTooSmall(t *testing.T) {
	cancelling(t, func(ctx context.Context, t *T) {
		join(ctx, t, threeYields(ctx), threeYields(ctx))
	}, Schedules(4)).passes(t, "INCOMPLETE: the budget is spent after ")
	cancelling(t, func(ctx context.Context, t *T) {
		join(ctx, t, threeYields(ctx), threeYields(ctx))
	}, Schedules(4)).passes(t, "and 5 of 8 places of a cancellation were not tried")
}

func TestCancelEverywhereChangesNothingElse(t *testing.T) {
	var first uint64
	runs := 0
	cancelling(t, func(ctx context.Context, t *T) {
		runs++
		number := t.Rand().Uint64()
		if runs == 1 {
			first = number
		}
		if t.Choose(2, "a bit") != 0 || t.Buggify(1) || number != first {
			t.Error("the test decides differently")
		}
		join(ctx, t, threeYields(ctx))
	}).passes(t, "complete: all 5 schedules")
}

// Explore mixes cancellations with everything else: here it takes one of each.
func TestExploreCancelsOnRequest(t *testing.T) {
	both := func(ctx context.Context, t *T) {
		late := t.Choose(2, "who is late") == 1
		victim := threeYields(ctx)
		_, err := victim.Await(ctx)
		if late && err != nil {
			t.Error("late and cancelled")
		} else if err != nil && !errors.Is(err, future.ErrCancelled) {
			t.Error(err)
		}
	}
	exploring(t, both).passes(t, "complete: all 2 schedules at level Outside\n")
	p := exploring(t, both, Cancel())
	p.fails(t, "late and cancelled")
	p.says(t, "Two deviations, possible on every asyncio loop:\n")
}
