package choice

import (
	"fmt"
	"strconv"
	"strings"
)

// A Deviation is a decision whose value was not 0.
type Deviation struct {
	Index int // of the decision in its run
	Value int
}

// A Schedule is the deviations of a run, by their index.
type Schedule []Deviation

// String returns the token of the schedule, as in "@2.2,5.1".
func (s Schedule) String() string {
	parts := make([]string, len(s))
	for i, d := range s {
		parts[i] = fmt.Sprintf("%d.%d", d.Index, d.Value)
	}
	return "@" + strings.Join(parts, ",")
}

// ScheduleOf is what the decisions of a run deviate from the default in.
func ScheduleOf(taken []Taken) Schedule {
	var s Schedule
	for i, t := range taken {
		if t.Value != 0 {
			s = append(s, Deviation{i, t.Value})
		}
	}
	return s
}

// ParseSchedule is the inverse of String.
func ParseSchedule(token string) (Schedule, error) {
	list, ok := strings.CutPrefix(token, "@")
	if !ok {
		return nil, fmt.Errorf("%q is no schedule: it must begin with @", token)
	}
	var s Schedule
	if list == "" {
		return s, nil
	}
	for part := range strings.SplitSeq(list, ",") {
		i, v, _ := strings.Cut(part, ".")
		index, err1 := strconv.Atoi(i)
		value, err2 := strconv.Atoi(v)
		if err1 != nil || err2 != nil || value < 1 || index < 0 || len(s) > 0 && index <= s[len(s)-1].Index {
			return nil, fmt.Errorf("%q is no schedule: %q is no deviation after the ones before", token, part)
		}
		s = append(s, Deviation{index, value})
	}
	return s, nil
}

// Replay is the source of the decisions of a schedule.
type Replay struct {
	rest  Schedule
	index int
	wrong string // why the schedule does not fit
}

// Replay returns a source that makes the decisions of the schedule.
func (s Schedule) Replay() *Replay { return &Replay{rest: s} }

// Choose follows the schedule, and makes no deviation where its value does not exist.
func (r *Replay) Choose(p Point) int {
	v := 0
	if len(r.rest) > 0 && r.rest[0].Index == r.index {
		v = r.rest[0].Value
		r.rest = r.rest[1:]
		if v >= p.N {
			if r.wrong == "" {
				r.wrong = fmt.Sprintf("decision %d has %d possible values now, and not %d", r.index, p.N, v)
			}
			v = 0
		}
	}
	r.index++
	return v
}

// Misfit says why the run that is over does not fit to the schedule: then the program has
// changed. It returns "" if all deviations were possible.
func (r *Replay) Misfit() string {
	if r.wrong == "" && len(r.rest) > 0 {
		return fmt.Sprintf("there are %d decisions now, and no decision %d", r.index, r.rest[0].Index)
	}
	return r.wrong
}
