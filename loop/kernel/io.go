package kernel

// PostIO is Post for the handle of an I/O event. In an iteration such handles come after
// everything that was ready and before the timers that are due, where CPython's poll puts
// them. Any goroutine may call it.
func (k *Kernel) PostIO(h *Handle) bool {
	if k.onPost != nil && !k.RunsCaller() && !k.onPost() {
		return true
	}
	return k.bring(&k.inbox.events, h)
}

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

// A Network serves the connections of a loop.
type Network interface {
	// Iteration is called by the owner of the baton at the beginning of each iteration.
	Iteration()
	// Idle is called by the loop before it sleeps.
	Idle()
	// Shut closes everything, and neither waits nor calls the program.
	Shut()
	// Join waits until all goroutines have ended. It is called after Shut.
	Join()
}

// Network returns what serves the connections of the loop. The first call makes it with
// create, and Close of the loop closes it when all tasks are unwound. Only the owner of
// the baton may call it.
func (k *Kernel) Network(create func(*Kernel) Network) Network {
	if k.network == nil {
		k.network = create(k)
	}
	return k.network
}

// closeNetwork ends all connections.
func (k *Kernel) closeNetwork() {
	if k.network != nil {
		k.network.Shut()
		k.network.Join()
	}
}
