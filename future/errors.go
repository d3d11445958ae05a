package future

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// CancelledError is the error of an await whose task, or the future it waits for, was
// cancelled: asyncio's CancelledError. It matches [ErrCancelled] and context.Canceled.
type CancelledError struct {
	Message string // what was given to Cancel, if it arrived here
}

// ErrCancelled matches every [*CancelledError] by errors.Is. A coroutine may return it
// in place of one.
var ErrCancelled error = &CancelledError{}

func (e *CancelledError) Error() string {
	if e.Message == "" {
		return "cancelled"
	}
	return "cancelled: " + e.Message
}

// Is makes the error match ErrCancelled and context.Canceled.
func (e *CancelledError) Is(target error) bool {
	return target == ErrCancelled || target == context.Canceled
}

// IsCancelled reports whether err is a cancellation: whether single Unwrap steps lead
// to a [*CancelledError]. So an error that wraps a cancellation with
// fmt.Errorf("...: %w", err) is one, because added text must not turn a cancelled task
// into a failed one. An error that joins several is not. Tasks, gather, groups and
// timeouts all use this test.
func IsCancelled(err error) bool {
	for err != nil {
		if _, ok := err.(*CancelledError); ok {
			return true
		}
		err = errors.Unwrap(err)
	}
	return false
}

// TimeoutError is asyncio's TimeoutError. It matches [ErrTimeout],
// context.DeadlineExceeded and os.ErrDeadlineExceeded, and has the Timeout
// method that the net package made customary.
type TimeoutError struct {
	Cause error         // the cancellation that the timeout became, if any; not unwrapped
	After time.Duration // how much time there was; 0 if that is not known, or there was none
}

// ErrTimeout matches every [*TimeoutError] by errors.Is. A coroutine may return it in
// place of one.
var ErrTimeout error = &TimeoutError{}

func (e *TimeoutError) Error() string {
	if e.After <= 0 {
		return "timed out"
	}
	return "task: timed out after " + e.After.String()
}

// Timeout returns true.
func (*TimeoutError) Timeout() bool { return true }

// Is makes the error match ErrTimeout and the deadline errors of context and os.
func (*TimeoutError) Is(target error) bool {
	return target == ErrTimeout || target == context.DeadlineExceeded || target == os.ErrDeadlineExceeded
}

// ErrInvalidState says that a future was set twice, or has no result yet: asyncio's
// InvalidStateError. It comes wrapped in an error that names the future.
var ErrInvalidState = errors.New("invalid state")

// Errors that say how an await was misused.
var (
	// ErrNoTask: an await outside of any task.
	ErrNoTask = errors.New("the context carries no task: await with the context that the coroutine was given")
	// ErrOtherLoop: an await of a future that belongs to another loop.
	ErrOtherLoop = errors.New("attached to a different loop")
	// ErrDeadlock: a blocking wait on the goroutine that would have to do the work.
	ErrDeadlock = errors.New("would block the event loop for ever: await future.Wrap of it instead")
)

func misuse(object fmt.Stringer, operation string, rule error) error {
	return fmt.Errorf("future: %s of %v: %w", operation, object, rule)
}
