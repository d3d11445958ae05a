package kernel

import (
	"sync"
	"sync/atomic"
	"time"
)

// inbox is the part of a loop that other goroutines may touch: the handles that they
// posted and the loop has not collected, and whether the loop sleeps. A post tests
// "closed" and appends under one lock, so it is either refused or seen by close. Under the
// same lock other goroutines read what the loop counts: see reading.go.
//
// What comes from outside the program, from a network or a device, is kept apart: the loop
// collects it once an iteration, as CPython polls for it.
type inbox struct {
	mu     sync.Mutex
	news   atomic.Uint32 // what there is for the loop, to be read without the lock
	posted pile
	events pile // of I/O
	closed bool

	state      loopState
	lends      bool   // see lending.go
	changes    uint64 // from awake to asleep, and so on
	stretch    stretch
	sleeps     uint64
	submitted  uint64          // handles that were posted
	exceptions uint64          // that the exception handler was told of
	copy       Reading         // the latest
	asked      chan struct{}   // closed when there is a copy for those who wait, or nil
	askedAt    time.Time       // when it was made
	kick       chan<- struct{} // gets a value when the loop wakes up, or nil
	probe      *Histogram      // see Reading.Probe; nil if nobody has probed

	wake   chan struct{} // has room for one wake-up
	answer func()        // Kernel.answer
}

func (b *inbox) init() {
	b.posted.mark, b.events.mark = newPosted, newEvents
	b.wake = make(chan struct{}, 1)
}

// enter changes the state. The inbox is locked.
func (b *inbox) enter(state loopState) {
	before := b.state
	b.state = state
	if state.awake() == before.awake() && state.asleep() == before.asleep() {
		return
	}
	b.stretch.end(before)
	b.changes++
	if state.awake() && b.kick != nil {
		select {
		case b.kick <- struct{}{}:
		default:
		}
		b.kick = nil
	}
}

// What there can be for the loop in its inbox.
const (
	newPosted   uint32 = 1 << iota // handles
	newEvents                      // handles
	newQuestion                    // somebody waits for a copy of the counters
)

// has reports whether there is any of some news. It is a single atomic load, since the
// loop asks before each append to its ready queue.
func (b *inbox) has(some uint32) bool { return b.news.Load()&some != 0 }

// pile is a list of handles that an inbox guards.
type pile struct {
	mark    uint32 // that it is not empty, in inbox.news
	handles []*Handle
	spare   []*Handle // the previous buffer; for the owner of the baton only
}

// put appends a handle to one of the piles. The inbox is locked.
func (b *inbox) put(p *pile, h *Handle) {
	if len(p.handles) == 0 {
		b.news.Or(p.mark)
	}
	p.handles = append(p.handles, h)
}

// post appends a handle to one of the piles. If the loop sleeps, post takes the baton for
// the caller, or wakes the loop. It reports false if the inbox is closed.
func (b *inbox) post(p *pile, h *Handle) (accepted, taken bool) {
	accepted, taken, wake := b.admit(p, h)
	if wake {
		b.signal()
	}
	return accepted, taken
}

// leave is post for a loop that is awake, and for news that can wait: it does not wake
// the loop.
func (b *inbox) leave(p *pile, h *Handle) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.closed {
		b.put(p, h)
	}
	return !b.closed
}

// wakeUp wakes the loop without posting anything.
func (b *inbox) wakeUp() {
	if b.rouse() {
		b.signal()
	}
}

// signal sends a wake-up to the sleeping loop. If there is one already, that will do.
func (b *inbox) signal() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// collect removes the handles of a pile and returns them in order. The slice is valid
// until the next call.
func (b *inbox) collect(p *pile) []*Handle {
	b.mu.Lock()
	if b.asked != nil {
		b.answer()
	}
	handles := p.handles
	p.handles = p.spare
	b.news.And(^p.mark)
	b.mu.Unlock()
	p.spare = handles[:0]
	if cap(handles) > largeRing {
		p.spare = nil // one burst must not keep its memory
	}
	return handles
}

// close makes post refuse further handles, and returns those not yet collected.
func (b *inbox) close() []*Handle {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	left := append(b.posted.handles, b.events.handles...)
	b.posted.handles, b.events.handles = nil, nil
	b.news.And(newQuestion)
	return left
}
