package task

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task/internal/sched"
)

// FailWhenStuck makes a run fail that nothing can end any more. It is for tests, which hang
// until their timeout otherwise. The error matches [ErrStuck], and shows all tasks as
// [FormatTaskTree] does. The tasks are cancelled then, as always at the end of a run.
//
// A run is stuck if its loop has slept for a second of real time, no timer is set, and one
// of these is true:
//
//   - The loop is on a virtual clock that nobody holds. By the contract of that clock nobody
//     is going to wake the loop: see [loop.Loop.Hold]. A program that posts to the loop
//     without a hold, after more than a second, must not have this option.
//   - On any clock, main awaits only tasks that await main or each other, in a circle. A
//     future that the program completes, a timeout, or a context which an await is given may
//     let it go on; the end of the context of the run, which is also outside, does not count.
//
// Package tasktest finds such runs by itself, at once. asyncio has nothing of the kind.
func FailWhenStuck() RunOption {
	return func(s *runSettings) { s.stuck = &stuckOption{} }
}

// stuckOption is how a run is watched. Nil is not at all.
type stuckOption struct {
	ticks <-chan time.Time // of a test; nil for those of the machine's clock
}

// The loop must sleep through so many ticks of that period. The first one says only that it
// has begun to.
const (
	stuckTicks  = 5
	stuckPeriod = time.Second / (stuckTicks - 1)
)

// watch watches a run until end is called, on the goroutine that has run the loop. The run
// waits for main, or for all tasks if that is nil.
func (o *stuckOption) watch(l *loop.Loop, main *sched.Task) (end func()) {
	if o == nil {
		return func() {}
	}
	w := &stuckWatch{loop: l, main: main, stop: make(chan struct{}), ended: make(chan struct{})}
	w.look.Init(kernel.OnLoopGoroutine, w)
	go w.run(o.ticks)
	return func() {
		w.over = true
		close(w.stop)
		<-w.ended
	}
}

// stuckWatch is a goroutine that watches a run.
type stuckWatch struct {
	loop        *loop.Loop
	main        *sched.Task
	look        kernel.Handle
	posted      atomic.Bool // look is on its way
	stop, ended chan struct{}
	over        bool // for the owner of the baton
}

func (w *stuckWatch) run(ticks <-chan time.Time) {
	defer close(w.ended)
	if ticks == nil {
		ticker := time.NewTicker(stuckPeriod)
		defer ticker.Stop()
		ticks = ticker.C
	}
	k := w.loop.Kernel()
	var sleep uint64 // the present one
	seen := 0        // how many ticks it has lasted for
	for {
		select {
		case <-w.stop:
			return
		case <-ticks:
		}
		switch now, stranded := k.Stranded(); {
		case !stranded:
			seen = 0
		case now != sleep:
			sleep, seen = now, 1
		default:
			seen++
		}
		if seen >= stuckTicks && w.posted.CompareAndSwap(false, true) {
			k.Post(&w.look)
		}
	}
}

// Run looks at the loop, on its goroutine.
func (w *stuckWatch) Run() {
	w.posted.Store(false)
	k := w.loop.Kernel()
	if _, more := k.Next(); w.over || more {
		return
	}
	why := w.circle()
	if why == "" && k.Alone() {
		why = "nothing is ready, no timer is set, and nobody holds the virtual clock"
	}
	if why != "" {
		tree := FormatTaskTree(loop.NewContext(context.Background(), w.loop))
		k.Raise(fmt.Errorf("task: Run: %w: %s\n%s", ErrStuck, why, tree))
	}
}

// circle says who awaits whom if the run waits for tasks that await each other.
func (w *stuckWatch) circle() string {
	if w.main != nil {
		return sched.DescribeStuck(w.main.StuckWith())
	}
	for _, set := range sched.Of(w.loop.Kernel()).Stuck(false) {
		return sched.DescribeStuck(set)
	}
	return ""
}

// String names the job in reports.
func (*stuckWatch) String() string { return "FailWhenStuck" }
