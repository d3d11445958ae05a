package kernel

import "time"

// Counters is what a loop counts. They are plain words, which belong to the owner of the
// baton; see [Kernel.Read] for everybody else.
type Counters struct {
	Handles   [8]uint64 // taken off the ready queue and run, by Kind
	Lent      uint64    // how often somebody took the baton of the sleeping loop
	Dropped   uint64    // taken off the ready queue, and found cancelled
	TimersSet uint64
	Batch     [32]uint64 // iterations: Batch[i] began with at most 1<<i handles, and more than Batch[i-1]
	Lag       Histogram  // how late timers were found due
	StepTimes Histogram  // in debug mode

	TasksCreated   uint64
	TasksReturned  uint64
	TasksFailed    uint64
	TasksCancelled uint64
	TasksDestroyed uint64 // pending when the loop was closed
	WorkersStarted uint64 // goroutines of coroutines
	WorkersEnded   uint64
}

// Counters returns what the loop counts, to be counted by the owner of the baton.
func (k *Kernel) Counters() *Counters { return &k.counters }

// Reading is the counters of a loop, and what else there is to be measured.
type Reading struct {
	Counters
	Sleeps      uint64
	Posted      uint64    // handles from other goroutines
	Exceptions  uint64    // calls of the exception handler
	Probe       Histogram // see CountProbe
	Ready       int
	Inbox       int
	Timers      int
	IdleWorkers int

	Timed time.Time     // since when Busy and Idle are measured
	Busy  time.Duration // of real time, in which the loop was awake
	Idle  time.Duration // in which it slept

	Taken   time.Time     // when the loop was read
	Blocked time.Duration // how long the loop has not answered, 0 if it did
	Asleep  bool
}

// Read returns the counters of the loop. A loop that is busy copies them itself, at the
// next push or iteration. If it has not done so when the patience is over, Read returns
// the latest copy, and says since when somebody waits for the next. A loop that does not
// run is read as it was at the end of its last run. Read wakes no loop that sleeps. Any
// goroutine may call it.
func (k *Kernel) Read(patience time.Duration) Reading {
	b := &k.inbox
	b.mu.Lock()
	if b.stretch.since.IsZero() {
		b.stretch.begin()
	}
	if b.state.asleep() || b.state.awake() && k.RunsCaller() {
		defer b.mu.Unlock()
		b.copy = k.reading() // or who reads next might get less
		r := b.copy
		r.Asleep = b.state.asleep()
		return r
	}
	if b.state.awake() {
		if b.asked == nil {
			b.asked, b.askedAt = make(chan struct{}), time.Now()
			b.news.Or(newQuestion)
		}
		asked := b.asked
		b.mu.Unlock()
		giveUp := time.NewTimer(patience)
		select {
		case <-asked:
		case <-giveUp.C:
		}
		giveUp.Stop()
		b.mu.Lock()
	}
	defer b.mu.Unlock()
	r := b.copy
	r.Timed, r.Busy, r.Idle = b.stretch.measured(b.state)
	r.Probe = b.probed()
	r.Posted, r.Exceptions, r.Inbox = b.submitted, b.exceptions, len(b.posted.handles)+len(b.events.handles)
	if b.asked != nil {
		r.Blocked = time.Since(b.askedAt)
	}
	return r
}

// reading copies the counters. The inbox is locked, and the caller owns the baton or the
// loop sleeps.
func (k *Kernel) reading() Reading {
	b := &k.inbox
	r := Reading{
		Counters:   k.counters,
		Sleeps:     b.sleeps,
		Posted:     b.submitted,
		Exceptions: b.exceptions,
		Ready:      k.ready.Len() + len(k.late),
		Inbox:      len(b.posted.handles) + len(b.events.handles),
		Timers:     k.timers.Len(),
		Taken:      time.Now(),
	}
	r.Timed, r.Busy, r.Idle = b.stretch.measured(b.state)
	r.Probe = b.probed()
	if k.scheduler != nil {
		r.IdleWorkers = k.scheduler.IdleWorkers()
	}
	return r
}

// answer copies the counters for those who asked for them. The inbox is locked, and the
// caller owns the baton.
func (k *Kernel) answer() {
	b := &k.inbox
	b.copy = k.reading()
	if b.asked != nil {
		close(b.asked)
		b.asked = nil
		b.news.And(^newQuestion)
	}
}

// publish copies the counters at the end of a run, and of Close.
func (k *Kernel) publish() {
	k.inbox.mu.Lock()
	k.inbox.enter(stopped)
	k.answer()
	k.inbox.mu.Unlock()
}

// CountException counts a call of the exception handler. Any goroutine may call it.
func (k *Kernel) CountException() {
	k.inbox.mu.Lock()
	k.inbox.exceptions++
	k.inbox.mu.Unlock()
}

// stretch measures how long a loop is awake and asleep, once somebody has asked. All
// times are the machine's.
type stretch struct {
	since      time.Time     // when the measuring began, zero if it did not
	last       time.Duration // after that, when the present state began
	busy, idle time.Duration
}

func (s *stretch) begin() { s.since = time.Now() }

// end is called when the state ends.
func (s *stretch) end(state loopState) {
	if s.since.IsZero() {
		return
	}
	now := time.Since(s.since) // a third cheaper than time.Now
	s.busy, s.idle = s.times(state, now)
	s.last = now
}

// measured returns what was measured, with the present state until now.
func (s *stretch) measured(state loopState) (since time.Time, busy, idle time.Duration) {
	if s.since.IsZero() {
		return s.since, 0, 0
	}
	busy, idle = s.times(state, time.Since(s.since))
	return s.since, busy, idle
}

func (s *stretch) times(state loopState, now time.Duration) (busy, idle time.Duration) {
	busy, idle = s.busy, s.idle
	switch {
	case state.awake():
		busy += now - s.last
	case state.asleep():
		idle += now - s.last
	}
	return busy, idle
}
