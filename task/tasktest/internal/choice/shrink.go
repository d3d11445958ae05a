package choice

import "slices"

// Shrink makes the schedule of a failing run simpler. The function try runs a schedule, and
// returns the decisions of the run if it fails in the same way, otherwise nil; so it also
// decides when it is enough. Taken is what the failing run has decided, and the result is
// that of the simplest one.
//
// Deviations that asyncio does not permit go first, if that is possible at all.
func Shrink(taken []Taken, try func(Schedule) []Taken) []Taken {
	s := &shrinker{taken, ScheduleOf(taken), try}
	s.attempt(slices.DeleteFunc(slices.Clone(s.schedule), s.needsTasks))
	s.cutTail()
	for size := len(s.schedule) / 2; size > 1; size /= 2 {
		s.remove(size)
	}
	for s.remove(1) || s.lower() {
	}
	return s.taken
}

type shrinker struct {
	taken    []Taken
	schedule Schedule // of taken
	try      func(Schedule) []Taken
}

func (s *shrinker) needsTasks(d Deviation) bool { return s.taken[d.Index].Kind == Steps }

// attempt takes a schedule if it is simpler, and fails.
func (s *shrinker) attempt(candidate Schedule) bool {
	if len(candidate) == 0 || !simpler(candidate, s.schedule) { // the default run passes
		return false
	}
	taken := s.try(candidate)
	if taken == nil {
		return false
	}
	// What does not fit was not taken, so it may be simpler still.
	s.taken, s.schedule = taken, ScheduleOf(taken)
	return true
}

// simpler reports whether a has fewer deviations than b, or as many and smaller ones.
func simpler(a, b Schedule) bool {
	if len(a) != len(b) {
		return len(a) < len(b)
	}
	return slices.CompareFunc(a, b, func(a, b Deviation) int {
		if a.Index != b.Index {
			return a.Index - b.Index
		}
		return a.Value - b.Value
	}) < 0
}

// cutTail looks for a short beginning that is enough.
func (s *shrinker) cutTail() {
	for n := 1; n < len(s.schedule); n *= 2 {
		if s.attempt(s.schedule[:n]) {
			return
		}
	}
}

// remove tries to do without that many deviations in a row, at each place.
func (s *shrinker) remove(size int) (removed bool) {
	for end := len(s.schedule); end > 0; end = min(end, len(s.schedule)) {
		begin := max(end-size, 0)
		if s.attempt(slices.Delete(slices.Clone(s.schedule), begin, end)) {
			removed = true
		}
		end = begin
	}
	return removed
}

// lower tries smaller values.
func (s *shrinker) lower() (lowered bool) {
	for i := 0; i < len(s.schedule); i++ {
		for _, v := range []int{1, s.schedule[i].Value / 2, s.schedule[i].Value - 1} {
			if v < 1 || v >= s.schedule[i].Value {
				continue
			}
			candidate := slices.Clone(s.schedule)
			candidate[i].Value = v
			if s.attempt(candidate) {
				lowered = true
				break
			}
		}
	}
	return lowered
}
