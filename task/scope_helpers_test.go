package task_test

import (
	"context"
	"testing"

	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// onBothStarts runs a test with tasks that begin in the loop's next iteration,
// and with tasks that begin at once.
func onBothStarts(t *testing.T, main func(t *testing.T, ctx context.Context)) {
	t.Helper()
	for _, start := range []struct {
		name    string
		factory task.Factory
	}{{"lazy", nil}, {"eager", task.EagerFactory}} {
		t.Run(start.name, func(t *testing.T) {
			l := newTestLoop(t)
			task.SetFactory(l, start.factory)
			check.RunOn(t, l, func(ctx context.Context) { main(t, ctx) })
		})
	}
}
