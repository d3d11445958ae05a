package tasktest_test

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest"
)

func TestSequencerPutsTheStepsOfTasksInOrder(t *testing.T) {
	tasktest.Run(t, func(ctx context.Context, t *tasktest.T) {
		var s tasktest.Sequencer
		var order []int
		err := task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
			for _, steps := range [][]int{{4, 5}, {2, 3}, {0, 1, 6}} {
				g.Go(func(ctx context.Context) error {
					for _, n := range steps {
						err := s.Do(ctx, n, func(ctx context.Context) error {
							err := task.Yield(ctx)
							order = append(order, n)
							return err
						})
						if err != nil {
							return err
						}
					}
					return nil
				})
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		if want := []int{0, 1, 2, 3, 4, 5, 6}; !reflect.DeepEqual(order, want) {
			t.Errorf("the order is %v, want %v", order, want)
		}
	})
}

func TestSequencerGoesOnAfterAStepThatFails(t *testing.T) {
	failure := errors.New("failure")
	tasktest.Run(t, func(ctx context.Context, t *tasktest.T) {
		var s tasktest.Sequencer
		second := task.Go(ctx, func(ctx context.Context) error {
			return s.Do(ctx, 1, func(context.Context) error { panic(failure) })
		})
		third := task.Go(ctx, func(ctx context.Context) error {
			return s.Do(ctx, 2, func(context.Context) error { return nil })
		})
		if err := s.Do(ctx, 0, func(context.Context) error { return failure }); !errors.Is(err, failure) {
			t.Errorf("step 0: %v, want its own error", err)
		}
		if _, err := second.Await(ctx); !errors.Is(err, failure) {
			t.Errorf("step 1: %v, want its own panic", err)
		}
		if _, err := third.Await(ctx); err != nil {
			t.Errorf("step 2: %v", err)
		}
	})
}

func TestSequencerIsBrokenByACancelledWait(t *testing.T) {
	tasktest.Run(t, func(ctx context.Context, t *tasktest.T) {
		var s tasktest.Sequencer
		var order []int
		step := func(n int) *task.Task[struct{}] {
			return task.Go(ctx, func(ctx context.Context) error {
				err := s.Do(ctx, n, func(context.Context) error {
					t.Errorf("step %d runs", n)
					return nil
				})
				order = append(order, n)
				return err
			})
		}
		waiting := []*task.Task[struct{}]{step(3), step(1), step(2)}
		if err := t.WaitAllBlocked(ctx); err != nil {
			t.Fatal(err)
		}
		waiting[1].Cancel()
		if err := t.WaitAllBlocked(ctx); err != nil {
			t.Fatal(err)
		}
		if err := waiting[1].Err(); !future.IsCancelled(err) {
			t.Errorf("the cancelled step: %v", err)
		}
		for _, broken := range []*task.Task[struct{}]{waiting[0], waiting[2], step(0), step(4)} {
			_, err := broken.Await(ctx)
			if !errors.Is(err, tasktest.ErrSequenceBroken) || !strings.Contains(err.Error(), "step 1 was cancelled") {
				t.Errorf("another step: %v", err)
			}
		}
		if want := []int{1, 2, 3, 0, 4}; !reflect.DeepEqual(order, want) {
			t.Errorf("the steps ended in the order %v, want %v", order, want)
		}
	})
}

func TestSequencerIsBrokenByACancellationAtItsTurn(t *testing.T) {
	tasktest.Run(t, func(ctx context.Context, t *tasktest.T) {
		var s tasktest.Sequencer
		nothing := func(context.Context) error { return nil }
		second := task.Go(ctx, func(ctx context.Context) error { return s.Do(ctx, 1, nothing) })
		if err := t.WaitAllBlocked(ctx); err != nil {
			t.Fatal(err)
		}
		if err := s.Do(ctx, 0, nothing); err != nil { // wakes it
			t.Error(err)
		}
		second.Cancel()
		if _, err := second.Await(ctx); !future.IsCancelled(err) {
			t.Errorf("step 1: %v, want a cancellation", err)
		}
		if err := s.Do(ctx, 2, nothing); !errors.Is(err, tasktest.ErrSequenceBroken) {
			t.Errorf("step 2: %v, want that the sequence is broken", err)
		}
	})
}

func TestSequencerRefusesWrongSteps(t *testing.T) {
	tasktest.Run(t, func(ctx context.Context, t *tasktest.T) {
		var s tasktest.Sequencer
		nothing := func(context.Context) error { return nil }
		if err := s.Do(ctx, 0, nothing); err != nil {
			t.Error(err)
		}
		for _, wrong := range []struct {
			n    int
			fn   func(context.Context) error
			want error
			text string
		}{
			{0, nothing, loop.ErrInvalidArgument, "there was a step 0 already"},
			{-1, nothing, loop.ErrInvalidArgument, "step -1 is negative"},
			{1, nil, loop.ErrNilFunc, "step 1"},
		} {
			if err := s.Do(ctx, wrong.n, wrong.fn); !errors.Is(err, wrong.want) || !strings.Contains(err.Error(), wrong.text) {
				t.Errorf("step %d: %v, want %q", wrong.n, err, wrong.text)
			}
		}
		if err := s.Do(ctx, 1, nothing); err != nil {
			t.Errorf("step 1 after wrong ones: %v", err)
		}
	})
}
