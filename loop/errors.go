package loop

import (
	"errors"
	"fmt"
	"runtime/debug"
)

// Errors that say how a loop was misused. They come wrapped in an error that
// names the operation; test for them with errors.Is.
var (
	// ErrClosed: the loop is closed (asyncio's "Event loop is closed").
	ErrClosed = errors.New("the event loop is closed")
	// ErrRunning: the loop, or another one on this goroutine, is running.
	ErrRunning = errors.New("an event loop is running")
	// ErrNotRunning: there is no running loop (asyncio's "no running event
	// loop").
	ErrNotRunning = errors.New("no running event loop")
	// ErrWrongGoroutine: a method that belongs to the loop's goroutine was
	// called from another one.
	ErrWrongGoroutine = errors.New("called from a goroutine that the loop is not running: use CallSoonThreadsafe")
	// ErrNilFunc: a function to call is nil.
	ErrNilFunc = errors.New("the function is nil")
	// ErrExecutorShutdown: the default executor was shut down.
	ErrExecutorShutdown = errors.New("the executor has been shut down")
)

// ErrKeyboardInterrupt is asyncio's KeyboardInterrupt. It is fatal: see
// [IsFatal].
var ErrKeyboardInterrupt = errors.New("keyboard interrupt")

// SystemExit is asyncio's SystemExit, a wish to end the program. It is fatal:
// see [IsFatal].
type SystemExit struct {
	Code int // for os.Exit
}

func (e *SystemExit) Error() string {
	return fmt.Sprintf("system exit %d", e.Code)
}

// IsFatal reports whether err stops the loop that meets it: whether it is
// [ErrKeyboardInterrupt] or a [*SystemExit], or wraps one by single Unwrap
// steps. A coroutine that returns such an error, or a callback that panics with
// one, ends the run at once. The error comes out of RunForever; what was ready
// stays so for the next run.
func IsFatal(err error) bool {
	for err != nil {
		if err == ErrKeyboardInterrupt {
			return true
		}
		if _, ok := err.(*SystemExit); ok {
			return true
		}
		err = errors.Unwrap(err)
	}
	return false
}

// PanicError is the error that a panic in a callback or a coroutine becomes.
type PanicError struct {
	Value any    // what panic was called with
	Stack []byte // of the goroutine that panicked, as runtime/debug.Stack gives it
}

// NewPanicError makes a PanicError of what recover returned. It is to be called
// in the deferred function that recovered, so that the stack is that of the
// panic.
func NewPanicError(value any) *PanicError {
	return &PanicError{Value: value, Stack: debug.Stack()}
}

func (e *PanicError) Error() string {
	return fmt.Sprintf("panic: %v", e.Value)
}

// Unwrap returns the value if it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

func misuse(operation string, rule error) error {
	return fmt.Errorf("loop: %s: %w", operation, rule)
}
