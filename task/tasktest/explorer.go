package tasktest

import (
	"time"

	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/internal/sched"
	"github.com/goasyncio/asyncio/task/tasktest/internal/choice"
)

// explorer makes one run deviate from asyncio's order.
type explorer struct {
	run      *run
	recorder choice.Recorder
	arrivals []*arrival // outside events that have not arrived, in the order of their causes
	events   int        // outside events so far
	awaited  bool       // the loop sleeps until one of the events arrives
	victims  map[*sched.Task]*victim
	tasks    map[*sched.Task]int // numbers, by their first steps
	order    []*victim           // in the order in which they were found
	tested   string              // the package of the test
	digest   uint64
	trace    trace
	crept    time.Duration // how far the clock has crept since the loop was idle

	// Buffers.
	arranged    []kernel.Ready
	places, ids []int
}

func (e *explorer) begin(r *run) {
	e.tasks = map[*sched.Task]int{}
	if r.cancel {
		e.victims = map[*sched.Task]*victim{}
	}
	r.kernel.OnPost(e.outsidePost)
	r.loop.SetDefaultExecutor(&executor{run: r})
}

func (e *explorer) decide(p choice.Point) int {
	p.Epoch = e.run.epoch
	v := e.recorder.Choose(p)
	e.mix(uint64(p.Kind)<<56 | uint64(p.N)<<28 | uint64(v))
	return v
}

// program makes a decision for the test.
func (e *explorer) program(n int, what string) int {
	if e.run.cancelOnly {
		return 0
	}
	v := e.decide(choice.Point{Kind: choice.Program, N: n})
	if v != 0 {
		e.deviates(choice.Program, "Choose(%d) is %d: %s", n, v, what)
	}
	return v
}

// buggify decides whether the test makes trouble.
func (e *explorer) buggify(p float64) bool {
	if e.run.cancelOnly || e.decide(choice.Point{Kind: choice.Program, N: 2, P: p}) == 0 {
		return false
	}
	if e.trace.on {
		e.deviates(choice.Program, "Buggify is true, at %s", place())
	}
	return true
}

// seed draws the seed of the test's random numbers.
func (e *explorer) seed() uint64 {
	if e.run.cancelOnly {
		return 0
	}
	v := e.decide(choice.Point{Kind: choice.Draw, N: 1 << 30})
	if v != 0 {
		e.deviates(choice.Draw, "the random numbers are those of seed %d", v)
	}
	return uint64(v)
}

// beginIteration may let the clock creep.
func (e *explorer) beginIteration(ready bool) {
	e.trace.next = true
	if ready {
		e.creep()
	}
}

// arrange decides what runs in an iteration, and in which order.
func (e *explorer) arrange(batch []kernel.Ready) (arranged []kernel.Ready, run int) {
	e.trace.next = false
	e.trace.stepsEnded()
	batch = findCauses(batch)
	due := len(batch)
	for due > 0 && batch[due-1].Arrival == kernel.Due {
		due--
	}
	now := e.arranged[:0]
	if e.run.level >= Tasks && !e.run.cancelOnly {
		e.permuteSteps(batch[:due])
	}
	now = append(now, batch[:due]...)
	late := batch[due:]
	now = e.arriveBefore(now, len(late) > 0)
	timers := len(now)
	if !e.run.cancelOnly {
		now, late = e.chooseTimers(now, late)
	} else {
		now, late = append(now, late...), nil
	}
	now = e.arriveAmong(now, timers)
	if e.run.cancel {
		now = e.cancelSome(now)
	}
	e.note(now)
	run = len(now)
	now = append(now, late...)
	e.arranged = now
	return now, run
}

// permuteSteps lets the tasks that are ready run in any order. Callbacks keep their places.
func (e *explorer) permuteSteps(batch []kernel.Ready) {
	places, ids := e.places[:0], e.ids[:0]
	for i, h := range batch {
		if t := sched.TaskOfStep(h.Job()); t != nil {
			places, ids = append(places, i), append(ids, e.number(t))
		}
	}
	e.places, e.ids = places, ids
	for i := 0; i < len(places)-1; i++ {
		v := e.decide(choice.Point{Kind: choice.Steps, N: len(places) - i, Options: ids[i:]})
		if v == 0 {
			continue
		}
		h, id := batch[places[i+v]], ids[i+v]
		for j := i + v; j > i; j-- {
			batch[places[j]], ids[j] = batch[places[j-1]], ids[j-1]
		}
		batch[places[i]], ids[i] = h, id
		e.deviates(choice.Steps, "%s runs before the others", e.subject(h))
	}
}

// chooseTimers appends to now the timers that are noticed in this iteration: a prefix of
// those that are due, in any order where deadlines are equal. The rest is noticed later.
func (e *explorer) chooseTimers(now, due []kernel.Ready) (arranged, late []kernel.Ready) {
	for len(due) > 0 {
		ties := 1
		for ties < len(due) && due[ties].When == due[0].When {
			ties++
		}
		n := ties
		if len(now) > 0 {
			n++ // the rest may be late
		}
		v := 0
		if n > 1 {
			v = e.decide(choice.Point{Kind: choice.Tie, N: n})
		}
		if v == ties {
			e.deviates(choice.Tie, "%s is noticed later", e.subject(due[0]))
			break
		}
		if v > 0 {
			e.deviates(choice.Tie, "%s comes before others that are due at the same time", e.subject(due[v]))
			h := due[v]
			copy(due[1:v+1], due[:v])
			due[0] = h
		}
		now = append(now, due[0])
		due = due[1:]
	}
	return now, due
}

// public is a task as programs know it.
func public(t *sched.Task) task.Any { return t.Public().(task.Any) }

// number is the number of a task, which is the same in all runs that begin alike.
func (e *explorer) number(t *sched.Task) int {
	n, ok := e.tasks[t]
	if !ok {
		n = len(e.tasks) + 1
		e.tasks[t] = n
	}
	return n
}
