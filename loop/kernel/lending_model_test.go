package kernel

import (
	"flag"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The steps in which a baton changes hands are tried in every order in which they can follow
// one another: one loop, two goroutines that post, a timer, one that stops the loop and one
// that closes it. A model goroutine is a list of such steps; each step calls the kernel as it
// is and does not block. What would block is a step that is not possible yet. The state of
// everything is reached again from the beginning for each order, and orders that lead to the
// same state are followed once.

// A model is one kernel and the goroutines around it.
type model struct {
	scene
	k       *Kernel
	clock   *modelClock
	actors  []*actor
	loop    *actor
	holder  *actor // who has the baton, nil while the loop sleeps or does not run
	runs    int    // of the loop, that are still to come
	posts   []*modelJob
	accepts int
	broken  string
}

// A scene says what happens, and what the kernel is made to do wrong.
type scene struct {
	posts   [2][]*modelJob // by two goroutines
	timer   *modelJob      // of the loop, at 10
	passing []int64        // of time
	stop    bool
	shut    bool
	mistake mistake
}

// A mistake shows that the check would find it.
type mistake int

const (
	none          mistake = iota
	looksTooEarly         // whether the loop is needed, before it has the lock
	keepsIt               // lays the baton down although the loop wants it
	sleepsOn              // until the timer that was the earliest when it fell asleep
	beginsAgain           // an iteration in the middle of another one
)

// modelJob is what is posted, with what it does.
type modelJob struct {
	name  string
	kind  Kind
	then  *modelJob // is pushed by it
	timer *modelJob // is set by it, at 5

	handle  Handle
	item    Timer
	ran     int
	dropped int
	batch   uint64 // the iteration in which it was pushed
	model   *model
}

func (j *modelJob) Run() {
	m := j.model
	j.ran++
	if j.kind == OfProgram && m.holder != m.loop {
		m.fail("%s ran on the goroutine of %s", j.name, m.holder.name)
	}
	if j.then != nil {
		j.then.prepare(m)
		j.then.batch = m.iterations()
		m.k.PushRunning(&j.then.handle)
	}
	if j.batch > 0 && m.iterations() != j.batch+1 {
		m.fail("%s was pushed in iteration %d and ran in %d", j.name, j.batch, m.iterations())
	}
	if j.timer != nil {
		j.timer.prepare(m)
		m.k.PushTimerAt(&j.timer.item, m.k.epoch.Add(5))
	}
}

func (j *modelJob) Drop() { j.dropped++ }

func (j *modelJob) prepare(m *model) {
	j.model = m
	j.handle.Init(j.kind, j)
	j.item.Init(j.kind, j)
	m.posts = append(m.posts, j)
}

// modelClock is moved by hand. It does not jump.
type modelClock struct{ now int64 }

func (c *modelClock) Now() time.Time                   { return start.Add(time.Duration(c.now)) }
func (c *modelClock) Sleep(time.Time, <-chan struct{}) { panic("the model sleeps in its own steps") }
func (m *model) iterations() (n uint64) {
	for _, b := range m.k.counters.Batch {
		n += b
	}
	return n
}
func (m *model) fail(format string, args ...any) { m.broken = fmt.Sprintf(format, args...) }
func (m *model) signalled() bool                 { return len(m.k.inbox.wake) > 0 }

// An actor is a goroutine: the next step, and whether that is possible. A step returns the
// one after it.
type actor struct {
	name     string
	place    string // of the next step, to tell states apart
	possible func() bool
	next     step
}

type step func()

// at makes something the next step of an actor.
func (a *actor) at(place string, possible func() bool, next step) {
	a.place, a.possible, a.next = place, possible, next
}

func always() bool { return true }

func (a *actor) end() { a.at("end", func() bool { return false }, nil) }

// modelScheduler lends, and has no tasks: a step is run by whoever has the baton.
type modelScheduler struct{}

func (modelScheduler) IdleWorkers() int { return 0 }
func (modelScheduler) BeforeJump()      {}
func (modelScheduler) Pending() string  { return "" }
func (modelScheduler) Lends() bool      { return true }
func (modelScheduler) Errand()          { panic("the model runs errands in its own steps") }
func (modelScheduler) Unwind()          {}

func newModel(s scene) *model {
	m := &model{scene: s.copy(), clock: new(modelClock), runs: 1}
	m.k = New(m.clock, &testHost{}, nil)
	m.k.Scheduler(func(*Kernel) Scheduler { return modelScheduler{} })
	if m.timer != nil {
		m.timer.prepare(m)
		m.k.PushTimerAt(&m.timer.item, m.k.epoch.Add(10))
	}
	m.loop = m.actor("loop")
	m.begin()
	for i := range m.scene.posts {
		if len(m.scene.posts[i]) > 0 {
			m.poster(m.actor(fmt.Sprint("poster ", i+1)), m.scene.posts[i])
		}
	}
	m.alarm(m.actor("alarm"))
	if len(m.passing) > 0 {
		m.time(m.actor("time"), m.passing)
	}
	if m.stop {
		m.runs++
		m.stopper(m.actor("stopper"))
	}
	if m.shut {
		m.runs--
		m.closer(m.actor("closer"))
	}
	return m
}

// copy makes jobs of its own for a model.
func (s scene) copy() scene {
	for i, jobs := range s.posts {
		s.posts[i] = nil
		for _, j := range jobs {
			s.posts[i] = append(s.posts[i], j.copy())
		}
	}
	s.timer = s.timer.copy()
	return s
}

func (j *modelJob) copy() *modelJob {
	if j == nil {
		return nil
	}
	return &modelJob{name: j.name, kind: j.kind, then: j.then.copy(), timer: j.timer.copy()}
}

func (m *model) actor(name string) *actor {
	a := &actor{name: name}
	m.actors = append(m.actors, a)
	return a
}

// take notes that an actor has the baton, which nobody may have had.
func (m *model) take(a *actor) {
	if m.holder != nil {
		m.fail("%s takes the baton, and %s has it", a.name, m.holder.name)
	}
	m.holder = a
}

// begin is Begin of the loop, and then Run.
func (m *model) begin() {
	m.loop.at("begin", always, func() {
		if !m.k.Begin() {
			m.fail("the loop does not begin to run")
		}
		m.take(m.loop)
		m.runs--
		m.turn()
	})
}

// turn is the beginning of the loop in Run.
func (m *model) turn() {
	k, l := m.k, m.loop
	l.at("turn", always, func() {
		if !k.nothing() || k.stopping.Load() {
			m.iteration()
			return
		}
		l.at("about to sleep", always, func() { // idle
			k.rest()
			k.until = math.MaxInt64
			if when, ok := k.timers.Soonest(); ok {
				k.until = when
			}
			m.holder = nil
			if !k.fallAsleep() {
				m.holder = l
				m.iteration()
				return
			}
			l.at("stopping?", always, func() {
				if k.stopping.Load() {
					m.awaken()
					return
				}
				l.at("sleep", m.signalled, func() { <-k.inbox.wake; m.awaken() })
			})
		})
	})
}

// awaken is wakeAgain, and what idle returns.
func (m *model) awaken() {
	k, l := m.k, m.loop
	l.at("claim", always, func() {
		mine, lent := k.inbox.claim()
		if !mine {
			l.at("want", m.signalled, func() { <-k.inbox.wake; m.awaken() })
			return
		}
		m.take(l)
		if lent && m.mistake != beginsAgain {
			m.jobs()
		} else {
			m.iteration()
		}
	})
}

// alarm ends the loop's sleep when that is due, even if there is a signal too.
func (m *model) alarm(a *actor) {
	a.at("alarm", func() bool { return m.loop.place == "sleep" && m.clock.now >= m.k.until }, m.awaken)
}

func (m *model) iteration() {
	m.loop.at("iteration", always, func() { m.k.beginIteration(); m.jobs() })
}

// jobs is runReady, a step for each handle, and the end of the iteration.
func (m *model) jobs() {
	k, l := m.k, m.loop
	l.at("jobs", always, func() {
		switch {
		case k.todo > 0:
			h := k.ready.PopFront()
			k.todo--
			h.take().Run()
			m.jobs()
		case k.stopping.Load():
			m.holder = nil
			k.End()
			if m.runs > 0 {
				m.begin()
			} else {
				l.end()
			}
		default:
			m.turn()
		}
	})
}

// poster posts jobs one after the other, and runs the errands that come of it.
func (m *model) poster(a *actor, jobs []*modelJob) {
	if len(jobs) == 0 {
		a.end()
		return
	}
	b := &m.k.inbox
	more := func() { m.poster(a, jobs[1:]) }
	a.at(fmt.Sprint("post ", len(jobs)), always, func() {
		j := jobs[0]
		j.prepare(m)
		accepted, taken, wake := b.admit(&b.posted, &j.handle)
		if accepted {
			m.accepts++
		} else {
			j.dropped++
		}
		switch {
		case taken:
			m.take(a)
			m.k.receive(&j.handle)
			m.errand(a, more)
		case wake:
			m.signal(a, more)
		default:
			more()
		}
	})
}

func (m *model) signal(a *actor, then func()) {
	a.at(a.place+", signal", always, func() { m.k.inbox.signal(); then() })
}

// errand is Errand, where the tasks' steps are run by the same actor.
func (m *model) errand(a *actor, then func()) {
	k := m.k
	place, _, _ := strings.Cut(a.place, ",")
	a.at(place+", next", always, func() {
		if j := k.NextStep(); j != nil {
			j.Run()
			m.errand(a, then)
			return
		}
		needed := k.needsLoop()
		a.at(place+", give back", always, func() {
			m.holder = nil
			given, wake := m.yield(needed)
			switch {
			case !given:
				m.holder = a
				m.errand(a, then)
			case wake:
				m.signal(a, then)
			default:
				then()
			}
		})
	})
}

// yield is that of the kernel, or a wrong one. It is told what was needed a step before.
func (m *model) yield(needed bool) (given, wake bool) {
	k, b := m.k, &m.k.inbox
	b.mu.Lock()
	switch {
	case m.mistake == looksTooEarly:
	case m.mistake == keepsIt && b.state == wanted:
		needed = k.needsLoop()
		b.state = lent
	case m.mistake == sleepsOn:
		needed = k.todo > 0 || k.ready.Len() > 0 || k.stopping.Load()
	default:
		b.mu.Unlock()
		return k.yield()
	}
	defer b.mu.Unlock()
	if needed || b.state == wanted {
		k.lent = false
		b.enter(awake)
		return true, true
	}
	given = b.layDown(true)
	k.lent = !given
	return given, false
}

func (m *model) time(a *actor, times []int64) {
	if len(times) == 0 {
		a.end()
		return
	}
	a.at(fmt.Sprint("time ", times[0]), always, func() {
		m.clock.now = times[0]
		m.time(a, times[1:])
	})
}

// stopper is Stop.
func (m *model) stopper(a *actor) {
	a.at("stop", func() bool { return m.k.IsRunning() }, func() {
		m.k.stopping.Store(true)
		a.at("rouse", always, func() {
			if m.k.inbox.rouse() {
				m.signal(a, a.end)
			} else {
				a.end()
			}
		})
	})
}

// closer is Close, as soon as the loop has stopped.
func (m *model) closer(a *actor) {
	a.at("close", func() bool { return m.loop.place == "end" }, func() {
		if !m.k.Close() {
			m.fail("the loop does not close")
		}
		a.end()
	})
}

// key tells states apart.
func (m *model) key() string {
	k, b := m.k, &m.k.inbox
	var key []byte
	for _, a := range m.actors {
		key = append(append(key, a.place...), ';')
	}
	for _, n := range []int64{int64(b.state), int64(len(b.posted.handles)), int64(len(b.wake)), int64(b.news.Load()), int64(k.todo),
		int64(k.ready.Len()), int64(k.timers.Len()), k.until, int64(k.phase.Load()), m.clock.now, int64(m.runs)} {
		key = strconv.AppendInt(append(key, ','), n, 10)
	}
	for _, is := range []bool{b.lends, b.closed, k.lent, k.stopping.Load()} {
		key = strconv.AppendBool(key, is)
	}
	for _, j := range m.posts {
		key = append(append(key, j.name...), byte('0'+j.ran), byte('0'+j.dropped))
	}
	return string(key)
}

// possible returns the actors that can do something.
func (m *model) possible() []int {
	var able []int
	for i, a := range m.actors {
		if a.possible() {
			able = append(able, i)
		}
	}
	return able
}

// check looks for what must not be, when nobody can do anything any more.
func (m *model) check() {
	for _, a := range m.actors {
		if a != m.loop && a.place != "end" && a.place != "alarm" {
			m.fail("%s waits for ever at %q", a.name, a.place)
			return
		}
	}
	sleeps := m.loop.place == "sleep" && m.k.inbox.state == asleep
	switch {
	case m.shut && !m.k.IsClosed():
		m.fail("the loop waits for ever at %q, and was stopped", m.loop.place)
	case !m.shut && !sleeps:
		m.fail("the loop waits for ever at %q, and its state is %d", m.loop.place, m.k.inbox.state)
	}
	for _, j := range m.posts {
		timer := j.item.kernel != nil
		if timer && j.ran == 0 && (m.shut || j.item.item.When() > m.clock.now) {
			continue
		}
		if j.ran+j.dropped != 1 {
			m.fail("%s has run %d times and was dropped %d times", j.name, j.ran, j.dropped)
		}
	}
}

// explore goes through all orders, and returns the first that breaks something.
func explore(s scene) (states int, broken string) {
	seen := make(map[string]bool)
	for todo := [][]int{nil}; len(todo) > 0; {
		path := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		m := newModel(s)
		for _, i := range path {
			m.actors[i].next()
		}
		for m.broken == "" {
			if key := m.key(); seen[key] {
				break
			} else {
				seen[key] = true
			}
			able := m.possible()
			if len(able) == 0 {
				m.check()
				break
			}
			for _, i := range able[1:] {
				todo = append(todo, append(slices.Clip(path), i))
			}
			path = append(slices.Clip(path), able[0])
			m.actors[able[0]].next()
		}
		if m.broken != "" {
			return len(seen), m.broken + " after\n\t" + strings.Join(m.story(path), "\n\t")
		}
	}
	return len(seen), ""
}

// story tells the steps of a path.
func (m *model) story(path []int) []string {
	again := newModel(m.scene)
	var steps []string
	for _, i := range path {
		a := again.actors[i]
		steps = append(steps, a.name+": "+a.place)
		a.next()
	}
	return steps
}

func internal(name string) *modelJob { return &modelJob{name: name, kind: Internal} }

// program returns a job that only the loop's goroutine may run.
func program(name string) *modelJob { return &modelJob{name: name, kind: OfProgram} }

// waking returns a job of the library that makes a task's step ready.
func waking(name string, step *modelJob) *modelJob {
	step.kind = Step
	return &modelJob{name: name, kind: Internal, then: step}
}

var allScenes = flag.Bool("all-scenes", false, "try all combinations of what can happen to a loop that lends its baton")

// scenes returns the combinations of what the two goroutines post, with the loop's timer or
// without, and of whether the loop is stopped and closed. A few of them are for every day.
func scenes(all bool) map[string]scene {
	posts := []struct {
		name string
		jobs func() []*modelJob
	}{
		{"event", func() []*modelJob { return []*modelJob{internal("event")} }},
		{"task that sets a timer", func() []*modelJob {
			return []*modelJob{waking("wakes", &modelJob{name: "step", timer: program("early")})}
		}},
		{"callback", func() []*modelJob { return []*modelJob{program("callback")} }},
		{"task that calls", func() []*modelJob {
			return []*modelJob{waking("wakes", &modelJob{name: "step", then: program("called")})}
		}},
		{"task", func() []*modelJob { return []*modelJob{waking("wakes", &modelJob{name: "step"})} }},
		{"two events", func() []*modelJob { return []*modelJob{internal("first"), internal("second")} }},
	}
	if !all {
		posts = posts[:4]
	}
	scenes := make(map[string]scene)
	for i, one := range posts {
		for _, other := range posts[i:] {
			for _, timer := range []bool{false, true} {
				for _, end := range []string{"runs on", "stops", "closes"} {
					if !all && timer && end != "runs on" {
						continue
					}
					s := scene{posts: [2][]*modelJob{one.jobs(), other.jobs()}, stop: end != "runs on", shut: end == "closes"}
					if timer {
						s.timer, s.passing = program("timer"), []int64{7, 12}
					}
					scenes[fmt.Sprintf("%s, %s, timer %t, %s", one.name, other.name, timer, end)] = s
				}
			}
		}
	}
	return scenes
}

// No order of steps loses a wake-up, gives the baton to two, runs a callback elsewhere, or
// runs a handle in the wrong iteration.
func TestLendingInAllOrders(t *testing.T) {
	states := 0
	for name, s := range scenes(*allScenes) {
		n, broken := explore(s)
		states += n
		if broken != "" {
			t.Errorf("%s: %s", name, broken)
		}
	}
	t.Logf("%d scenes, %d states", len(scenes(*allScenes)), states)
}

// The check finds each of the mistakes that one could make here.
func TestLendingCheckFindsMistakes(t *testing.T) {
	for name, m := range map[string]mistake{
		"it looks too early whether the loop is needed": looksTooEarly,
		"it keeps the baton from the loop":              keepsIt,
		"it sleeps beyond an earlier timer":             sleepsOn,
		"it begins an iteration in the middle":          beginsAgain,
	} {
		if !m.found() {
			t.Errorf("%s, and the check finds nothing", name)
		}
	}
}

func (m mistake) found() bool {
	for _, s := range scenes(false) {
		s.mistake = m
		if _, broken := explore(s); broken != "" {
			return true
		}
	}
	return false
}
