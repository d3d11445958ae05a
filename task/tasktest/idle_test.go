package tasktest_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest"
)

func TestDeadlockWhileTheClockStandsNamesTheTimers(t *testing.T) {
	runFake(t, func(ctx context.Context, t *tasktest.T) {
		t.Autojump(false)
		t.Loop().CallLater(time.Minute, passed)
		_ = task.Sleep(ctx, time.Second)
	}, failing(`
fake_test.go:N: deadlock at 0s: nothing is ready, and the clock stands still (Autojump is off)
      main    in task.Sleep, called at idle_test.go:N
    timers that wait:
      1s: the sleep of main
      1m0s: tasktest_test.passed at finish_test.go:N
`))
}

func TestDeadlockOfTasksInACircle(t *testing.T) {
	runFake(t, func(ctx context.Context, t *tasktest.T) {
		var second *task.Task[struct{}]
		first := task.Go(ctx, func(ctx context.Context) error { return second.Join(ctx) }, task.Name("first"))
		second = task.Go(ctx, func(ctx context.Context) error { return first.Join(ctx) }, task.Name("second"))
		_ = task.Go(ctx, func(context.Context) error { return nil }).Join(ctx)
		wait(ctx)
	}, failing(`
fake_test.go:N: deadlock at 0s: nothing is ready, no timer is set, nobody holds the clock
      main             in sync.(*Event).Wait, called at run_test.go:N
      first            in idle_test.go:N, awaits
      └── second       in idle_test.go:N, awaits
          └── first    (see above)
`))
}

func TestDeadlockShowsOtherGoroutinesOfTheTest(t *testing.T) {
	runFake(t, func(ctx context.Context, t *tasktest.T) {
		stop := make(chan struct{})
		t.AsyncCleanup(func(context.Context) error { close(stop); return nil })
		loiters(stop)
		wait(ctx)
	}, func(t *testing.T, f *fakeTB) {
		f.contains(t, "deadlock at 0s", "\n    other goroutines of the test, which did nothing for 1ms:\n", "tasktest_test.loiter\n")
	}, tasktest.Grace(time.Millisecond))
}

// A goroutine of the test gets the time that it needs.
func TestDeadlockIsNoneWhileAGoroutineMayPost(t *testing.T) {
	runFake(t, func(ctx context.Context, t *tasktest.T) {
		results := make(chan int)
		go func() {
			for range 1000 {
				// It does something that the loop does not know of.
			}
			results <- 1
		}()
		if v, _, err := task.Receive(ctx, results); v != 1 || err != nil {
			t.Errorf("received %v, %v", v, err)
		}
	}, passes, tasktest.Grace(time.Minute))
}

func TestDeadlockIsNoneWhileTheClockIsHeld(t *testing.T) {
	runFake(t, func(ctx context.Context, t *tasktest.T) {
		began := make(chan struct{})
		v, err := task.ToThread(ctx, func(context.Context) (int, error) {
			close(began)
			return 1, nil
		})
		<-began
		if v != 1 || err != nil || t.Elapsed() != 0 {
			t.Errorf("got %v, %v after %v", v, err, t.Elapsed())
		}
	}, passes)
}

// The end of a run does not wait for who holds the clock.
func TestRunEndsWhileTheClockIsHeld(t *testing.T) {
	runFake(t, func(ctx context.Context, t *tasktest.T) {
		release := t.Loop().Hold()
		t.Cleanup(release)
	}, passes)
}

func TestLivelockNamesWhoKeepsRunning(t *testing.T) {
	runFake(t, func(ctx context.Context, t *tasktest.T) {
		for _, name := range []string{"tick", "tock"} {
			task.Go(ctx, func(ctx context.Context) error {
				for {
					if err := task.Yield(ctx); err != nil {
						return err
					}
				}
			}, task.Name(name))
		}
		wait(ctx)
	}, failing(`
fake_test.go:N: livelock at 0s: 1000 iterations without the clock moving; what keeps running: tick, tock
      main    in sync.(*Event).Wait, called at run_test.go:N
      tick    in task.Yield, called at idle_test.go:N
      tock    in task.Yield, called at idle_test.go:N
`), tasktest.MaxIterations(1000))
}

func TestLivelockOfACallback(t *testing.T) {
	runFake(t, func(ctx context.Context, t *tasktest.T) {
		var again func()
		again = func() {
			if !t.Failed() {
				t.Loop().CallSoon(again)
			}
		}
		again()
		wait(ctx)
	}, func(t *testing.T, f *fakeTB) {
		f.contains(t, "what keeps running: tasktest_test.TestLivelockOfACallback.func1.1 at idle_test.go:")
	}, tasktest.MaxIterations(1000))
}

func TestLivelockIsNoneIfTheClockMoves(t *testing.T) {
	runFake(t, func(ctx context.Context, t *tasktest.T) {
		for range 2000 {
			_ = task.Sleep(ctx, time.Second)
		}
	}, passes, tasktest.MaxIterations(1000))
}

func TestAdvanceVisitsEachDeadline(t *testing.T) {
	runFake(t, func(ctx context.Context, t *tasktest.T) {
		t.Autojump(false)
		for _, d := range []time.Duration{time.Second, 3 * time.Second, 10 * time.Second, 11 * time.Second} {
			t.Loop().CallLater(d, func() {
				t.Loop().CallSoon(func() { t.Loop().CallSoon(func() { t.Log(d, "at", t.Elapsed()) }) })
			})
		}
		if err := t.Advance(ctx, 10*time.Second); err != nil {
			t.Error(err)
		}
		t.Log("advanced to", t.Elapsed())
		if err := t.Advance(ctx, 0); err != nil || t.Elapsed() != 10*time.Second {
			t.Errorf("%v at %v", err, t.Elapsed())
		}
	}, func(t *testing.T, f *fakeTB) {
		f.says(t, "log: 1s at 1s\nlog: 3s at 3s\nlog: 10s at 10s\nlog: advanced to 10s\n")
	})
}

func TestAdvanceRefusesWhatItCannotDo(t *testing.T) {
	runFake(t, func(ctx context.Context, t *tasktest.T) {
		if err := t.Advance(ctx, -1); !errors.Is(err, loop.ErrInvalidArgument) {
			t.Errorf("Advance by -1: %v", err)
		}
		first := task.Go(ctx, func(ctx context.Context) error { return t.Advance(ctx, time.Second) })
		_ = task.Yield(ctx)
		if err := t.Advance(ctx, 1); !errors.Is(err, loop.ErrInvalidArgument) {
			t.Errorf("second Advance: %v", err)
		}
		first.Cancel()
		_ = task.Yield(ctx)
		if err := t.Advance(ctx, 1); err != nil || t.Elapsed() != 1 {
			t.Errorf("Advance after a cancelled one: %v at %v", err, t.Elapsed())
		}
	}, passes)
}

func TestWaitAllBlockedComesBeforeTheClockMoves(t *testing.T) {
	runFake(t, func(ctx context.Context, t *tasktest.T) {
		steps := 0
		task.Go(ctx, func(ctx context.Context) error {
			for range 100 {
				_ = task.Yield(ctx)
				steps++
			}
			_, err := task.ToThread(ctx, func(context.Context) (int, error) { return 0, nil })
			steps++
			_ = task.Sleep(ctx, time.Second)
			steps++
			return err
		})
		other := task.Go(ctx, func(ctx context.Context) error { return t.WaitAllBlocked(ctx) })
		if err := t.WaitAllBlocked(ctx); err != nil || steps != 101 || t.Elapsed() != 0 {
			t.Errorf("%v after %d steps at %v", err, steps, t.Elapsed())
		}
		_ = task.Yield(ctx)
		if !other.Done() {
			t.Error("the other one still waits")
		}
		_ = task.Sleep(ctx, time.Second)
	}, passes)
}

func TestWaitAllBlockedCanBeCancelled(t *testing.T) {
	runFake(t, func(ctx context.Context, t *tasktest.T) {
		other := task.Go(ctx, func(ctx context.Context) error { return t.WaitAllBlocked(ctx) })
		_ = task.Yield(ctx)
		other.Cancel()
		if err := t.WaitAllBlocked(ctx); err != nil || !other.Cancelled() {
			t.Errorf("%v, cancelled=%t", err, other.Cancelled())
		}
	}, passes)
}
