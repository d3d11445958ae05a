package tasktest

import (
	"fmt"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
)

// An Option configures a test.
type Option func(*settings)

// settings is what the options of a test add up to.
type settings struct {
	start        time.Time
	handoff      task.Handoff
	debug        bool
	grace        time.Duration
	watchdog     time.Duration
	iterations   int
	allowTasks   bool
	allowLeaks   bool
	allowRefusal bool
	noTimersLeft bool
	schedules    int           // 0 if nobody said
	budget       time.Duration // 0 if nobody said
	level        Orders
	search       Search
	cancel       bool
	cancelOnly   bool // nothing else deviates
	victims      func(t task.Any) bool
	slow         time.Duration
	parallel     int
	loopOptions  []loop.Option
	allowPosts   bool
	id           *byte  // of the test: its address
	site         string // what begins the run, as in "x_test.go:12: "
	tag          string // the label of its goroutines, if that was made once for many runs
}

func newSettings(opts []Option) settings {
	s := settings{
		start:      time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC),
		handoff:    flags.handoff,
		grace:      100 * time.Millisecond,
		watchdog:   30 * time.Second,
		iterations: 100_000,
		level:      flags.level,
		parallel:   1,
		id:         new(byte),
	}
	for _, opt := range opts {
		if opt == nil {
			panic(fmt.Errorf("tasktest: an option is nil: %w", loop.ErrNilFunc))
		}
		opt(&s)
	}
	return s
}

// atLeast refuses the argument of an option that is too small.
func atLeast[N int | time.Duration](option string, n, least N) {
	if n < least {
		panic(fmt.Errorf("tasktest: %s(%v): it must be at least %v: %w", option, n, least, loop.ErrInvalidArgument))
	}
}

// notNil refuses a function that is nil.
func notNil(operation string, isNil bool) {
	if isNil {
		panic(fmt.Errorf("tasktest: %s: %w", operation, loop.ErrNilFunc))
	}
}

// At sets the time at which the test begins. The default is the beginning of the year 2000,
// as in testing/synctest.
func At(start time.Time) Option { return func(s *settings) { s.start = start } }

// Handoff sets how tasks hand over control: see [task.Handoff]. The default is that of the
// flag -asyncio.handoff.
func Handoff(h task.Handoff) Option {
	if h > task.IterPull {
		panic(fmt.Errorf("tasktest: Handoff: there is no %v: %w", h, loop.ErrInvalidArgument))
	}
	return func(s *settings) { s.handoff = h }
}

// Debug switches the loop's debug mode on.
func Debug() Option { return func(s *settings) { s.debug = true } }

// LoopOptions gives options to the loop of the test, such as a logger. Its clock is the
// test's.
func LoopOptions(opts ...loop.Option) Option {
	return func(s *settings) { s.loopOptions = append(s.loopOptions, opts...) }
}

// Grace sets how long, in real time, a loop that has nothing to do waits for other
// goroutines of the test before that counts as a deadlock. The default is 100 ms.
func Grace(d time.Duration) Option {
	atLeast("Grace", d, 0)
	return func(s *settings) { s.grace = d }
}

// Watchdog sets how long, in real time, one step of a task may take. A longer one ends the
// process, since nothing else can be done about it. The default is 30 s, and less if the
// test's own deadline comes before.
func Watchdog(d time.Duration) Option {
	atLeast("Watchdog", d, 1)
	return func(s *settings) { s.watchdog = d }
}

// MaxIterations sets how many iterations the loop may run without its clock moving, before
// that counts as a livelock. The default is 100,000.
func MaxIterations(n int) Option {
	atLeast("MaxIterations", n, 1)
	return func(s *settings) { s.iterations = n }
}

// AllowTasks cancels tasks that are left at the end of the test silently, as asyncio.run
// does. By default they fail the test.
func AllowTasks() Option { return func(s *settings) { s.allowTasks = true } }

// AllowGoroutines permits goroutines of the test that are left at its end. By default they
// fail it.
func AllowGoroutines() Option { return func(s *settings) { s.allowLeaks = true } }

// AllowRefusal permits tasks to end as if nothing had happened when they are cancelled by
// [CancelEverywhere].
func AllowRefusal() Option { return func(s *settings) { s.allowRefusal = true } }

// NoTimersLeft fails the test if timers are still set at its end.
func NoTimersLeft() Option { return func(s *settings) { s.noTimersLeft = true } }

// Orders says which orders [Explore] may try: see [Level].
type Orders uint8

const (
	// Outside tries what any asyncio loop may do: timers with equal deadlines in any order,
	// timers and results of executors that are noticed late. What fails there can fail in
	// production.
	Outside Orders = iota
	// Tasks also runs the tasks that are ready in any order. CPython has a fixed one, on
	// which a program had better not depend.
	Tasks
)

// String returns the name of the level.
func (o Orders) String() string {
	switch o {
	case Outside:
		return "Outside"
	case Tasks:
		return "Tasks"
	}
	return fmt.Sprintf("Orders(%d)", uint8(o))
}

// Level sets which orders [Explore] tries. The default is [Outside], or the flag
// -asyncio.level.
func Level(o Orders) Option {
	if o > Tasks {
		panic(fmt.Errorf("tasktest: Level: there is no %v: %w", o, loop.ErrInvalidArgument))
	}
	return func(s *settings) { s.level = o }
}

// Search is a way to look for failing schedules: see [Strategy]. The zero Search is the
// default.
type Search struct {
	kind  searchKind
	depth int
}

type searchKind uint8

const (
	inTurn searchKind = iota
	deepening
	random
	pct
)

// String returns the name of the search.
func (s Search) String() string {
	switch s.kind {
	case deepening:
		return "deepening"
	case random:
		return "random"
	case pct:
		return fmt.Sprintf("pct(%d)", s.depth)
	}
	return "in turn"
}

// Deepening tries all schedules that differ from the default in one decision, then those
// that differ in two, and so on. What it finds is minimal. If there is no further schedule,
// the test is proved.
func Deepening() Search { return Search{kind: deepening} }

// Random makes decisions at random.
func Random() Search { return Search{kind: random} }

// PCT runs the tasks by priorities that are drawn, and changes them at depth-1 places. It
// finds a bug that takes depth decisions with a probability that has a lower bound.
func PCT(depth int) Search {
	atLeast("PCT", depth, 1)
	return Search{kind: pct, depth: depth}
}

// Strategy sets how [Explore] searches. By default it deepens for a third of its budget,
// and then takes random schedules and PCT(2) and PCT(3) in turn.
func Strategy(s Search) Option { return func(o *settings) { o.search = s } }

// Schedules sets how many schedules are tried at most. The default is 1,000, or no limit if
// there is one of time. The flag -asyncio.schedules takes precedence.
func Schedules(n int) Option {
	atLeast("Schedules", n, 1)
	return func(s *settings) { s.schedules = n }
}

// For sets how long, in real time, schedules are tried at most. The default is 2 s, or no
// limit if there is one of [Schedules]. The flag -asyncio.for takes precedence.
func For(d time.Duration) Option {
	atLeast("For", d, 1)
	return func(s *settings) { s.budget = d }
}

// Cancel makes [Explore] cancel tasks too, as [CancelEverywhere] does.
func Cancel() Option { return func(s *settings) { s.cancel = true } }

// Victims limits which tasks are cancelled: only those for which match returns true. The
// main task and those of [T.Background] never are.
func Victims(match func(t task.Any) bool) Option {
	notNil("Victims", match == nil)
	return func(s *settings) { s.victims = match }
}

// Slow lets the clock go on while the loop works, past deadlines, by at most d between two
// moments at which the loop is idle.
func Slow(d time.Duration) Option {
	atLeast("Slow", d, 0)
	return func(s *settings) { s.slow = d }
}

// Parallel runs n schedules at a time, each on a loop of its own. The test function must
// then share nothing between its runs.
func Parallel(n int) Option {
	atLeast("Parallel", n, 1)
	return func(s *settings) { s.parallel = n }
}

// AllowPosts permits other goroutines to reach the loop while schedules are explored. They
// make a run impossible to repeat, so by default it fails.
func AllowPosts() Option { return func(s *settings) { s.allowPosts = true } }
