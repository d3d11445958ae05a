package monitor

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/goasyncio/asyncio/loop"
)

// ErrClosed means that the monitor is closed.
var ErrClosed = errors.New("the monitor is closed")

// ErrAttached means that a monitor, this or another one, looks into the loop already.
var ErrAttached = errors.New("the loop has a monitor already")

// Monitor looks into running loops. Make one with [New], and give it loops with
// [Monitor.Watch] or [Monitor.Attach]. It keeps them until they are closed. Any goroutine
// may call its methods.
type Monitor struct {
	settings settings

	mu     sync.Mutex
	closed bool
	loops  []*watched // in the order of their numbers; never changed in place
	number int        // of the latest loop
	dog    *watchdog  // nil until there is a loop

	incidents   incidents
	onLongSleep func(w *watched) // of a loop that has slept for long, with unfinished tasks
	symbols     symbols
	gauges      gauges
}

// New returns a new monitor. Close it after use.
func New(opts ...Option) *Monitor {
	m := &Monitor{settings: settings{threshold: 100 * time.Millisecond, swallowed: 10 * time.Second, looks: defaultLooks, now: time.Now, profile: profile}}
	for _, opt := range opts {
		if opt == nil {
			panic(fmt.Errorf("monitor: New: an option is nil: %w", loop.ErrNilFunc))
		}
		opt(&m.settings)
	}
	m.onLongSleep = m.lookWhenAsleep
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
	recorder  *recorder

	// A test has its own.
	now     func() time.Time
	ticks   *ticks // nil for those of a timer
	profile func() []record
}

// Threshold sets how long a task or callback must hold a loop for an incident. The default
// is 100 ms. It panics if d is less than 10 ms ([loop.ErrInvalidArgument]): the monitor looks
// four times in that time, and timers are not exact enough for less.
func Threshold(d time.Duration) Option {
	if d < 10*time.Millisecond {
		panic(fmt.Errorf("monitor: Threshold(%v): it must be 10 ms at least: %w", d, loop.ErrInvalidArgument))
	}
	return func(s *settings) { s.threshold = d }
}

// OnBlocked has fn called with each incident of the kinds [Blocked] and [Unblocked], in
// place of a warning by the loop's logger. It is called on the monitor's goroutine, which
// does nothing else meanwhile. It panics if fn is nil ([loop.ErrNilFunc]).
func OnBlocked(fn func(Incident)) Option {
	if fn == nil {
		panic(fmt.Errorf("monitor: OnBlocked: %w", loop.ErrNilFunc))
	}
	return func(s *settings) { s.onBlocked = fn }
}

// Watch returns an option for loop.New that attaches the new loop to the monitor. A loop
// that is made when the monitor is closed is not watched. loop.New panics if the loop gets
// two monitors ([ErrAttached]).
func (m *Monitor) Watch() loop.Option {
	return loop.WithSetup(func(l *loop.Loop) {
		w, err := m.adopt("Watch", l)
		switch {
		case err == nil:
			w.install() // nobody else has the loop yet
		case !errors.Is(err, ErrClosed):
			panic(err)
		}
	})
}

// Attach makes the monitor look into a loop until that is closed. The loop is watched as
// soon as it has finished what it does now. The error matches [ErrClosed] if the monitor is
// closed, [loop.ErrClosed] if the loop is, [loop.ErrInvalidArgument] if it is nil, and
// [ErrAttached] if it has a monitor already.
func (m *Monitor) Attach(l *loop.Loop) error {
	if l == nil {
		return fmt.Errorf("monitor: Attach: the loop is nil: %w", loop.ErrInvalidArgument)
	}
	w, err := m.adopt("Attach", l)
	if err != nil {
		return err
	}
	if !w.send(w.install, func() { m.letGo(w) }) {
		m.forget(w)
		return fmt.Errorf("monitor: Attach: %w", loop.ErrClosed)
	}
	return nil
}

// adopt adds a loop, which is not watched yet.
func (m *Monitor) adopt(operation string, l *loop.Loop) (*watched, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.closed:
		return nil, fmt.Errorf("monitor: %s: %w", operation, ErrClosed)
	case l.IsClosed():
		return nil, fmt.Errorf("monitor: %s: %w", operation, loop.ErrClosed)
	case !l.Kernel().Claim():
		return nil, fmt.Errorf("monitor: %s: %w", operation, ErrAttached)
	}
	m.number++
	w := newWatched(m, m.number, l)
	m.loops = append(slices.Clip(m.loops), w)
	if m.dog == nil {
		m.dog = newWatchdog(m)
		go m.dog.run()
	}
	m.dog.wake()
	return w, nil
}

// forget removes a loop. It reports false if that has happened already.
func (m *Monitor) forget(w *watched) bool {
	if w.gone.Swap(true) {
		return false
	}
	m.mu.Lock()
	m.loops = slices.DeleteFunc(slices.Clone(m.loops), func(other *watched) bool { return other == w })
	m.mu.Unlock()
	w.loop.Kernel().Release()
	return true
}

// letGo is the end of a loop, which is closed.
func (m *Monitor) letGo(w *watched) {
	if m.forget(w) {
		now := m.settings.now()
		w.over(now)
		m.gauges.removeOf(w)
		m.incidents.add(Incident{Kind: Closed, Time: now, Loop: w.number, Text: fmt.Sprintf("Loop %d was closed", w.number)})
	}
}

// Loops yields the loops of the monitor with their numbers.
func (m *Monitor) Loops() iter.Seq2[int, *loop.Loop] {
	loops := m.all()
	return func(yield func(number int, l *loop.Loop) bool) {
		for _, w := range loops {
			if !yield(w.number, w.loop) {
				return
			}
		}
	}
}

// all returns the loops of the monitor.
func (m *Monitor) all() []*watched {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.loops
}

// patienceForClose is how long Close waits for loops that are blocked.
const patienceForClose = 100 * time.Millisecond

// Close ends the monitor's goroutine, and takes everything off its loops. A loop that is
// blocked or not running does so itself as soon as it can: Close does not wait longer than
// 100 ms. Closing it again does nothing.
func (m *Monitor) Close() error {
	m.mu.Lock()
	loops, dog := m.loops, m.dog
	closed := m.closed
	m.closed, m.loops = true, nil
	m.mu.Unlock()
	if closed {
		return nil
	}
	var answers []<-chan struct{}
	for _, w := range loops {
		if c := w.detach(); c != nil {
			answers = append(answers, c)
		}
	}
	if dog != nil {
		dog.end()
	}
	giveUp := time.NewTimer(patienceForClose)
	defer giveUp.Stop()
	for _, c := range answers {
		select {
		case <-c:
		case <-giveUp.C:
			return nil
		}
	}
	return nil
}
