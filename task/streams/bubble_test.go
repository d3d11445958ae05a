package streams

import (
	"context"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// bubble runs fn in a bubble of testing/synctest, with the two ends of a net.Pipe.
func bubble(t *testing.T, fn func(ctx context.Context, left, right End) error) {
	synctest.Test(t, func(t *testing.T) {
		run(t, func(ctx context.Context) (err error) {
			a, b := net.Pipe()
			var left, right End
			if left.R, left.W, err = FromConn(ctx, a); err != nil {
				return err
			}
			defer left.W.Abort()
			if right.R, right.W, err = FromConn(ctx, b); err != nil {
				return err
			}
			defer right.W.Abort()
			return fn(ctx, left, right)
		})
	})
}

func TestBubbleLetsTheClockAdvanceWhileStreamsWait(t *testing.T) {
	bubble(t, func(ctx context.Context, left, right End) error {
		before := time.Now()
		echo := task.Create(ctx, task.Void(func(ctx context.Context) error {
			line, err := right.R.ReadLine(ctx)
			return errors.Join(err, task.Sleep(ctx, time.Hour), right.W.WriteAll(ctx, line))
		}))
		check.NoError(t, left.W.WriteAll(ctx, []byte("hello\n")))
		line, err := left.R.ReadLine(ctx)
		check.NoError(t, err)
		if took := time.Since(before); string(line) != "hello\n" || took != time.Hour {
			t.Errorf("got %q after %v", line, took)
		}
		_, err = echo.Await(ctx)
		return err
	})
}

// A loop that is busy, by the clock of the bubble, must not wait for the network: a
// goroutine that does keeps the clock from advancing.
func TestBubbleLetsTheClockAdvanceAfterABlockingSleep(t *testing.T) {
	bubble(t, func(ctx context.Context, left, right End) error {
		for range 100 {
			time.Sleep(time.Millisecond)
			check.NoError(t, task.Yield(ctx))
		}
		return task.Sleep(ctx, time.Hour)
	})
}
