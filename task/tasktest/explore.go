package tasktest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/task/tasktest/internal/choice"
)

// Explore runs fn under many schedules, each on a loop of its own as [Run] makes it, to find
// one in which it fails. The first schedule is asyncio's own order. In the others something
// that asyncio leaves open is decided differently: in which order timers with equal
// deadlines come, when timers are noticed, when the result of an executor arrives, and what
// the test itself asks for by [T.Choose]. With [Level] and [Cancel] there is more.
//
// A failing schedule is made as simple as possible, and reported with all that its tasks do
// from the first deviation on, and with the flag that makes the very same run again. Explore
// then ends the test. If there is no other schedule left it says so in the log: then the
// test is proved for that level.
//
// The function fn must do the same each time that the decisions are the same. Explore fails
// the test if it finds that it does not.
func Explore(t *testing.T, fn func(ctx context.Context, t *T), opts ...Option) {
	t.Helper()
	mayRun(t, "Explore", fn)
	explore(t, fn, newSettings(opts))
}

// CancelEverywhere runs fn once for each place at which one of its tasks can be cancelled:
// before its first step, and at each of its waits, while it waits and when it has been woken
// and does not yet go on. The main task and those of [T.Background] are left alone. It fails
// as [Explore] does, and also if a task ends as if it had not been cancelled: see
// [AllowRefusal].
func CancelEverywhere(t *testing.T, fn func(ctx context.Context, t *T), opts ...Option) {
	t.Helper()
	mayRun(t, "CancelEverywhere", fn)
	explore(t, fn, cancelSettings(opts))
}

func cancelSettings(opts []Option) settings {
	s := newSettings(opts)
	s.cancelOnly, s.cancel, s.search = true, true, Deepening()
	return s
}

func explore(t testing.TB, fn func(ctx context.Context, t *T), s settings) {
	t.Helper()
	s.site, s.tag = callSite(), s.label(t)
	s.site = callSite()
	labelled(t, s, func() {
		t.Helper()
		newSearch(t, fn, s).run()
	})
}

// search is the search for a failing schedule.
type search struct {
	settings
	t         testing.TB
	fn        func(ctx context.Context, t *T)
	start     time.Time
	first     outcome // of the default run
	ran       int     // schedules so far
	deepening *choice.Deepening
	seeds     []choice.Strategy // take turns
	turn      int
	traced    bool   // quiet runs are traced too
	tested    string // the package of fn
}

// outcome is what a run has shown.
type outcome struct {
	failure *failure // nil if it has passed
	skipped bool
	taken   []choice.Taken
	digest  uint64
	trace   *trace
}

// The budget, if nobody says anything else. Only the one that is said counts.
const (
	defaultSchedules = 1000
	defaultBudget    = 2 * time.Second
)

// checkEvery is how often a run is made twice, to see whether it can be repeated. The default
// run always is.
const checkEvery = 50

func newSearch(t testing.TB, fn func(ctx context.Context, t *T), s settings) *search {
	if flags.schedules > 0 || flags.budget > 0 {
		s.schedules, s.budget = flags.schedules, flags.budget
	}
	if s.schedules == 0 && s.budget == 0 {
		s.schedules, s.budget = defaultSchedules, defaultBudget
	}
	return &search{settings: s, t: t, fn: fn, start: time.Now(), tested: packageOf(fn)}
}

func (x *search) run() {
	x.t.Helper()
	token, replays := flags.seed.replays(x.t.Name())
	if replays && token.Exact() {
		x.replay(token.Schedule)
		return
	}
	x.first = x.once(nil, false)
	x.ran++
	switch {
	case x.first.skipped:
		x.skip(nil)
	case x.first.failure != nil:
		x.report(x.first, finding{number: 1})
	case replays:
		x.replaySeed(token)
		return
	case !x.allowPosts:
		x.check(x.first)
	}
	x.trySaved()
	x.chooseStrategies()
	for x.goesOn() {
		strategy := x.strategy()
		if strategy == nil {
			break
		}
		x.try(strategy)
	}
	x.conclude()
}

// chooseStrategies makes the strategies of the search.
func (x *search) chooseStrategies() {
	first := uint64(0)
	if flags.seed.random {
		first = uint64(rand.Uint32())
		x.t.Logf("the seeds begin with %d", first)
	}
	most := x.schedules
	if most == 0 {
		most = 1 << 20
	}
	switch x.search.kind {
	case inTurn, deepening:
		depth := 0
		if x.cancelOnly {
			depth = 1
		}
		x.deepening = choice.NewDeepening(x.first.taken, depth, most)
	}
	switch x.search.kind {
	case inTurn:
		x.seeds = []choice.Strategy{choice.Random(first), choice.PCT(2, first), choice.PCT(3, first)}
	case random:
		x.seeds = []choice.Strategy{choice.Random(first)}
	case pct:
		x.seeds = []choice.Strategy{choice.PCT(x.search.depth, first)}
	}
}

// goesOn reports whether the budget is not spent.
func (x *search) goesOn() bool { return x.within(1) }

// within reports whether less than that part of the budget is spent.
func (x *search) within(part int) bool {
	return (x.schedules == 0 || x.ran < x.schedules/part) && (x.budget == 0 || time.Since(x.start) < x.budget/time.Duration(part))
}

// strategy returns the strategy whose turn it is, or nil if there is nothing left to do.
func (x *search) strategy() choice.Strategy {
	if x.deepening != nil {
		if x.deepening.Complete() {
			return nil
		}
		if x.deepening.Pending() > 0 && (x.seeds == nil || x.within(3)) {
			return x.deepening
		}
	}
	if len(x.seeds) == 0 {
		return nil
	}
	x.turn++
	return x.seeds[x.turn%len(x.seeds)]
}

// try makes the next runs of a strategy: one, or as many as may run at a time.
func (x *search) try(strategy choice.Strategy) {
	x.t.Helper()
	var tokens []choice.Token
	for len(tokens) < x.parallel && (x.schedules == 0 || x.ran+len(tokens) < x.schedules) {
		token, ok := strategy.Next()
		if !ok {
			break
		}
		tokens = append(tokens, token)
	}
	for i, o := range x.all(tokens) {
		x.ran++
		strategy.Learn(tokens[i], o.taken)
		switch {
		case o.skipped:
			x.skip(choice.ScheduleOf(o.taken))
		case o.failure != nil:
			x.found(tokens[i], o, finding{number: x.ran})
		case x.ran%checkEvery == 0 && !x.allowPosts: // which nobody can repeat
			x.check(o)
		}
	}
}

// all makes runs at the same time, and returns what they show, in order.
func (x *search) all(tokens []choice.Token) []outcome {
	outcomes := make([]outcome, len(tokens))
	dones := make([]<-chan struct{}, len(tokens))
	for i, token := range tokens {
		dones[i] = x.launch(token.Source(len(x.first.taken)), false, &outcomes[i])
	}
	for _, done := range dones {
		<-done
	}
	return outcomes
}

// once makes a run. It is loud or quiet: a quiet one fails without a word.
func (x *search) once(source choice.Source, loud bool) outcome {
	var o outcome
	<-x.launch(source, loud, &o)
	return o
}

// launch makes a run on a goroutine of its own, which Fatal in a coroutine ends.
func (x *search) launch(source choice.Source, loud bool, o *outcome) (done <-chan struct{}) {
	r := newRun(x.t, x.settings)
	r.quiet = !loud
	e := &explorer{run: r, tested: x.tested}
	e.recorder.Source = source
	e.recorder.Taken = make([]choice.Taken, 0, len(x.first.taken)+8)
	e.trace.on = loud || x.traced
	r.explorer = e
	over := make(chan struct{})
	go func() {
		defer close(over)
		defer func() {
			if value := recover(); value != nil {
				r.over = false // it ended here, and not as it should
				r.fail("panic", fmt.Sprintf("panic: %v\n\n%s", value, debug.Stack()))
			}
			e.trace.stepsEnded()
			*o = outcome{r.failure, r.skipped.Load(), e.recorder.Taken, e.digest, &e.trace}
		}()
		r.do(x.fn)
	}()
	return over
}

// skip skips the test: a run under this schedule has asked for it. It is made again, to hear
// what it says.
func (x *search) skip(s choice.Schedule) {
	x.t.Helper()
	x.once(s.Replay(), true)
	x.t.SkipNow()
}

// replay makes one run again that is known in full.
func (x *search) replay(s choice.Schedule) {
	x.t.Helper()
	source := s.Replay()
	o := x.once(source, true)
	if why := source.Misfit(); why != "" {
		x.t.Errorf("the schedule %v does not fit: %s. The program has changed", s, why)
		if o.failure == nil {
			x.t.FailNow()
		}
	}
	switch {
	case o.failure != nil || o.skipped && len(s) > 0:
		x.describe(o, finding{})
		x.t.FailNow()
	case o.skipped:
		x.t.SkipNow()
	}
	x.t.Logf("the schedule %v passes", s)
	x.showTrace(o)
}

// replaySeed makes one run again that was decided at random.
func (x *search) replaySeed(token choice.Token) {
	x.t.Helper()
	o := x.once(token.Source(len(x.first.taken)), false)
	if o.failure != nil {
		x.found(token, o, finding{})
	}
	x.t.Logf("the schedule of seed %v passes: it is %v", token, choice.ScheduleOf(o.taken))
	if flags.trace {
		x.showTrace(x.once(choice.ScheduleOf(o.taken).Replay(), true))
	}
}

// trySaved tries the schedules that have failed before.
func (x *search) trySaved() {
	x.t.Helper()
	for _, token := range savedTokens(x.t) {
		source := token.Source(len(x.first.taken))
		o := x.once(source, false)
		x.ran++
		if o.failure != nil {
			x.found(token, o, finding{number: x.ran, saved: true})
		}
		if r, ok := source.(*choice.Replay); ok && r.Misfit() != "" {
			x.t.Logf("the stored schedule %v is left out: %s", token, r.Misfit())
		}
	}
}

// conclude says what a search has done that has found nothing.
func (x *search) conclude() {
	x.t.Helper()
	what := "schedules at level " + x.level.String()
	if x.cancelOnly {
		what = "schedules, each with one cancellation"
	}
	took := milliseconds(time.Since(x.start))
	d := x.deepening
	switch {
	case d != nil && d.Complete() && d.Drawn():
		x.t.Logf("complete for one sequence of random numbers: all %d %s", x.ran, what)
	case d != nil && d.Complete():
		x.t.Logf("complete: all %d %s", x.ran, what)
	case x.cancelOnly:
		x.t.Logf("INCOMPLETE: the budget is spent after %s, and %d of %d places of a cancellation were not tried: see Schedules and For",
			took, d.Pending(), x.ran-1+d.Pending())
	case d != nil && d.Depth() > 0:
		x.t.Logf("%d %s in %s, among them all with up to %s", x.ran, what, took, plural(d.Depth(), "deviation"))
	default:
		x.t.Logf("%d %s in %s", x.ran, what, took)
	}
	if flags.trace {
		x.showTrace(x.once(nil, true))
	}
}
