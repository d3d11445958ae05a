package loop_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// What the loop does when coroutines run on it.

// onHandoffs runs a test on all ways to hand over control.
func onHandoffs(t *testing.T, test func(t *testing.T, handoff task.Handoff)) {
	for _, handoff := range []task.Handoff{task.Channels, task.IterPull} {
		t.Run(handoff.String(), func(t *testing.T) { test(t, handoff) })
	}
}

// newTaskLoop returns a loop as newLoop does, for tasks.
func newTaskLoop(t testing.TB, handoff task.Handoff, opts ...loop.Option) (*loop.Loop, *tasktest.Clock) {
	t.Helper()
	l, c := newLoop(t, opts...)
	task.SetHandoff(l, handoff)
	return l, c
}

// ticks lets the loop run n iterations.
func ticks(ctx context.Context, n int) {
	for range n {
		if err := task.Yield(ctx); err != nil {
			panic(err)
		}
	}
}

func TestRunInACoroutineIsRefused(t *testing.T) {
	onHandoffs(t, func(t *testing.T, handoff task.Handoff) {
		l, _ := newTaskLoop(t, handoff)
		other, _ := newTaskLoop(t, handoff)
		other.CallSoon(func() { t.Error("the other loop ran") })
		check.RunOn(t, l, func(ctx context.Context) {
			check.IsFrom(t, other.RunForever(), loop.ErrRunning, "loop: ")
			check.Equal(t, "other.IsRunning", other.IsRunning(), false)
			check.Equal(t, "the running loop is the first", loop.Running(ctx) == l && l.IsRunning(), true)
			ticks(ctx, 1)
		})
	})
}

func TestPollRunsOneIterationOfTasks(t *testing.T) {
	onHandoffs(t, func(t *testing.T, handoff task.Handoff) {
		l, _ := newTaskLoop(t, handoff)
		var order []string
		for _, name := range []string{"a", "b"} {
			task.CreateOn(l, task.Void(func(ctx context.Context) error {
				for i := range 3 {
					order = append(order, fmt.Sprint(name, i))
					ticks(ctx, 1)
				}
				return nil
			}))
		}
		want := []string{}
		for i := range 3 {
			l.Poll()
			want = append(want, fmt.Sprint("a", i), fmt.Sprint("b", i))
			check.Equal(t, "steps", order, want)
		}
		l.Poll()
		if next, ok, _ := l.Poll(); ok {
			t.Errorf("something is left, due at %v", next)
		}
	})
}

func TestFatalErrorOfATaskLeavesTheRestForTheNextRun(t *testing.T) {
	onHandoffs(t, func(t *testing.T, handoff task.Handoff) {
		l, _ := newTaskLoop(t, handoff)
		var order []string
		add := func(name string) task.Coroutine[struct{}] {
			return task.Void(func(context.Context) error {
				order = append(order, name)
				return nil
			})
		}
		task.CreateOn(l, add("a"))
		exit := task.CreateOn(l, func(context.Context) (int, error) { return 0, &loop.SystemExit{Code: 4} })
		task.CreateOn(l, add("b"))
		l.CallSoon(func() { order = append(order, "callback") })
		err := l.RunForever()
		check.Equal(t, "error", err, exit.Err())
		check.Equal(t, "before", order, []string{"a"})
		l.Poll()
		check.Equal(t, "afterwards", order, []string{"a", "b", "callback"})
	})
}

func TestCloseInACoroutineIsRefused(t *testing.T) {
	onHandoffs(t, func(t *testing.T, handoff task.Handoff) {
		l, _ := newTaskLoop(t, handoff)
		check.RunOn(t, l, func(ctx context.Context) {
			check.IsFrom(t, l.Close(), loop.ErrRunning, "loop: ")
			ticks(ctx, 1)
			check.Equal(t, "IsClosed", l.IsClosed(), false)
		})
	})
}

func TestTimerIsCancelledByAnUnwoundCoroutine(t *testing.T) {
	onHandoffs(t, func(t *testing.T, handoff task.Handoff) {
		l, _ := newTaskLoop(t, handoff)
		l.SetExceptionHandler(func(_ *loop.Loop, e loop.ExceptionContext) {
			check.Equal(t, "report", e.Message, "Task was destroyed but it is pending!")
		})
		cancelled := false
		task.CreateOn(l, task.Void(func(ctx context.Context) error {
			h := l.CallLater(time.Hour, func() { t.Error("the timer fired") })
			defer func() {
				h.Cancel()
				cancelled = true
			}()
			return task.Sleep(ctx, time.Minute)
		}))
		l.Poll()
		check.NoError(t, l.Close())
		check.Equal(t, "cancelled", cancelled, true)
	})
}

func TestLoopDoesNotSpinDuringTinySleeps(t *testing.T) {
	onHandoffs(t, func(t *testing.T, handoff task.Handoff) {
		l, c := newTaskLoop(t, handoff)
		check.RunOn(t, l, func(ctx context.Context) {
			for _, d := range []time.Duration{10 * time.Millisecond, 100 * time.Microsecond, time.Microsecond, 10 * time.Nanosecond, 1} {
				check.NoError(t, task.Sleep(ctx, d))
			}
		})
		check.Equal(t, "sleeps", len(c.Sleeps()), 5)
	})
}

func TestContextOfACoroutineCarriesTheRunningLoop(t *testing.T) {
	onHandoffs(t, func(t *testing.T, handoff task.Handoff) {
		l, _ := newTaskLoop(t, handoff)
		ctx := context.Background()
		_, ok := loop.FromContext(ctx)
		check.Equal(t, "a loop outside", ok, false)
		check.IsFrom(t, check.Panics(t, func() { loop.Running(ctx) }), loop.ErrNotRunning, "loop: ")
		check.RunOn(t, l, func(ctx context.Context) {
			check.Equal(t, "the loop inside is the running one", loop.Running(ctx) == l, true)
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			check.Equal(t, "the loop in a derived context", loop.Running(ctx) == l, true)
		})
	})
}

func TestSlowStepOfATaskIsLoggedInDebugMode(t *testing.T) {
	onHandoffs(t, func(t *testing.T, handoff task.Handoff) {
		log, text := logged()
		l, c := newTaskLoop(t, handoff, loop.WithLogger(log), loop.WithDebug())
		check.RunOn(t, l, func(ctx context.Context) {
			v, err := task.Create(ctx, func(ctx context.Context) (int, error) {
				c.Advance(99 * time.Millisecond)
				ticks(ctx, 1)
				c.Advance(time.Second)
				return 1, nil
			}, task.Name("sluggish")).Await(ctx)
			check.NoError(t, err)
			check.Equal(t, "result", v, 1)
		})
		if n := strings.Count(text.String(), "Executing <Task"); n != 1 ||
			!strings.Contains(text.String(), "sluggish") || !strings.Contains(text.String(), "took 1.000 seconds") {
			t.Errorf("%d slow steps were logged: %s", n, text.String())
		}
		text.Reset()
		l.SetDebug(false)
		check.RunOn(t, l, func(context.Context) { c.Advance(time.Hour) })
		check.Equal(t, "log without debug mode", text.String(), "")
	})
}

func TestDebugModeKnowsTheGoroutinesOfCoroutines(t *testing.T) {
	onHandoffs(t, func(t *testing.T, handoff task.Handoff) {
		l, _ := newTaskLoop(t, handoff)
		l.SetDebug(true)
		check.RunOn(t, l, func(ctx context.Context) {
			var order []string
			add := func(name string) func() { return func() { order = append(order, name) } }
			l.CallSoon(add("soon"))
			l.CallLater(0, add("later"))
			l.CallAt(l.Time(), add("at"))
			done := make(chan struct{})
			go func() {
				defer close(done)
				check.IsFrom(t, check.Panics(t, func() { l.CallSoon(add("never")) }), loop.ErrWrongGoroutine, "loop: ")
			}()
			<-done
			ticks(ctx, 3)
			check.Equal(t, "calls", order, []string{"soon", "later", "at"})
		})
	})
}

// onLoop checks what loop.OnLoop says, and what it says in a new goroutine.
func onLoop(t testing.TB, where string, want bool) {
	t.Helper()
	if kernel.OnLoop() != want {
		t.Errorf("OnLoop %s is %t", where, !want)
	}
	other := make(chan bool)
	go func() { other <- kernel.OnLoop() }()
	if <-other {
		t.Errorf("OnLoop is true in a goroutine started %s", where)
	}
}

func TestOnLoopIsTrueWhereverACoroutineRuns(t *testing.T) {
	onHandoffs(t, func(t *testing.T, handoff task.Handoff) {
		l, _ := newTaskLoop(t, handoff)
		onLoop(t, "before the run", false)
		check.RunOn(t, l, func(ctx context.Context) {
			onLoop(t, "in a new goroutine's first coroutine", true)
			yielding := func(where string) *task.Task[struct{}] {
				return task.Go(ctx, func(ctx context.Context) error {
					onLoop(t, where+", at its beginning", true)
					ticks(ctx, 1)
					onLoop(t, where+", after a handoff", true)
					return nil
				})
			}
			a, b := yielding("in a task among others"), yielding("in another task among others")
			_, err := task.Gather(ctx, a, b).Await(ctx)
			check.NoError(t, err)
			onLoop(t, "after being resumed by a task", true)

			// Tasks that never suspend: goroutines take one after the other.
			var quick []*task.Task[struct{}]
			for i := range 10 {
				quick = append(quick, task.Go(ctx, func(context.Context) error {
					onLoop(t, fmt.Sprintf("in quick task %d", i), true)
					return nil
				}))
			}
			_, err = task.Gather(ctx, quick...).Await(ctx)
			check.NoError(t, err)

			task.Go(ctx, func(ctx context.Context) error {
				onLoop(t, "in an eager task", true)
				ticks(ctx, 1)
				onLoop(t, "in an eager task that was resumed", true)
				return nil
			}, task.Eager())
			onLoop(t, "after an eager start", true)

			check.NoError(t, task.Sleep(ctx, time.Second))
			onLoop(t, "after the loop slept", true)
			l.CallSoon(func() { onLoop(t, "in a callback", true) })
			f := future.New[int](l)
			f.AddDoneCallback(func() { onLoop(t, "in a done callback", true) })
			check.NoError(t, f.SetResult(1))
			ticks(ctx, 2)

			_, err = task.ToThread(ctx, func(context.Context) (int, error) {
				onLoop(t, "in an executor", false)
				return 1, nil
			})
			check.NoError(t, err)
			onLoop(t, "after an executor", true)
		})
		onLoop(t, "after the run", false)

		task.CreateOn(l, func(ctx context.Context) (int, error) {
			defer onLoop(t, "in a coroutine that is unwound", true)
			return future.New[int](l).Await(ctx)
		})
		l.SetExceptionHandler(func(*loop.Loop, loop.ExceptionContext) {}) // it is destroyed pending
		l.Poll()
		check.NoError(t, l.Close())
	})
}

func TestOnLoopInDebugMode(t *testing.T) {
	onHandoffs(t, func(t *testing.T, handoff task.Handoff) {
		l, _ := newTaskLoop(t, handoff)
		l.SetDebug(true)
		check.RunOn(t, l, func(ctx context.Context) {
			onLoop(t, "in a coroutine", true)
			ticks(ctx, 1)
			onLoop(t, "in a coroutine that was resumed", true)
		})
	})
}
