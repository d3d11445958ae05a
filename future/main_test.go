package future_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
	"github.com/goasyncio/asyncio/timers"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

var errTest = errors.New("test error")

// newLoop returns a loop on a virtual clock, which is closed at the end of the
// test.
func newLoop(t testing.TB) *loop.Loop {
	l := loop.New(loop.WithClock(timers.NewVirtual(time.Time{})))
	t.Cleanup(func() { check.NoError(t, l.Close()) })
	return l
}

// iterate runs n iterations of the loop.
func iterate(l *loop.Loop, n int) {
	for range n {
		l.Poll()
	}
}

// run runs main as a task.
func run(t *testing.T, l *loop.Loop, main func(ctx context.Context)) {
	t.Helper()
	_, err := task.RunUntilComplete(l, task.Void(func(ctx context.Context) error {
		main(ctx)
		return nil
	}))
	check.NoError(t, err)
}
