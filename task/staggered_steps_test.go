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

// The numbers are those of CPython 3.14.2: they are what testdata/staggered_race.py
// prints, the same for lazy and eager tasks.
func TestStaggeredRaceTakesAsManyIterationsAsCPython(t *testing.T) {
	gives := func(steps, value int) task.Coroutine[int] {
		return func(ctx context.Context) (int, error) {
			ticks(ctx, steps)
			return value, nil
		}
	}
	fails := func(steps int) task.Coroutine[int] {
		return func(ctx context.Context) (int, error) {
			ticks(ctx, steps)
			return 0, errTest
		}
	}
	cleansUp := func(steps int) task.Coroutine[int] {
		return func(ctx context.Context) (int, error) {
			_, err := newFuture[int](ctx).Await(ctx)
			for range steps {
				if again := task.Yield(ctx); again != nil {
					return 0, again
				}
			}
			return 0, err
		}
	}
	swallows := func(ctx context.Context) (int, error) {
		_, err := newFuture[int](ctx).Await(ctx)
		check.Cancelled(t, err, "one")
		return 1, nil
	}
	noWinner, failed := "no coroutine won the staggered race", "staggered race failed"
	for _, test := range []struct {
		name       string
		coros      []task.Coroutine[int]
		delay      time.Duration
		iterations int
		outcome    string
	}{
		{"nobody", nil, task.Forever, 3, noWinner},
		{"a winner at once", []task.Coroutine[int]{gives(0, 1)}, task.Forever, 4, "winner 1, index 0, errors [ok]"},
		{"a winner after 2 steps", []task.Coroutine[int]{gives(2, 1)}, task.Forever, 6, "winner 1, index 0, errors [ok]"},
		{"a failure, then a winner", []task.Coroutine[int]{fails(0), gives(0, 1)}, task.Forever, 5, "winner 1, index 1, errors [failed ok]"},
		{"two failures", []task.Coroutine[int]{fails(1), fails(2)}, task.Forever, 8, noWinner},
		{"no delay", []task.Coroutine[int]{gives(9, 1), gives(1, 2), gives(9, 3)}, 0, 9, "winner 2, index 1, errors [cancelled ok]"},
		{"no delay, and a loser that cleans up", []task.Coroutine[int]{cleansUp(3), gives(1, 2)}, 0, 12, "winner 2, index 1, errors [cancelled ok]"},
		{"an hour, and a failure", []task.Coroutine[int]{fails(1), gives(1, 2)}, time.Hour, 7, "winner 2, index 1, errors [failed ok]"},
		{"a factory that fails", []task.Coroutine[int]{fails(0), gives(0, 1)}, task.Forever, 4, failed},
		{"cancelled", []task.Coroutine[int]{cleansUp(2)}, task.Forever, 11, "cancelled one"},
		{"cancelled twice", []task.Coroutine[int]{cleansUp(9)}, task.Forever, 12, "cancelled two"},
		{"cancelled, and a winner", []task.Coroutine[int]{swallows}, task.Forever, 9, "cancelled one"},
	} {
		t.Run(test.name, func(t *testing.T) {
			onBothStarts(t, func(t *testing.T, ctx context.Context) {
				l, me := loop.Running(ctx), task.Current(ctx).(*task.Task[struct{}])
				later := func(n int, fn func()) {
					var step func()
					step = func() {
						if n--; n < 0 {
							fn()
							return
						}
						l.CallSoon(step)
					}
					step()
				}
				var g generations
				g.begin(l)
				switch test.name {
				case "a factory that fails":
					old, made := task.FactoryOf(l), 0
					task.SetFactory(l, func(l *loop.Loop, s task.Settings) task.Settings {
						if made++; made == 3 {
							panic(errBody)
						}
						if old != nil {
							s = old(l, s)
						}
						return s
					})
				case "cancelled twice":
					later(5, func() { me.Cancel("one") })
					later(8, func() { me.Cancel("two") })
				case "cancelled", "cancelled, and a winner":
					later(5, func() { me.Cancel("one") })
				}
				value, index, errs, err := task.StaggeredRace(ctx, test.coros, test.delay)
				check.Equal(t, "iterations", int(g), test.iterations)
				var group *task.ExceptionGroup
				var cancelled *future.CancelledError
				outcome := ""
				switch {
				case errors.As(err, &group):
					outcome = group.Message
					if outcome == failed {
						isGroupOf(t, err, group.Errors...)
						check.Equal(t, "number of errors", len(group.Errors), 1)
						check.Is(t, err, errBody)
					}
				case errors.As(err, &cancelled):
					outcome = "cancelled " + cancelled.Message
				default:
					check.NoError(t, err)
					var each []string
					for _, err := range errs {
						switch {
						case err == nil:
							each = append(each, "ok")
						case future.IsCancelled(err):
							each = append(each, "cancelled")
						default:
							each = append(each, "failed")
						}
					}
					outcome = fmt.Sprintf("winner %d, index %d, errors %v", value, index, each)
				}
				check.Equal(t, "outcome", outcome, test.outcome)
			})
		})
	}
}
