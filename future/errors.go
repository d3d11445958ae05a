package future

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/goasyncio/asyncio/loop/kernel"
)

// CancelledError is the error of an await whose task or future was cancelled. It matches
// [ErrCancelled] and context.Canceled. It is asyncio's CancelledError.
type CancelledError struct {
	Message string // the argument of Cancel; empty if it is not known
}

// ErrCancelled matches every [*CancelledError] by errors.Is. A coroutine may return it in
// place of one.
var ErrCancelled error = &CancelledError{}

// Error returns "cancelled", and the message if there is one.
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

// IsCancelled reports whether err is a cancellation: a [*CancelledError], or an error that
// wraps one, as fmt.Errorf("...: %w", err) does. An error that joins several, as
// errors.Join does, is not a cancellation.
//
// Tasks, gather, groups and timeouts use this test. A coroutine may add text to a
// cancellation, and its task is cancelled all the same.
func IsCancelled(err error) bool {
	for err != nil {
		if _, ok := err.(*CancelledError); ok {
			return true
		}
		err = kernel.Unwrap(err)
	}
	return false
}

// TimeoutError is the error of an operation whose time was over. It matches [ErrTimeout],
// context.DeadlineExceeded and os.ErrDeadlineExceeded, and has a Timeout method, as the
// errors of package net have. It is asyncio's TimeoutError.
type TimeoutError struct {
	// Cause is the cancellation that ended the operation, or nil. There is no method
	// Unwrap that returns it: a timeout is not a cancellation. See IsCancelled.
	Cause error
	// After is the time limit. It is 0 if the limit is not known or was not positive.
	After time.Duration
}

// ErrTimeout matches every [*TimeoutError] by errors.Is. A coroutine may return it in
// place of one.
var ErrTimeout error = &TimeoutError{}

// Error returns "timed out", and the time limit if it is known.
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

// ErrInvalidState means that a future is done already, that it is not done yet, or that
// only its owner may complete it. It comes wrapped in an error that names the future. It
// is asyncio's InvalidStateError.
var ErrInvalidState = errors.New("invalid state")

// Errors of awaits and blocking waits. They come wrapped in an error that names the
// future.
var (
	// ErrNoTask means that the context of an await carries no task.
	ErrNoTask = errors.New("the context carries no task: await with the context that the coroutine was given")
	// ErrOtherLoop means that a task awaits a future of another loop.
	ErrOtherLoop = errors.New("attached to a different loop")
	// ErrDeadlock means that a task or callback would block its own loop.
	ErrDeadlock = errors.New("would block the event loop")
)

// misuse returns the error of an operation that breaks a rule.
func misuse(object fmt.Stringer, operation string, rule error) error {
	return fmt.Errorf("future: %s of %v: %w", operation, object, rule)
}
