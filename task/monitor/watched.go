package monitor

import (
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task/internal/labels"
	"github.com/goasyncio/asyncio/task/internal/sched"
)

// watched is a loop of a monitor.
type watched struct {
	number  int // from 1 on
	loop    *loop.Loop
	monitor *Monitor
	gone    atomic.Bool   // the monitor has let go of it
	own     atomic.Uint64 // handles of the monitor that the loop has run
	seats   seats
	sight   sight // for the watchdog
	probe   probe
	album   album
	ages    ages
	gauges  reading

	cancellations cancellations
	stuckKnown    stuckKnown

	// For the owner of the loop's baton.
	observer *sched.Observer // nil unless everything is on the loop
	remove   func()          // takes the observer off
	atClose  kernel.Node[kernel.Dropper]

	mu    sync.Mutex
	block *block // what holds the loop, nil if nothing does
}

func newWatched(m *Monitor, number int, l *loop.Loop) *watched {
	w := &watched{number: number, loop: l, monitor: m}
	w.album.watched = w
	w.gauges.watched = w
	w.probe.init(w)
	w.cancellations.w = w
	w.atClose.Value = (*letGo)(w)
	return w
}

// letGo is a watched loop as that loop sees it when it is closed.
type letGo watched

func (l *letGo) Drop() { l.monitor.letGo((*watched)(l)) }

// install puts everything on the loop. It runs on the loop's own goroutine, or before
// anybody has the loop.
func (w *watched) install() {
	if w.gone.Load() {
		return
	}
	s := sched.Of(w.loop.Kernel())
	labels.Of(s).SetWorkers(strconv.Itoa(w.number) + "/")
	w.observer = &sched.Observer{ // after the label is set
		Begin:     w.seats.begin,
		Cancel:    w.cancellations.cancel,
		Delivered: w.cancellations.deliver,
		Finished:  w.finished,
	}
	w.remove = s.Observe(w.observer)
	s.AtClose.PushBack(&w.atClose)
	w.seats.fill(s)
	w.ages.note(w.monitor.settings.now(), s.Created())
	w.loop.Kernel().Attend(kernel.AttendBeat)
}

func (w *watched) finished(t *sched.Task) {
	w.seats.finished(t)
	w.cancellations.finish(t)
}

// uninstall takes everything off the loop again, if it is there.
func (w *watched) uninstall() {
	if w.observer == nil {
		return
	}
	w.observer = nil
	w.remove()
	s := sched.Of(w.loop.Kernel())
	labels.Of(s).SetWorkers("")
	s.AtClose.Remove(&w.atClose)
	w.loop.Kernel().Ignore(kernel.AttendBeat)
}

// detach is the end of a loop whose monitor is closed. It returns a channel that is closed
// when the loop has taken everything off, nil if there is nothing to wait for.
func (w *watched) detach() <-chan struct{} {
	if w.gone.Swap(true) {
		return nil // it was closed
	}
	k := w.loop.Kernel()
	if k.RunsCaller() {
		w.uninstall()
		k.Release()
		return nil
	}
	done := make(chan struct{})
	sent := w.send(func() { w.uninstall(); close(done) }, func() { close(done) })
	k.Release() // who attaches now sends after that
	if !sent || !k.IsRunning() {
		return nil
	}
	return done
}

// send has the loop call run on its own goroutine, between two steps or callbacks, or drop
// if it is closed before. It reports false if the loop is closed already. Nobody waits for it.
func (w *watched) send(run, drop func()) bool {
	s := &sent{watched: w, run: run, drop: drop}
	s.handle.Init(kernel.OnLoopGoroutine, s) // visits need it
	return w.loop.Kernel().Post(&s.handle)
}

// sent is the job of send.
type sent struct {
	*watched
	handle    kernel.Handle
	run, drop func()
}

func (s *sent) Run() {
	s.own.Add(1)
	s.run()
}

func (s *sent) Drop() { s.drop() }

func (*sent) String() string { return "a monitor" }
