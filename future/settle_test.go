package future_test

import (
	"errors"
	"runtime"
	"testing"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// Settle completes what is not over, once, and calls nothing.
func TestConcurrentSettleLeavesTheCallsToItsCaller(t *testing.T) {
	for _, test := range []struct {
		name      string
		err       error
		cancelled bool
		value     int
		calls     []string
	}{
		{name: "result", value: 7, calls: []string{"first", "second"}},
		{name: "exception", err: errTest, calls: []string{"first", "second"}},
		{name: "cancelled", cancelled: true, calls: []string{"cancel", "first", "second"}},
		{name: "cancelled with an error", err: errTest, cancelled: true, calls: []string{"cancel", "first", "second"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := future.NewConcurrent[int]()
			var calls []string
			c.AddDoneCallback(func() { calls = append(calls, "first") })
			c.AddDoneCallback(func() { calls = append(calls, "second") })
			c.OnCancel(func() { calls = append(calls, "cancel") })
			done := c.Done()
			owed := c.Settle(7, test.err, test.cancelled)
			isClosed(t, done)
			check.Equal(t, "calls before they are made", len(calls), 0)
			for _, fn := range owed {
				fn()
			}
			check.Equal(t, "calls", calls, test.calls)
			check.Equal(t, "calls when it is over", len(c.Settle(8, nil, false)), 0)
			check.Equal(t, "Cancelled", c.Cancelled(), test.cancelled)
			value, err := c.Result(t.Context())
			check.Equal(t, "value", value, test.value)
			if test.cancelled {
				check.Cancelled(t, err, "")
			} else {
				check.Equal(t, "error", err, test.err)
			}
		})
	}
}

// The others are called while the goroutine ends, and a panic among them too.
func TestConcurrentCallsTheOthersAfterGoexit(t *testing.T) {
	c := future.NewConcurrent[int]()
	var calls []string
	c.AddDoneCallback(func() { calls = append(calls, "first") })
	c.AddDoneCallback(runtime.Goexit)
	c.AddDoneCallback(func() { calls = append(calls, "third") })
	c.AddDoneCallback(runtime.Goexit)
	c.AddDoneCallback(func() { calls = append(calls, "last") })
	returned := false
	over := make(chan struct{})
	go func() {
		defer close(over)
		_ = c.SetException(errors.New("failed"))
		returned = true
	}()
	<-over
	check.Equal(t, "SetException returned", returned, false)
	check.Equal(t, "calls", calls, []string{"first", "third", "last"})
}
