package loop_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// logged returns a logger and the text that it has written so far.
func logged() (*slog.Logger, *bytes.Buffer) {
	var b bytes.Buffer
	return slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	})), &b
}

func failing() { panic(errTest) }

func TestPanicInACallbackIsLoggedAndTheLoopGoesOn(t *testing.T) {
	log, text := logged()
	for name, schedule := range map[string]func(l *loop.Loop){
		"call soon":  func(l *loop.Loop) { l.CallSoon(failing) },
		"call later": func(l *loop.Loop) { l.CallLater(time.Second, failing) },
		"threadsafe": func(l *loop.Loop) {
			_, err := l.CallSoonThreadsafe(failing)
			check.NoError(t, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			text.Reset()
			l, _ := newLoggingLoop(t, loop.WithLogger(log))
			schedule(l)
			l.CallLater(time.Second, l.Stop)
			run(t, l)
			check.Contains(t, text.String(), "level=ERROR", `msg="Exception in callback`,
				fmt.Sprintf("exception=%q ", "panic: test error ["+kernel.FuncName(failing)+"]"),
				"handle=", "stack=", "loop_test.failing")
			check.Equal(t, "records", strings.Count(text.String(), "level="), 1)
		})
	}
}

func TestPanicDoesNotStopTheRestOfTheIteration(t *testing.T) {
	l, _ := newLoop(t)
	var s check.Steps
	l.SetExceptionHandler(func(*loop.Loop, loop.ExceptionContext) { s.Add("handler") })
	l.CallSoon(func() {
		l.CallSoon(s.Of("next iteration"))
		failing()
	})
	l.CallSoon(s.Of("a"))
	l.CallSoon(failing)
	l.CallSoon(s.Of("b"))
	runOnce(t, l)
	s.Check(t, "handler", "a", "handler", "b")
	runOnce(t, l)
	s.Check(t, "handler", "a", "handler", "b", "next iteration")
}

func TestExceptionHandlerIsToldEverything(t *testing.T) {
	for _, debug := range []bool{false, true} {
		log, text := logged()
		l, _ := newLoop(t, loop.WithLogger(log))
		l.SetDebug(debug)
		var got []loop.ExceptionContext
		l.SetExceptionHandler(func(on *loop.Loop, e loop.ExceptionContext) {
			if on != l {
				t.Errorf("the handler got loop %v", on)
			}
			got = append(got, e)
		})
		h := l.CallSoon(failing)
		runOnce(t, l)
		if len(got) != 1 {
			t.Fatalf("the handler was called %d times", len(got))
		}
		e := got[0]
		var p *loop.PanicError
		if !errors.As(e.Err, &p) || p.Value != errTest || !errors.Is(e.Err, errTest) {
			t.Errorf("the exception is %v", e.Err)
		} else {
			check.Contains(t, string(p.Stack), "loop_test.failing")
		}
		check.Contains(t, e.Message, "Exception in callback")
		if debug {
			check.Contains(t, e.Message, "loop_test.failing at exceptions_test.go:")
		}
		if e.Handle == nil || e.Handle.String() != h.String() {
			t.Errorf("the handle is %v, want %v", e.Handle, h)
		}
		if e.Task != nil || e.Future != nil || e.Original != nil {
			t.Errorf("the handler was told of task %v, future %v, original %v", e.Task, e.Future, e.Original)
		}
		check.Equal(t, "log", text.String(), "")
	}
}

func TestExceptionHandlerCanBeTakenAway(t *testing.T) {
	log, text := logged()
	l, _ := newLoggingLoop(t, loop.WithLogger(log))
	check.Equal(t, "a handler at first", l.ExceptionHandler() != nil, false)
	calls := 0
	l.SetExceptionHandler(func(*loop.Loop, loop.ExceptionContext) { calls++ })
	check.Equal(t, "a handler afterwards", l.ExceptionHandler() != nil, true)
	l.CallSoon(failing)
	runOnce(t, l)
	check.Equal(t, "log", text.String(), "")
	l.SetExceptionHandler(nil)
	check.Equal(t, "a handler in the end", l.ExceptionHandler() != nil, false)
	l.CallSoon(failing)
	runOnce(t, l)
	check.Equal(t, "calls of the handler", calls, 1)
	check.Contains(t, text.String(), "Exception in callback")
}

func TestExceptionHandlerThatPanicsIsLogged(t *testing.T) {
	log, text := logged()
	l, _ := newLoop(t, loop.WithLogger(log))
	spam := func(*loop.Loop, loop.ExceptionContext) { panic("spam") }
	l.SetExceptionHandler(spam)
	var s check.Steps
	l.CallSoon(failing)
	l.CallSoon(s.Of("goes on"))
	runOnce(t, l)
	s.Check(t, "goes on")
	check.Contains(t, text.String(), `msg="Unhandled error in exception handler"`,
		fmt.Sprintf("exception=%q ", "panic: spam ["+kernel.FuncName(spam)+"]"), `context="Exception in callback`,
		fmt.Sprintf("context_exception=%q\n", "panic: test error ["+kernel.FuncName(failing)+"]"))
	check.Equal(t, "records", strings.Count(text.String(), "level="), 1)
}

// brokenLog is a slog.Handler that panics on records that begin with one of some
// texts, and keeps the messages of the others, and what the broken ones say of the
// context.
type brokenLog struct {
	slog.Handler // of no use, as there are no groups
	broken       []string
	messages     []string
	contexts     []string
}

func (*brokenLog) Enabled(context.Context, slog.Level) bool { return true }

func (b *brokenLog) Handle(_ context.Context, r slog.Record) error {
	for _, text := range b.broken {
		if strings.HasPrefix(r.Message, text) {
			r.Attrs(func(a slog.Attr) bool {
				if strings.HasPrefix(a.Key, "context") {
					b.contexts = append(b.contexts, a.String())
				}
				return true
			})
			panic("broken log")
		}
	}
	b.messages = append(b.messages, r.Message)
	return nil
}

func TestDefaultExceptionHandlerThatPanicsIsLogged(t *testing.T) {
	b := &brokenLog{broken: []string{"Exception in callback", "Unhandled error"}}
	l, _ := newLoggingLoop(t, loop.WithLogger(slog.New(b)))
	var s check.Steps
	l.CallSoon(failing)
	l.CallSoon(s.Of("goes on"))
	runOnce(t, l)
	check.Equal(t, "log", b.messages, []string{"Exception in default exception handler"})
	check.Equal(t, "contexts", len(b.contexts), 0)

	b.messages = nil
	l.SetExceptionHandler(func(*loop.Loop, loop.ExceptionContext) { panic("spam") })
	l.CallSoon(failing)
	l.CallSoon(s.Of("goes on"))
	runOnce(t, l)
	check.Equal(t, "log", b.messages, []string{
		"Exception in default exception handler while handling an unexpected error in custom exception handler",
	})
	check.Contains(t, strings.Join(b.contexts, "\n"), "context=Exception in callback", "context_exception=panic: test error")
	s.Check(t, "goes on", "goes on")
}

func TestFatalErrorOfAnExceptionHandlerEndsTheRun(t *testing.T) {
	l, _ := newLoop(t)
	exit := &loop.SystemExit{Code: 2}
	l.SetExceptionHandler(func(*loop.Loop, loop.ExceptionContext) { panic(exit) })
	var s check.Steps
	l.CallSoon(failing)
	l.CallSoon(s.Of("rest"))
	if err := l.RunForever(); err != exit {
		t.Errorf("the run ended with %v", err)
	}
	s.Check(t)
	runOnce(t, l)
	s.Check(t, "rest")
}

// named is what a test gives in place of a task or a future.
type named string

func (n named) String() string { return string(n) }

func TestDefaultExceptionHandlerLogsWhatItIsGiven(t *testing.T) {
	log, text := logged()
	l, _ := newLoggingLoop(t, loop.WithLogger(log))
	l.DefaultExceptionHandler(loop.ExceptionContext{})
	check.Equal(t, "log", text.String(), "level=ERROR msg=\"Unhandled exception in event loop\"\n")
	text.Reset()
	l.CallExceptionHandler(loop.ExceptionContext{
		Message: "it happened",
		Err:     errTest,
		Task:    named("T"),
		Future:  named("F"),
		Handle:  named("H"),
	})
	check.Equal(t, "log", text.String(), "level=ERROR msg=\"it happened\" exception=\"test error\" future=F handle=H task=T\n")
}

// silent is a Stringer that panics.
type silent struct{}

func (silent) String() string { panic("no text") }

func TestDefaultExceptionHandlerCopesWithTextsThatPanic(t *testing.T) {
	log, text := logged()
	l, _ := newLoggingLoop(t, loop.WithLogger(log))
	l.CallExceptionHandler(loop.ExceptionContext{Message: "it happened", Task: silent{}, Handle: (*loop.Handle)(nil)})
	check.Equal(t, "log", text.String(), "level=ERROR msg=\"it happened\" handle=<nil> task=\"loop_test.silent, which panics when it is printed\"\n")
}

func TestDefaultLoggerIsThatOfTheProgram(t *testing.T) {
	log, text := logged()
	before := slog.Default()
	slog.SetDefault(log)
	defer slog.SetDefault(before)
	l, _ := newLoggingLoop(t)
	l.CallExceptionHandler(loop.ExceptionContext{Message: "it happened"})
	check.Contains(t, text.String(), `msg="it happened"`)
}

func TestPanicWithNilIsReported(t *testing.T) {
	l, _ := newLoop(t)
	var got []loop.ExceptionContext
	l.SetExceptionHandler(func(_ *loop.Loop, e loop.ExceptionContext) { got = append(got, e) })
	l.CallSoon(func() { panic(nil) })
	var s check.Steps
	l.CallSoon(s.Of("goes on"))
	runOnce(t, l)
	check.Equal(t, "reports", len(got), 1)
	s.Check(t, "goes on")
}

func TestWarningOfTheKernelIsLogged(t *testing.T) {
	log, text := logged()
	l, _ := newLoop(t, loop.WithLogger(log))
	l.Kernel().Warn("look out")
	if got := text.String(); !strings.Contains(got, "level=WARN") || !strings.Contains(got, "look out") {
		t.Errorf("the log has %q", got)
	}
}
