package tasktest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest"
)

// sleep fails the test if it is cut short.
func sleep(ctx context.Context, t *tasktest.T, d time.Duration) {
	t.Helper()
	if err := task.Sleep(ctx, d); err != nil {
		t.Error(err)
	}
}

func TestAlwaysPasses(t *testing.T) {
	tasktest.Run(t, func(ctx context.Context, t *tasktest.T) {
		balance := 100
		looked := 0
		t.Always("money is neither made nor lost", func() bool { looked++; return balance == 100 })
		for range 3 {
			balance -= 10 // nobody sees it
			balance += 10
			sleep(ctx, t, time.Second)
		}
		if looked < 3 {
			t.Errorf("it was looked at %d times", looked)
		}
	})
}

func TestAlwaysFailsOnceWithTheTime(t *testing.T) {
	wantHeard(t, hear(t, func(ctx context.Context, t *tasktest.T) {
		n := 0
		t.Always("n is small", func() bool { return n < 2 })
		for range 4 {
			sleep(ctx, t, time.Second)
			n++
		}
	}), "always n is small: not true at 2s")
}

func TestAlwaysSeesTheLastStep(t *testing.T) {
	wantHeard(t, hear(t, func(ctx context.Context, t *tasktest.T) {
		n := 0
		t.Always("n is 0", func() bool { return n == 0 })
		sleep(ctx, t, time.Second)
		n = 1
	}), "always n is 0: not true at 1s")
}

func TestAlwaysSeesWhatLastsForOneIteration(t *testing.T) {
	wantHeard(t, hear(t, func(ctx context.Context, t *tasktest.T) {
		n := 0
		t.Always("n is 0", func() bool { return n == 0 })
		sleep(ctx, t, time.Second)
		n = 1
		if err := task.Yield(ctx); err != nil {
			t.Error(err)
		}
		n = 0
		sleep(ctx, t, time.Second)
	}), "always n is 0: not true at 1s")
}

func TestAlwaysSeesWhatCallbacksDoAfterTheTest(t *testing.T) {
	wantHeard(t, hear(t, func(ctx context.Context, t *tasktest.T) {
		n := 0
		t.Always("n is 0", func() bool { return n == 0 })
		l := t.Loop()
		l.CallSoon(func() { l.CallSoon(func() { l.CallSoon(func() { n = 1 }) }) })
	}), "always n is 0: not true at 0s")
}

func TestAlwaysWatchesCleanUps(t *testing.T) {
	wantHeard(t, hear(t, func(ctx context.Context, t *tasktest.T) {
		n := 0
		t.Always("n is 0", func() bool { return n == 0 })
		t.AsyncCleanup(func(ctx context.Context) error {
			n = 1
			return task.Sleep(ctx, time.Second)
		})
	}), "always n is 0: not true at 0s")
}

func TestEventuallyMakesTheEndOfTheTestWait(t *testing.T) {
	var e *tasktest.Events
	tasktest.Run(t, func(ctx context.Context, t *tasktest.T) {
		e = t.Events()
		ready := false
		t.Background(ctx, "server", func(ctx context.Context) error {
			if err := task.Sleep(ctx, 3*time.Second); err != nil {
				return err
			}
			ready = true
			return task.Sleep(ctx, task.Forever)
		})
		t.AsyncCleanup(func(context.Context) error {
			e.Add("clean-up")
			return nil
		})
		t.Eventually("the server is ready", time.Minute, func() bool { return ready })
		t.Cleanup(func() { e.Want("0s end of the function", "3s clean-up") })
		e.Add("end of the function")
	}, tasktest.NoTimersLeft())
}

func TestEventuallyFailsWhenItsTimeIsOver(t *testing.T) {
	wantHeard(t, hear(t, func(ctx context.Context, t *tasktest.T) {
		t.Cleanup(func() {
			if t.Elapsed() != 10*time.Second {
				t.Errorf("the test ended at %v", t.Elapsed())
			}
		})
		n := 0
		t.Eventually("n is 1", 2500*time.Millisecond, func() bool { return n == 1 })
		sleep(ctx, t, 10*time.Second)
		n = 1
	}), "eventually n is 1: not true within 2.5s")
}

// At a deadline all things count that happen at this time, in whatever order: timers that were
// set before or after, and tasks that take some more iterations.
func TestEventuallyCountsWhatHappensExactlyInTime(t *testing.T) {
	for _, late := range []time.Duration{0, 1} {
		for _, where := range []string{"callback before", "callback after", "task that yields", "advance", "main"} {
			text := hear(t, func(ctx context.Context, t *tasktest.T) {
				in := time.Second + late
				done := false
				finish := func() { done = true }
				if where == "callback before" {
					t.Loop().CallLater(in, finish)
				}
				t.Eventually("done", time.Second, func() bool { return done })
				switch where {
				case "callback after":
					t.Loop().CallLater(in, finish)
				case "task that yields":
					t.Background(ctx, "task", func(ctx context.Context) error {
						if err := task.Sleep(ctx, in); err != nil {
							return err
						}
						for range 10 {
							if err := task.Yield(ctx); err != nil {
								return err
							}
						}
						finish()
						return nil
					})
				case "advance":
					t.Autojump(false)
					if err := t.Advance(ctx, in); err != nil {
						t.Error(err)
					}
					finish()
				case "main":
					sleep(ctx, t, in)
					finish()
				}
			})
			want := ""
			if late > 0 {
				want = "eventually done: not true within 1s"
			}
			t.Run(fmt.Sprintf("%s, late by %v", where, late), func(t *testing.T) { wantHeard(t, text, want) })
		}
	}
}

func TestEventuallyHasADeadlineForEach(t *testing.T) {
	for _, order := range [][]int{{1, 2, 3}, {3, 2, 1}, {2, 3, 1}} {
		wantHeard(t, hear(t, func(ctx context.Context, t *tasktest.T) {
			t.AsyncCleanup(func(context.Context) error {
				if t.Elapsed() != 2500*time.Millisecond {
					t.Errorf("the test ended at %v", t.Elapsed())
				}
				return nil
			})
			t.Loop().CallLater(time.Hour, func() {})
			done := false
			t.Loop().CallLater(2500*time.Millisecond, func() { done = true })
			for _, n := range order {
				t.Eventually(fmt.Sprint(n), time.Duration(n)*time.Second, func() bool { return done })
			}
			sleep(ctx, t, 2500*time.Millisecond)
		}), "eventually 1: not true within 1s\neventually 2: not true within 2s")
	}
}

func TestEventuallyEndsTheTestWhenItIsLate(t *testing.T) {
	wantHeard(t, hear(t, func(ctx context.Context, t *tasktest.T) {
		t.AsyncCleanup(func(context.Context) error {
			if t.Elapsed() != time.Second {
				t.Errorf("the test ended at %v", t.Elapsed())
			}
			return nil
		})
		t.Loop().CallLater(time.Hour, func() {})
		t.Eventually("never", time.Second, func() bool { return false })
	}), "eventually never: not true within 1s")
}

func TestEventuallyStopsAnAdvanceAtItsDeadline(t *testing.T) {
	tasktest.Run(t, func(ctx context.Context, t *tasktest.T) {
		t.Autojump(false)
		t.Eventually("the clock is there", time.Second, func() bool { return t.Elapsed() == time.Second })
		if err := t.Advance(ctx, 3*time.Second); err != nil {
			t.Error(err)
		}
		if t.Elapsed() != 3*time.Second {
			t.Errorf("it is %v", t.Elapsed())
		}
	})
}

func TestEventuallyIsCancelledByABackgroundTaskThatFails(t *testing.T) {
	text := hear(t, func(ctx context.Context, t *tasktest.T) {
		t.Background(ctx, "server", func(context.Context) error { return errors.New("no port") })
		t.Eventually("never", time.Second, func() bool { return false })
	})
	if !strings.HasPrefix(text, "the background task server failed: no port\n") || strings.Contains(text, "never") || strings.Contains(text, "cancelled") {
		t.Errorf("the test was told:\n%s", text)
	}
}

func TestEventuallyInABubble(t *testing.T) {
	tasktest.Bubble(t, func(ctx context.Context, t *tasktest.T) {
		ready := make(chan struct{})
		t.Eventually("ready", 3*time.Second, func() bool {
			select {
			case <-ready:
				return true
			default:
				return false
			}
		})
		go func() {
			time.Sleep(3 * time.Second)
			close(ready)
			_, _ = t.Loop().CallSoonThreadsafe(func() {})
		}()
		t.AsyncCleanup(func(context.Context) error {
			if t.Elapsed() != 3*time.Second {
				t.Errorf("the test ended at %v", t.Elapsed())
			}
			return nil
		})
	}, tasktest.NoTimersLeft())
}

func TestAlwaysInABubble(t *testing.T) {
	output := child(t, func(t *testing.T) {
		tasktest.Bubble(t, func(ctx context.Context, t *tasktest.T) {
			n := 0
			t.Always("n is 0", func() bool { return n == 0 })
			sleep(ctx, t, time.Second)
			n = 1
			sleep(ctx, t, time.Second)
		})
	})
	if !strings.Contains(output, ": always n is 0: not true at 1s\n") {
		t.Errorf("the output is\n%s", output)
	}
}

func TestEventuallyIsLateInABubble(t *testing.T) {
	output := child(t, func(t *testing.T) {
		tasktest.Bubble(t, func(ctx context.Context, t *tasktest.T) {
			t.Eventually("never", 3*time.Second, func() bool { return false })
			t.AsyncCleanup(func(context.Context) error {
				t.Logf("the test ended at %v", t.Elapsed())
				return nil
			})
		}, tasktest.NoTimersLeft())
	})
	if !strings.Contains(output, ": eventually never: not true within 3s\n") ||
		!strings.Contains(output, ": the test ended at 3.000000001s\n") || strings.Contains(output, "timers are set") {
		t.Errorf("the output is\n%s", output)
	}
}

func TestEventuallyWithinNoTime(t *testing.T) {
	tasktest.Run(t, func(ctx context.Context, t *tasktest.T) {
		n := 0
		t.Loop().CallSoon(func() { n = 1 })
		t.Eventually("n is 1", 0, func() bool { return n == 1 })
		t.Eventually("true from the beginning", 0, func() bool { return true })
	})
	wantHeard(t, hear(t, func(_ context.Context, t *tasktest.T) {
		t.Loop().CallLater(time.Second, func() {})
		t.Eventually("false", 0, func() bool { return false })
	}), "eventually false: not true within 0s")
}

func TestEventuallyOnceIsEnough(t *testing.T) {
	tasktest.Run(t, func(ctx context.Context, t *tasktest.T) {
		n := 0
		t.Eventually("n is 1", time.Second, func() bool { return n == 1 })
		sleep(ctx, t, time.Millisecond)
		n = 1
		sleep(ctx, t, time.Millisecond)
		n = 2
		sleep(ctx, t, time.Minute)
	})
}

func TestEventuallyFollowsTheClock(t *testing.T) {
	tasktest.Run(t, func(ctx context.Context, t *tasktest.T) {
		t.Loop().CallLater(time.Minute, func() {})
		t.Eventually("5 s have gone", 5*time.Second, func() bool { return t.Elapsed() >= 5*time.Second })
	})
}

func TestEventuallyDoesNotHideADeadlock(t *testing.T) {
	// While the test function waits ...
	text := hear(t, func(ctx context.Context, t *tasktest.T) {
		t.Eventually("there is an answer", time.Minute, func() bool { return false })
		sleep(ctx, t, time.Second)
		_, _ = future.New[int](t.Loop()).Await(ctx)
	})
	if !strings.HasPrefix(text, "deadlock at 1s: ") || !strings.Contains(text, "\nnot true yet: there is an answer (within 1m0s)\n") {
		t.Errorf("the test was told:\n%s", text)
	}
	// ... and at its end.
	text = hear(t, func(ctx context.Context, t *tasktest.T) {
		t.Eventually("there is an answer", time.Minute, func() bool { return false })
		t.Background(ctx, "server", func(ctx context.Context) error {
			_, err := future.New[int](t.Loop()).Await(ctx)
			return err
		})
		sleep(ctx, t, time.Second)
	})
	wantHeard(t, text, `
deadlock at 1s: nothing is ready, no timer is set, nobody holds the clock
  main      is at its end, and waits for Eventually
  server    in future.(*Future).Await, called at monitor_test.go:201
not true yet: there is an answer (within 1m0s)`)
	// A clock that stands never comes to the deadline.
	text = hear(t, func(ctx context.Context, t *tasktest.T) {
		t.Autojump(false)
		t.Eventually("there is an answer", time.Minute, func() bool { return false })
	})
	if !strings.HasPrefix(text, "deadlock at 0s: ") || !strings.Contains(text, "\nnot true yet: there is an answer (within 1m0s)\n") {
		t.Errorf("the test was told:\n%s", text)
	}
}

func TestEventuallyWaitsForOtherGoroutines(t *testing.T) {
	tasktest.Run(t, func(ctx context.Context, t *tasktest.T) {
		answer := 0
		release := t.Loop().Hold()
		go func() {
			defer release()
			_, _ = t.Loop().CallSoonThreadsafe(func() { answer = 42 })
		}()
		t.Eventually("there is an answer", time.Second, func() bool { return answer == 42 })
	})
}

func TestEventuallyIsNotAskedOfATestThatFailsOrSkips(t *testing.T) {
	never := func() bool { return false }
	wantHeard(t, hear(t, func(ctx context.Context, t *tasktest.T) {
		t.Eventually("never", time.Hour, never)
		t.Fatal("failed")
	}), "failed")
	wantHeard(t, hear(t, func(ctx context.Context, t *tasktest.T) {
		t.Eventually("never", time.Hour, never)
		t.Error("failed")
	}), "failed")
	skipped := t.Run("skips", func(t *testing.T) {
		tasktest.Run(t, func(ctx context.Context, t *tasktest.T) {
			t.Eventually("never", time.Hour, never)
			t.Skip("skipped")
		})
	})
	if !skipped {
		t.Error("a test that skips fails")
	}
}

func TestEventuallyOfACleanUp(t *testing.T) {
	wantHeard(t, hear(t, func(ctx context.Context, t *tasktest.T) {
		t.AsyncCleanup(func(context.Context) error {
			t.Eventually("never", time.Hour, func() bool { return false })
			return nil
		})
	}), "eventually never: not true at the end of the test")
}

func TestMonitorsThatPanicOrFail(t *testing.T) {
	for name, set := range map[string]func(t *tasktest.T, pred func() bool){
		"Always":     func(t *tasktest.T, pred func() bool) { t.Always("it", pred) },
		"Eventually": func(t *tasktest.T, pred func() bool) { t.Eventually("it", time.Minute, pred) },
	} {
		t.Run(name, func(t *testing.T) {
			calls := 0
			text := hear(t, func(ctx context.Context, t *tasktest.T) {
				set(t, func() bool { calls++; panic("oops") })
				sleep(ctx, t, time.Second)
				if t.Elapsed() != time.Second {
					t.Error("the test did not go on")
				}
			})
			if !strings.HasPrefix(text, "the predicate it: panic: oops\n\n") || !strings.Contains(text, "monitor_test.go:") || calls != 1 {
				t.Errorf("after %d calls the test was told:\n%s", calls, text)
			}

			calls = 0
			cleaned := false
			wantHeard(t, hear(t, func(ctx context.Context, t *tasktest.T) {
				t.AsyncCleanup(func(ctx context.Context) error {
					cleaned = true
					return task.Sleep(ctx, time.Second)
				})
				set(t, func() bool {
					if calls++; t.Elapsed() < 2*time.Second {
						return name == "Always"
					}
					t.Fatal("fatal")
					return true
				})
				t.Background(ctx, "ticker", func(ctx context.Context) error {
					for {
						if err := task.Sleep(ctx, time.Second); err != nil {
							return err
						}
					}
				})
				err := task.Sleep(ctx, 10*time.Second)
				if !future.IsCancelled(err) {
					t.Errorf("the test went on: %v", err)
				}
			}), "fatal")
			if !cleaned {
				t.Error("the clean-up did not run")
			}
		})
	}
}

// What the last step before a jump has done is looked at while the loop is idle. A predicate may
// end the run there too.
func TestMonitorsThatEndTheRunWhileTheLoopIsIdle(t *testing.T) {
	var ended, cleaned time.Duration
	wantHeard(t, hear(t, func(ctx context.Context, t *tasktest.T) {
		n := 0
		t.AsyncCleanup(func(ctx context.Context) error {
			_, err := task.ToThread(ctx, func(context.Context) (int, error) { return 0, nil })
			sleep(ctx, t, time.Second)
			cleaned = t.Elapsed()
			return err
		})
		t.Always("n is 0", func() bool {
			if n != 0 {
				ended = t.Elapsed()
				t.Fatal("n is not 0")
			}
			return true
		})
		sleep(ctx, t, time.Second)
		n = 1
		_ = task.Sleep(ctx, time.Hour)
	}), "n is not 0")
	if ended != time.Second || cleaned != 2*time.Second {
		t.Errorf("the run ended at %v, and was cleaned up at %v", ended, cleaned)
	}
}

// A loop that is slow may be past a deadline before it is idle.
func TestEventuallyIsLateOnASlowLoop(t *testing.T) {
	output := child(t, func(t *testing.T) {
		tasktest.Explore(t, func(ctx context.Context, t *tasktest.T) {
			done := false
			t.Eventually("done", time.Second, func() bool { return done })
			t.Loop().CallLater(2*time.Second, func() {})
			for range 3 {
				if err := task.Yield(ctx); err != nil {
					t.Error(err)
				}
			}
			done = true
		}, tasktest.Slow(time.Minute))
	})
	if !strings.Contains(output, "eventually done: not true within 1s") || !strings.Contains(output, "the loop is slow") {
		t.Errorf("the output is\n%s", output)
	}
}

func TestMonitorsRefuseMisuse(t *testing.T) {
	tasktest.Run(t, func(_ context.Context, t *tasktest.T) {
		for _, misuse := range []struct {
			fn   func()
			want error
			text string
		}{
			{func() { t.Always("a", nil) }, loop.ErrNilFunc, "tasktest: Always: a: "},
			{func() { t.Eventually("b", time.Second, nil) }, loop.ErrNilFunc, "tasktest: Eventually: b: "},
			{func() { t.Eventually("c", -time.Second, func() bool { return true }) }, loop.ErrInvalidArgument, "tasktest: Eventually: c within -1s: "},
		} {
			err := panicOf(misuse.fn)
			if !errors.Is(err, misuse.want) || !strings.HasPrefix(err.Error(), misuse.text) {
				t.Errorf("the panic is %v, want %q", err, misuse.text)
			}
		}
	})
}

func TestMonitorsAreForTheLoop(t *testing.T) {
	tasktest.Run(t, func(ctx context.Context, t *tasktest.T) {
		for name, fn := range map[string]func(){
			"Always":     func() { t.Always("it", func() bool { return true }) },
			"Eventually": func() { t.Eventually("it", time.Second, func() bool { return true }) },
			"Add":        func() { t.Events().Add("it") },
		} {
			_, err := task.ToThread(ctx, func(context.Context) (int, error) { return 0, panicOf(fn) })
			if !errors.Is(err, loop.ErrWrongGoroutine) || !strings.Contains(err.Error(), "tasktest: "+name+" of ") {
				t.Errorf("%s on another goroutine: %v", name, err)
			}
		}
	})
}

// A clock that moves is no livelock.
func TestMonitorsLetTheClockMove(t *testing.T) {
	tasktest.Run(t, func(ctx context.Context, t *tasktest.T) {
		t.Always("it", func() bool { return true })
		for range 50 {
			sleep(ctx, t, time.Second)
		}
	}, tasktest.MaxIterations(20))
}

// panicOf returns the error with which fn panics, nil if it does not.
func panicOf(fn func()) (err error) {
	defer func() { err, _ = recover().(error) }()
	fn()
	return nil
}

// Monitors are not part of the program: they make no schedule more to explore.
func TestMonitorsLeaveSchedulesAlone(t *testing.T) {
	runs := map[bool]int{}
	for _, watched := range []bool{false, true} {
		tasktest.Explore(t, func(ctx context.Context, t *tasktest.T) {
			runs[watched]++
			n := 0
			if watched {
				t.Always("n is not negative", func() bool { return n >= 0 })
				t.Eventually("n is 3", time.Second, func() bool { return n == 3 })
			}
			for range 3 {
				t.Loop().CallLater(time.Second, func() { n++ })
			}
			sleep(ctx, t, 2*time.Second)
		}, tasktest.For(time.Minute))
	}
	if runs[true] != runs[false] || runs[true] < 2 {
		t.Errorf("%d schedules with monitors, %d without", runs[true], runs[false])
	}
}
