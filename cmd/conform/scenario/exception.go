package scenario

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"syscall"

	"github.com/goasyncio/asyncio/future"
	asyncsync "github.com/goasyncio/asyncio/sync"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/streams"
)

// programError is the exception that raise and set_exception make.
type programError struct{ message string }

func (e *programError) Error() string { return "scenario: Error: " + e.message }

// unboundError reports a variable that is not bound: Python's NameError.
type unboundError struct{ variable string }

func (e *unboundError) Error() string {
	return fmt.Sprintf("scenario: variable %s is not bound", e.variable)
}

// kindError reports a variable that is bound to another kind of object than
// the statement needs: Python's TypeError.
type kindError struct{ variable string }

func (e *kindError) Error() string {
	return fmt.Sprintf("scenario: variable %s is of the wrong kind", e.variable)
}

// errNothingToReraise is the RuntimeError of a reraise outside a handler.
var errNothingToReraise = errors.New("scenario: no handler is being executed")

// asyncioName lists the errors of the library and the exceptions of asyncio that
// they stand for, except those whose message or members a trace shows.
var asyncioName = []struct {
	name   string
	errors []error
}{
	{"TimeoutError", []error{future.ErrTimeout}},
	{"InvalidStateError", []error{future.ErrInvalidState}},
	{"QueueEmpty", []error{asyncsync.ErrQueueEmpty}},
	{"QueueFull", []error{asyncsync.ErrQueueFull}},
	{"QueueShutDown", []error{asyncsync.ErrQueueShutDown}},
	{"RuntimeError", []error{
		errNothingToReraise, task.ErrAwaitsItself, task.ErrGroupClosed, task.ErrGroupEntered,
		task.ErrTimeoutState, asyncsync.ErrNotAcquired, streams.ErrBusy, streams.ErrWriteAfterEOF,
	}},
	{"ValueError", []error{
		task.ErrNothingToWait, asyncsync.ErrTooOften, asyncsync.ErrInvalidSize, streams.ErrInvalidArgument,
	}},
	{"BrokenBarrierError", []error{asyncsync.ErrBrokenBarrier}},
	{"ConnectionResetError", []error{streams.ErrConnectionLost, syscall.ECONNRESET}},
	{"BrokenPipeError", []error{syscall.EPIPE}},
}

// nameOf returns the name of the exception that an error stands for. It decides as
// a program does: a cancellation may be wrapped, and a group that contains a timeout
// is no timeout. An error that asyncio does not have is shown as it is, so that the
// difference explains itself.
func nameOf(err error) string {
	switch err.(type) {
	case *programError:
		return "Error"
	case *unboundError:
		return "NameError"
	case *kindError:
		return "TypeError"
	case *task.ExceptionGroup:
		return "ExceptionGroup"
	case *streams.IncompleteReadError:
		return "IncompleteReadError"
	case *streams.LimitOverrunError:
		return "LimitOverrunError"
	}
	if future.IsCancelled(err) {
		return "CancelledError"
	}
	for _, entry := range asyncioName {
		for _, known := range entry.errors {
			if errors.Is(err, known) {
				return entry.name
			}
		}
	}
	return fmt.Sprintf("%T(%v)", err, err)
}

// showException returns the text of an exception in a trace: its name, and the
// message if that comes from the program.
func showException(err error) string {
	name := nameOf(err)
	message := ""
	var cancelled *future.CancelledError
	switch err := err.(type) {
	case *programError:
		message = err.message
	case *unboundError:
		message = err.variable
	case *kindError:
		message = err.variable
	case *task.ExceptionGroup:
		members := make([]string, len(err.Errors))
		for i, member := range err.Errors {
			members[i] = showException(member)
		}
		return name + "[" + strings.Join(members, ", ") + "]"
	case *streams.IncompleteReadError:
		expected := "null"
		if err.Expected >= 0 {
			expected = strconv.Itoa(err.Expected)
		}
		message = octets(err.Partial).show() + " of " + expected
	case *streams.LimitOverrunError:
		message = size(err.Consumed).show()
	default:
		if name == "CancelledError" && errors.As(err, &cancelled) {
			message = cancelled.Message
		}
	}
	if message == "" {
		return name
	}
	return name + ":" + message
}

// handlerKind says which exceptions a handler of a try statement catches.
type handlerKind string

const (
	catchCancelled handlerKind = "cancelled"
	catchTimeout   handlerKind = "timeout"
	catchGroup     handlerKind = "group"
	catchError     handlerKind = "error"
	catchAny       handlerKind = "any"
)

func (k handlerKind) valid() bool {
	switch k {
	case catchCancelled, catchTimeout, catchGroup, catchError, catchAny:
		return true
	}
	return false
}

// matches reports whether a handler of this kind catches err.
func (k handlerKind) matches(err error) bool {
	switch k {
	case catchCancelled:
		return future.IsCancelled(err)
	case catchTimeout:
		return nameOf(err) == "TimeoutError"
	case catchGroup:
		return nameOf(err) == "ExceptionGroup"
	case catchError:
		return !future.IsCancelled(err)
	}
	return true
}

// parseException reads the notation of an exception and returns a function that
// makes such exceptions.
func parseException(data any) (func() error, error) {
	switch data := data.(type) {
	case string:
		return func() error { return &programError{data} }, nil
	case map[string]any:
		if data["timeout"] == true {
			return func() error { return future.ErrTimeout }, nil
		}
		if message, ok := data["cancelled"]; ok && len(data) == 1 {
			message, _ := message.(string)
			return func() error { return &future.CancelledError{Message: message} }, nil
		}
	}
	return nil, fmt.Errorf("%v is not an exception", data)
}
