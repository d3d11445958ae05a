package future_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

func TestErrorsAndWhatTheyMatch(t *testing.T) {
	cancelled, timeout := &future.CancelledError{Message: "m"}, &future.TimeoutError{Cause: &future.CancelledError{}}
	for _, test := range []struct {
		err, target error
		matches     bool
	}{
		{cancelled, future.ErrCancelled, true},
		{cancelled, context.Canceled, true},
		{cancelled, context.DeadlineExceeded, false},
		{fmt.Errorf("x: %w", cancelled), future.ErrCancelled, true},
		{timeout, future.ErrTimeout, true},
		{timeout, context.DeadlineExceeded, true},
		{timeout, os.ErrDeadlineExceeded, true},
		{timeout, future.ErrCancelled, false},
		{timeout, context.Canceled, false},
	} {
		check.Equal(t, fmt.Sprintf("%v is %v", test.err, test.target), errors.Is(test.err, test.target), test.matches)
	}
	var waits interface{ Timeout() bool }
	check.Equal(t, "a timeout has the method of net's", errors.As(error(timeout), &waits) && waits.Timeout(), true)
	check.Equal(t, "text", cancelled.Error(), "cancelled: m")
	check.Equal(t, "text", (&future.CancelledError{}).Error(), "cancelled")
	check.Equal(t, "text", timeout.Error(), "timed out")
	check.Equal(t, "text", (&future.TimeoutError{After: 10 * time.Millisecond}).Error(), "task: timed out after 10ms")
}

func TestIsCancelled(t *testing.T) {
	cancelled := &future.CancelledError{}
	for _, test := range []struct {
		name string
		err  error
		want bool
	}{
		{"none", nil, false},
		{"another", errTest, false},
		{"itself", cancelled, true},
		{"the sentinel", future.ErrCancelled, true},
		{"wrapped", fmt.Errorf("loading: %w", cancelled), true},
		{"wrapped twice", fmt.Errorf("a: %w", fmt.Errorf("b: %w", cancelled)), true},
		{"joined", errors.Join(cancelled), false},
		{"one of two", fmt.Errorf("%w and %w", cancelled, errTest), false},
		{"the cause of a timeout", &future.TimeoutError{Cause: cancelled}, false},
		{"Go's own", context.Canceled, false},
	} {
		check.Equal(t, test.name, future.IsCancelled(test.err), test.want)
	}
}
