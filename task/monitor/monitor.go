package monitor

import (
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/goasyncio/asyncio/loop"
)

// ErrClosed means that the monitor is closed.
var ErrClosed = errors.New("the monitor is closed")

// Monitor looks into running loops. Make one with [New], and give it loops with
// [Monitor.Watch] or [Monitor.Attach]. It keeps them until they are closed. Any goroutine
// may call its methods.
type Monitor struct {
	settings settings

	mu     sync.Mutex
	closed bool
	loops  []*watched // in the order of their numbers
	number int        // of the latest loop

	incidents incidents
	symbols   symbols
	gauges    gauges
}

// watched is a loop of a monitor.
type watched struct {
	number int // from 1 on
	loop   *loop.Loop
	album  album
	ages   ages
	gauges reading
}

// New returns a new monitor. Close it after use.
func New(opts ...Option) *Monitor {
	m := &Monitor{settings: settings{threshold: 100 * time.Millisecond, swallowed: 10 * time.Second, looks: defaultLooks}}
	for _, opt := range opts {
		if opt == nil {
			panic(fmt.Errorf("monitor: New: an option is nil: %w", loop.ErrNilFunc))
		}
		opt(&m.settings)
	}
	return m
}

// An Option configures a monitor that [New] makes.
type Option func(*settings)

type settings struct {
	threshold time.Duration
	swallowed time.Duration
	onBlocked func(Incident)
	onMisuse  func(Incident)
	looks     looks
}

// Watch returns an option for loop.New that attaches the new loop to the monitor.
func (m *Monitor) Watch() loop.Option {
	return loop.WithSetup(func(l *loop.Loop) { _ = m.Attach(l) })
}

// Attach makes the monitor look into a loop until that is closed.
func (m *Monitor) Attach(l *loop.Loop) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return fmt.Errorf("monitor: Attach: %w", ErrClosed)
	}
	m.number++
	m.loops = append(m.loops, m.newWatched(m.number, l))
	return nil
}

// Loops yields the loops of the monitor with their numbers.
func (m *Monitor) Loops() iter.Seq2[int, *loop.Loop] {
	m.mu.Lock()
	loops := append([]*watched(nil), m.loops...)
	m.mu.Unlock()
	return func(yield func(number int, l *loop.Loop) bool) {
		for _, w := range loops {
			if !yield(w.number, w.loop) {
				return
			}
		}
	}
}

// Close ends the monitor's goroutine, and takes everything off its loops.
func (m *Monitor) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	m.loops = nil
	return nil
}
