package monitor

import (
	"context"
	"sync"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task/internal/sched"
)

// album has the latest picture of a loop's tasks, for all who want to see it. It takes a
// new one only when that has got too old, and never two at a time.
type album struct {
	*watched

	mu     sync.Mutex
	latest *picture
	busy   chan struct{} // closed when the present walk is over, nil if there is none
}

func (a *album) kernel() *kernel.Kernel { return a.loop.Kernel() }

// picture returns one that is young enough. If ctx ends before there is one, it returns
// the latest, which may be nil, and the cause. The error is [loop.ErrClosed] if the loop
// is closed.
func (a *album) picture(ctx context.Context) (*picture, error) {
	asked := a.monitor.settings.now()
	for {
		a.mu.Lock()
		p, busy := a.latest, a.busy
		if p != nil && (!p.taken.Before(asked) || a.monitor.settings.now().Sub(p.taken) < a.monitor.settings.looks.maxAge) {
			a.mu.Unlock()
			return p, nil
		}
		if a.kernel().RunsCaller() { // it cannot wait for itself
			a.mu.Unlock()
			return a.takeHere(), nil
		}
		var w *walk
		if busy == nil {
			w = a.take()
			busy = a.busy
		}
		a.mu.Unlock()
		if w != nil && !a.start(kernel.Internal, w) {
			return p, loop.ErrClosed
		}
		select {
		case <-busy:
		case <-ctx.Done():
			return p, context.Cause(ctx)
		}
	}
}

// take prepares a walk that takes a picture. The album is locked.
func (a *album) take() *walk {
	var c camera
	return a.walk(&walk{
		begin: func(s *sched.Sched) { c.begin(s, a.monitor.settings.now()) },
		look: func(t *sched.Task) bool {
			c.see(t, false)
			return true
		},
		over: func(slices int, closed bool) {
			if closed {
				a.finish(nil)
				return
			}
			c.picture.slices = slices
			go func() {
				p := c.develop()
				a.seen(p)
				a.finish(p)
			}() // the loop has other things to do
		},
	})
}

// takeHere takes a picture on the spot, for a caller that the loop runs.
func (a *album) takeHere() *picture {
	var c camera
	s := sched.Of(a.kernel())
	c.begin(s, a.monitor.settings.now())
	for t := range s.Tasks() {
		c.see(t, true)
	}
	p := c.develop()
	a.seen(p)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.latest = p
	return p
}

// stack returns the stack of a row, as far as the picture has it.
func (a *album) stack(p *picture, row int32) sched.Trace {
	a.mu.Lock()
	defer a.mu.Unlock()
	return p.stacks[row]
}

// stacks sees to it that the picture has the stacks of rows, as far as these tasks are
// still there and ctx does not end before.
func (a *album) stacks(ctx context.Context, p *picture, rows []int32) error {
	for {
		a.mu.Lock()
		var missing []int32
		for _, i := range rows {
			if _, known := p.stacks[i]; !known {
				missing = append(missing, i)
			}
		}
		var w *walk
		busy := a.busy
		switch {
		case len(missing) == 0:
			a.mu.Unlock()
			return nil
		case a.kernel().RunsCaller():
			v := newVisits(p, missing)
			for t := range sched.Of(a.kernel()).Tasks() {
				if !v.look(t) {
					break
				}
			}
			v.store()
			a.mu.Unlock()
			return nil
		case busy == nil:
			w = a.visit(newVisits(p, missing))
			busy = a.busy
		}
		a.mu.Unlock()
		if w != nil && !a.start(kernel.OnLoopGoroutine, w) {
			return loop.ErrClosed
		}
		select {
		case <-busy:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// visit prepares a walk that takes stacks, to be done on the loop's own goroutine: the one of a
// task that has just given the baton away could not get it back from a visit. The album is
// locked.
func (a *album) visit(v *visits) *walk {
	return a.walk(&walk{
		begin: func(*sched.Sched) {},
		look:  v.look,
		over: func(_ int, closed bool) {
			go func() {
				a.mu.Lock()
				v.store()
				a.mu.Unlock()
				a.finish(nil)
			}()
		},
	})
}

// walk prepares a walk: busy is closed when its end was dealt with. The album is locked.
func (a *album) walk(w *walk) *walk {
	w.watched, w.pace = a.watched, a.monitor.settings.looks.pace
	a.busy = make(chan struct{})
	return w
}

// start begins a walk, which may run on the spot, so that the album must not be locked. It
// reports false if the loop is closed.
func (a *album) start(kind kernel.Kind, w *walk) bool {
	posted := w.start(kind)
	if !posted {
		a.finish(nil)
	}
	return posted
}

// finish deals with the end of a walk, which has taken a picture if p is not nil.
func (a *album) finish(p *picture) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if p != nil && (a.latest == nil || a.latest.taken.Before(p.taken)) {
		a.latest = p
	}
	close(a.busy)
	a.busy = nil
}
