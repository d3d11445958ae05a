package scenario

import (
	"fmt"

	"github.com/goasyncio/asyncio/loop"
	asyncsync "github.com/goasyncio/asyncio/sync"
	"github.com/goasyncio/asyncio/task"
)

// showState returns the state of an object as probe and the FINAL lines show it.
// Showing a future retrieves its exception.
func (r *run) showState(obj any) string {
	switch obj := obj.(type) {
	case aTask:
		return fmt.Sprintf("task %s cancelling=%d", outcome(obj), obj.Cancelling())
	case futureLike:
		return "future " + outcome(obj)
	case *loop.TimerHandle:
		return fmt.Sprintf("timer when=%d cancelled=%t", number(obj.When()), obj.Cancelled())
	case *loop.Handle:
		return fmt.Sprintf("handle cancelled=%t", obj.Cancelled())
	case *task.Timeout:
		when := "null"
		if !obj.When().IsZero() {
			when = integer(number(obj.When())).show()
		}
		return fmt.Sprintf("timeout when=%s expired=%t", when, obj.Expired())
	case *task.Group:
		return "group"
	case *asyncsync.Lock:
		return fmt.Sprintf("lock locked=%t", obj.Locked())
	case *asyncsync.Condition:
		return fmt.Sprintf("condition locked=%t", obj.Locked())
	case *asyncsync.Semaphore:
		return fmt.Sprintf("semaphore locked=%t", obj.Locked())
	case *asyncsync.BoundedSemaphore:
		return fmt.Sprintf("semaphore locked=%t", obj.Locked())
	case *asyncsync.Event:
		return fmt.Sprintf("event set=%t", obj.IsSet())
	case *asyncsync.Barrier:
		return fmt.Sprintf("barrier parties=%d waiting=%d broken=%t", obj.Parties(), obj.NWaiting(), obj.Broken())
	case queue:
		return fmt.Sprintf("queue maxsize=%d size=%d empty=%t full=%t", obj.MaxSize(), obj.Size(), obj.Empty(), obj.Full())
	case stream:
		return streamState(obj)
	}
	return fmt.Sprintf("unknown %T", obj)
}

func streamState(s stream) string {
	exception := "null"
	if err := s.R.Err(); err != nil {
		exception = showException(err)
	}
	return fmt.Sprintf("stream buffered=%s at_eof=%t exception=%s reading=%t closing=%t unsent=%t",
		size(s.R.Buffered()).show(), s.R.AtEOF(), exception, s.R.IsReading(), s.W.IsClosing(), s.W.WriteBufferSize() > 0)
}

func outcome(obj futureLike) string {
	switch {
	case !obj.Done():
		return "pending"
	case obj.Cancelled():
		return "cancelled"
	}
	value, err := obj.Result()
	if err != nil {
		return "exception " + showException(err)
	}
	return "result " + show(value)
}
