package task

import (
	"errors"
	"fmt"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task/internal/sched"
)

// Errors that say how this package was misused. They come wrapped in an error
// that names the task or group; test for them with errors.Is.
var (
	// ErrNotCurrent: an await through the context of a task that is not the one
	// running on this goroutine.
	ErrNotCurrent = sched.ErrNotCurrent
	// ErrAwaitsItself: a task awaits itself.
	ErrAwaitsItself = sched.ErrAwaitsItself
	// ErrNilCoroutine: a coroutine, awaitable or future is nil.
	ErrNilCoroutine = kernel.ErrNilCoroutine
	// ErrRecursion: a thousand eager tasks have started one another, each in the
	// first stretch of the one before. It is Python's RecursionError.
	ErrRecursion = sched.ErrRecursion
	// ErrNothingToWait: Wait was given no futures.
	ErrNothingToWait = errors.New("the list of futures is empty")
	// ErrGroupClosed: a task was to be created in a group that has not been
	// entered, is finished, or is shutting down.
	ErrGroupClosed = errors.New("no task can be created in it")
	// ErrGroupEntered: a group was run twice.
	ErrGroupEntered = errors.New("the group has already been entered")
	// ErrTimeoutState: a [Timeout] was entered twice, or rescheduled while it was
	// not active.
	ErrTimeoutState = errors.New("the timeout is not in the state for it")
	// ErrHandoffFixed: the loop has had tasks, so that its handoff cannot be
	// changed.
	ErrHandoffFixed = errors.New("the handoff must be chosen before the loop's first task")
	// ErrRunnerClosed: a [Runner] was used after its end.
	ErrRunnerClosed = errors.New("the runner is closed")
)

// Errors that say how a task or a run ended.
var (
	// ErrGoexit: the exception of a task whose coroutine called runtime.Goexit.
	ErrGoexit = sched.ErrGoexit
	// ErrStuck: nothing could end the run any more: see [FailWhenStuck].
	ErrStuck = errors.New("the run is stuck")
	// ErrStopped: the loop was stopped before what it ran for was done.
	ErrStopped = errors.New("the event loop was stopped before the future completed")
)

// PanicError is what a panic in a coroutine becomes.
type PanicError = loop.PanicError

func nilCoroutine(operation string) error {
	return fmt.Errorf("task: %s: %w", operation, ErrNilCoroutine)
}
