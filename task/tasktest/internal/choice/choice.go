// Package choice decides what a test run leaves open.
//
// All that is not determined goes through a [Source], one [Point] after the other. The value
// 0 is always what asyncio would do. So a run is described by the values that were not 0, a
// [Schedule], and the empty one is the default run.
package choice

// A Kind says what a point decides about. Strategies treat them differently.
type Kind uint8

const (
	Program Kind = iota // the test itself asks
	Tie                 // which of several timers with one deadline is next, or that the rest is late
	Arrive              // which place an event from outside takes in an iteration, or, the last value, that it does not arrive yet
	Among               // which place it takes among the timers of the iteration, or, 0, none
	Steps               // which of the tasks that are ready is next
	Cancel              // whether a task is cancelled here
	Creep               // whether the clock goes on while the loop works
	Fault               // whether something fails, and how
	Draw                // a random number, whose size says nothing
)

// A Point is one decision.
type Point struct {
	Kind    Kind
	N       int     // how many values there are: 0 to N-1, and at least 2
	Subject int     // Arrive, Among: which event. It is counted from 1
	Epoch   int     // how often the clock has moved
	Must    bool    // Arrive: the last value is a place like the others
	Options []int   // Steps: which tasks the values stand for. Not to be kept
	P       float64 // Program: the probability of 1, if it is not 0
}

// A Source makes the decisions of one run.
type Source interface{ Choose(p Point) int }

// Taken is a decision that was made. N is 1 for a Draw, whose other values are not other
// schedules.
type Taken struct {
	Kind     Kind
	N, Value int
}

// A Recorder passes points to a source, and notes the decisions.
type Recorder struct {
	Source Source // nil for the default run
	Taken  []Taken
}

// Choose passes p on.
func (r *Recorder) Choose(p Point) int {
	v := 0
	if r.Source != nil {
		v = r.Source.Choose(p)
	}
	if p.Kind == Draw {
		p.N = 1
	}
	r.Taken = append(r.Taken, Taken{p.Kind, p.N, v})
	return v
}
