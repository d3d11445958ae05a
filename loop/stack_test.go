package loop_test

import (
	"path"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// golden makes a stack the same everywhere: without directories and lines.
func golden(s loop.Stack) string {
	text := regexp.MustCompile(`\t.*/(\w+\.go):\d+`).ReplaceAllString(s.String(), "\t$1")
	return strings.ReplaceAll(text, "github.com/goasyncio/asyncio/", "")
}

func TestStackOfNothingIsEmpty(t *testing.T) {
	for _, s := range []loop.Stack{nil, {}} {
		check.Equal(t, "String", s.String(), "")
		check.Equal(t, "Frames", len(s.Frames()), 0)
	}
}

// outer and inner create what a test looks at.
//
//go:noinline
func outer(create func()) { inner(create) }

//go:noinline
func inner(create func()) { create() }

func TestCreationStackOfACallback(t *testing.T) {
	type schedule = func(l *loop.Loop)
	for name, schedule := range map[string]schedule{
		"CallSoon":  func(l *loop.Loop) { outer(func() { l.CallSoon(failing) }) },
		"CallLater": func(l *loop.Loop) { outer(func() { l.CallLater(time.Second, failing) }) },
		"CallAt":    func(l *loop.Loop) { outer(func() { l.CallAt(l.Time(), failing) }) },
		"CallSoonThreadsafe": func(l *loop.Loop) {
			outer(func() { _, _ = l.CallSoonThreadsafe(failing) })
		},
		"AddDoneCallback": func(l *loop.Loop) {
			f := future.New[int](l)
			outer(func() { f.AddDoneCallback(failing) })
			check.NoError(t, f.SetResult(1))
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, test := range []struct {
				name string
				opts []loop.Option
				want bool
			}{
				{"off", nil, false},
				{"WithDebug", []loop.Option{loop.WithDebug()}, true},
				{"WithCreationStacks", []loop.Option{loop.WithCreationStacks(3)}, true},
			} {
				l, _ := newLoop(t, test.opts...)
				got := check.Collect(l)
				schedule(l)
				l.CallLater(time.Minute, l.Stop)
				run(t, l)
				all := got.Taken()
				check.Equal(t, "reports", len(all), 1)
				if !test.want {
					check.Equal(t, test.name, len(all[0].Created), 0)
					continue
				}
				frames := all[0].Created.Frames()
				check.True(t, "there are three calls", len(frames) >= 3)
				for i, want := range []string{"func", "inner", "outer"} {
					check.Contains(t, path.Base(frames[i].Function), want)
				}
				check.Contains(t, golden(all[0].Created), "\nloop_test.inner\n\tstack_test.go\nloop_test.outer\n\tstack_test.go")
			}
		})
	}
}

func TestCreationStackHasAsManyCallsAsTheOptionSays(t *testing.T) {
	for depth := 1; depth <= 3; depth++ {
		for _, debug := range []bool{false, true} {
			opts := []loop.Option{loop.WithCreationStacks(depth)}
			if debug {
				opts = append(opts, loop.WithDebug())
			}
			l, _ := newLoop(t, opts...)
			got := check.Collect(l)
			outer(func() { l.CallSoon(failing) })
			runOnce(t, l)
			check.Equal(t, "calls", len(got.Taken()[0].Created), depth)
		}
	}
	check.Is(t, check.Panics(t, func() { loop.WithCreationStacks(0) }), loop.ErrInvalidArgument, "WithCreationStacks", "depth is 0")
	check.Is(t, check.Panics(t, func() { loop.WithCreationStacks(-1) }), loop.ErrInvalidArgument)
}

func TestDefaultExceptionHandlerLogsTheCreationStack(t *testing.T) {
	log, text := logged()
	l, _ := newLoggingLoop(t, loop.WithLogger(log), loop.WithCreationStacks(1))
	inner(func() { l.CallSoon(failing) })
	runOnce(t, l)
	check.Contains(t, text.String(), `msg="Exception in callback loop_test.failing at exceptions_test.go:`,
		` created="github.com/goasyncio/asyncio/loop_test.TestDefaultExceptionHandlerLogsTheCreationStack.func1\n\t`, ` stack=`)
	text.Reset()
	l.DefaultExceptionHandler(loop.ExceptionContext{Message: "none"})
	check.Equal(t, "log", text.String(), "level=ERROR msg=none\n")
}

func TestHandleStringSaysInDebugModeWhereItWasCreated(t *testing.T) {
	l, _ := newLoop(t, loop.WithDebug())
	matches(t, l.CallSoon(tea).String(), `<Handle loop_test\.tea at handle_test\.go:\d+ created at stack_test\.go:\d+>`)
	h := l.CallLater(time.Second, tea)
	matches(t, h.String(), `<TimerHandle when=00:00:01\.000000 loop_test\.tea at handle_test\.go:\d+ created at stack_test\.go:\d+>`)
	h.Cancel()
	check.Equal(t, "String of a cancelled timer", h.String(), "<TimerHandle cancelled when=00:00:01.000000>")
}

func TestSlowCallbackIsLoggedWithWhereItWasCreated(t *testing.T) {
	log, text := logged()
	l, c := newLoop(t, loop.WithLogger(log), loop.WithDebug())
	l.CallSoon(func() { c.Advance(time.Second) })
	runOnce(t, l)
	if !regexp.MustCompile(`Executing <Handle loop_test\.TestSlow\S+ at stack_test\.go:\d+ created at stack_test\.go:\d+> took 1\.000 seconds`).MatchString(text.String()) {
		t.Errorf("the log: %s", text)
	}
}
