// Package sync holds asyncio's synchronization primitives and queues: [Lock],
// [Event], [Condition], [Semaphore], [BoundedSemaphore], [Barrier], [Queue],
// [PriorityQueue] and [LifoQueue].
//
// They coordinate the tasks of one loop. Tasks of a loop never run at the same
// time, so what lies between two awaits needs no protection; these types are for
// what must hold across an await. The types of the standard library's sync
// package block a goroutine, and with it the whole loop: do not use them in a
// coroutine to wait for another one. Where both packages are needed, this one is
// conventionally imported as asyncsync.
//
// # Zero values
//
// The zero value of each type is what asyncio makes of it without arguments: an
// open lock, an event that is not set, a semaphore with one permit, an unbounded
// queue. A [Barrier] and a [PriorityQueue] have no such default and need their
// constructors. None of them may be copied after first use.
//
// # Waiting
//
// Every operation that may wait takes a context, which says what task waits and
// on what loop. It does not suspend the task when there is nothing to wait for,
// and then neither allocates nor looks at the context: so it succeeds even if the
// context has ended. Waiters are served first come, first served, and nobody
// overtakes a waiter; queues and barriers make exceptions, and say so. What wakes a
// waiter never runs it: it goes on in the loop's next iteration.
//
// A waiting operation fails with an error that [future.IsCancelled] recognizes
// when its task is cancelled, and with [context.Cause] of its context when that
// ends. Both happen to the waiter alone: a wake-up, a permit or an item that it
// had been given already passes to the next one, and nothing is lost.
//
// # Loops and goroutines
//
// An object belongs to the loop on which somebody first had to wait for it. To
// wait for it on another loop fails with [future.ErrOtherLoop]. What cannot wait
// (Release, Set, PutNowait, ...) needs no context and may be called in callbacks
// of the loop as well as in tasks.
//
// Nothing here may be used from a foreign goroutine; pass a function to
// CallSoonThreadsafe of the loop instead.
package sync
