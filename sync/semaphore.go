package sync

import (
	"context"
	"fmt"
)

// A Semaphore is a number of permits: asyncio.Semaphore. The zero value holds one,
// [NewSemaphore] makes others.
//
// Fairness: permits pass to the waiters in the order in which they began to wait.
// Release hands the permit to the waiter then and there, before it runs, so that
// nobody can take it away; while anybody waits, a newcomer queues up.
//
// Cancellation: a waiter that is cancelled after it was handed a permit gives it
// to the next one.
type Semaphore struct {
	permits
}

// NewSemaphore makes a semaphore with the given number of permits, which may be
// zero. It panics with an error that matches [ErrInvalidSize] if it is negative.
func NewSemaphore(value int) *Semaphore {
	s := new(Semaphore)
	s.init("semaphore", value)
	return s
}

// Acquire takes a permit, waiting until there is one.
//
// The error is that of a cancelled wait or of a misuse ([future.ErrOtherLoop]); no permit
// is taken then.
func (s *Semaphore) Acquire(ctx context.Context) error {
	return s.acquire(ctx, s)
}

// Release adds a permit and wakes the first waiter. It does not check that a
// permit was acquired before; a [BoundedSemaphore] does.
func (s *Semaphore) Release() {
	s.release()
}

// Locked reports whether Acquire would wait: there is no permit, or there is one
// and somebody else is about to take it.
func (s *Semaphore) Locked() bool {
	return s.locked()
}

// With calls fn while it holds a permit: async with semaphore. It returns the
// error of Acquire, or else that of fn. The permit is given back even if fn
// panics.
func (s *Semaphore) With(ctx context.Context, fn func() error) error {
	return with(ctx, s.Acquire, func() error { s.Release(); return nil }, fn)
}

// String shows the number of permits and of waiters, as in
// "<Semaphore [unlocked, value:1]>" or "<Semaphore [locked, waiters:2]>".
func (s *Semaphore) String() string {
	return s.describe("Semaphore")
}

// A BoundedSemaphore is a [Semaphore] that never holds more permits than it began
// with: asyncio.BoundedSemaphore. The zero value holds one, [NewBoundedSemaphore]
// makes others.
type BoundedSemaphore struct {
	permits
	more int // the bound, less the one of the zero value
}

// NewBoundedSemaphore makes a semaphore with the given number of permits, which
// may be zero. It panics with an error that matches [ErrInvalidSize] if it is
// negative.
func NewBoundedSemaphore(value int) *BoundedSemaphore {
	s := &BoundedSemaphore{more: value - 1}
	s.init("bounded semaphore", value)
	return s
}

// Acquire takes a permit, waiting until there is one. See [Semaphore.Acquire].
func (s *BoundedSemaphore) Acquire(ctx context.Context) error {
	return s.acquire(ctx, s)
}

// Release gives a permit back and wakes the first waiter. If the semaphore holds
// all its permits, it returns an error that matches [ErrTooOften].
//
// As in asyncio, a permit that was handed to a waiter does not count as held, so
// that a Release too many goes unnoticed while permits pass from hand to hand.
func (s *BoundedSemaphore) Release() error {
	if s.value() >= s.more+1 {
		return refuse(s, "cannot release", ErrTooOften)
	}
	s.release()
	return nil
}

// Locked reports whether Acquire would wait. See [Semaphore.Locked].
func (s *BoundedSemaphore) Locked() bool {
	return s.locked()
}

// With calls fn while it holds a permit: async with semaphore. It returns the
// error of Acquire, or else that of Release, or else that of fn. The permit is
// given back even if fn panics.
func (s *BoundedSemaphore) With(ctx context.Context, fn func() error) error {
	return with(ctx, s.Acquire, s.Release, fn)
}

// String shows the number of permits and of waiters. See [Semaphore.String].
func (s *BoundedSemaphore) String() string {
	return s.describe("BoundedSemaphore")
}

// permits is what both semaphores share.
type permits struct {
	bound
	waiters waiters
	spare   int // permits, less the one of the zero value
}

func (p *permits) init(object string, value int) {
	if value < 0 {
		panic(fmt.Errorf("sync: %s: initial value %d must be >= 0: %w", object, value, ErrInvalidSize))
	}
	p.spare = value - 1
}

func (p *permits) value() int {
	return p.spare + 1
}

func (p *permits) locked() bool {
	return p.value() == 0 || p.waiters.live()
}

func (p *permits) acquire(ctx context.Context, object fmt.Stringer) error {
	if !p.locked() {
		p.spare--
		return nil
	}
	waiting, err := p.bind(ctx, object)
	if err != nil {
		return err
	}
	woken, err := p.waiters.wait(ctx, waiting)
	if err != nil && woken {
		p.spare++ // it was given to us, and we are not going to take it
	}
	// While we were in the queue others had to line up behind us even if there
	// was a permit for them.
	for p.value() > 0 && p.grant() {
	}
	return err
}

func (p *permits) release() {
	p.spare++
	p.grant()
}

// grant hands a permit to the first waiter, and reports whether there was one.
func (p *permits) grant() bool {
	if !p.waiters.wakeNext() {
		return false
	}
	p.spare--
	return true
}

func (p *permits) describe(name string) string {
	state := "locked"
	if !p.locked() {
		state = fmt.Sprintf("unlocked, value:%d", p.value())
	}
	return describe(name, state, &p.waiters)
}
