package kernel

import "time"

// What a watchdog on another goroutine needs beside the beat. Any goroutine may call all of
// this.

// Claim makes the caller the only one that watches the loop, until Release. It reports false
// if somebody does so already.
func (k *Kernel) Claim() bool { return k.claimed.CompareAndSwap(false, true) }

// Release is the end of what Claim began.
func (k *Kernel) Release() { k.claimed.Store(false) }

// PostAwake is Post for a loop that is awake. It reports false if the loop is not, and so
// wakes nobody. Such handles are not counted in Reading.Posted.
func (k *Kernel) PostAwake(h *Handle) bool {
	b := &k.inbox
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.state.awake() {
		return false
	}
	b.put(&b.posted, h)
	return true
}

// PostLazily is Post for what can wait until the loop is awake by itself. It wakes nobody,
// and such handles are not counted in Reading.Posted.
func (k *Kernel) PostLazily(h *Handle) bool { return k.inbox.leave(&k.inbox.posted, h) }

// SleepingTasks returns the number of unfinished tasks of a loop that sleeps, 0 for any
// other.
func (k *Kernel) SleepingTasks() int {
	k.inbox.mu.Lock()
	defer k.inbox.mu.Unlock()
	if !k.inbox.state.asleep() {
		return 0
	}
	c := &k.counters
	return int(c.TasksCreated - c.TasksReturned - c.TasksFailed - c.TasksCancelled - c.TasksDestroyed)
}

// CountProbe adds to Reading.Probe how long a handle has waited that was posted to find out.
func (k *Kernel) CountProbe(d time.Duration) {
	b := &k.inbox
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.probe == nil {
		b.probe = new(Histogram)
	}
	b.probe.Add(d)
}

// probed returns what CountProbe has counted. The inbox is locked.
func (b *inbox) probed() Histogram {
	if b.probe == nil {
		return Histogram{}
	}
	return *b.probe
}
