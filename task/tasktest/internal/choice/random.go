package choice

import (
	"math/rand/v2"
	"slices"
)

// random decides at random. How often it deviates differs from run to run, since some bugs
// show after a few deviations only, and others after many.
type random struct {
	dice
	deviates float64 // the probability
	aim      aim
}

func newRandom(seed uint64) *random {
	r := &random{dice: roll(seed, 0)}
	r.deviates = 1 / float64(int(2)<<r.IntN(6))
	return r
}

func (r *random) Choose(p Point) int {
	if v, ok := r.forced(p); ok {
		return v
	}
	if v, ok := r.aim.decide(&r.dice, p); ok {
		return v
	}
	if r.Float64() >= r.deviates {
		return 0
	}
	v := r.deviation(p)
	r.aim.decided(&r.dice, p, v)
	return v
}

// dice are random numbers.
type dice struct{ *rand.Rand }

func roll(seed uint64, stream int) dice {
	return dice{rand.New(rand.NewPCG(seed, uint64(stream)))}
}

// forced decides what no strategy is to decide.
func (d dice) forced(p Point) (v int, ok bool) {
	switch {
	case p.Kind == Draw:
		return d.IntN(p.N), true
	case p.Kind == Program && p.P > 0:
		if d.Float64() < p.P {
			v = 1
		}
		return v, true
	}
	return 0, false
}

// deviation is any value but 0.
func (d dice) deviation(p Point) int { return 1 + d.IntN(p.N-1) }

// aim makes delayed events arrive exactly when the clock has moved to the next deadline:
// ties with timeouts are where the bugs are.
type aim struct{ delayed []delayed }

// delayed is an event that stays away until the clock has moved.
type delayed struct {
	event int
	epoch int  // when that began
	among bool // it arrives in the middle of the iteration
}

// decided is told of a deviation. An event that is delayed stays away in half of the cases.
func (a *aim) decided(d *dice, p Point, v int) {
	if p.Kind == Arrive && !p.Must && v == p.N-1 && d.IntN(2) == 0 {
		a.delayed = append(a.delayed, delayed{event: p.Subject, epoch: p.Epoch})
	}
}

// decide decides about events that stay away.
func (a *aim) decide(d *dice, p Point) (v int, ok bool) {
	if p.Kind != Arrive && p.Kind != Among {
		return 0, false
	}
	i := slices.IndexFunc(a.delayed, func(e delayed) bool { return e.event == p.Subject })
	if i < 0 {
		return 0, false
	}
	e := &a.delayed[i]
	switch {
	case p.Kind == Among && e.among:
		v = d.deviation(p) // among the timers
	case p.Kind == Among:
		return 0, true
	case p.Must:
		v = d.IntN(p.N)
	case p.Epoch == e.epoch:
		return p.N - 1, true
	case d.IntN(2) == 0:
		e.among = true
		return p.N - 1, true
	default:
		v = d.IntN(p.N - 1) // before the timers
	}
	a.delayed = slices.Delete(a.delayed, i, i+1)
	return v, true
}

// pct runs the task with the highest priority that is ready. Priorities are drawn, and at
// depth-1 decisions the highest becomes the lowest. So it finds a bug of that depth with a
// probability that has a lower bound: "A Randomized Scheduler with Probabilistic
// Guarantees of Finding Bugs", Burckhardt and others, 2010. What is not about tasks deviates
// at these decisions, and at about one more.
type pct struct {
	dice
	priorities []int // by the tasks' numbers
	changes    []int // at which decisions
	index      int
	lowest     int
	decisions  int // how many there are in the default run
	aim        aim
}

func newPCT(depth int, seed uint64, decisions int) *pct {
	p := &pct{dice: roll(seed, depth), decisions: max(decisions, 1)}
	for range depth - 1 {
		p.changes = append(p.changes, p.IntN(p.decisions))
	}
	slices.Sort(p.changes)
	return p
}

func (s *pct) Choose(p Point) int {
	change := false
	for len(s.changes) > 0 && s.changes[0] <= s.index {
		change = true
		s.changes = s.changes[1:]
	}
	s.index++
	if v, ok := s.forced(p); ok {
		return v
	}
	if p.Kind == Steps {
		v := s.highest(p.Options)
		if change {
			s.lowest--
			s.priorities[p.Options[v]] = s.lowest
			v = s.highest(p.Options)
		}
		return v
	}
	if v, ok := s.aim.decide(&s.dice, p); ok {
		return v
	}
	if !change && s.IntN(s.decisions) > 0 {
		return 0
	}
	v := s.deviation(p)
	s.aim.decided(&s.dice, p, v)
	return v
}

// highest returns which of the tasks has the highest priority.
func (s *pct) highest(tasks []int) int {
	best := 0
	for i, t := range tasks {
		for len(s.priorities) <= t {
			s.priorities = append(s.priorities, s.IntN(1<<30))
		}
		if s.priorities[t] > s.priorities[tasks[best]] {
			best = i
		}
	}
	return best
}
