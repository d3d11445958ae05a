package tasktest_test

import (
	"context"
	"errors"
	"fmt"
	"path"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/sync"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

var errTest = errors.New("test error")

// here is the place of its caller.
func here() string {
	_, file, line, _ := runtime.Caller(1)
	return fmt.Sprintf("%s:%d", path.Base(file), line)
}

func TestRunTakesNoTime(t *testing.T) {
	onBoth(t, func(t *testing.T, h task.Handoff) {
		tasktest.Run(t, func(ctx context.Context, t *tasktest.T) {
			begin := t.Now()
			if !begin.Equal(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)) {
				t.Errorf("it begins at %v", begin)
			}
			if err := task.Sleep(ctx, 1000*time.Hour); err != nil {
				t.Error(err)
			}
			if d := t.Elapsed(); d != 1000*time.Hour || t.Now().Sub(begin) != d {
				t.Errorf("%v have passed, and it is %v", d, t.Now())
			}
			if task.Current(ctx).Name() != "main" || t.Context() != ctx || t.Loop() != loop.Running(ctx) {
				t.Error("this is not the main task")
			}
		}, tasktest.Handoff(h))
	})
}

func TestRunReportsADeadlock(t *testing.T) {
	onBoth(t, func(t *testing.T, h task.Handoff) {
		toreDown := false
		fake(t, func(t testing.TB) {
			tasktest.Run(t, func(ctx context.Context, t *tasktest.T) {
				t.AsyncCleanup(func(ctx context.Context) error {
					toreDown = true
					return task.Sleep(ctx, time.Hour)
				})
				var a, b sync.Lock
				move := func(from, to *sync.Lock) func(ctx context.Context) error {
					return func(ctx context.Context) error {
						return from.With(ctx, func() error {
							if err := task.Sleep(ctx, 1500*time.Millisecond); err != nil {
								return err
							}
							return to.Acquire(ctx)
						})
					}
				}
				first := task.Go(ctx, move(&a, &b), task.Name("move-1"))
				task.Go(ctx, move(&b, &a), task.Name("move-2"))
				_, _ = first.Await(ctx)
			}, tasktest.Handoff(h))
		}).fails(t, `
run_test.go:N: deadlock at 1.5s: nothing is ready, no timer is set, nobody holds the clock
      main          in run_test.go:N, awaits
      └── move-1    in sync.(*Lock).Acquire, called at run_test.go:N
      move-2        in sync.(*Lock).Acquire, called at run_test.go:N
`)
		if !toreDown {
			t.Error("there was no tear-down")
		}
	})
}

func TestRunReportsAtTheLineThatBeganIt(t *testing.T) {
	var line string
	f := fake(t, func(t testing.TB) {
		line = here()
		tasktest.Run(t, func(ctx context.Context, t *tasktest.T) { wait(ctx) })
	})
	var n int
	if _, err := fmt.Sscanf(line, "run_test.go:%d", &n); err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("run_test.go:%d: deadlock at 0s", n+1); !strings.HasPrefix(f.text(), want) {
		t.Errorf("the test said:\n%s\nwant %q", f.text(), want)
	}
}

// wait waits for ever.
func wait(ctx context.Context) {
	var e sync.Event
	_ = e.Wait(ctx)
}

// caller is the place of the caller of its caller.
func caller() string {
	_, file, line, _ := runtime.Caller(2)
	return fmt.Sprintf("%s:%d", path.Base(file), line)
}

func TestRunInsideOfALoopFails(t *testing.T) {
	empty := func(context.Context, *tasktest.T) {}
	for place, fn := range map[string]func(ctx context.Context, t *tasktest.T){
		"a task": func(ctx context.Context, t *tasktest.T) { tasktest.Run(t, empty) },
		"a callback": func(ctx context.Context, t *tasktest.T) {
			t.Loop().CallSoon(func() { tasktest.Run(t, empty) })
			wait(ctx)
		},
	} {
		t.Run(place, func(t *testing.T) {
			runFake(t, fn, failing("error: tasktest: Run: a loop runs the caller, and a test has one loop: make a task instead\n"))
		})
	}
	t.Run("a thread", func(t *testing.T) { // has none
		runFake(t, func(ctx context.Context, t *tasktest.T) {
			d, err := task.ToThread(ctx, func(context.Context) (d time.Duration, _ error) {
				tasktest.Run(t, func(ctx context.Context, t *tasktest.T) {
					_ = task.Sleep(ctx, time.Hour)
					d = t.Elapsed()
				})
				return d, nil
			})
			if d != time.Hour || err != nil || t.Elapsed() != 0 {
				t.Errorf("got %v, %v after %v", d, err, t.Elapsed())
			}
		}, passes)
	})
}

func TestRunRefusesNil(t *testing.T) {
	for name, fn := range map[string]func(){
		"Run":    func() { tasktest.Run(t, nil) },
		"Bubble": func() { tasktest.Bubble(t, nil) },
	} {
		func() {
			defer func() {
				if err, ok := recover().(error); !ok || !errors.Is(err, loop.ErrNilFunc) || !strings.Contains(err.Error(), name) {
					t.Errorf("%s panicked with %v", name, err)
				}
			}()
			fn()
		}()
	}
}

// Tests that run in parallel tell their goroutines apart.
func TestRunInParallel(t *testing.T) {
	stop := make(chan struct{})
	t.Cleanup(func() { close(stop) })
	t.Run("leaks", func(t *testing.T) {
		fake(t, func(t testing.TB) {
			tasktest.Run(t, func(ctx context.Context, t *tasktest.T) { loiters(stop) }, tasktest.AllowGoroutines())
		}).passes(t)
	})
	for i := range 10 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			tasktest.Run(t, func(ctx context.Context, t *tasktest.T) {
				if err := task.Sleep(ctx, time.Hour); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestRunIsForBenchmarksToo(t *testing.T) {
	r := testing.Benchmark(func(b *testing.B) {
		tasktest.Run(b, func(ctx context.Context, t *tasktest.T) {
			for range b.N {
				_ = task.Yield(ctx)
			}
		})
	})
	if r.N == 0 {
		t.Error("the benchmark failed")
	}
}

type key struct{}

// withContext is a test with a context of its own.
type withContext struct {
	testing.TB
	ctx context.Context
}

func (t withContext) Context() context.Context { return t.ctx }

// The context has the values of the test's, and not its end, which comes after the test.
func TestContextIsThatOfTheTest(t *testing.T) {
	outer, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, 42))
	cancel()
	tasktest.Run(withContext{t, outer}, func(ctx context.Context, t *tasktest.T) {
		if v := ctx.Value(key{}); v != 42 || ctx.Err() != nil {
			t.Errorf("the value is %v, Err %v", v, ctx.Err())
		}
		if err := task.Sleep(ctx, time.Second); err != nil {
			t.Error(err)
		}
	})
}

func TestLoopOptionsAndDebug(t *testing.T) {
	tasktest.Run(t, func(ctx context.Context, t *tasktest.T) {
		if !t.Loop().Debug() {
			t.Error("the loop is not in debug mode")
		}
	}, tasktest.Debug())
	pool := loop.NewPool(1)
	tasktest.Run(t, func(ctx context.Context, t *tasktest.T) {
		if e, err := t.Loop().DefaultExecutor(); e != pool || err != nil {
			t.Errorf("the executor is %v, %v", e, err)
		}
	}, tasktest.LoopOptions(loop.WithExecutor(pool)))
}

func TestNilOptionPanics(t *testing.T) {
	check.Is(t, check.Panics(t, func() { tasktest.Run(t, func(context.Context, *tasktest.T) {}, nil) }), loop.ErrNilFunc)
}

func TestNilFunctionsPanic(t *testing.T) {
	tasktest.Run(t, func(_ context.Context, t *tasktest.T) {
		for name, call := range map[string]func(){
			"Victims":      func() { tasktest.Victims(nil) },
			"Cleanup":      func() { t.Cleanup(nil) },
			"AsyncCleanup": func() { t.AsyncCleanup(nil) },
			"Expect":       func() { t.Expect(nil) },
			"RunSuite":     func() { tasktest.RunSuite(nil, nil) },
			"Table":        func() { tasktest.Table[int](nil, nil, nil) },
		} {
			check.Is(t, check.Panics(t, call), loop.ErrNilFunc, name)
		}
	})
}
