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
