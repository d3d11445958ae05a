package choice

// Deepening proposes all schedules that deviate in one decision from the default run, then
// those that deviate in two, and so on.
//
// A schedule is proposed after the one without its last deviation, whose run has shown which
// decisions there are. Only these decisions are kept, and not the schedules: they are made
// when their time has come.
type Deepening struct {
	depth   int      // the most deviations, 0 for any number
	most    int      // the most schedules
	parents []parent // whose children are to be proposed, those of the first now
	pending int      // how many children that are
	made    int      // how many schedules it has proposed
	deepest int      // how many deviations the last one has
	dropped int      // the fewest deviations of a schedule whose children were dropped; 0 if none was
	drawn   bool     // the program has drawn random numbers
}

// parent is a schedule, and the decisions in which its children may deviate.
type parent struct {
	schedule  Schedule
	decisions []decision
	value     int // the last value of the first decision that was proposed
}

type decision struct{ index, n int32 }

// NewDeepening returns a strategy that knows the decisions of the default run. It proposes at
// most that many deviations (0 stands for any number), and at most that many schedules.
func NewDeepening(defaultRun []Taken, depth, schedules int) *Deepening {
	d := &Deepening{depth: depth, most: schedules}
	d.Learn(Token{exact: true}, defaultRun)
	return d
}

// Next returns the next schedule.
func (d *Deepening) Next() (run Token, ok bool) {
	if len(d.parents) == 0 {
		return Token{}, false
	}
	p := &d.parents[0]
	p.value++
	first := p.decisions[0]
	n := len(p.schedule)
	s := append(p.schedule[:n:n], Deviation{int(first.index), p.value})
	if p.value == int(first.n)-1 {
		p.value = 0
		p.decisions = p.decisions[1:]
	}
	if len(p.decisions) == 0 {
		*p = parent{} // for the garbage collector
		d.parents = d.parents[1:]
	}
	d.pending--
	d.made++
	d.deepest = len(s)
	return Token{Schedule: s, exact: true}, true
}

// Learn looks for decisions after the last deviation of a schedule.
func (d *Deepening) Learn(run Token, taken []Taken) {
	s := run.Schedule
	from := 0
	if len(s) > 0 {
		from = s[len(s)-1].Index + 1
	}
	var decisions []decision
	children := 0
	for i := from; i < len(taken); i++ {
		switch n := taken[i].N; {
		case taken[i].Kind == Draw:
			d.drawn = true
		case n > 1:
			decisions = append(decisions, decision{int32(i), int32(n)})
			children += n - 1
		}
	}
	if children == 0 || d.depth > 0 && len(s) >= d.depth {
		return
	}
	if d.made+d.pending >= d.most {
		if d.dropped == 0 {
			d.dropped = len(s) + 1
		}
		return
	}
	d.parents = append(d.parents, parent{schedule: s, decisions: decisions})
	d.pending += children
}

// Pending returns how many schedules are known that it has not proposed.
func (d *Deepening) Pending() int { return d.pending }

// Complete reports whether it has proposed all schedules.
func (d *Deepening) Complete() bool { return len(d.parents) == 0 && d.dropped == 0 }

// Depth returns up to how many deviations it has proposed all schedules.
func (d *Deepening) Depth() int {
	depth := d.deepest
	if len(d.parents) > 0 {
		depth = len(d.parents[0].schedule)
	}
	if d.dropped > 0 {
		depth = min(depth, d.dropped-1)
	}
	return depth
}

// Drawn reports whether the program has drawn random numbers, so that there are more runs
// than schedules.
func (d *Deepening) Drawn() bool { return d.drawn }
