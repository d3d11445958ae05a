package streams

import "github.com/goasyncio/asyncio/loop/kernel"

// A poller finds out, once an iteration, which ends of pairs can read or write. It does so
// in the order in which Linux's epoll, level-triggered, tells it of socket pairs, so that
// programs run as they do in CPython: an end is in the list from the moment when it can do
// something, keeps its place as long as it can, and goes to the back when that was told.
type poller struct {
	kernel *kernel.Kernel
	poll   kernel.Handle
	ready  kernel.List[pairEnd]
	posted bool
}

func (p *poller) init(k *kernel.Kernel) {
	p.kernel = k
	p.poll.Init(kernel.Poll, p)
}

// Run pushes the handles of the ends that can do something, and forgets the others.
func (p *poller) Run() {
	p.posted = false
	for n := p.ready.TakeAll(); n != nil; {
		next := n.Detach()
		e := &n.Value
		e.listed = false
		in, out := e.canRead(), e.canWrite()
		if in || out {
			p.add(n)
		}
		if in {
			e.reading.told = true
			p.kernel.PushRunning(&e.reading.handle)
		}
		if out {
			e.writing.told = true
			p.kernel.PushRunning(&e.writing.handle)
		}
		n = next
	}
}

// add appends an end to the list, unless it is there.
func (p *poller) add(n *kernel.Node[pairEnd]) {
	if n.Value.listed {
		return
	}
	n.Value.listed = true
	p.ready.PushBack(n)
	if !p.posted {
		p.posted = true
		p.kernel.PushIO(&p.poll)
	}
}

func (p *poller) remove(n *kernel.Node[pairEnd]) {
	if n.Value.listed {
		n.Value.listed = false
		p.ready.Remove(n)
	}
}
