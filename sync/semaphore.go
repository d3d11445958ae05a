package sync

import (
	"context"
	"fmt"
)

// A Semaphore holds permits that tasks acquire and release. The zero value has
// one permit; [NewSemaphore] makes others.
//
// Waiters get permits in the order in which they came, and newcomers queue up
// behind them. Release gives its permit to the first waiter at once, before that
// task runs. If the task is cancelled before it runs, the next waiter gets the
// permit.
//
// Use a Semaphore only from tasks and callbacks of one loop; from elsewhere, go
// through [loop.Loop.CallSoonThreadsafe]. It is asyncio.Semaphore.
type Semaphore struct {
	permits
}

// NewSemaphore returns a semaphore with value permits. It panics with an error
// that matches [ErrInvalidSize] unless value >= 0.
func NewSemaphore(value int) *Semaphore {
	s := new(Semaphore)
	s.init("semaphore", value)
	return s
}

// Acquire takes a permit, waiting until there is one.
//
// It returns an error, and takes no permit, if the task is cancelled, the context
// ends, or the semaphore belongs to another loop ([future.ErrOtherLoop]).
func (s *Semaphore) Acquire(ctx context.Context) error {
	return s.acquire(ctx, s)
}

// Release adds a permit and wakes the first waiter. It does not check that a
// permit was acquired before; a [BoundedSemaphore] does.
func (s *Semaphore) Release() {
	s.mustOwn("Release", s)
	s.release()
}

// Locked reports whether Acquire would wait: because there is no permit, or
// because other tasks are ahead in the queue.
func (s *Semaphore) Locked() bool {
	return s.locked()
}

// With calls fn while it holds a permit, and releases it even if fn panics.
//
// It returns the error of Acquire or of fn. It is Python's "async with semaphore".
func (s *Semaphore) With(ctx context.Context, fn func() error) error {
	return with(ctx, s.Acquire, func() error { s.Release(); return nil }, fn)
}

// String shows the number of permits and of waiters, as in
// "<Semaphore [unlocked, value:1]>" or "<Semaphore [locked, waiters:2]>".
func (s *Semaphore) String() string {
	if s == nil {
		return "<nil>"
	}
	return s.describe("Semaphore")
}

// A BoundedSemaphore is a [Semaphore] that never has more permits than it began
// with. The zero value has one permit; [NewBoundedSemaphore] makes others.
//
// Use a BoundedSemaphore only from tasks and callbacks of one loop; from
// elsewhere, go through [loop.Loop.CallSoonThreadsafe]. It is
// asyncio.BoundedSemaphore.
type BoundedSemaphore struct {
	permits
	more int // the bound minus one, so that the zero value's bound is one
}

// NewBoundedSemaphore returns a semaphore with value permits. It panics with an
// error that matches [ErrInvalidSize] unless value >= 0.
func NewBoundedSemaphore(value int) *BoundedSemaphore {
	s := &BoundedSemaphore{more: value - 1}
	s.init("bounded semaphore", value)
	return s
}

// Acquire takes a permit, waiting until there is one. See [Semaphore.Acquire].
func (s *BoundedSemaphore) Acquire(ctx context.Context) error {
	return s.acquire(ctx, s)
}

// Release returns a permit and wakes the first waiter. It returns an error that
// matches [ErrTooOften] if the semaphore has all its permits already.
//
// It counts permits, not holders: as in asyncio, a task that releases twice goes
// unnoticed while another task holds a permit or has just been given one.
func (s *BoundedSemaphore) Release() error {
	if err := s.check("Release", s); err != nil {
		return err
	}
	if s.value() >= s.more+1 {
		return misuse(s, "cannot release", ErrTooOften)
	}
	s.release()
	return nil
}

// Locked reports whether Acquire would wait. See [Semaphore.Locked].
func (s *BoundedSemaphore) Locked() bool {
	return s.locked()
}

// With calls fn while it holds a permit, and releases it even if fn panics.
//
// It returns the error of Acquire, of Release or of fn, in this order of
// precedence. It is Python's "async with semaphore".
func (s *BoundedSemaphore) With(ctx context.Context, fn func() error) error {
	return with(ctx, s.Acquire, s.Release, fn)
}

// String shows the number of permits and of waiters. See [Semaphore.String].
func (s *BoundedSemaphore) String() string {
	if s == nil {
		return "<nil>"
	}
	return s.describe("BoundedSemaphore")
}

// permits is the part that both kinds of semaphores share.
type permits struct {
	bound
	waiters waiters
	spare   int // permits minus one, so that the zero value has one permit
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
		if _, err := p.checkTask(ctx, "Acquire", object); err != nil {
			return err
		}
		p.spare--
		return nil
	}
	waiting, err := p.bind(ctx, object)
	if err != nil {
		return err
	}
	woken, err := p.waiters.wait(ctx, waiting, nil)
	if err != nil && woken {
		p.spare++ // the permit that came with the wake-up
	}
	// Tasks that came before this waiter ran had to queue up behind it (see
	// locked), even if there were permits for them.
	for p.value() > 0 && p.grant() {
	}
	return err
}

func (p *permits) release() {
	p.spare++
	p.grant()
}

// grant gives a permit to the first waiter, and reports whether there was one.
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
