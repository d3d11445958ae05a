package streams

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/goasyncio/asyncio/loop/kernel"
)

// Errors for broken rules. They come wrapped in an error that names the object and the
// operation; test for them with errors.Is.
var (
	// ErrInvalidArgument: a limit, size, separator, water mark or option that does not
	// make sense. It is asyncio's ValueError.
	ErrInvalidArgument = errors.New("invalid argument")
	// ErrBusy: another task is waiting in a read of the same stream, or is changing the
	// connection with StartTLS or Detach. The first is asyncio's RuntimeError "read()
	// called while another coroutine is already waiting".
	ErrBusy = errors.New("another task is already waiting for incoming data")
	// ErrWriteAfterEOF: Write after WriteEOF.
	ErrWriteAfterEOF = errors.New("cannot write after WriteEOF")
	// ErrSendfileInProgress: Write, WriteEOF or Sendfile while Sendfile is sending.
	ErrSendfileInProgress = errors.New("unable to write; sendfile is in progress")
	// ErrServing: another task is already in ServeForever of the same server.
	ErrServing = errors.New("already being awaited on ServeForever")
	// ErrDetached: the connection was given away with Detach.
	ErrDetached = errors.New("the connection is detached")
)

// Errors that a correct program may meet.
var (
	// ErrConnectionLost: there is no connection any more to write to. It comes wrapped in
	// an error that names the connection, and matches syscall.ECONNRESET and net.ErrClosed
	// too. It is asyncio's ConnectionResetError('Connection lost').
	ErrConnectionLost error = lostError{}
	// ErrServerClosed: the server is closed. It matches net.ErrClosed too.
	ErrServerClosed error = serverClosedError{}
	// ErrLimitOverrun matches every [*LimitOverrunError] by errors.Is.
	ErrLimitOverrun error = &LimitOverrunError{}
	// ErrSendfileNotAvailable: the system cannot send this file on this connection, and
	// the program has forbidden to copy it. It matches errors.ErrUnsupported too. It is
	// asyncio.SendfileNotAvailableError.
	ErrSendfileNotAvailable = fmt.Errorf("sendfile is not available: %w", errors.ErrUnsupported)
)

type lostError struct{}

func (lostError) Error() string { return "connection lost" }

func (lostError) Is(target error) bool {
	return target == syscall.ECONNRESET || target == net.ErrClosed
}

type serverClosedError struct{}

func (serverClosedError) Error() string        { return "the server is closed" }
func (serverClosedError) Is(target error) bool { return target == net.ErrClosed }

// IncompleteReadError is the error of a read that met the end of the stream too early. It
// matches io.ErrUnexpectedEOF, and io.EOF too if nothing was read. It is
// asyncio.IncompleteReadError.
type IncompleteReadError struct {
	Partial  []byte // what was read before the end
	Expected int    // the number of bytes asked for; -1 if it is not known
}

// Error says how much was read, as in "18 bytes read on a total of 36 expected bytes".
func (e *IncompleteReadError) Error() string {
	expected := "undefined"
	if e.Expected >= 0 {
		expected = fmt.Sprint(e.Expected)
	}
	return fmt.Sprintf("%d bytes read on a total of %s expected bytes", len(e.Partial), expected)
}

// Is makes the error match io.ErrUnexpectedEOF, and io.EOF if nothing was read.
func (e *IncompleteReadError) Is(target error) bool {
	return target == io.ErrUnexpectedEOF || target == io.EOF && len(e.Partial) == 0
}

// LimitOverrunError is the error of a read that looks for a separator, if what comes
// before that is longer than the reader's limit: see [Limit]. It is
// asyncio.LimitOverrunError.
type LimitOverrunError struct {
	// Consumed is how many bytes of the buffer have been searched: those before the
	// separator if Found, those that cannot contain it otherwise. Discard of so many lets
	// the reader go on.
	Consumed int
	Found    bool // the separator was found
	Limit    int  // the reader's limit
	dropped  bool // by ReadLine
}

// Error says what was longer than the limit, and how to raise that.
func (e *LimitOverrunError) Error() string {
	text := "separator is not found, and chunk exceed the limit"
	if e.Found {
		text = "separator is found, but chunk is longer than limit"
	}
	if e.Limit > 0 {
		text += fmt.Sprintf(" of %d bytes; streams.Limit sets a higher one", e.Limit)
	}
	if e.dropped {
		text += " (the line was dropped)"
	}
	return text
}

// Is makes the error match ErrLimitOverrun.
func (e *LimitOverrunError) Is(target error) bool { return target == ErrLimitOverrun }

// ConnectError is the error of a connect that failed at every address. It matches what
// each attempt's error matches. It is the ExceptionGroup of asyncio's all_errors.
type ConnectError struct {
	Address string
	Errors  []error // of each attempt, in order
}

// Error lists the errors of all attempts.
func (e *ConnectError) Error() string {
	texts := make([]string, len(e.Errors))
	for i, err := range e.Errors {
		texts[i] = err.Error()
	}
	return fmt.Sprintf("streams: cannot connect to %s: %s", e.Address, strings.Join(texts, ", "))
}

// Unwrap returns the errors of all attempts.
func (e *ConnectError) Unwrap() []error { return e.Errors }

// misuse says that a rule forbids the operation on the object.
func misuse(object fmt.Stringer, operation string, rule error) error {
	return fmt.Errorf("streams: %s of %v: %w", operation, object, rule)
}

// invalid is misuse for an argument, with what is wrong with it.
func invalid(object fmt.Stringer, operation, wrong string) error {
	return misuse(object, operation, fmt.Errorf("%s: %w", wrong, ErrInvalidArgument))
}

// mayNotWait is the error of a wait that a rule forbids. It shows nothing that the
// loop may be changing.
func mayNotWait(object any, operation string, rule error) error {
	return fmt.Errorf("streams: %s of %s: %w", operation, kernel.Outline(object), rule)
}
