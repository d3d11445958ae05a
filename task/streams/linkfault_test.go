package streams

import (
	"context"
	"errors"
	"testing"

	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

func TestLinkResetEndsReadsBehindAStalledDirection(t *testing.T) {
	onVirtual(t, func(ctx context.Context) {
		left, right, link := Pair(ctx)
		defer left.W.Abort()
		defer right.W.Abort()
		reading := task.Create(ctx, func(ctx context.Context) ([]byte, error) { return right.R.Read(ctx, 1) })
		turns(t, ctx, 3)
		link.Stall(LeftToRight)
		broken := errors.New("broken")
		link.Reset(broken)
		turns(t, ctx, 5)
		if !reading.Done() {
			t.Error("the read still waits")
			return
		}
		_, err := reading.Await(ctx)
		check.Is(t, err, broken)
	})
}
