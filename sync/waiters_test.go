package sync

import (
	"context"
	"testing"

	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// A waiter that has left is used again, by the next one that waits.
func TestWaitersAreUsedAgain(t *testing.T) {
	run(t, func(ctx context.Context) {
		var e Event
		for range 2 * maxSpares {
			tk := spawn(ctx, e.Wait)
			yield(ctx)
			e.Set()
			succeeds(t, ctx, tk)
			e.Clear()
			check.Equal(t, "spare waiters", e.waiters.spares, 1)
		}
	})
}
