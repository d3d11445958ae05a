package monitor

import (
	"sync"
	"time"

	"github.com/goasyncio/asyncio/loop/kernel"
)

// probe measures how long a handle waits that another goroutine posts. There is at most one
// at a time. It wakes no loop that sleeps.
type probe struct {
	watched *watched
	handle  kernel.Handle

	mu     sync.Mutex
	every  time.Duration
	posted time.Time // zero unless one is under way
	void   bool      // the loop was stopped meanwhile, or the process was
}

func (p *probe) init(w *watched) {
	p.watched = w
	p.handle.Init(kernel.Internal, p)
}

// tick is called every so often, with the loop's pulse. If the watchdog is late, what is
// under way does not count.
func (p *probe) tick(now time.Time, every time.Duration, pulse kernel.Pulse, inTime bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	k := p.watched.loop.Kernel()
	switch {
	case !p.posted.IsZero():
		p.void = p.void || !inTime || !pulse.Awake
	case pulse.Asleep && inTime:
		k.CountProbe(0)
	case pulse.Awake && k.PostAwake(&p.handle):
		p.posted, p.every, p.void = now, every, false
	}
}

// Run is called by the loop.
func (p *probe) Run() {
	p.watched.own.Add(1)
	p.mu.Lock()
	defer p.mu.Unlock()
	waited := max(0, p.watched.monitor.settings.now().Sub(p.posted))
	p.posted = time.Time{}
	if p.void {
		return
	}
	k := p.watched.loop.Kernel()
	k.CountProbe(waited)
	for waited -= p.every; waited > 0; waited -= p.every {
		k.CountProbe(waited) // of one that would have come meanwhile
	}
}

func (*probe) String() string { return "a monitor" }
