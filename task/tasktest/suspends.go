package tasktest

import (
	"context"
	"slices"

	"github.com/goasyncio/asyncio/task"
)

// A task suspends when it gives the loop to others. The loop then comes to its next iteration
// before the task goes on, and at no other time: so the number of iterations tells it exactly.

// suspension is a call of NeverSuspends that has not ended.
type suspension struct {
	task  task.Any
	where string // it suspended first, "" if it did not
}

// NeverSuspends calls fn and returns its error. It fails the test if the running task suspended
// meanwhile, however shortly, so that other tasks could run. It is trio's
// assert_no_checkpoints.
func (t *T) NeverSuspends(ctx context.Context, fn func(ctx context.Context) error) error {
	t.Helper()
	s := &suspension{task: task.Current(ctx)}
	before := t.run.iteration
	t.run.suspensions = append(t.run.suspensions, s)
	defer t.run.forget(s) // also after a panic, and after Fatal
	err := fn(ctx)
	if t.run.iteration != before {
		t.Errorf("NeverSuspends: the task suspended %s", s.where)
	}
	return err
}

// Suspends calls fn and returns its error. It fails the test if the running task did not
// suspend meanwhile, so that no other task could run. It is trio's assert_checkpoints.
func (t *T) Suspends(ctx context.Context, fn func(ctx context.Context) error) error {
	t.Helper()
	before := t.run.iteration
	err := fn(ctx)
	if t.run.iteration == before {
		t.Errorf("Suspends: the task did not suspend")
	}
	return err
}

// locate finds out where tasks suspended that should not have.
func (r *run) locate() {
	for _, s := range r.suspensions {
		if s.where == "" {
			s.where = whereabouts(s.task)
		}
	}
}

func (r *run) forget(s *suspension) {
	r.suspensions = slices.DeleteFunc(r.suspensions, func(other *suspension) bool { return other == s })
}
