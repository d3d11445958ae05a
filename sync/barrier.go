package sync

import (
	"context"
	"fmt"
)

// A Barrier holds tasks until a given number of them has arrived. It is made by
// [NewBarrier], and can be passed again and again.
//
// The last task to arrive goes on at once, the others in the loop's next iteration,
// in the order in which they arrived. Until all of them have left, the barrier
// drains: tasks that arrive meanwhile wait outside, and count for the next cycle.
// A task that arrives after the last one has left, but before those outside have
// run, gets in before them.
//
// A task that is cancelled while it waits counts as not having arrived. The
// barrier does not break.
//
// Use a Barrier only from tasks and callbacks of one loop; from elsewhere, go
// through [loop.Loop.CallSoonThreadsafe]. It is asyncio.Barrier.
type Barrier struct {
	bound
	parties int
	count   int // tasks that have arrived and not yet left
	state   barrierState
	waiters waiters // woken at every change of state
}

type barrierState uint8

const (
	filling   barrierState = iota // tasks are arriving
	draining                      // all have arrived and are leaving
	resetting                     // those inside are leaving with an error
	broken                        // nobody passes
)

func (s barrierState) String() string {
	return [...]string{"filling", "draining", "resetting", "broken"}[s]
}

// admits reports whether a task need not wait outside.
func (s barrierState) admits() bool { return s == filling || s == broken }

// releases reports whether a task need not wait inside.
func (s barrierState) releases() bool { return s != filling }

// NewBarrier returns a barrier for the given number of tasks. It panics with an
// error that matches [ErrInvalidSize] unless parties > 0.
func NewBarrier(parties int) *Barrier {
	b := &Barrier{parties: parties}
	if err := b.checkParties(); err != nil {
		panic(err)
	}
	return b
}

// checkParties refuses a barrier without parties, such as the zero value.
func (b *Barrier) checkParties() error {
	if b.parties < 1 {
		return fmt.Errorf("sync: barrier: parties (%d) must be > 0: %w", b.parties, ErrInvalidSize)
	}
	return nil
}

// Wait waits until all parties have arrived. The index is the number of tasks that
// had arrived before, 0 to Parties()-1. To choose one task of the cycle, look for
// the index Parties()-1: if a task was cancelled while it waited, two others may have
// the same index, and none may have 0, as in asyncio.
//
// With an error, the index is -1. The error matches [ErrBrokenBarrier] if the
// barrier is broken, or is aborted or reset during the wait. Wait also returns an
// error if the task is cancelled, the context ends, or the barrier belongs to
// another loop ([future.ErrOtherLoop]).
func (b *Barrier) Wait(ctx context.Context) (index int, err error) {
	if err := b.begin(ctx, "Wait"); err != nil {
		return -1, err
	}
	if err := b.await(ctx, barrierState.admits); err != nil {
		return -1, err
	}
	if b.state == broken {
		return -1, misuse(b, "it was aborted", ErrBrokenBarrier)
	}
	index = b.count
	b.count++
	defer b.leave()
	if b.count == b.parties {
		b.change(draining)
		return index, nil
	}
	if err := b.await(ctx, barrierState.releases); err != nil {
		return -1, err
	}
	if b.state != draining {
		return -1, misuse(b, "it was aborted or reset", ErrBrokenBarrier)
	}
	return index, nil
}

// begin refuses what must not begin an operation.
func (b *Barrier) begin(ctx context.Context, operation string) error {
	if err := b.checkParties(); err != nil {
		return err
	}
	if err := b.check(operation, b); err != nil {
		return err
	}
	_, err := checkCaller(ctx) // also if it is the last to arrive, and does not wait
	return err
}

// await waits until the state is one that ends the wait. asyncio does it by a condition,
// whose lock is never held while a task waits, so nobody ever waits for that lock: here
// there is none.
func (b *Barrier) await(ctx context.Context, ends func(barrierState) bool) error {
	for !ends(b.state) {
		waiting, err := b.bind(ctx, b)
		if err != nil {
			return err
		}
		if _, err := b.waiters.wait(ctx, waiting, nil); err != nil {
			b.waiters.wakeNext() // as a condition does: this one may have been woken
			return err
		}
	}
	return nil
}

// leave counts a task out. The last one opens the barrier for the next cycle.
func (b *Barrier) leave() {
	b.count--
	if b.count > 0 {
		return
	}
	if b.state == broken {
		b.change(broken) // only Reset mends it
	} else {
		b.change(filling)
	}
}

// change sets the state and wakes all that wait for a change of it.
func (b *Barrier) change(s barrierState) {
	b.state = s
	b.waiters.wakeAll()
}

// With waits until all parties have arrived, and then calls fn with the index. The
// tasks do not wait for each other again when fn returns.
//
// It returns the error of Wait or of fn. It is Python's "async with barrier".
func (b *Barrier) With(ctx context.Context, fn func(index int) error) error {
	if fn == nil {
		return nilFunc("Barrier.With")
	}
	index, err := b.Wait(ctx)
	if err != nil {
		return err
	}
	return fn(index)
}

// Reset returns the barrier to its initial state, even if it is broken. Tasks that
// have arrived get an error that matches [ErrBrokenBarrier]; tasks that wait
// outside count for the next cycle.
//
// Reset does not suspend. It takes a context because asyncio's reset is a coroutine.
func (b *Barrier) Reset(ctx context.Context) error {
	if err := b.begin(ctx, "Reset"); err != nil {
		return err
	}
	if b.count > 0 {
		b.change(resetting)
	} else {
		b.change(filling)
	}
	return nil
}

// Abort breaks the barrier: until it is reset, tasks that wait and tasks that
// arrive get an error that matches [ErrBrokenBarrier].
//
// Abort does not suspend, no more than Reset.
func (b *Barrier) Abort(ctx context.Context) error {
	if err := b.begin(ctx, "Abort"); err != nil {
		return err
	}
	b.change(broken)
	return nil
}

// Parties returns the number of tasks that must arrive. It is asyncio's parties.
func (b *Barrier) Parties() int {
	return b.parties
}

// NWaiting returns the number of tasks that have arrived and wait for others. It
// is 0 while the tasks of a full cycle leave. It is asyncio's n_waiting.
func (b *Barrier) NWaiting() int {
	if b.state == filling {
		return b.count
	}
	return 0
}

// Broken reports whether the barrier is broken.
func (b *Barrier) Broken() bool {
	return b.state == broken
}

// String shows the state and how many of the parties have arrived, as in
// "<Barrier [filling, waiters:2/5]>" or "<Barrier [broken]>".
func (b *Barrier) String() string {
	if b == nil {
		return "<nil>"
	}
	if b.state == broken {
		return "<Barrier [broken]>"
	}
	return fmt.Sprintf("<Barrier [%v, waiters:%d/%d]>", b.state, b.NWaiting(), b.parties)
}
