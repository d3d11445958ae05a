package loop

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/goasyncio/asyncio/loop/kernel"
)

// ExceptionContext describes an error with no caller to return it to. It is the
// argument of exception handlers. Fields that do not apply are zero.
type ExceptionContext struct {
	Message   string            // what happened
	Err       error             // the exception
	Task      fmt.Stringer      // the task that it concerns
	Future    fmt.Stringer      // the future that it concerns
	Handle    fmt.Stringer      // the callback that it concerns
	Transport fmt.Stringer      // the connection that it concerns
	Socket    fmt.Stringer      // the listener that it concerns
	Created   Stack             // where the task, future or callback was created, if that is known: see [WithCreationStacks]
	Original  *ExceptionContext // the argument of the handler, if the handler itself failed
}

// SetExceptionHandler sets the function that is told of errors with no caller to
// return them to: panics in callbacks, and exceptions that nobody retrieved from their
// task or future. A nil handler stands for [Loop.DefaultExceptionHandler].
//
// The loop calls the handler on its own goroutine or on that of the running task, and
// Close on its caller's. Only exceptions that the garbage collector finds after the loop
// was closed are reported on another goroutine. An exception that nobody retrieved and
// that may refer to its task is kept as text after a while: then the handler gets an
// error with that text, which matches nothing.
//
// Call SetExceptionHandler only from the loop's tasks and callbacks. It is asyncio's
// set_exception_handler.
func (l *Loop) SetExceptionHandler(handler func(l *Loop, e ExceptionContext)) {
	l.kernel.MustOwn("SetExceptionHandler", l)
	l.handler = handler
}

// ExceptionHandler returns the handler that was set, or nil. Call it only from the
// loop's tasks and callbacks. It is asyncio's get_exception_handler.
func (l *Loop) ExceptionHandler() func(l *Loop, e ExceptionContext) {
	return l.handler
}

// DefaultExceptionHandler logs e at level error, with the logger of [WithLogger]. Any
// goroutine may call it. It is asyncio's default_exception_handler.
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
	}{{"future", e.Future}, {"handle", e.Handle}, {"socket", e.Socket}, {"task", e.Task}, {"transport", e.Transport}} {
		if field.value != nil {
			attrs = append(attrs, slog.String(field.name, kernel.OwnText(field.value)))
		}
	}
	if len(e.Created) > 0 {
		attrs = append(attrs, slog.String("created", e.Created.String()))
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

// panicIn returns err if it is a PanicError, and nil otherwise.
func panicIn(err error) *PanicError {
	p, _ := err.(*PanicError)
	return p
}

// withoutStack returns err in a form that is printed without the stack of a panic,
// even with the verb %+v. The log has the stack as an attribute of its own.
func withoutStack(err error) error {
	if panicIn(err) != nil {
		return messageOnly{err}
	}
	return err
}

// messageOnly is an error without its Format method.
type messageOnly struct{ error }

func (m messageOnly) Unwrap() error { return m.error }

func (l *Loop) logger() *slog.Logger {
	if l.log != nil {
		return l.log
	}
	return slog.Default()
}

// CallExceptionHandler passes e to the exception handler. If the handler panics, the
// panic goes to the default handler, except that a fatal error (see [IsFatal]) ends
// the run.
//
// Call it only from the loop's tasks and callbacks. It is asyncio's
// call_exception_handler.
func (l *Loop) CallExceptionHandler(e ExceptionContext) {
	l.kernel.MustOwn("CallExceptionHandler", l)
	l.callExceptionHandler(e)
}

func (l *Loop) callExceptionHandler(e ExceptionContext) {
	l.kernel.CountException()
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

// guarded calls fn. If fn panics, it calls failed, or ends the run if the panic is a
// fatal error.
func (l *Loop) guarded(fn func(), failed func(*PanicError)) {
	defer func() {
		value := recover()
		if value == nil {
			return
		}
		if err, ok := value.(error); ok && IsFatal(err) && l.IsRunning() {
			l.kernel.Raise(err)
			return
		}
		failed(NewPanicError(value))
	}()
	fn()
}
