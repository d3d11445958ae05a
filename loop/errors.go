package loop

import (
	"errors"
	"fmt"
	"io"
	"path"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/timers"
)

// Errors of loops and executors. They come wrapped in an error that names the
// operation: test for them with errors.Is.
var (
	// ErrClosed means that the loop is closed. It is asyncio's "Event loop is closed".
	ErrClosed = errors.New("the event loop is closed")
	// ErrRunning means that the loop is running, or that the caller runs on another
	// loop. It is asyncio's "This event loop is already running".
	ErrRunning = errors.New("an event loop is running")
	// ErrNotRunning means that there is no running loop. It is asyncio's "no running
	// event loop".
	ErrNotRunning = errors.New("no running event loop")
	// ErrWrongGoroutine means that a goroutine outside the loop called, while the loop
	// was running, what only the loop's tasks and callbacks may call. On processors other
	// than amd64 and arm64 only debug mode finds that out in most places: there it is slow
	// to tell goroutines apart.
	ErrWrongGoroutine = errors.New("called from a goroutine outside the loop: use CallSoonThreadsafe or RunCoroutineThreadsafe")
	// ErrNilFunc means that a function to call is nil.
	ErrNilFunc = errors.New("the function is nil")
	// ErrInvalidArgument means that an argument is nil or out of range, where no other
	// error says so. It is that of package timers, and also comes from packages future
	// and task.
	ErrInvalidArgument = timers.ErrInvalidArgument
	// ErrExecutorShutdown means that the executor has been shut down.
	ErrExecutorShutdown = errors.New("the executor has been shut down")
)

// ErrKeyboardInterrupt says that the user interrupted the program. It is fatal: see
// [IsFatal]. It is Python's KeyboardInterrupt.
var ErrKeyboardInterrupt = errors.New("keyboard interrupt")

// SystemExit is a request to end the program, as an error. It is fatal: see [IsFatal].
// It is Python's SystemExit.
type SystemExit struct {
	Code int // for os.Exit
}

// Error returns the message, such as "system exit 3".
func (e *SystemExit) Error() string {
	return fmt.Sprintf("system exit %d", e.Code)
}

// IsFatal reports whether err is fatal: whether it is [ErrKeyboardInterrupt] or a
// [*SystemExit], or wraps one of them. Errors that join several, as errors.Join does,
// are not fatal.
//
// A fatal error ends the loop's run at once if a coroutine returns it or a callback
// panics with it. [Loop.RunForever] returns it. Calls that were ready are made when
// the loop runs again.
func IsFatal(err error) bool {
	for err != nil {
		if err == ErrKeyboardInterrupt {
			return true
		}
		if _, ok := err.(*SystemExit); ok {
			return true
		}
		err = kernel.Unwrap(err)
	}
	return false
}

// PanicError is a panic in a callback or coroutine, as an error. Its message says
// what happened and where:
//
//	panic: assignment to entry in nil map [main.load at main.go:57]
//
// With the verb %+v, package fmt prints the stack after the message.
type PanicError struct {
	Value any    // the argument of panic
	Stack []byte // of the goroutine that panicked, from runtime/debug.Stack
	where string // "main.load at main.go:57"; empty if not known
}

// NewPanicError returns the PanicError for a value that recover returned. Call it in
// the deferred function that called recover: it notes the stack, which still has the
// frames of the panic then.
func NewPanicError(value any) *PanicError {
	return &PanicError{Value: value, Stack: debug.Stack(), where: panicSite()}
}

// Error returns the message: "panic: ", the value, and where the panic was.
func (e *PanicError) Error() string {
	message := "panic: " + e.text()
	if e.where != "" {
		message += " [" + e.where + "]"
	}
	return message
}

// text returns the value as text. The value's own Error or String method may panic.
// Package fmt copes with that, but not with a panic value that panics in its turn.
func (e *PanicError) text() (text string) {
	defer func() {
		if recover() != nil {
			text = fmt.Sprintf("%T, which panics when it is printed", e.Value)
		}
	}()
	return fmt.Sprint(e.Value)
}

// Format prints the message and, for the verb %+v, the stack after it. Some packages
// print all errors with %+v: slog.TextHandler is one.
func (e *PanicError) Format(s fmt.State, verb rune) {
	fmt.Fprintf(s, fmt.FormatString(s, verb), e.Error())
	if verb == 'v' && s.Flag('+') {
		_, _ = io.WriteString(s, "\n"+string(e.Stack))
	}
}

// panicSite returns where the panic began that the caller's caller has recovered
// from. A panic runs deferred functions on top of the stack that it found, so the
// place is the first frame of ordinary code below the runtime's panic function. It
// either called panic or did what makes the runtime panic.
func panicSite() string {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs[:])])
	panicking := false
	for {
		f, more := frames.Next()
		switch {
		case f.Function == "runtime.gopanic":
			panicking = true
		case panicking && !ofRuntime(f):
			name := f.Function[strings.LastIndexByte(f.Function, '/')+1:]
			return fmt.Sprintf("%s at %s:%d", name, path.Base(f.File), f.Line)
		}
		if !more {
			return ""
		}
	}
}

// ofRuntime reports whether the function belongs to the runtime or was generated by
// the compiler.
func ofRuntime(f runtime.Frame) bool {
	return strings.HasPrefix(f.Function, "runtime.") || strings.HasPrefix(f.Function, "internal/runtime/") ||
		f.File == "<autogenerated>"
}

// Unwrap returns the value if it is an error, and nil otherwise.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// misuse returns the error of an operation that breaks a rule.
func misuse(operation string, rule error) error {
	return fmt.Errorf("loop: %s: %w", operation, rule)
}
