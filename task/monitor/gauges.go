package monitor

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
)

// Gauge makes the monitor read a number of the program's about once a second, such as the
// length of a queue, and report it if it grows and grows: if the least of 20 readings
// exceeds the greatest of the 20 before. That is an incident of the kind [Growing], once.
// A gauge of the same name and loop is replaced.
//
// The loop that runs the caller calls read between two steps, on its own goroutine, while
// it is awake; if none does, the first of the monitor's loops. If read panics, that is an
// incident, and the gauge is gone. It is gone too when remove is called, and when the loop
// is closed. Gauge panics if read is nil ([loop.ErrNilFunc]).
func (m *Monitor) Gauge(name string, read func() int) (remove func()) {
	if read == nil {
		panic(fmt.Errorf("monitor: Gauge %q: %w", name, loop.ErrNilFunc))
	}
	g := &gauge{Gauge: Gauge{Name: name}, read: read}
	m.mu.Lock()
	for _, w := range m.loops {
		if g.of == nil || w.loop.Kernel().RunsCaller() {
			g.of = w
		}
	}
	m.mu.Unlock()
	m.gauges.add(g)
	return func() { m.gauges.remove(g) }
}

// Gauges returns what was read last on the loop of that number, in the order in which the
// program has given the gauges to the monitor.
func (m *Monitor) Gauges(number int) (latest []Gauge) {
	gs := &m.gauges
	gs.mu.Lock()
	defer gs.mu.Unlock()
	for _, g := range gs.list {
		if g.of != nil && g.of.number == number && len(g.samples) > 0 {
			latest = append(latest, g.Gauge)
		}
	}
	return latest
}

// gauges are those of a monitor.
type gauges struct {
	mu   sync.Mutex
	list []*gauge
}

type gauge struct {
	Gauge
	of      *watched // the loop that reads it, nil if there was none yet
	read    func() int
	samples []int // the latest
	grown   bool  // that was reported
}

func (gs *gauges) add(g *gauge) {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	gs.list = slices.DeleteFunc(gs.list, func(o *gauge) bool { return o.of == g.of && o.Name == g.Name })
	gs.list = append(gs.list, g)
}

func (gs *gauges) remove(g *gauge) {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	gs.list = slices.DeleteFunc(gs.list, func(o *gauge) bool { return o == g })
}

// removeOf removes the gauges of a loop that is closed.
func (gs *gauges) removeOf(w *watched) {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	gs.list = slices.DeleteFunc(gs.list, func(g *gauge) bool { return g.of == w })
}

// of returns the gauges that a loop is to read. A gauge that is older than all loops is the
// first's.
func (gs *gauges) of(w *watched) (list []*gauge) {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	for _, g := range gs.list {
		if g.of == nil {
			g.of = w
		}
		if g.of == w {
			list = append(list, g)
		}
	}
	return list
}

// window is how many readings of a gauge are compared with as many before.
const window = 20

// note notes what was read, and reports whether the gauge has begun to grow, once.
func (gs *gauges) note(g *gauge, value int) (grows bool) {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	if len(g.samples) == 2*window {
		g.samples = slices.Delete(g.samples, 0, 1)
	}
	g.Value, g.samples = value, append(g.samples, value)
	g.Growing = len(g.samples) == 2*window && slices.Min(g.samples[window:]) > slices.Max(g.samples[:window])
	grows = g.Growing && !g.grown
	g.grown = g.grown || g.Growing
	return grows
}

// reading has a loop read its gauges, on its own goroutine, as they are the program's.
type reading struct {
	*watched
	handle kernel.Handle

	mu   sync.Mutex // of what follows
	last time.Time
	busy bool // it was posted, and has not run
}

// every is how often gauges are read, and checkpoints of ages noted.
const every = time.Second

// due has the loop read the gauges, when it is awake next, if it has not done so in the last
// second.
func (r *reading) due(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.busy || now.Before(r.last.Add(every)) || len(r.monitor.gauges.of(r.watched)) == 0 {
		return
	}
	r.handle.Init(kernel.OnLoopGoroutine, r)
	if r.busy = r.loop.Kernel().PostLazily(&r.handle); r.busy {
		r.last = now
	}
}

// Run is called by the loop.
func (r *reading) Run() {
	r.own.Add(1)
	defer r.Drop()
	for _, g := range r.monitor.gauges.of(r.watched) {
		r.read(g)
	}
}

// read reads a gauge.
func (r *reading) read(g *gauge) {
	returned := false
	defer func() {
		if returned {
			return
		}
		r.monitor.gauges.remove(g)
		why := "it called runtime.Goexit"
		if value := recover(); value != nil {
			why = "it panicked: " + kernel.OwnText(value)
		}
		r.tell(Misuse, fmt.Sprintf("gauge %s is gone: %s", kernel.Quote(g.Name), why))
	}()
	value := g.read()
	returned = true
	if r.monitor.gauges.note(g, value) {
		r.tell(Growing, fmt.Sprintf("gauge %s grows: it is %d, and its last %d readings all exceed the %d before",
			kernel.Quote(g.Name), value, window, window))
	}
}

func (r *reading) tell(kind Kind, text string) {
	i := Incident{Kind: kind, Time: r.monitor.settings.now(), Loop: r.number, Text: text}
	r.monitor.report(r.watched, i, loop.ExceptionContext{Message: text})
}

// Drop is called when the loop is closed before it could read.
func (r *reading) Drop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.busy = false
}

func (*reading) String() string { return "a monitor" }
