package streams

import "github.com/goasyncio/asyncio/loop/kernel"

// A hub is what the connections and listeners of one loop share. It closes them with the
// loop.
type hub struct {
	kernel *kernel.Kernel
	blocks blocks
	poller poller
	open   kernel.List[kernel.Closer]
}

type member = kernel.Node[kernel.Closer]

// hubOf returns the hub of a loop. Only the owner of the baton may call it.
func hubOf(k *kernel.Kernel) *hub {
	return k.IO(newHub).(*hub)
}

func newHub(k *kernel.Kernel) kernel.Closer {
	h := &hub{kernel: k}
	h.poller.init(k)
	return h
}

func (h *hub) add(m *member) { h.open.PushBack(m) }

func (h *hub) remove(m *member) { h.open.Remove(m) }

// Shut closes all that is open.
func (h *hub) Shut() {
	for m := h.open.First(); m != nil; m = m.Next() {
		m.Value.Shut()
	}
}

// Join waits for the goroutines of all that was open.
func (h *hub) Join() {
	for m := h.open.First(); m != nil; m = h.open.First() {
		h.open.Remove(m)
		m.Value.Join()
	}
}
