// Package task runs coroutines on an event loop, in exactly the order in which
// Python's asyncio would.
//
// A coroutine is a function that takes a context and returns a value and an error.
// [Run] runs one on a loop of its own, [Main] one without a result; [Create] and [Go]
// start another as a [Task] beside it. Tasks take turns: one runs until it awaits
// something that is not there yet, so what they share needs no lock.
//
//	err := task.Main(ctx, func(ctx context.Context) error {
//		page := task.Create(ctx, fetch)
//		if err := task.Sleep(ctx, time.Second); err != nil {
//			return err
//		}
//		text, err := page.Await(ctx)
//		fmt.Println(text)
//		return err
//	})
//
// # Contexts
//
// Each coroutine gets a context that stands for its task, and passes it to whatever it
// awaits. An await through another task's context is refused with [ErrNotCurrent].
// Deadlines and cancel functions of package context work as usual: when a derived
// context ends, the await that was given it is cancelled and returns its cause.
//
// # Cancellation
//
// [Task.Cancel] makes the await in which the task is suspended return a
// [*future.CancelledError]. A coroutine returns it like any other error, once it has
// cleaned up. So an "if err != nil" that goes on as if nothing had happened swallows
// cancellations: ask [future.IsCancelled] first where errors are not returned.
//
// # Timeouts
//
// [WithTimeout], [WaitFor] and [AsCompleted] with [Within] fail with an error that
// matches context.DeadlineExceeded, as contexts with a deadline do. [Forever] is no
// timeout.
//
// # Misuse
//
// A broken rule panics where nothing returns an error, as in [Create], [Gather] and
// [CreateIn]; what can happen in a right program is an error. Both match one of the
// errors below.
//
// # Goroutines
//
// Everything here belongs to the tasks and callbacks of one loop, unless it says that
// any goroutine may call it. [Call] and [RunCoroutineThreadsafe] are the ways in from
// elsewhere, [ToThread] and [Receive] are the ways out.
package task
