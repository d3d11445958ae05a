package task_test

import (
	"context"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
	"github.com/goasyncio/asyncio/timers"
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

// newScopeLoop returns a loop that is closed at the end of the test, and its
// clock, which the test may advance to make the loop look busy.
func newScopeLoop(t *testing.T) (*loop.Loop, *timers.Virtual) {
	clock := timers.NewVirtual(time.Time{})
	l := loop.New(loop.WithClock(clock))
	t.Cleanup(func() { check.NoError(t, l.Close()) })
	return l, clock
}
