package loop

import (
	"fmt"
	"time"

	"github.com/goasyncio/asyncio/loop/kernel"
)

// host is the loop as its kernel sees it. It is a type of its own over the same struct,
// so that its methods are not in the API of Loop.
type host Loop

// CallbackFailed ends the run if a callback panicked with a fatal error. All other
// panics go to the exception handler.
func (h *host) CallbackFailed(callback *kernel.Handle, description string, created []uintptr, value any) {
	l := (*Loop)(h)
	if err, ok := value.(error); ok && IsFatal(err) && l.IsRunning() {
		l.kernel.Raise(err)
		return
	}
	l.callExceptionHandler(ExceptionContext{
		Message: "Exception in callback " + description,
		Err:     NewPanicError(value),
		Handle:  callback,
		Created: created,
	})
}

// Report passes r to the exception handler.
func (h *host) Report(r kernel.Report) {
	(*Loop)(h).callExceptionHandler(ExceptionContext{
		Message: r.Message, Err: r.Err, Task: r.Task, Future: r.Future, Handle: r.Handle,
		Transport: r.Transport, Socket: r.Socket, Created: r.Created,
	})
}

// TookLong logs that a step or callback kept the loop busy.
func (h *host) TookLong(description string, d time.Duration) {
	(*Loop)(h).logger().Warn(fmt.Sprintf("Executing %s took %.3f seconds", description, d.Seconds()))
}

// WrongGoroutine returns the error of an operation whose caller does not own the baton.
func (h *host) WrongGoroutine(operation string) error {
	return fmt.Errorf("%s: %w", operation, ErrWrongGoroutine)
}

// Warn logs a warning. Any goroutine may call it.
func (h *host) Warn(message string) { (*Loop)(h).logger().Warn(message) }

// ExecutorUsed reports whether there is a default executor, shut down or not.
func (h *host) ExecutorUsed() bool { return h.executor.used() }
