package kernel

import (
	"sync"
	"sync/atomic"
)

// inbox is the part of a loop that other goroutines may touch: the handles that they
// posted and the loop has not collected, and whether the loop sleeps. A post tests
// "closed" and appends under one lock, so it is either refused or seen by close.
type inbox struct {
	pending atomic.Int32 // len(posted), to be read without the lock

	mu       sync.Mutex
	posted   []*Handle
	sleeping bool
	closed   bool

	wake  chan struct{} // has room for one wake-up
	spare []*Handle     // the previous buffer of posted; for the owner of the baton only
}

// empty is a single atomic load, since the loop asks before each append to its ready
// queue.
func (b *inbox) empty() bool {
	return b.pending.Load() == 0
}

// post appends a handle, and wakes the loop if it sleeps. It reports false if the inbox
// is closed.
func (b *inbox) post(h *Handle) bool {
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		return false
	}
	b.append(h)
	sleeping := b.sleeping
	b.sleeping = false
	b.mu.Unlock()
	if sleeping {
		b.signal()
	}
	return true
}

// leave is post for news that can wait: it does not wake the loop.
func (b *inbox) leave(h *Handle) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.closed {
		b.append(h)
	}
	return !b.closed
}

func (b *inbox) append(h *Handle) {
	b.posted = append(b.posted, h)
	b.pending.Store(int32(len(b.posted)))
}

// wakeUp wakes the loop without posting anything.
func (b *inbox) wakeUp() {
	b.mu.Lock()
	b.sleeping = false
	b.mu.Unlock()
	b.signal()
}

// signal sends a wake-up to the sleeping loop. If there is one already, that will do.
func (b *inbox) signal() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// fallAsleep makes the next post wake the loop. It reports false if something was posted
// before: then the loop must not sleep.
func (b *inbox) fallAsleep() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.posted) > 0 {
		return false
	}
	b.sleeping = true
	return true
}

// wakeAgain is the end of a sleep, which may have ended by itself.
func (b *inbox) wakeAgain() {
	b.mu.Lock()
	b.sleeping = false
	b.mu.Unlock()
}

// collect removes the posted handles and returns them in order. The slice is valid until
// the next call.
func (b *inbox) collect() []*Handle {
	b.mu.Lock()
	posted := b.posted
	b.posted = b.spare
	b.pending.Store(0)
	b.mu.Unlock()
	b.spare = posted[:0]
	if cap(posted) > largeRing {
		b.spare = nil // one burst must not keep its memory
	}
	return posted
}

// close makes post refuse further handles, and returns those not yet collected.
func (b *inbox) close() []*Handle {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	posted := b.posted
	b.posted = nil
	b.pending.Store(0)
	return posted
}
