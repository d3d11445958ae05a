package tasktest_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest"
)

// waiting makes a task that waits for ever.
func waiting(ctx context.Context, name string) *task.Task[struct{}] {
	return task.Go(ctx, func(ctx context.Context) error {
		wait(ctx)
		return nil
	}, task.Name(name))
}

func TestFinishReportsTasksThatAreLeft(t *testing.T) {
	fn := func(ctx context.Context, t *tasktest.T) {
		child := waiting(ctx, "child")
		task.Go(ctx, func(ctx context.Context) error { return child.Join(ctx) }, task.Name("parent"))
		task.Go(ctx, func(ctx context.Context) error { return task.Yield(ctx) }, task.Name("nearly done"))
	}
	runFake(t, fn, failing(`
fake_test.go:N: tasks are left at the end of the test:
      parent       in finish_test.go:N, awaits
      └── child    in sync.(*Event).Wait, called at run_test.go:N
`))
	t.Run("allowed", func(t *testing.T) { runFake(t, fn, passes, tasktest.AllowTasks()) })
}

func TestFinishNamesTasksThatRefuse(t *testing.T) {
	refuse := func(ctx context.Context, times int) *int {
		got := new(int)
		task.Go(ctx, func(ctx context.Context) error {
			for *got < times {
				if err := task.Sleep(ctx, time.Second); err != nil {
					*got++
				}
			}
			return nil
		}, task.Name("refuses"))
		return got
	}
	const left = `
fake_test.go:N: tasks are left at the end of the test:
      refuses    in task.Sleep, called at finish_test.go:N
`
	t.Run("twice", func(t *testing.T) {
		runFake(t, func(ctx context.Context, t *tasktest.T) { refuse(ctx, 2) }, passes,
			tasktest.AllowTasks(), tasktest.MaxIterations(1000))
	})
	t.Run("for ever", func(t *testing.T) {
		runFake(t, func(ctx context.Context, t *tasktest.T) {
			t.Expect(func(e loop.ExceptionContext) bool { return strings.HasPrefix(e.Message, "Task was destroyed") })
			refuse(ctx, 1<<30)
			_ = task.Yield(ctx)
		}, failing(left+strings.ReplaceAll(left[1:], "tasks are left at the end of the test",
			"tasks do not end, though they were cancelled 3 times")), tasktest.MaxIterations(1000))
	})
}

func TestFinishCancelsAMainTaskThatWaitsAgain(t *testing.T) {
	runFake(t, func(ctx context.Context, t *tasktest.T) {
		t.AsyncCleanup(func(ctx context.Context) error {
			t.Log("torn down")
			return nil
		})
		for range 3 { // a deadlock each time, of which one is reported
			wait(ctx)
		}
	}, failing(`
fake_test.go:N: deadlock at 0s: nothing is ready, no timer is set, nobody holds the clock
      main    in sync.(*Event).Wait, called at run_test.go:N
log: torn down
`))
}

func TestFinishReportsTimersIfNoneMayBeLeft(t *testing.T) {
	fn := func(ctx context.Context, t *tasktest.T) {
		t.Loop().CallLater(time.Minute, passed)
		t.Loop().CallLater(time.Second, passed).Cancel()
		t.Loop().CallLater(0, passed)
	}
	runFake(t, fn, failing(`
fake_test.go:N: timers are set at the end of the test:
      1m0s: tasktest_test.passed at finish_test.go:N
`), tasktest.NoTimersLeft())
	t.Run("as a rule", func(t *testing.T) { runFake(t, fn, passes) })
}

func passed() {}

func TestFinishReportsExceptionsThatNobodyRetrieved(t *testing.T) {
	fn := func(ctx context.Context, t *tasktest.T) {
		task.Go(ctx, func(context.Context) error { return errTest }, task.Name("careless"))
		retrieved := task.Go(ctx, func(context.Context) error { return errTest })
		if err := retrieved.Join(ctx); !errors.Is(err, errTest) {
			t.Errorf("Join: %v", err)
		}
		f := future.New[int](t.Loop())
		_ = f.SetException(errTest)
		f = nil
		for range 3 { // the collector has no say
			runtime.GC()
			_ = task.Sleep(ctx, time.Second)
		}
		t.Log("over")
	}
	runFake(t, fn, func(t *testing.T, f *fakeTB) {
		if !f.Failed() || strings.Count(f.text(), "never retrieved") != 2 {
			t.Errorf("failed=%t, with\n%s", f.Failed(), f.text())
		}
		f.contains(t, "log: over\nfake_test.go:", "reported to the exception handler: Task exception was never retrieved\n      <Task finished name='careless'",
			"Future exception was never retrieved", "\n      test error\n")
	})
	t.Run("expected", func(t *testing.T) {
		runFake(t, func(ctx context.Context, t *tasktest.T) {
			t.Expect(func(e loop.ExceptionContext) bool { return e.Err == errTest })
			fn(ctx, t)
		}, func(t *testing.T, f *fakeTB) {
			if f.Failed() {
				t.Errorf("the test failed:\n%s", f.text())
			}
		})
	})
}

func TestReportsFailTheTestWhenTheyCome(t *testing.T) {
	runFake(t, func(ctx context.Context, t *tasktest.T) {
		t.Expect(func(e loop.ExceptionContext) bool { return strings.Contains(e.Err.Error(), "expected") })
		t.Loop().CallSoon(func() { panic("expected") })
		_ = task.Yield(ctx)
		t.Loop().CallSoon(func() { panic("surprise") })
		_ = task.Yield(ctx)
		t.Logf("failed: %t", t.Failed())
	}, func(t *testing.T, f *fakeTB) {
		f.contains(t, "reported to the exception handler: Exception in callback tasktest_test.TestReportsFailTheTestWhenTheyCome", "surprise", "log: failed: true\n")
		if !f.Failed() || strings.Contains(f.text(), "expected\n") {
			t.Errorf("the test said:\n%s", f.text())
		}
	})
}

func TestReportAfterTheEndIsIgnored(t *testing.T) {
	f := fake(t, func(t testing.TB) {
		var l *loop.Loop
		tasktest.Run(t, func(ctx context.Context, t *tasktest.T) { l = t.Loop() })
		l.CallExceptionHandler(loop.ExceptionContext{Message: "late"})
	})
	f.passes(t)
}

func TestPanicOfTheMainTaskIsReported(t *testing.T) {
	runFake(t, func(ctx context.Context, t *tasktest.T) { explode() }, func(t *testing.T, f *fakeTB) {
		f.contains(t, "panic: boom\n    github.com/goasyncio/asyncio/task/tasktest_test.explode(")
		if strings.Count(f.text(), "boom") != 1 {
			t.Errorf("the test said:\n%s", f.text())
		}
	})
}

func explode() { panic("boom") }

// A fatal error ends the run at once. The tear-down runs nevertheless.
func TestFatalErrorFailsTheTest(t *testing.T) {
	fatal := &loop.SystemExit{Code: 3}
	for name, fn := range map[string]func(ctx context.Context, t *tasktest.T){
		"in a task": func(ctx context.Context, t *tasktest.T) {
			task.Go(ctx, func(context.Context) error { return fatal })
			wait(ctx)
		},
		"in a callback": func(ctx context.Context, t *tasktest.T) {
			t.Loop().CallSoon(func() { panic(fatal) })
			wait(ctx)
		},
	} {
		t.Run(name, func(t *testing.T) {
			runFake(t, func(ctx context.Context, t *tasktest.T) {
				t.AsyncCleanup(func(ctx context.Context) error {
					t.Log("torn down")
					return task.Sleep(ctx, time.Second)
				})
				fn(ctx, t)
			}, func(t *testing.T, f *fakeTB) {
				f.contains(t, "a fatal error ended the run: ", "log: torn down\n")
				if !f.Failed() {
					t.Error("the test passed")
				}
			})
		})
	}
}

func TestFatalErrorThatMainPanicsWithIsAPanic(t *testing.T) {
	runFake(t, func(ctx context.Context, t *tasktest.T) { panic(loop.ErrKeyboardInterrupt) }, func(t *testing.T, f *fakeTB) {
		f.contains(t, "panic: "+loop.ErrKeyboardInterrupt.Error())
		if !f.Failed() {
			t.Error("the test passed")
		}
	})
}

func TestRunWhoseLoopIsStoppedFails(t *testing.T) {
	runFake(t, func(ctx context.Context, t *tasktest.T) {
		t.AsyncCleanup(func(ctx context.Context) error {
			t.Loop().Stop() // at the end that does no harm
			t.Log("torn down")
			return task.Sleep(ctx, time.Second)
		})
		t.Loop().Stop()
		_ = task.Sleep(ctx, time.Second)
	}, failing(`
fake_test.go:N: the test stopped the loop before its main task was done
log: torn down
`))
}

func TestRunsLoopCannotBeClosedByTheTest(t *testing.T) {
	runFake(t, func(ctx context.Context, t *tasktest.T) {
		if err := t.Loop().Close(); !errors.Is(err, loop.ErrRunning) {
			t.Errorf("Close: %v", err)
		}
		t.Cleanup(func() {
			if !t.Loop().IsClosed() {
				t.Error("the loop is open in Cleanup")
			}
		})
	}, passes)
}

func TestAsyncCleanupsGoBackwards(t *testing.T) {
	runFake(t, func(ctx context.Context, t *tasktest.T) {
		for i := range 3 {
			t.Cleanup(func() { t.Log("Cleanup", i) })
			t.AsyncCleanup(func(ctx context.Context) error {
				if i == 1 {
					return errTest
				}
				t.Logf("AsyncCleanup %d in %v", i, task.Current(ctx).Name())
				t.AsyncCleanup(func(context.Context) error { t.Log("one more"); return nil })
				return nil
			})
		}
	}, failing(`
log: AsyncCleanup 2 in main
log: one more
fake_test.go:N: AsyncCleanup: test error
log: AsyncCleanup 0 in main
log: one more
log: Cleanup 2
log: Cleanup 1
log: Cleanup 0
`))
}

func TestBackgroundIsCancelledAndAwaitedInItsTurn(t *testing.T) {
	runFake(t, func(ctx context.Context, t *tasktest.T) {
		cleanup := func(name string) {
			t.AsyncCleanup(func(context.Context) error { t.Log(name); return nil })
		}
		cleanup("first")
		t.Background(ctx, "server", func(ctx context.Context) error {
			err := task.Sleep(ctx, time.Hour)
			_ = task.Sleep(ctx, time.Second)
			t.Log("server ends")
			return err
		})
		cleanup("last")
		_ = task.Yield(ctx)
	}, func(t *testing.T, f *fakeTB) {
		f.contains(t, "log: last\nlog: server ends\n", "log: first\n")
		if f.Failed() {
			t.Errorf("the test failed:\n%s", f.text())
		}
	})
}

func TestBackgroundThatFailsEndsTheTest(t *testing.T) {
	runFake(t, func(ctx context.Context, t *tasktest.T) {
		t.Background(ctx, "server", func(ctx context.Context) error {
			if err := task.Sleep(ctx, time.Second); err != nil {
				return err
			}
			return errTest
		})
		err := task.Sleep(ctx, time.Hour)
		t.Logf("%v at %v", err, t.Elapsed())
	}, failing(`
fake_test.go:N: the background task server failed: test error
log: cancelled: the background task failed at 1s
`))
}

func TestBackgroundThatEndsWellIsFine(t *testing.T) {
	runFake(t, func(ctx context.Context, t *tasktest.T) {
		t.Background(ctx, "server", func(context.Context) error { return nil })
		if err := task.Sleep(ctx, time.Hour); err != nil {
			t.Error(err)
		}
	}, passes)
}

func TestBackgroundThatFailsAtTheEndFailsTheTest(t *testing.T) {
	runFake(t, func(ctx context.Context, t *tasktest.T) {
		t.Background(ctx, "server", func(ctx context.Context) error {
			_ = task.Sleep(ctx, time.Hour)
			return errTest
		})
		_ = task.Yield(ctx)
	}, failing(`
fake_test.go:N: AsyncCleanup: the background task server: test error
`))
}

func TestGoroutinesThatAreLeftFailTheTest(t *testing.T) {
	onBoth(t, func(t *testing.T, h task.Handoff) {
		stop := make(chan struct{})
		defer close(stop)
		fn := func(ctx context.Context, t *tasktest.T) { loiters(stop) }
		fake(t, func(t testing.TB) { tasktest.Run(t, fn, tasktest.AllowGoroutines()) }).passes(t)
		f := fake(t, func(t testing.TB) { tasktest.Run(t, fn, tasktest.Handoff(h)) })
		f.contains(t, "goroutines are left at the end of the test:\n", "tasktest_test.loiter\n", "finish_test.go:")
		if !f.Failed() || strings.Count(f.text(), "loiter\n") != 1 {
			t.Errorf("failed=%t, with\n%s", f.Failed(), f.text())
		}
	})
}

// loiters starts a goroutine that waits for stop.
func loiters(stop <-chan struct{}) {
	begun := make(chan struct{})
	go loiter(stop, begun)
	<-begun
}

func loiter(stop <-chan struct{}, begun chan<- struct{}) {
	close(begun)
	<-stop
}

func TestGoroutinesThatEndSoonAreFine(t *testing.T) {
	runFake(t, func(ctx context.Context, t *tasktest.T) {
		go func() {
			for range 1000 {
				runtime.Gosched()
			}
		}()
	}, passes)
}
