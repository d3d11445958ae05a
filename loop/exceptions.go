package loop

import (
	"context"
	"fmt"
	"log/slog"
)

// ExceptionContext says what went wrong where nobody could be told: the
// argument of an exception handler. Fields that do not apply are nil.
type ExceptionContext struct {
	Message  string            // what happened
	Err      error             // the exception
	Task     fmt.Stringer      // the task concerned
	Future   fmt.Stringer      // the future concerned
	Handle   fmt.Stringer      // the callback concerned
	Original *ExceptionContext // what a failing handler was called with
}

// SetExceptionHandler replaces the exception handler: asyncio's
// set_exception_handler. The handler is called on the loop's goroutine, or by
// the coroutine that the loop runs, or, for reports about what was found by the
// garbage collector after the loop was closed, on another goroutine. nil sets
// the default handler.
func (l *Loop) SetExceptionHandler(handler func(l *Loop, e ExceptionContext)) {
	l.handler = handler
}

// ExceptionHandler returns the handler that was set, or nil.
func (l *Loop) ExceptionHandler() func(l *Loop, e ExceptionContext) {
	return l.handler
}

// DefaultExceptionHandler logs e as an error: asyncio's
// default_exception_handler.
func (l *Loop) DefaultExceptionHandler(e ExceptionContext) {
	message := e.Message
	if message == "" {
		message = "Unhandled exception in event loop"
	}
	var attrs []slog.Attr
	if e.Err != nil {
		attrs = append(attrs, slog.Any("exception", withoutStack(e.Err)))
	}
	for _, field := range []struct {
		name  string
		value fmt.Stringer
	}{{"future", e.Future}, {"handle", e.Handle}, {"task", e.Task}} {
		if field.value != nil {
			attrs = append(attrs, slog.String(field.name, field.value.String()))
		}
	}
	if p := panicIn(e.Err); p != nil {
		attrs = append(attrs, slog.String("stack", string(p.Stack)))
	}
	if e.Original != nil {
		attrs = append(attrs, slog.String("context", e.Original.Message))
		if e.Original.Err != nil {
			attrs = append(attrs, slog.Any("context_exception", withoutStack(e.Original.Err)))
		}
	}
	l.logger().LogAttrs(context.Background(), slog.LevelError, message, attrs...)
}

func panicIn(err error) *PanicError {
	p, _ := err.(*PanicError)
	return p
}

// withoutStack makes an error for the log that is printed without the stack of a
// panic, also by handlers that print with %+v. The stack is an attribute of its
// own.
func withoutStack(err error) error {
	if panicIn(err) != nil {
		return messageOnly{err}
	}
	return err
}

type messageOnly struct{ error }

func (m messageOnly) Unwrap() error { return m.error }

func (l *Loop) logger() *slog.Logger {
	if l.log != nil {
		return l.log
	}
	return slog.Default()
}

// CallExceptionHandler hands e to the exception handler: asyncio's
// call_exception_handler. If the handler itself panics, the default handler is
// told; a fatal error (see [IsFatal]) ends the run.
func (l *Loop) CallExceptionHandler(e ExceptionContext) {
	if l.handler == nil {
		l.guarded(func() { l.DefaultExceptionHandler(e) }, func(p *PanicError) {
			l.logger().Error("Exception in default exception handler", "exception", withoutStack(p), "stack", string(p.Stack))
		})
		return
	}
	l.guarded(func() { l.handler(l, e) }, func(p *PanicError) {
		l.guarded(func() {
			l.DefaultExceptionHandler(ExceptionContext{
				Message:  "Unhandled error in exception handler",
				Err:      p,
				Original: &e,
			})
		}, func(p *PanicError) {
			l.logger().Error("Exception in default exception handler while handling an unexpected error in custom exception handler",
				"exception", withoutStack(p), "stack", string(p.Stack))
		})
	})
}

// guarded calls fn, and failed if fn panics with anything but a fatal error.
func (l *Loop) guarded(fn func(), failed func(*PanicError)) {
	defer func() {
		value := recover()
		if value == nil {
			return
		}
		if err, ok := value.(error); ok && IsFatal(err) {
			l.kernel.Raise(err)
			return
		}
		failed(NewPanicError(value))
	}()
	fn()
}
