package tasktest_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest"
)

// child calls fn in a process of its own, as this very test, and returns what that has
// printed. The test must fail there. In that process child does not return.
func child(t *testing.T, fn func(t *testing.T), args ...string) string {
	t.Helper()
	const name = "TASKTEST_CHILD"
	if os.Getenv(name) == t.Name() {
		fn(t)
		t.SkipNow()
	}
	pattern := "^" + strings.ReplaceAll(t.Name(), "/", "$/^") + "$"
	cmd := exec.Command(os.Args[0], append([]string{"-test.run=" + pattern, "-test.v", "-test.timeout=60s"}, args...)...)
	cmd.Env = append(os.Environ(), name+"="+t.Name())
	output, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		t.Errorf("the process ended with %v, and said:\n%s", err, output)
	}
	return string(output)
}

// has checks that a text has parts, one after the other.
func has(t *testing.T, text string, parts ...string) {
	t.Helper()
	rest := text
	for _, part := range parts {
		_, after, found := strings.Cut(rest, part)
		if !found {
			t.Errorf("there is no %q, or not in this order, in:\n%s", part, text)
			return
		}
		rest = after
	}
}

// hang holds the loop for ever.
func hang() { <-make(chan struct{}) }

func TestWatchdogNamesTheTaskThatHoldsTheLoop(t *testing.T) {
	for _, h := range []task.Handoff{task.Channels, task.IterPull} {
		t.Run(h.String(), func(t *testing.T) {
			output := child(t, func(t *testing.T) {
				tasktest.Run(t, func(ctx context.Context, t *tasktest.T) {
					waiting(ctx, "innocent")
					task.Go(ctx, func(ctx context.Context) error {
						_ = task.Sleep(ctx, time.Hour)
						hang()
						return nil
					}, task.Name("hog"))
					wait(ctx)
				}, tasktest.Watchdog(50*time.Millisecond), tasktest.Handoff(h))
			})
			has(t, output, "panic: tasktest: "+t.Name()+": a step of task hog has held the loop for ", "in tasktest_test.hang at child_test.go:",
				"tasktest_test.hang\n", "child_test.go:", "tasktest_test.TestWatchdogNames")
			if strings.Contains(output, "sync.(*Event).Wait\n") {
				t.Errorf("it names others too:\n%s", output)
			}
		})
	}
}

func TestWatchdogNamesTheCallbackThatHoldsTheLoop(t *testing.T) {
	output := child(t, func(t *testing.T) {
		tasktest.Run(t, func(ctx context.Context, t *tasktest.T) {
			t.Loop().CallSoon(func() { spin() })
			wait(ctx)
		}, tasktest.Watchdog(50*time.Millisecond))
	})
	has(t, output, "a callback has held the loop for ", "in tasktest_test.spin at child_test.go:", "TestWatchdogNamesTheCallback")
}

// spin holds the loop and a processor for ever.
func spin() {
	for n := 0; ; n++ {
		_ = n
	}
}

func TestWatchdogSpeaksBeforeTheDeadline(t *testing.T) {
	output := child(t, func(t *testing.T) {
		tasktest.Run(t, func(ctx context.Context, t *tasktest.T) { hang() })
	}, "-test.timeout=6200ms")
	has(t, output, "a step of task main has held the loop for ", "in tasktest_test.hang at child_test.go:")
}

func TestWatchdogIsOutsideOfTheBubble(t *testing.T) {
	output := child(t, func(t *testing.T) {
		tasktest.Bubble(t, func(ctx context.Context, t *tasktest.T) {
			_ = task.Sleep(ctx, time.Hour)
			spin()
		}, tasktest.Watchdog(50*time.Millisecond))
	})
	has(t, output, "a step of task main has held the loop for ", "in tasktest_test.spin at child_test.go:")
}

// run is Run with both handoffs.
func run(t *testing.T, fn func(ctx context.Context, t *tasktest.T)) {
	for _, h := range []task.Handoff{task.Channels, task.IterPull} {
		tasktest.Run(t, fn, tasktest.Handoff(h))
	}
}

func TestLinesAreThoseOfTheTest(t *testing.T) {
	var wants []string
	want := func(text string) { // of the next line
		var line int
		_, _ = fmt.Sscanf(caller(), "child_test.go:%d", &line)
		wants = append(wants, fmt.Sprintf("child_test.go:%d: %s", line+1, text))
	}
	body := func(t *testing.T) {
		complain := func(t testing.TB, text string) {
			t.Helper()
			t.Errorf("%s", text)
		}
		run(t, func(ctx context.Context, t *tasktest.T) {
			want("in main")
			t.Error("in main")
			want("of a helper")
			complain(t, "of a helper")
			want("logged")
			t.Logf("logged")
			t.Loop().CallSoon(func() {
				want("in a callback")
				t.Errorf("in a callback")
			})
			task.Go(ctx, func(ctx context.Context) error {
				want("of a helper in a task")
				complain(t, "of a helper in a task")
				return nil
			})
			_, _ = task.ToThread(ctx, func(context.Context) (int, error) {
				want("in a thread")
				t.Fatal("in a thread")
				return 0, nil
			})
		})
		want("deadlock at 0s: nothing is ready")
		run(t, func(ctx context.Context, t *tasktest.T) { wait(ctx) })
		want("reported to the exception handler: Exception in callback")
		run(t, func(ctx context.Context, t *tasktest.T) { t.Loop().CallSoon(explode) })
		want("goroutines are left at the end of the test:")
		run(t, func(ctx context.Context, t *tasktest.T) { go hang() })
		want("livelock at 0s")
		tasktest.Bubble(t, func(ctx context.Context, t *tasktest.T) { spinOn(ctx) }, tasktest.MaxIterations(10))
		run(t, func(ctx context.Context, t *tasktest.T) {
			task.Go(ctx, func(ctx context.Context) error {
				want("the end")
				t.Fatalf("the end")
				return nil
			})
			wait(ctx)
		})
	}
	output := child(t, func(t *testing.T) {
		t.Cleanup(func() {
			for _, w := range wants {
				fmt.Println("want:", w)
			}
		})
		body(t)
	})
	found := regexp.MustCompile(`(?m)^want: (.*)$`).FindAllStringSubmatch(output, -1)
	if len(found) < 12 {
		t.Errorf("it said:\n%s", output)
	}
	for _, m := range found {
		if !strings.Contains(output, "    "+m[1]) {
			t.Errorf("there is no %q in:\n%s", m[1], output)
		}
	}
	if strings.Contains(output, " run.go:") {
		t.Errorf("there are lines of this package:\n%s", output)
	}
}

// spinOn yields until it is cancelled.
func spinOn(ctx context.Context) {
	for task.Yield(ctx) == nil {
	}
}
