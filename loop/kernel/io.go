package kernel

// PostIO makes the loop append the handle of an I/O event to its ready queue, and wakes it
// if it sleeps. In an iteration such handles come after everything that was ready and
// before the timers that are due, where CPython's poll puts them. PostIO reports false if
// the loop is closed. Any goroutine may call it.
func (k *Kernel) PostIO(h *Handle) bool { return k.inbox.post(&k.inbox.events, h) }

// PushIO is PostIO for the owner of the baton.
func (k *Kernel) PushIO(h *Handle) bool { return k.inbox.leave(&k.inbox.events, h) }

// collectEvents moves the handles of I/O events to the ready queue.
func (k *Kernel) collectEvents() {
	events := k.inbox.collect(&k.inbox.events)
	for i, h := range events {
		if h.kind == Poll {
			h.job.Run()
		} else {
			k.ready.Push(h)
		}
		events[i] = nil
	}
}

// A Closer is something that must be closed with its loop, and has goroutines of its own.
type Closer interface {
	// Shut closes it, and neither waits nor calls the program.
	Shut()
	// Join waits until its goroutines have ended. It is called after Shut.
	Join()
}

// IO returns what serves the connections of the loop. The first call makes it with create,
// and Close of the loop closes it when all tasks are unwound. Only the owner of the baton
// may call it.
func (k *Kernel) IO(create func(*Kernel) Closer) Closer {
	if k.io == nil {
		k.io = create(k)
	}
	return k.io
}

// closeIO ends all connections.
func (k *Kernel) closeIO() {
	if k.io != nil {
		k.io.Shut()
		k.io.Join()
	}
}
