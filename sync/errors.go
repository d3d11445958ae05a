package sync

import (
	"errors"
	"fmt"

	"github.com/goasyncio/asyncio/loop"
)

// Errors say what rule was broken. Those that a method returns may come wrapped
// in one that names the object and the operation; test for them with errors.Is.
var (
	// ErrNotAcquired: a lock that nobody holds cannot be released, nor can a
	// condition be waited for or notified without its lock.
	ErrNotAcquired = errors.New("the lock is not acquired")
	// ErrTooOften: more permits were released than a BoundedSemaphore has, or
	// more items of a queue reported as done than were put into it.
	ErrTooOften = errors.New("called too many times")
	// ErrInvalidSize: a semaphore cannot begin with less than no permits, nor a
	// barrier be for less than one task.
	ErrInvalidSize = errors.New("invalid size")

	// ErrBrokenBarrier: the barrier is broken, or was reset while the task
	// waited. asyncio: BrokenBarrierError.
	ErrBrokenBarrier = errors.New("broken barrier")
	// ErrQueueEmpty: there is no item to get now. asyncio: QueueEmpty.
	ErrQueueEmpty = errors.New("sync: queue is empty")
	// ErrQueueFull: there is no room for an item now. asyncio: QueueFull.
	ErrQueueFull = errors.New("sync: queue is full")
	// ErrQueueShutDown: the queue takes no more items, or is shut down and
	// empty. asyncio: QueueShutDown.
	ErrQueueShutDown = errors.New("sync: queue is shut down")
)

// refuse names the object and the operation that a rule forbids. It writes the
// object down as it is now: its state is the reason.
func refuse(object fmt.Stringer, operation string, rule error) error {
	return fmt.Errorf("sync: %v: %s: %w", object, operation, rule)
}

// nilFunc says that the operation was given a nil function.
func nilFunc(operation string) error {
	return fmt.Errorf("sync: %s: %w", operation, loop.ErrNilFunc)
}
