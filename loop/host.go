package loop

import (
	"fmt"
	"time"

	"github.com/goasyncio/asyncio/loop/kernel"
)

// host is what the kernel asks of its loop.
type host Loop

// CallbackFailed deals with the panic of a callback. A fatal error ends the run,
// everything else goes to the exception handler.
func (h *host) CallbackFailed(callback *kernel.Handle, description string, value any) {
	l := (*Loop)(h)
	if err, ok := value.(error); ok && IsFatal(err) {
		l.kernel.Raise(err)
		return
	}
	l.CallExceptionHandler(ExceptionContext{
		Message: "Exception in callback " + description,
		Err:     NewPanicError(value),
		Handle:  (*Handle)(callback),
	})
}

// Report tells the exception handler.
func (h *host) Report(r kernel.Report) {
	(*Loop)(h).CallExceptionHandler(ExceptionContext{Message: r.Message, Err: r.Err, Task: r.Task, Handle: r.Handle})
}

// TookLong logs a step or callback that kept the loop busy.
func (h *host) TookLong(description string, d time.Duration) {
	(*Loop)(h).logger().Warn(fmt.Sprintf("Executing %s took %.3f seconds", description, d.Seconds()))
}

// WrongGoroutine panics.
func (h *host) WrongGoroutine(operation string) { panic(misuse(operation, ErrWrongGoroutine)) }

// ExecutorUsed reports whether there is a default executor to shut down.
func (h *host) ExecutorUsed() bool { return h.executor.used() }
