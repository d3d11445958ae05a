// Package sync provides locks, events, conditions, semaphores, barriers and queues
// for the tasks of one loop.
//
// Two tasks of a loop never run at the same time, so what a task does between two
// awaits needs no lock. These types protect what spans an await, and let tasks
// wait for each other. A task that waits is suspended while its loop goes on; the
// types of the standard library's sync package would block the loop. By convention,
// a file that needs both packages imports this one as asyncsync.
//
// # Zero values
//
// The zero value of every type is ready to use, except that a [Barrier] and a
// [PriorityQueue] must be made by their constructors. A zero [Lock] is unlocked,
// a zero [Event] is not set, a zero [Semaphore] has one permit, a zero [Queue] is
// unbounded. Do not copy a value after its first use.
//
// # Waiting
//
// A method that may wait takes a context: that of the calling task, or one derived
// from it. If there is nothing to wait for, the method succeeds at once, even if
// the context has ended. Otherwise it suspends the task, and returns an error if
//
//   - the task is cancelled: one for which [future.IsCancelled] is true;
//   - the context ends: its [context.Cause];
//   - the context carries no loop or no task: [loop.ErrNotRunning] or
//     [future.ErrNoTask];
//   - the object belongs to another loop, on which a task has waited for it before:
//     [future.ErrOtherLoop].
//
// Waiters are served in the order in which they came, and newcomers queue up
// behind them; where a type makes an exception, its documentation says so. A woken
// task goes on in the loop's next iteration. If its wait fails all the same, what it
// was woken for passes to the next waiter: no permit, item or notification is lost.
//
// # Misuse
//
// A broken rule is reported by an error where the function returns one (Release of
// a Lock that is not locked), and otherwise by a panic with an error
// ([NewSemaphore] of a negative value). Test for these errors with errors.Is.
//
// # Goroutines
//
// Use an object only from tasks and callbacks of one loop. Callbacks may call the
// methods that take no context. Other goroutines go through
// [loop.Loop.CallSoonThreadsafe].
package sync
