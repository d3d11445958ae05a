package kernel

import (
	"sync"
	"sync/atomic"
)

// inbox is the part of a loop that other goroutines may touch: what they posted
// and the loop has not collected, and whether the loop sleeps. The test for
// "closed" and the append are one step under the lock, so that a submission is
// either refused or seen by Close.
type inbox struct {
	pending atomic.Int32 // len(posted), readable without the lock

	mu       sync.Mutex
	posted   []*Handle
	sleeping bool
	closed   bool

	wake  chan struct{} // holds at most one wake-up
	spare []*Handle     // the buffer that posted had before; the loop's own
}

func (b *inbox) empty() bool {
	return b.pending.Load() == 0
}

// post reports false if the inbox is closed.
func (b *inbox) post(h *Handle) bool {
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		return false
	}
	b.posted = append(b.posted, h)
	b.pending.Store(int32(len(b.posted)))
	sleeping := b.sleeping
	b.sleeping = false
	b.mu.Unlock()
	if sleeping {
		b.signal()
	}
	return true
}

func (b *inbox) wakeUp() {
	b.mu.Lock()
	b.sleeping = false
	b.mu.Unlock()
	b.signal()
}

// signal leaves a wake-up for the sleeping loop. One is as good as many.
func (b *inbox) signal() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// fallAsleep announces that the loop is about to sleep. It reports false if
// something was posted meanwhile.
func (b *inbox) fallAsleep() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.posted) > 0 {
		return false
	}
	b.sleeping = true
	return true
}

func (b *inbox) wakeAgain() {
	b.mu.Lock()
	b.sleeping = false
	b.mu.Unlock()
}

// collect takes what was posted, in order. The slice is valid until the next
// call.
func (b *inbox) collect() []*Handle {
	b.mu.Lock()
	posted := b.posted
	b.posted = b.spare
	b.pending.Store(0)
	b.mu.Unlock()
	b.spare = posted[:0]
	if cap(posted) > largeRing {
		b.spare = nil
	}
	return posted
}

// close refuses further posts and returns those that nobody collected.
func (b *inbox) close() []*Handle {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	posted := b.posted
	b.posted = nil
	b.pending.Store(0)
	return posted
}
