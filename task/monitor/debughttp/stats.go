package debughttp

import (
	"net/http"
	"sync"
	"time"

	"github.com/goasyncio/asyncio/loop"
)

func (h *handler) stats(w http.ResponseWriter, r *http.Request) {
	q := newParameters(r)
	number := q.number("loop")
	if q.refused(w) {
		return
	}
	answer := h.sampler.stats(h.now())
	answer.Loops = ofLoop(answer.Loops, number)
	writeJSON(w, http.StatusOK, answer)
}

// ofLoop returns the stats of a loop, or all if the number is 0.
func ofLoop(all []LoopStats, number int) []LoopStats {
	if number == 0 {
		return all
	}
	found := []LoopStats{}
	for _, l := range all {
		if l.Loop.Loop == number {
			found = append(found, l)
		}
	}
	return found
}

// sampler reads what loops have counted, for all clients together.
type sampler struct {
	source source

	mu     sync.Mutex
	latest Stats
	before map[int]loop.Stats // what the loops had counted then
}

// minAge is how old the latest sample must be before there is another. It is less than a
// second because a ticker may be late once and in time after that.
const minAge = 900 * time.Millisecond

// stats returns the latest sample, or a new one, and what holds the loops now.
func (s *sampler) stats(now time.Time) Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.latest.V == 0 || now.Sub(s.latest.Time) >= minAge || s.outdated() {
		s.sample(now)
	}
	answer := s.latest
	answer.Loops = make([]LoopStats, 0, len(s.latest.Loops))
	for _, l := range s.latest.Loops {
		if i, blocked := s.source.Blocked(l.Loop.Loop); blocked {
			l.State, l.Blocked = "blocked", &i
		}
		answer.Loops = append(answer.Loops, l)
	}
	return answer
}

// outdated reports whether there are loops that the latest sample does not have.
func (s *sampler) outdated() bool {
	for number := range s.source.Loops() {
		if _, known := s.before[number]; !known {
			return true
		}
	}
	return false
}

func (s *sampler) sample(now time.Time) {
	counted := make(map[int]loop.Stats)
	over := now.Sub(s.latest.Time).Seconds()
	s.latest = Stats{V: Version, Time: now, Loops: []LoopStats{}}
	for number, l := range s.source.Loops() {
		c := l.Stats()
		counted[number] = c
		before, known := s.before[number]
		answer := LoopStats{
			Loop:   Loop{Loop: number, State: stateOf(l, c), Tasks: c.Tasks},
			Stats:  c,
			Lag:    quantiles(c.Lag, before.Lag),
			Probe:  quantiles(c.Probe, before.Probe),
			Gauges: s.source.Gauges(number),
		}
		if known {
			answer.Over = over
			answer.Utilization = c.Utilization(before)
			answer.Rates = ratesOf(c, before)
		}
		s.latest.Loops = append(s.latest.Loops, answer)
	}
	s.before = counted
}

func stateOf(l *loop.Loop, s loop.Stats) string {
	switch {
	case l.IsClosed():
		return "closed"
	case s.Asleep:
		return "asleep"
	case l.IsRunning():
		return "busy"
	default:
		return "stopped"
	}
}

// ratesOf is what a loop has counted between two readings, for each second.
func ratesOf(now, before loop.Stats) Rates {
	seconds := now.Time.Sub(before.Time).Seconds()
	if seconds <= 0 {
		return Rates{} // it has not answered since
	}
	per := func(now, before uint64) float64 { return float64(now-before) / seconds }
	return Rates{
		Steps:      per(now.Steps, before.Steps),
		Iterations: per(now.Iterations, before.Iterations),
		Callbacks:  per(now.Callbacks, before.Callbacks),
		Tasks:      float64(now.Tasks-before.Tasks) / seconds,
		Posted:     per(now.Posted, before.Posted),
	}
}
