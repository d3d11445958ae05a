package monitor

import (
	"fmt"
	"time"

	"github.com/goasyncio/asyncio/loop/kernel"
)

// watchdog looks every quarter of the threshold whether a loop makes progress. It is one
// goroutine, on the machine's clock. When all loops have slept for a while it waits without
// a timer until one of them wakes up: so the runtime still finds out that all goroutines
// are asleep.
type watchdog struct {
	monitor *Monitor
	period  time.Duration
	last    time.Time     // when it began to wait for the present tick
	kick    chan struct{} // a loop has woken up, or is new
	done    chan struct{}
	ended   chan struct{}
	self    uintptr // its goroutine
	ready   chan struct{}
	budget  budget
	waits   schedulerWaits
}

// ticks are what a test has in place of a timer.
type ticks struct {
	next chan time.Time // the time of a tick
	done chan struct{}  // the watchdog has dealt with it
}

const (
	ticksPerThreshold = 4
	untilParked       = time.Second // all loops sleep for so long before the watchdog does
)

func newWatchdog(m *Monitor) *watchdog {
	return &watchdog{
		monitor: m,
		period:  m.settings.threshold / ticksPerThreshold,
		kick:    make(chan struct{}, 1),
		done:    make(chan struct{}),
		ended:   make(chan struct{}),
		ready:   make(chan struct{}),
	}
}

// wake makes the watchdog tick again.
func (d *watchdog) wake() {
	select {
	case d.kick <- struct{}{}:
	default:
	}
}

// end ends the watchdog, and waits for that, unless the watchdog calls it itself.
func (d *watchdog) end() {
	close(d.done)
	<-d.ready
	if d.self != kernel.Goroutine() {
		<-d.ended
	}
}

// run is the watchdog's goroutine.
func (d *watchdog) run() {
	defer close(d.ended)
	d.self = kernel.Goroutine()
	close(d.ready)
	now := d.monitor.settings.now
	d.last = now()
	if t := d.monitor.settings.ticks; t != nil {
		d.runTicks(t)
		return
	}
	timer := time.NewTimer(d.period)
	defer timer.Stop()
	for {
		select {
		case <-d.done:
			return
		case <-timer.C:
			d.tick(now())
		case <-d.kick:
		}
		d.last = now()
		if pause, some := d.pause(d.last); some {
			timer.Reset(pause)
		} else {
			timer.Stop()
		}
	}
}

// runTicks is run with the ticks of a test.
func (d *watchdog) runTicks(t *ticks) {
	for {
		select {
		case <-d.done:
			return
		case at := <-t.next:
			d.tick(at)
			d.last = at
			t.done <- struct{}{}
		case <-d.kick:
		}
	}
}

// pause returns how long it is until the next tick. There is none if all loops sleep: then
// the first one that wakes up kicks the watchdog.
func (d *watchdog) pause(now time.Time) (pause time.Duration, some bool) {
	loops := d.monitor.all()
	for _, w := range loops {
		if !w.sight.quiet(now, untilParked) {
			return d.period, true
		}
	}
	for _, w := range loops {
		if k := w.loop.Kernel(); !k.KickAwake(d.kick) && !k.IsClosed() {
			return d.period, true // it has woken up meanwhile
		}
	}
	until := func(when time.Time) {
		if left := max(d.period, when.Sub(now)); !some || left < pause {
			pause, some = left, true
		}
	}
	for _, w := range loops {
		if s := &w.sight; d.monitor.onLongSleep != nil && s.asleep && !s.looked {
			until(s.since.Add(w.untilLook()))
		}
		if due, ok := w.cancellations.next(); ok && w.sight.asleep {
			until(due)
		}
	}
	return pause, some
}

// sight is what the watchdog has seen of a loop. It belongs to the watchdog.
type sight struct {
	pulse kernel.Pulse
	ticks int           // that came in time since the pulse has changed
	held  time.Duration // the time between them
	due   int           // how many ticks there must be for the next report
	waits []uint64      // what goroutines had waited for processors at the first of them

	// Of a loop that is not awake:
	since  time.Time // when it was seen so first; zero if it is awake
	asleep bool      // it is running, and sleeps
	looked bool      // it has slept for long, and was looked at
	beat   uint64    // of the program: without that of the monitor's own handles
}

// quiet reports whether the loop has not been awake for d.
func (s *sight) quiet(now time.Time, d time.Duration) bool {
	return !s.since.IsZero() && now.Sub(s.since) >= d
}

// tick looks at all loops. A tick that is more than one late shows that the watchdog, and
// perhaps the whole process, was kept from running: it says nothing about the loops.
func (d *watchdog) tick(now time.Time) {
	gap := now.Sub(d.last)
	inTime := gap <= 2*d.period
	for _, w := range d.monitor.all() {
		p := w.loop.Kernel().Pulse()
		w.probe.tick(now, d.period, p, inTime)
		w.tick(now)
		d.sleeps(w, p, now)
		d.holds(w, p, now, gap, inTime)
		w.cancellations.tick(now)
	}
}

// holds looks whether something holds a loop.
func (d *watchdog) holds(w *watched, p kernel.Pulse, now time.Time, gap time.Duration, inTime bool) {
	s := &w.sight
	if !p.Awake || p != s.pulse {
		w.over(now)
		s.pulse, s.ticks, s.held, s.due = p, 0, 0, ticksPerThreshold
		return
	}
	if !inTime {
		if !w.lasts(s.held) {
			s.ticks, s.held = 0, 0
		}
		return
	}
	s.ticks++
	s.held += gap
	if s.ticks == 1 {
		s.waits = d.waits.read()
	}
	w.lasts(s.held)
	if s.ticks >= s.due && d.report(w, now) {
		s.due *= 4
	}
}

// sleeps looks whether a loop sleeps for long. What the monitor itself does to it is no end
// of its sleep.
func (d *watchdog) sleeps(w *watched, p kernel.Pulse, now time.Time) {
	s := &w.sight
	if p.Awake {
		return
	}
	beat := p.Beat - w.own.Load()
	if w.loop.Kernel().Pulse() != p {
		return // it has been awake meanwhile, so the two do not belong together
	}
	if beat > s.beat {
		s.since, s.looked = time.Time{}, false
	}
	s.beat = beat
	if s.since.IsZero() {
		s.since = now
	}
	s.asleep = p.Asleep
	if look := d.monitor.onLongSleep; look != nil && s.asleep && !s.looked && s.quiet(now, w.untilLook()) {
		s.looked = true
		if w.loop.Kernel().SleepingTasks() > 0 {
			look(w)
			// That was no end of its sleep. If it goes on, this beat may be too high.
			own := w.own.Load()
			s.beat = w.loop.Kernel().Pulse().Beat - own
		}
	}
}

// report reports that something holds a loop. It reports false if that was over meanwhile.
func (d *watchdog) report(w *watched, now time.Time) bool {
	s := &w.sight
	b := w.suspect(s.pulse, now)
	if d.budget.take(now) {
		b.find(w, s.pulse, d.monitor.settings.profile())
	}
	if w.loop.Kernel().Pulse() != s.pulse {
		return false // whatever was found has nothing to do with it
	}
	b.Time, b.For = now, s.held
	b.Text = fmt.Sprintf("%s has held %s for %s", b.who, d.monitor.nameOf(w), text(s.held))
	if b.stacks > 1 {
		b.Text += fmt.Sprintf("; its stack is one of these %d", b.stacks)
	}
	if worst := d.waits.since(s.waits); worst >= s.held/4 {
		b.Text += "; meanwhile goroutines have waited for a processor for up to " + text(worst)
		b.Suspect = worst >= s.held/2
	}
	if w.blockedBy() == nil {
		name, err := d.monitor.settings.recorder.write(now)
		if err != nil {
			w.loop.Kernel().Warn(err.Error())
		}
		b.Trace = name
	}
	w.mu.Lock()
	w.block = b
	w.mu.Unlock()
	d.monitor.tell(w, b.Incident)
	return true
}

// nameOf names a loop in a sentence.
func (m *Monitor) nameOf(w *watched) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.number == 1 {
		return "the loop" // there was never another
	}
	return fmt.Sprintf("loop %d", w.number)
}

// text is a duration for people: "104 ms", "1.6s".
func text(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return d.Round(100 * time.Millisecond).String()
}

// tell makes an incident known that a loop is blocked, or no longer.
func (m *Monitor) tell(w *watched, i Incident) {
	i = m.incidents.add(i)
	fn := m.settings.onBlocked
	if fn == nil {
		w.loop.Kernel().Warn(i.String())
		return
	}
	defer func() {
		if value := recover(); value != nil {
			w.loop.Kernel().Warn(fmt.Sprintf("monitor: the function of OnBlocked has panicked: %v", value))
		}
	}()
	fn(i)
}
