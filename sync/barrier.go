package sync

import (
	"context"
	"fmt"
)

// A Barrier holds tasks back until a given number of them has arrived:
// asyncio.Barrier. It is made by [NewBarrier] and can be passed again and again.
//
// Fairness: the last one to arrive goes on first, at once; the others follow in
// the loop's next iteration, in the order in which they arrived. Until all of them
// have left, the barrier is draining and lets nobody in: who arrives meanwhile
// waits, and then counts for the next cycle. Whoever arrives between the moment at
// which the last one has left and the next iteration gets in before those who
// waited for it.
//
// Cancellation: a task that is cancelled while it waits for the others is as if it
// had never come; it does not break the barrier.
type Barrier struct {
	parties int
	count   int // tasks inside
	state   barrierState
	cond    Condition // notified at every change of state
}

type barrierState uint8

const (
	filling   barrierState = iota // tasks are arriving
	draining                      // all have arrived, and are leaving
	resetting                     // those inside are leaving with an error
	broken                        // nobody passes
)

func (s barrierState) String() string {
	return [...]string{"filling", "draining", "resetting", "broken"}[s]
}

// NewBarrier makes a barrier for the given number of tasks. It panics with an
// error that matches [ErrInvalidSize] if that is less than one.
func NewBarrier(parties int) *Barrier {
	b := &Barrier{parties: parties}
	if err := b.check(); err != nil {
		panic(err)
	}
	return b
}

// check refuses a barrier without parties, such as the zero value.
func (b *Barrier) check() error {
	if b.parties < 1 {
		return fmt.Errorf("sync: barrier: parties (%d) must be > 0: %w", b.parties, ErrInvalidSize)
	}
	return nil
}

// Wait waits until all parties have arrived. The index tells how many were waiting
// before: 0 to parties-1, each of them once in a cycle in which nobody was
// cancelled.
//
// If the barrier is broken, or is aborted or reset meanwhile, the error matches
// [ErrBrokenBarrier]. Any other error is that of a cancelled wait or of a misuse.
// The index is -1 then.
func (b *Barrier) Wait(ctx context.Context) (index int, err error) {
	if err := b.acquire(ctx); err != nil {
		return -1, err
	}
	defer b.release()
	if err := b.enter(ctx); err != nil {
		return -1, err
	}
	index = b.count
	b.count++
	defer b.leave()
	if index+1 < b.parties {
		if err := b.await(ctx); err != nil {
			return -1, err
		}
		return index, nil
	}
	b.change(draining)
	return index, nil
}

// enter waits while those of the previous cycle are leaving.
func (b *Barrier) enter(ctx context.Context) error {
	err := b.cond.waitFor(ctx, b, func() bool {
		return b.state != draining && b.state != resetting
	})
	if err == nil && b.state == broken {
		err = refuse(b, "it was aborted", ErrBrokenBarrier)
	}
	return err
}

// await waits for the others.
func (b *Barrier) await(ctx context.Context) error {
	err := b.cond.waitFor(ctx, b, func() bool { return b.state != filling })
	if err == nil && b.state != draining {
		err = refuse(b, "it was aborted or reset", ErrBrokenBarrier)
	}
	return err
}

// leave is what every task does that got in. The last one opens the barrier to
// the next cycle.
func (b *Barrier) leave() {
	b.count--
	if b.count > 0 {
		return
	}
	if b.state != broken {
		b.state = filling
	}
	b.change(b.state)
}

// change enters a state and tells everybody.
func (b *Barrier) change(s barrierState) {
	b.state = s
	b.cond.notify(b.cond.waiters.n)
}

// With waits for all parties and then calls fn with the index: async with barrier.
// There is no second meeting when fn is done. It returns the error of Wait, or
// else that of fn.
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

// Reset returns the barrier to its initial state, even if it was broken. Tasks
// that are inside get an error that matches [ErrBrokenBarrier]; those that wait
// to get in stay, and count for the next cycle. Reset may have to wait for its
// turn; the error is that of a cancelled wait, and nothing has changed then.
func (b *Barrier) Reset(ctx context.Context) error {
	if err := b.acquire(ctx); err != nil {
		return err
	}
	defer b.release()
	if b.count > 0 {
		b.change(resetting)
	} else {
		b.change(filling)
	}
	return nil
}

// Abort breaks the barrier: all who wait, and all who come, get an error that
// matches [ErrBrokenBarrier], until it is reset. Abort may have to wait for its
// turn; the error is that of a cancelled wait, and nothing has changed then.
func (b *Barrier) Abort(ctx context.Context) error {
	if err := b.acquire(ctx); err != nil {
		return err
	}
	defer b.release()
	b.change(broken)
	return nil
}

func (b *Barrier) acquire(ctx context.Context) error {
	if err := b.check(); err != nil {
		return err
	}
	return b.cond.lock().acquire(ctx, b)
}

// release cannot fail unless the loop was closed while we waited, and then
// nobody is left whom it could concern.
func (b *Barrier) release() {
	_ = b.cond.Release()
}

// Parties is the number of tasks that it takes to pass.
func (b *Barrier) Parties() int {
	return b.parties
}

// NWaiting is the number of tasks that wait for the others. It is 0 while they
// are leaving.
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

// String shows the state and how many of the parties are waiting, as in
// "<Barrier [filling, waiters:2/5]>" or "<Barrier [broken]>".
func (b *Barrier) String() string {
	if b.state == broken {
		return "<Barrier [broken]>"
	}
	return fmt.Sprintf("<Barrier [%v, waiters:%d/%d]>", b.state, b.NWaiting(), b.parties)
}
