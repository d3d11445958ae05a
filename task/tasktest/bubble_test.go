package tasktest_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest"
)

// bubble runs fn in a bubble, with both handoffs.
func bubble(t *testing.T, fn func(ctx context.Context, t *tasktest.T), opts ...tasktest.Option) {
	t.Helper()
	onBoth(t, func(t *testing.T, h task.Handoff) {
		tasktest.Bubble(t, fn, append(opts, tasktest.Handoff(h))...)
	})
}

func TestBubbleHasOneClock(t *testing.T) {
	bubble(t, func(ctx context.Context, t *tasktest.T) {
		begin := time.Now()
		if !begin.Equal(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)) || !t.Now().Equal(begin) {
			t.Errorf("it begins at %v, and at %v for the loop", begin, t.Now())
		}
		results := make(chan int)
		go func() {
			time.Sleep(time.Hour)
			results <- 1
		}()
		if v, ok, err := task.Receive(ctx, results); v != 1 || !ok || err != nil {
			t.Errorf("received %v, %v, %v", v, ok, err)
		}
		check := func(what string, want time.Duration) {
			t.Helper()
			if d := time.Since(begin); d != want || t.Elapsed() != want {
				t.Errorf("after %s %v have passed, and %v for the loop", what, d, t.Elapsed())
			}
		}
		check("a goroutine", time.Hour)
		v, err := task.ToThread(ctx, func(context.Context) (int, error) {
			time.Sleep(time.Hour)
			return 2, nil
		})
		if v != 2 || err != nil {
			t.Errorf("the thread returned %v, %v", v, err)
		}
		check("a thread", 2*time.Hour)
		limited, cancel := context.WithTimeout(ctx, time.Hour)
		defer cancel()
		if err := task.Sleep(limited, 2*time.Hour); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Sleep: %v", err)
		}
		check("a context", 3*time.Hour)
		if err := task.Sleep(ctx, time.Hour); err != nil {
			t.Error(err)
		}
		check("a task", 4*time.Hour)
		if err := t.Advance(ctx, time.Hour); err != nil {
			t.Error(err)
		}
		check("Advance", 5*time.Hour)
	})
}

func TestBubbleWaitAllBlockedWaitsForGoroutines(t *testing.T) {
	bubble(t, func(ctx context.Context, t *tasktest.T) {
		steps, news := 0, make(chan int)
		go func() {
			for range 1000 {
				runtime.Gosched()
				steps++
			}
			news <- 1
			time.Sleep(time.Hour)
		}()
		received := task.Go(ctx, func(ctx context.Context) error {
			_, _, err := task.Receive(ctx, news)
			return err
		})
		if err := t.WaitAllBlocked(ctx); err != nil {
			t.Error(err)
		}
		if !received.Done() || steps != 1000 || t.Elapsed() != 0 {
			t.Errorf("done=%t after %d steps at %v", received.Done(), steps, t.Elapsed())
		}
		if err := task.Sleep(ctx, time.Hour); err != nil { // the goroutine ends
			t.Error(err)
		}
	})
}

func TestBubbleBeginsAtAGivenTime(t *testing.T) {
	start := time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)
	bubble(t, func(ctx context.Context, t *tasktest.T) {
		if now := time.Now(); !now.Equal(start) || t.Elapsed() != 0 {
			t.Errorf("it is %v, after %v", now, t.Elapsed())
		}
	}, tasktest.At(start))
}

func TestBubbleCannotStopItsClock(t *testing.T) {
	bubble(t, func(ctx context.Context, t *tasktest.T) {
		defer func() {
			if err, ok := recover().(error); !ok || !errors.Is(err, loop.ErrInvalidArgument) {
				t.Errorf("Autojump panicked with %v", err)
			}
		}()
		t.Autojump(false)
	})
}

// An exception that the garbage collector finds while the loop sleeps must not wake the loop:
// that would come from outside of the bubble, and end the process.
func TestBubbleReportsALostExceptionAtItsEnd(t *testing.T) {
	bubble(t, func(ctx context.Context, t *tasktest.T) {
		reports := 0
		t.Expect(func(e loop.ExceptionContext) bool {
			reports++
			return errors.Is(e.Err, errTest)
		})
		t.Cleanup(func() {
			if reports != 1 {
				t.Errorf("%d reports, want one", reports)
			}
		})
		task.Go(ctx, func(context.Context) error { return errTest })
		go func() { // while the loop sleeps
			time.Sleep(time.Second)
			for range 3 {
				runtime.GC()
			}
		}()
		if err := task.Sleep(ctx, time.Hour); err != nil || reports > 0 {
			t.Errorf("Sleep: %v, %d reports", err, reports)
		}
	})
}

// inBubble runs fn in a bubble of another process, in which it fails, with both handoffs, and
// gives the output to check.
func inBubble(t *testing.T, fn func(ctx context.Context, t *tasktest.T), check func(t *testing.T, output string)) {
	t.Helper()
	for _, h := range []task.Handoff{task.Channels, task.IterPull} {
		t.Run(h.String(), func(t *testing.T) {
			check(t, child(t, func(t *testing.T) { tasktest.Bubble(t, fn, tasktest.Handoff(h)) }))
		})
	}
}

// Detection is exact: a goroutine that sleeps may yet do something, one that waits may not.
func TestBubbleReportsADeadlock(t *testing.T) {
	inBubble(t, func(ctx context.Context, t *tasktest.T) {
		stop := make(chan struct{})
		t.AsyncCleanup(func(ctx context.Context) error {
			close(stop)
			t.Log("torn down")
			return task.Sleep(ctx, time.Hour)
		})
		_ = task.Sleep(ctx, time.Second)
		go func() {
			time.Sleep(24 * 365 * time.Hour)
			_, _ = t.Loop().CallSoonThreadsafe(passed)
			loiter(stop, make(chan struct{}))
		}()
		waiting(ctx, "server")
		wait(ctx)
	}, func(t *testing.T, output string) {
		has(t, output, "bubble_test.go:", "deadlock at 8760h0m1s: nothing is ready, no timer is set, all goroutines of the bubble wait\n",
			"          main      in sync.(*Event).Wait, called at run_test.go:", "          server    in sync.(*Event).Wait, called at run_test.go:",
			"        other goroutines of the test:\n", "tasktest_test.loiter\n", "torn down", "--- FAIL")
	})
}

func TestBubbleIsEndedByFatal(t *testing.T) {
	inBubble(t, func(ctx context.Context, t *tasktest.T) {
		t.Cleanup(func() { t.Log("cleaned up") })
		t.AsyncCleanup(func(ctx context.Context) error {
			t.Log("torn down")
			return task.Sleep(ctx, time.Hour)
		})
		task.Go(ctx, func(ctx context.Context) error {
			t.Fatal("over at", t.Elapsed())
			return nil
		})
		_ = task.Sleep(ctx, time.Second)
	}, func(t *testing.T, output string) {
		has(t, output, "bubble_test.go:", "over at 0s\n", "torn down", "cleaned up", "--- FAIL")
		if strings.Contains(output, "panic") {
			t.Errorf("the output is\n%s", output)
		}
	})
}

func TestBubbleIsEndedBySkip(t *testing.T) {
	bubble(t, func(ctx context.Context, t *tasktest.T) {
		task.Go(ctx, func(ctx context.Context) error {
			t.Skip("as it should be")
			return nil
		})
		_ = task.Sleep(ctx, time.Hour)
		t.Error("it goes on")
	})
}

func TestBubbleReportsWhatIsLeft(t *testing.T) {
	inBubble(t, func(ctx context.Context, t *tasktest.T) {
		waiting(ctx, "left behind")
		_ = task.Yield(ctx)
	}, func(t *testing.T, output string) {
		has(t, output, "bubble_test.go:", "tasks are left at the end of the test:\n          left behind    in sync.(*Event).Wait", "--- FAIL")
	})
}

// Goroutines that are left end the process, as synctest has it, but the report comes first.
func TestBubbleReportsGoroutinesThatAreLeft(t *testing.T) {
	inBubble(t, func(ctx context.Context, t *tasktest.T) { loiters(make(chan struct{})) }, func(t *testing.T, output string) {
		has(t, output, "bubble_test.go:", "goroutines are left at the end of the test:\n", "tasktest_test.loiter\n", "panic: deadlock: main bubble goroutine has exited")
	})
}

func TestBubbleCannotBeginInThePast(t *testing.T) {
	output := child(t, func(t *testing.T) {
		tasktest.Bubble(t, func(context.Context, *tasktest.T) {}, tasktest.At(time.Unix(0, 0)))
	})
	has(t, output, "panic: tasktest: Bubble: it cannot begin at 1970-01-01")
}
