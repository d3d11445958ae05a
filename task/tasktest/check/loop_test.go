package check_test

import (
	"context"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestCollectTakesReports(t *testing.T) {
	l, _ := tasktest.NewLoop(t)
	got := check.Collect(l)
	l.CallExceptionHandler(loop.ExceptionContext{Message: "first"})
	l.CallExceptionHandler(loop.ExceptionContext{Message: "second", Err: errTest})
	check.Equal(t, "messages", got.Messages(), []string{"first", "second"})
	l.CallExceptionHandler(loop.ExceptionContext{Err: errTest})
	check.Equal(t, "error", got.Taken()[0].Err, errTest)
	check.Equal(t, "messages afterwards", got.Messages(), []string{})
}

func TestRunOnFailsWithItsMainTask(t *testing.T) {
	l, _ := tasktest.NewLoop(t)
	r := &recorder{TB: t}
	check.RunOn(r, l, func(ctx context.Context) { check.NoError(t, task.Sleep(ctx, time.Hour)) })
	check.False(t, "failed", r.failed)
	check.RunOn(r, l, func(ctx context.Context) { panic(errTest) })
	check.True(t, "failed", r.failed)
}

func TestForeignCallsAreRefused(t *testing.T) {
	l, _ := tasktest.NewLoop(t)
	check.RunOn(t, check.ForeignCalls(l), func(context.Context) {
		refused := make(chan error)
		go func() { refused <- check.Panics(t, func() { l.CallSoon(func() {}) }) }()
		check.Is(t, <-refused, loop.ErrWrongGoroutine)
	})
}

func TestAsleepLoopDoesNotWakeForItsTimers(t *testing.T) {
	l, clock := tasktest.NewLoop(t)
	asleep := check.Asleep(clock.Virtual)
	var s check.Steps
	l.CallLater(time.Second, s.Of("timer"))
	l.CallLater(2*time.Second, l.Stop)
	go func() {
		<-asleep
		_, err := l.CallSoonThreadsafe(s.Of("posted"))
		check.NoError(t, err)
	}()
	check.NoError(t, l.RunForever())
	s.Check(t, "posted", "timer")
}
