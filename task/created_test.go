package task_test

import (
	"context"
	"path"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// createdIn lists the functions and files of a creation stack, innermost call first.
func createdIn(s loop.Stack) string {
	var calls []string
	for _, f := range s.Frames() {
		calls = append(calls, path.Base(f.Function)+" "+path.Base(f.File))
	}
	return strings.Join(calls, ", ")
}

// lasts is a coroutine that lasts.
func lasts(ctx context.Context) (int, error) { return 0, task.Sleep(ctx, time.Hour) }

// here calls create, and is known by name in creation stacks.
//
//go:noinline
func here(create func()) { create() }

func TestCreationStackIsInTheReportOf(t *testing.T) {
	for name, test := range map[string]struct {
		message string
		create  func(ctx context.Context)
		collect bool // before the loop is closed
	}{
		"a task that failed": {
			message: "Task exception was never retrieved",
			create:  func(ctx context.Context) { here(func() { task.Create(ctx, fails[int](0, errTest)) }) },
		},
		"a task that failed and was collected": {
			message: "Task exception was never retrieved",
			create:  func(ctx context.Context) { here(func() { task.Create(ctx, fails[int](0, errTest)) }) },
			collect: true,
		},
		"a future that failed": {
			message: "Future exception was never retrieved",
			create: func(ctx context.Context) {
				here(func() { check.NoError(t, future.New[int](loop.Running(ctx)).SetException(errTest)) })
			},
		},
		"a future that failed and was collected": {
			message: "Future exception was never retrieved",
			create: func(ctx context.Context) {
				here(func() { check.NoError(t, future.New[int](loop.Running(ctx)).SetException(errTest)) })
			},
			collect: true,
		},
		"a gather that failed": {
			message: "Future exception was never retrieved",
			create: func(ctx context.Context) {
				here(func() { task.Gather(ctx, task.Coroutine[int](fails[int](0, errTest))) })
			},
		},
		"a promise that failed": {
			message: "Future exception was never retrieved",
			create: func(ctx context.Context) {
				here(func() { check.NoError(t, future.NewPromise[int](loop.Running(ctx)).SetException(errTest)) })
			},
		},
		"a task that is pending": {
			message: "Task was destroyed but it is pending!",
			create:  func(ctx context.Context) { here(func() { task.Create(ctx, lasts) }) },
		},
		"a task of a group that is pending": {
			message: "Task was destroyed but it is pending!",
			create: func(ctx context.Context) {
				task.Go(ctx, func(ctx context.Context) error {
					return task.WithGroup(ctx, func(_ context.Context, g *task.Group) error {
						here(func() { g.Go(func(ctx context.Context) error { return task.Sleep(ctx, time.Hour) }) })
						return nil
					})
				})
			},
		},
		"a task that panics when it is destroyed": {
			message: "Exception in a task that was destroyed pending",
			create: func(ctx context.Context) {
				here(func() {
					task.Go(ctx, func(ctx context.Context) error {
						defer func() { panic("oops") }()
						return task.Sleep(ctx, time.Hour)
					})
				})
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, opts := range [][]loop.Option{nil, {loop.WithDebug()}, {loop.WithCreationStacks(2)}} {
				l, _ := tasktest.NewLoop(t, tasktest.LoopOptions(opts...))
				got := check.Collect(l)
				var all []loop.ExceptionContext
				check.RunOn(t, l, func(ctx context.Context) {
					test.create(ctx)
					ticks(ctx, 3)
					if test.collect {
						all = collected(ctx, got)
					}
				})
				check.NoError(t, l.Close())
				all = append(all, got.Taken()...)
				found := ""
				for _, e := range all {
					if e.Message != test.message {
						continue
					}
					if text := createdIn(e.Created); strings.Contains(text, "task_test.here created_test.go") || found == "" {
						found = text
					}
				}
				if opts == nil {
					check.Equal(t, "stack", found, "")
				} else if !regexp.MustCompile(`^task_test\.TestCreationStackIsInTheReportOf\.\S+ created_test\.go, task_test\.here created_test\.go`).MatchString(found) {
					t.Errorf("with %d options, the stack is %q", len(opts), found)
				}
			}
		})
	}
}

func TestCreationIsInDescriptionsInDebugMode(t *testing.T) {
	l, _ := tasktest.NewLoop(t)
	check.Collect(l) // what is left pending
	check.RunOn(t, l, func(ctx context.Context) {
		before := future.New[int](loop.Running(ctx))
		l.SetDebug(true)
		after := future.New[int](loop.Running(ctx))
		gathering := task.Gather(ctx, task.Create(ctx, idler))
		l.SetDebug(false)
		check.Equal(t, "a future made before", before.String(), "<Future pending>")
		created := regexp.MustCompile(`^<(Gathering)?Future pending( .*)? created at created_test\.go:\d+>$`)
		for _, f := range []future.Waitable{after, gathering} {
			if text := f.String(); !created.MatchString(text) {
				t.Errorf("made in debug mode: %s", text)
			}
		}
		check.NoError(t, after.SetResult(7))
		check.Contains(t, after.String(), "<Future finished result=7 created at created_test.go:")
	})
}

func TestCreationIsThatOfTheProgramsCall(t *testing.T) {
	l, _ := tasktest.NewLoop(t, tasktest.LoopOptions(loop.WithCreationStacks(1)))
	check.Collect(l) // what is left pending
	check.RunOn(t, l, func(ctx context.Context) {
		for name, create := range map[string]func() future.Waitable{
			"Create": func() future.Waitable { return task.Create(ctx, idler) },
			"eager":  func() future.Waitable { return task.Create(ctx, idler, task.Eager()) },
			"Go": func() future.Waitable {
				return task.Go(ctx, func(ctx context.Context) error { return task.Sleep(ctx, time.Hour) })
			},
			"EnsureFuture": func() future.Waitable { return task.EnsureFuture(ctx, task.Coroutine[int](idler)) },
			"Shield":       func() future.Waitable { return task.Shield(ctx, task.Coroutine[int](idler)) },
		} {
			f := create()
			frames := loop.Stack(f.Kernel().Created()).Frames()
			check.Equal(t, "number of calls of "+name, len(frames), 1)
			check.Contains(t, frames[0].Function, "task_test.TestCreationIsThatOfTheProgramsCall.func1.")
		}
	})
}
