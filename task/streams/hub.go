package streams

import (
	"crypto/tls"
	"sync"
	"syscall"

	"github.com/goasyncio/asyncio/loop/kernel"
)

// A hub is what the connections and listeners of one loop share. It closes them with the
// loop.
type hub struct {
	kernel *kernel.Kernel
	blocks blocks
	poller poller
	poker  poker
	polled bool // something waits, or has waited, for the network
	open   kernel.List[closer]
	// goroutines are those of connections and listeners, unless nothing can end them.
	goroutines sync.WaitGroup
}

// A closer is something that is open as long as its loop is, at most.
type closer interface {
	// Shut closes it, and neither waits nor calls the program.
	Shut()
}

type member = kernel.Node[closer]

// hubOf returns the hub of a loop. Only the owner of the baton may call it.
func hubOf(k *kernel.Kernel) *hub {
	return k.Network(newHub).(*hub)
}

func newHub(k *kernel.Kernel) kernel.Network {
	h := &hub{kernel: k}
	h.poller.init(k)
	h.poker.init()
	return h
}

// Iteration is told of each iteration.
func (h *hub) Iteration() {
	if h.polled && !h.open.Empty() {
		h.poker.iteration()
	}
}

// Idle is told that the loop is going to sleep.
func (h *hub) Idle() { h.poker.idle = true }

// waitFor notes that goroutines wait for f, which is a connection, a listener or a file.
// The poker is needed then, unless the runtime has nothing to do with it, as with a
// net.Pipe: in a bubble of testing/synctest the poker would stop the clock.
func (h *hub) waitFor(f any) {
	if t, ok := f.(*tls.Conn); ok {
		f = t.NetConn()
	}
	if _, ok := f.(syscall.Conn); ok {
		h.polled = true
	}
}

func (h *hub) add(m *member) { h.open.PushBack(m) }

func (h *hub) remove(m *member) { h.open.Remove(m) }

// Shut closes all that is open.
func (h *hub) Shut() {
	for m := h.open.First(); m != nil; m = m.Next() {
		m.Value.Shut()
	}
	h.poker.shut()
}

// Join waits for the goroutines, also of what was closed before.
func (h *hub) Join() {
	h.open = kernel.List[closer]{}
	h.goroutines.Wait()
	h.poker.join()
}
