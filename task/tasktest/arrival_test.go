package tasktest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
)

// outcomes explores a program and returns all that it says, sorted, each once.
func outcomes(t *testing.T, fn func(ctx context.Context, t *T, say func(format string, args ...any)), opts ...Option) []string {
	t.Helper()
	seen := map[string]bool{}
	exploring(t, func(ctx context.Context, t *T) {
		var said []string
		fn(ctx, t, func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) })
		seen[strings.Join(said, " ")] = true
	}, opts...).passes(t, "complete")
	var all []string
	for s := range seen {
		all = append(all, s)
	}
	slices.Sort(all)
	return all
}

func wantOutcomes(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("the outcomes are\n%s\nand not\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// inThread is a task that waits for a function in the executor.
func inThread(ctx context.Context, name string, say func(string, ...any)) *task.Task[struct{}] {
	return task.Go(ctx, func(ctx context.Context) error {
		_, err := task.ToThread(ctx, func(context.Context) (int, error) { return 1, nil })
		say("%s", name)
		return err
	}, task.Name(name))
}

func TestResultsOfExecutorsArriveInAnyOrder(t *testing.T) {
	got := outcomes(t, func(ctx context.Context, t *T, say func(string, ...any)) {
		a, b := inThread(ctx, "a", say), inThread(ctx, "b", say)
		join(ctx, t, a, b)
	})
	wantOutcomes(t, got, "a b", "b a")
}

func TestResultsOfExecutorsArriveBeforeAndAfterATimeout(t *testing.T) {
	got := outcomes(t, func(ctx context.Context, t *T, say func(string, ...any)) {
		err := task.WithTimeout(ctx, time.Second, func(ctx context.Context) error {
			_, err := task.ToThread(ctx, func(context.Context) (int, error) { return 1, nil })
			return err
		})
		say("%v at %v", errors.Is(err, context.DeadlineExceeded), t.Elapsed())
	})
	// The result that arrives in the very iteration in which the time is over does not help: the
	// task is woken with it, and cancelled.
	wantOutcomes(t, got, "false at 0s", "false at 1s", "true at 1s")
}

func TestResultsOfExecutorsArriveAtOnceByDefault(t *testing.T) {
	Run(t, func(ctx context.Context, t *T) {
		t.Loop().SetDefaultExecutor(NewExecutor(t))
		v, err := task.ToThread(ctx, func(context.Context) (int, error) { return 1, nil })
		if v != 1 || err != nil || t.Elapsed() != 0 {
			t.Errorf("it returns %d, %v after %v", v, err, t.Elapsed())
		}
	})
}

func TestResultsOfExecutorsMustArriveIfNothingElseCan(t *testing.T) {
	got := outcomes(t, func(ctx context.Context, t *T, say func(string, ...any)) {
		join(ctx, t, inThread(ctx, "there", say))
	})
	wantOutcomes(t, got, "there")
}

func TestExecutorHangs(t *testing.T) {
	program := func(ctx context.Context, t *T, say func(string, ...any)) {
		t.Loop().SetDefaultExecutor(NewExecutor(t, Hang))
		err := task.WithTimeout(ctx, time.Second, func(ctx context.Context) error {
			_, err := task.ToThread(ctx, func(context.Context) (int, error) { return 1, nil })
			return err
		})
		say("%v", err == nil)
	}
	wantOutcomes(t, outcomes(t, program), "false", "true")
	p := exploring(t, func(ctx context.Context, t *T) {
		t.Loop().SetDefaultExecutor(NewExecutor(t, Hang))
		_, _ = task.ToThread(ctx, func(context.Context) (int, error) { return 1, nil })
	})
	if token := p.fails(t, "deadlock at 0s"); token != "@0.1" {
		t.Errorf("the schedule is %s", token)
	}
	p.says(t, "the result of arrival_test.go:")
	p.says(t, " will never arrive\n")
}

func TestExecutorRefuses(t *testing.T) {
	got := outcomes(t, func(ctx context.Context, t *T, say func(string, ...any)) {
		t.Loop().SetDefaultExecutor(NewExecutor(t, Refuse))
		for range 2 {
			called := false
			_, err := task.ToThread(ctx, func(context.Context) (int, error) { called = true; return 1, nil })
			if called == errors.Is(err, loop.ErrExecutorShutdown) {
				t.Errorf("called %v, %v", called, err)
			}
			say("%v", err == nil)
		}
	})
	wantOutcomes(t, got, "false false", "false true", "true false", "true true")
}

func TestExecutorThatIsShutDownRefuses(t *testing.T) {
	Run(t, func(ctx context.Context, t *T) {
		x := NewExecutor(t)
		if err := x.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		if err := x.Submit(func() {}); !errors.Is(err, loop.ErrExecutorShutdown) {
			t.Errorf("Submit returns %v", err)
		}
	})
}

// Fatal ends the function that calls it, and the test.
func TestExecutorFunctionsMayCallFatal(t *testing.T) {
	p := exploring(t, func(ctx context.Context, t *T) {
		bad := t.Choose(2, "a bit") == 1
		_, err := task.ToThread(ctx, func(context.Context) (int, error) {
			if bad {
				t.Fatal("in a thread")
			}
			return 1, nil
		})
		if (err != nil) != bad {
			t.Errorf("it returns %v", err)
		}
	})
	if token := p.fails(t, "in a thread"); token != "@0.1" {
		t.Errorf("the schedule is %s", token)
	}
}

// A timer is put off and then cancelled by what ran before it: it must not come.
func TestLateTimersCanBeCancelled(t *testing.T) {
	got := outcomes(t, func(ctx context.Context, t *T, say func(string, ...any)) {
		var second *loop.TimerHandle
		t.Loop().CallLater(time.Second, func() {
			say("first")
			t.Loop().CallSoon(func() { second.Cancel() })
		})
		second = t.Loop().CallLater(time.Second, func() { say("second") })
		if err := task.Sleep(ctx, time.Minute); err != nil {
			t.Error(err)
		}
		say("%v", t.Elapsed())
	})
	wantOutcomes(t, got, "first 1m0s", "first second 1m0s", "second first 1m0s")
}

func TestTimersWithDifferentDeadlinesKeepTheirOrder(t *testing.T) {
	got := outcomes(t, func(ctx context.Context, t *T, say func(string, ...any)) {
		t.Loop().CallLater(time.Second, func() { say("1") })
		t.Loop().CallLater(2*time.Second, func() { say("2") })
		if err := task.Sleep(ctx, time.Minute); err != nil {
			t.Error(err)
		}
	})
	wantOutcomes(t, got, "1 2")
}

// A slow loop finds that several timers are due, and the later one is noticed with the
// first or after it, never before.
func TestSlowLetsTheClockCreep(t *testing.T) {
	got := outcomes(t, func(ctx context.Context, t *T, say func(string, ...any)) {
		t.Loop().CallLater(time.Second, func() { say("timer") })
		for range 2 {
			if err := task.Yield(ctx); err != nil {
				t.Error(err)
			}
		}
		say("%v", t.Elapsed())
		if err := task.Sleep(ctx, time.Minute); err != nil {
			t.Error(err)
		}
	}, Slow(time.Second))
	wantOutcomes(t, got, "0s timer", "1s timer", "timer 1s")
}

func TestEagerTasksAreExplored(t *testing.T) {
	got := outcomes(t, func(ctx context.Context, t *T, say func(string, ...any)) {
		eager := func(name string) *task.Task[struct{}] {
			return task.Go(ctx, func(ctx context.Context) error {
				say("%s", name)
				_, err := task.ToThread(ctx, func(context.Context) (int, error) { return 1, nil })
				say("%s", strings.ToUpper(name))
				return err
			}, task.Eager())
		}
		join(ctx, t, eager("a"), eager("b"))
	})
	wantOutcomes(t, got, "a b A B", "a b B A")
}

// The program closes the loop while a result is on its way: it never arrives.
func TestRunsMayEndWhileResultsAreOnTheirWay(t *testing.T) {
	p := exploring(t, func(ctx context.Context, t *T) {
		task.Go(ctx, func(ctx context.Context) error {
			_, err := task.ToThread(ctx, func(context.Context) (int, error) { return 1, nil })
			return err
		})
		_ = task.Yield(ctx)
	}, AllowTasks())
	p.passes(t, "complete")
}
