package kernel

import (
	"iter"
	"slices"
)

// Scheduled yields the jobs that the loop is going to run by itself: those of the handles
// that are ready, that were posted or put off, and those of the timers. It leaves out what
// any goroutine may cancel. They must not change meanwhile.
func (k *Kernel) Scheduled() iter.Seq[Job] {
	return func(yield func(Job) bool) {
		for h := range k.handles() {
			if j := h.Job(); j != nil && !yield(j) {
				return
			}
		}
	}
}

// handles yields all handles that Scheduled looks at.
func (k *Kernel) handles() iter.Seq[*Handle] {
	return func(yield func(*Handle) bool) {
		for h := range k.ready.All() {
			if !yield(h) {
				return
			}
		}
		for _, r := range k.late {
			if !yield(r.Handle) {
				return
			}
		}
		for _, h := range k.inbox.waiting() {
			if !yield(h) {
				return
			}
		}
		for t := range k.timers.All() {
			if !yield(&t.Handle) {
				return
			}
		}
	}
}

// waiting returns the handles that the loop has not collected.
func (b *inbox) waiting() []*Handle {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Concat(b.posted.handles, b.events.handles)
}
