package tasktest_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest"
)

// places are where a test may end: each calls end there, and goes on with the rest.
var places = map[string]func(ctx context.Context, t *tasktest.T, end func()){
	"main": func(ctx context.Context, t *tasktest.T, end func()) { end() },
	"another task": func(ctx context.Context, t *tasktest.T, end func()) {
		task.Go(ctx, func(context.Context) error { end(); return nil })
		wait(ctx)
	},
	"an eager task": func(ctx context.Context, t *tasktest.T, end func()) {
		task.Create(ctx, task.Void(func(context.Context) error { end(); return nil }), task.Eager())
		wait(ctx)
	},
	"a task of a group": func(ctx context.Context, t *tasktest.T, end func()) {
		_ = task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
			g.Go(func(context.Context) error { end(); return nil })
			return task.Sleep(ctx, time.Hour)
		})
	},
	"a callback": func(ctx context.Context, t *tasktest.T, end func()) {
		t.Loop().CallSoon(end)
		wait(ctx)
	},
	"a timer": func(ctx context.Context, t *tasktest.T, end func()) {
		t.Loop().CallLater(time.Hour, end)
		wait(ctx)
	},
	"a done callback": func(ctx context.Context, t *tasktest.T, end func()) {
		f := future.New[int](t.Loop())
		f.AddDoneCallback(end)
		_ = f.SetResult(1)
		wait(ctx)
	},
	"a predicate": func(ctx context.Context, t *tasktest.T, end func()) {
		t.Always("end", func() bool { end(); return true })
		wait(ctx)
	},
	"AsyncCleanup": func(ctx context.Context, t *tasktest.T, end func()) {
		t.AsyncCleanup(func(context.Context) error { end(); return nil })
	},
	"AsyncCleanup after a sleep": func(ctx context.Context, t *tasktest.T, end func()) {
		t.AsyncCleanup(func(ctx context.Context) error {
			if err := task.Sleep(ctx, time.Second); err != nil {
				t.Error(err)
			}
			end()
			return nil
		})
	},
	"a task while main tears down": func(ctx context.Context, t *tasktest.T, end func()) {
		t.AsyncCleanup(func(ctx context.Context) error {
			task.Go(ctx, func(context.Context) error { end(); return nil })
			return task.Sleep(ctx, time.Second)
		})
	},
	"Cleanup": func(ctx context.Context, t *tasktest.T, end func()) { t.Cleanup(end) },
	"the exception handler": func(ctx context.Context, t *tasktest.T, end func()) {
		t.Loop().SetExceptionHandler(func(*loop.Loop, loop.ExceptionContext) { end() })
		t.Loop().CallSoon(func() { panic("handle me") })
		wait(ctx)
	},
	"the exception handler at the end": func(ctx context.Context, t *tasktest.T, end func()) {
		t.Loop().SetExceptionHandler(func(*loop.Loop, loop.ExceptionContext) { end() })
		task.Go(ctx, func(context.Context) error { return errTest })
	},
	"a task that is left": func(ctx context.Context, t *tasktest.T, end func()) {
		task.Go(ctx, func(context.Context) error { end(); return nil })
	},
	"a deferred function": func(ctx context.Context, t *tasktest.T, end func()) {
		task.Go(ctx, func(ctx context.Context) error {
			defer end()
			return task.Sleep(ctx, time.Second)
		})
		wait(ctx)
	},
}

// onPlaces ends a test in all places, with both handoffs, and gives the outcome to check.
func onPlaces(t *testing.T, end func(t *tasktest.T), check func(t *testing.T, f *fakeTB)) {
	for place, fn := range places {
		t.Run(place, func(t *testing.T) {
			onBoth(t, func(t *testing.T, h task.Handoff) {
				var steps []string
				f := fake(t, func(t testing.TB) {
					tasktest.Run(t, func(ctx context.Context, t *tasktest.T) {
						t.Cleanup(func() { steps = append(steps, "Cleanup") })
						t.AsyncCleanup(func(ctx context.Context) error {
							steps = append(steps, "AsyncCleanup")
							err := task.Sleep(ctx, time.Second)
							steps = append(steps, "slept")
							return err
						})
						fn(ctx, t, func() { end(t) })
					}, tasktest.Handoff(h))
				})
				check(t, f)
				if got := strings.Join(steps, " "); got != "AsyncCleanup slept Cleanup" {
					t.Errorf("the tear-down was: %s", got)
				}
			})
		})
	}
}

func TestFatalEndsTheRunAnywhere(t *testing.T) {
	onPlaces(t, func(t *tasktest.T) { t.Fatal("over") }, func(t *testing.T, f *fakeTB) {
		f.fails(t, "error: over\n")
		if !f.finished {
			t.Error("the test went on")
		}
	})
}

func TestSkipEndsTheRunAnywhere(t *testing.T) {
	onPlaces(t, func(t *tasktest.T) { t.Skipf("not %s", "today") }, func(t *testing.T, f *fakeTB) {
		f.says(t, "log: not today\n")
		if f.Failed() || !f.skipped {
			t.Errorf("failed=%t, skipped=%t", f.Failed(), f.skipped)
		}
	})
}

// The methods of the outer test work as well.
func TestFatalOfTheOuterTestEndsTheRun(t *testing.T) {
	onBoth(t, func(t *testing.T, h task.Handoff) {
		f := fake(t, func(t testing.TB) {
			tasktest.Run(t, func(ctx context.Context, _ *tasktest.T) {
				task.Go(ctx, func(context.Context) error { t.Fatal("over"); return nil })
				wait(ctx)
			}, tasktest.Handoff(h))
		})
		f.fails(t, "fatal: over\n")
	})
}

func TestGoexitOfATaskFailsTheTest(t *testing.T) {
	onBoth(t, func(t *testing.T, h task.Handoff) {
		f := fake(t, func(t testing.TB) {
			tasktest.Run(t, func(ctx context.Context, _ *tasktest.T) {
				task.Go(ctx, func(context.Context) error { runtime.Goexit(); return nil })
				wait(ctx)
			}, tasktest.Handoff(h))
		})
		f.fails(t, "exit_test.go:N: a task called runtime.Goexit\n")
	})
}

func TestFatalInAThreadEndsThatFunction(t *testing.T) {
	onBoth(t, func(t *testing.T, h task.Handoff) {
		f := fake(t, func(t testing.TB) {
			tasktest.Run(t, func(ctx context.Context, t *tasktest.T) {
				_, err := task.ToThread(ctx, func(context.Context) (int, error) {
					t.Fatal("over")
					return 0, nil
				})
				t.Log(errors.Is(err, task.ErrGoexit), t.Failed())
			}, tasktest.Handoff(h))
		})
		f.fails(t, "error: over\nlog: true true\n")
		if f.finished {
			t.Error("the run was ended too")
		}
	})
}

func TestSkipInAThreadEndsThatFunction(t *testing.T) {
	f := fake(t, func(t testing.TB) {
		tasktest.Run(t, func(ctx context.Context, t *tasktest.T) {
			_, err := task.ToThread(ctx, func(context.Context) (int, error) {
				t.SkipNow()
				return 0, nil
			})
			t.Log(errors.Is(err, task.ErrGoexit), t.Skipped())
		})
	})
	f.says(t, "log: true true\n")
	if f.Failed() || !f.skipped {
		t.Errorf("failed=%t, skipped=%t", f.Failed(), f.skipped)
	}
}

func TestSeveralFatalsAreAllHeard(t *testing.T) {
	onBoth(t, func(t *testing.T, h task.Handoff) {
		f := fake(t, func(t testing.TB) {
			tasktest.Run(t, func(ctx context.Context, t *tasktest.T) {
				for i := range 5 {
					t.AsyncCleanup(func(ctx context.Context) error {
						task.Go(ctx, func(context.Context) error { t.Fatal("task", i); return nil })
						if err := task.Sleep(ctx, time.Second); err != nil {
							t.Error(err)
						}
						t.Fatal("cleanup", i)
						return nil
					})
				}
				t.Fatal("main")
			}, tasktest.Handoff(h))
		})
		want := "error: main\n"
		for i := 4; i >= 0; i-- {
			want += fmt.Sprintf("error: task %d\nerror: cleanup %d\n", i, i)
		}
		f.fails(t, want)
	})
}

// What the cancellation of the main task leads to is not worth a line, and does not fail a
// test that is skipped.
func TestWhatFollowsFromTheEndOfTheRunIsNotReported(t *testing.T) {
	for _, end := range []func(t *tasktest.T){
		func(t *tasktest.T) { t.Fatal("over") },
		func(t *tasktest.T) { t.Skip("over") },
	} {
		f := fake(t, func(t testing.TB) {
			tasktest.Run(t, func(ctx context.Context, t *tasktest.T) {
				task.Go(ctx, func(context.Context) error { end(t); return nil })
				if err := task.Sleep(ctx, time.Hour); err != nil {
					t.Error("Sleep:", err)
					t.Fatalf("Sleep: %v", err)
				}
			})
		})
		if strings.Count(f.text(), "\n") != 1 || f.Failed() == f.skipped {
			t.Errorf("failed=%t, skipped=%t, and it said:\n%s", f.Failed(), f.skipped, f.text())
		}
	}
}
