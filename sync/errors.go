package sync

import (
	"errors"
	"fmt"

	"github.com/goasyncio/asyncio/loop"
)

// Errors for broken rules. They come wrapped in an error that names the object and
// the operation; test for them with errors.Is.
var (
	// ErrNotAcquired: a Lock was released, or its Condition waited for or
	// notified, while it was not locked.
	ErrNotAcquired = errors.New("the lock is not acquired")
	// ErrTooOften: a BoundedSemaphore was released more often than acquired, or
	// TaskDone called more often than items were put.
	ErrTooOften = errors.New("called too many times")
	// ErrInvalidSize: a semaphore's initial value must be >= 0, and a barrier's
	// number of parties must be > 0.
	ErrInvalidSize = errors.New("invalid size")
)

// Errors that a correct program may meet.
var (
	// ErrBrokenBarrier: the barrier was aborted, or was reset while the task
	// waited. It comes wrapped in an error that names the barrier; test for it
	// with errors.Is. It is asyncio.BrokenBarrierError.
	ErrBrokenBarrier = errors.New("broken barrier")
	// ErrQueueEmpty: the queue has no item now. It is asyncio.QueueEmpty.
	ErrQueueEmpty = errors.New("sync: queue is empty")
	// ErrQueueFull: the queue has no room now. It is asyncio.QueueFull.
	ErrQueueFull = errors.New("sync: queue is full")
	// ErrQueueShutDown: the queue was shut down, and takes no more items or has
	// none left. It is asyncio.QueueShutDown.
	ErrQueueShutDown = errors.New("sync: queue is shut down")
)

// misuse says that a rule forbids the operation on the object. The text shows the
// object's present state, which is the reason.
func misuse(object fmt.Stringer, operation string, rule error) error {
	return fmt.Errorf("sync: %v: %s: %w", object, operation, rule)
}

// nilFunc says that the operation was given a nil function.
func nilFunc(operation string) error {
	return fmt.Errorf("sync: %s: %w", operation, loop.ErrNilFunc)
}
