package tasktest

import (
	"fmt"
	"regexp"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goasyncio/asyncio/task/tasktest/internal/choice"
)

// What happens to a failing schedule: it is made simple, made twice to see that it can be
// repeated, and made for a last time, loudly.

// finding says how a failing schedule was found.
type finding struct {
	number int           // of the schedule; 0 for one that was asked for
	after  time.Duration // since the search began
	from   int           // how many deviations it had before it was made simple, if that has helped
	saved  bool
}

// The budget for making a failure simple.
const (
	shrinkRuns = 5000
	shrinkTime = time.Second
)

// same reports whether two failures are the same one: the same kind at the same place.
func (f *failure) same(g *failure) bool {
	return f != nil && g != nil && f.kind == g.kind && (f.place == g.place || masked(f) == masked(g))
}

var digits = regexp.MustCompile(`[0-9]+`)

// masked is the place of a failure without the numbers, which times and names of tasks
// have. The place of an assertion is its line.
func masked(f *failure) string {
	if f.kind == "error" {
		return f.place
	}
	return digits.ReplaceAllString(f.place, "#")
}

// found makes a failing schedule simple, and reports it.
func (x *search) found(token choice.Token, o outcome, f finding) {
	x.t.Helper()
	f.after = time.Since(x.start)
	if !token.Exact() {
		deviations := len(choice.ScheduleOf(o.taken))
		o = x.shrink(o)
		if len(choice.ScheduleOf(o.taken)) < deviations {
			f.from = deviations
		}
	}
	x.check(o)
	x.report(o, f)
}

// shrink returns the simplest failure like this one that can be found in time.
func (x *search) shrink(o outcome) outcome {
	best := o
	runs, until := 0, time.Now().Add(shrinkTime)
	choice.Shrink(o.taken, func(s choice.Schedule) []choice.Taken {
		if runs == shrinkRuns || time.Now().After(until) {
			return nil
		}
		runs++
		c := x.once(s.Replay(), false)
		if !o.failure.same(c.failure) {
			return nil
		}
		best = c
		return c.taken
	})
	return best
}

// check fails the test if a run is another one when it is made again.
func (x *search) check(o outcome) {
	x.t.Helper()
	s := choice.ScheduleOf(o.taken)
	if again := x.once(s.Replay(), false); !o.like(again) {
		x.notDeterministic(s, o.failure)
	}
}

func (o outcome) like(p outcome) bool {
	return o.digest == p.digest && slices.Equal(o.taken, p.taken) &&
		(o.failure == nil && p.failure == nil || o.failure.same(p.failure))
}

// hint says what makes a test that is not deterministic.
const hint = "A schedule must be the same program each time. What is not: the order of a map, select, math/rand, " +
	"time.Now, other goroutines, the addresses of pointers"

// comparisons is how often a run is repeated to see where it differs.
const comparisons = 20

// notDeterministic ends the test because a schedule does not do the same each time.
func (x *search) notDeterministic(s choice.Schedule, f *failure) {
	x.t.Helper()
	x.traced = true
	difference := "its decisions are others when it runs again"
	var first []string
	for i := range comparisons {
		lines := x.once(s.Replay(), false).trace.all()
		if i == 0 {
			first = lines
		} else if n := firstDifference(first, lines); n >= 0 {
			difference = fmt.Sprintf("line %d is\n  %s\nand when it runs again\n  %s", n+1, lineOf(first, n), lineOf(lines, n))
			break
		}
	}
	if f != nil {
		x.t.Errorf("a run has failed: %s", f.text)
	}
	x.t.Errorf("not deterministic: %s\n%s. The schedule is %v", difference, hint, s)
	x.t.FailNow()
}

// firstDifference returns the first index at which the lines differ, or -1.
func firstDifference(a, b []string) int {
	for i := range max(len(a), len(b)) {
		if lineOf(a, i) != lineOf(b, i) {
			return i
		}
	}
	return -1
}

func lineOf(lines []string, i int) string {
	if i < len(lines) {
		return strings.TrimSpace(lines[i])
	}
	return "(the end)"
}

// report makes a failing run for the last time, so that it reports its failure itself, says
// what was different in it, and ends the test.
func (x *search) report(o outcome, f finding) {
	x.t.Helper()
	s := choice.ScheduleOf(o.taken)
	if f.number > 0 && flags.save {
		save(x.t, s)
	}
	loud := x.once(s.Replay(), true)
	if loud.failure == nil {
		x.notDeterministic(s, o.failure)
	}
	x.describe(loud, f)
	x.t.FailNow()
}

// describe says what was different in a run that was made loudly.
func (x *search) describe(o outcome, f finding) {
	out := x.t.Output()
	fmt.Fprintf(out, "%s %s\n", x.origin(f), x.deviations(o))
	x.showDeviations(o)
	fmt.Fprintf(out, "again: %s\n", x.again(choice.ScheduleOf(o.taken)))
}

// deviations says how many there are, and on which loops they can happen.
func (x *search) deviations(o outcome) string {
	n, needTasks := 0, 0
	for _, t := range o.taken {
		if t.Value != 0 {
			n++
			if t.Kind == choice.Steps {
				needTasks++
			}
		}
	}
	where := "possible on every asyncio loop"
	switch {
	case n == 0:
		return "This is asyncio's own order."
	case needTasks == 1 && n == 1:
		where = "which CPython's order excludes (level Tasks)"
	case needTasks > 0:
		where = fmt.Sprintf("%s of which CPython's order excludes (level Tasks)", numeral(needTasks))
	}
	return fmt.Sprintf("%s, %s:", capital(plural(n, "deviation")), where)
}

// showDeviations prints what happens from the first deviation on, until the test fails.
func (x *search) showDeviations(o outcome) {
	switch {
	case flags.trace:
		x.showTrace(o)
	case len(choice.ScheduleOf(o.taken)) > 0:
		last := 0
		if o.failure != nil { // it may have been skipped
			last = o.failure.iteration
		}
		for _, line := range o.trace.fromDeviation(last, traceLines) {
			fmt.Fprintln(x.t.Output(), line)
		}
	}
}

// traceLines is how many lines of a trace are shown.
const traceLines = 40

// showTrace prints all steps of a run, if the flag asks for it.
func (x *search) showTrace(o outcome) {
	if flags.trace {
		for _, line := range o.trace.all() {
			fmt.Fprintln(x.t.Output(), line)
		}
	}
}

// origin says which schedule it is, and how it was found.
func (x *search) origin(f finding) string {
	if f.number == 0 {
		return "the schedule that was asked for."
	}
	var b strings.Builder
	if f.saved {
		b.WriteString("a stored schedule")
	} else {
		fmt.Fprintf(&b, "schedule %d", f.number)
	}
	switch {
	case f.saved:
	case x.cancelOnly && x.deepening != nil:
		fmt.Fprintf(&b, " of %d", x.ran+x.deepening.Pending())
	case x.schedules > 0:
		fmt.Fprintf(&b, " of at most %d", x.schedules)
	}
	if f.after > 0 {
		fmt.Fprintf(&b, ", after %s", milliseconds(f.after))
	}
	if f.from > 0 {
		fmt.Fprintf(&b, ", made simple: it had %s", plural(f.from, "deviation"))
	}
	b.WriteString(".")
	return b.String()
}

// again is the command that makes the same run.
func (x *search) again(s choice.Schedule) string {
	words := []string{"go test"}
	if pkg := testedPackage(); pkg != "" {
		words = append(words, pkg)
	}
	words = append(words, "-run "+quoted(runPattern(x.t.Name())), fmt.Sprintf("-asyncio.seed=%v", s))
	if flags.level != Outside {
		words = append(words, "-asyncio.level="+strings.ToLower(flags.level.String()))
	}
	return strings.Join(words, " ")
}

// runPattern matches one test, as go test's -run.
func runPattern(name string) string {
	parts := strings.Split(name, "/")
	for i, part := range parts {
		parts[i] = "^" + regexp.QuoteMeta(part) + "$"
	}
	return strings.Join(parts, "/")
}

// quoted quotes a word for a shell.
func quoted(word string) string { return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'" }

// testedPackage is the path of the package whose tests run, or "" if it is not known.
func testedPackage() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Path == "" {
		return ""
	}
	pkg, ok := strings.CutSuffix(info.Path, ".test")
	if !ok || !strings.HasPrefix(pkg+"/", info.Main.Path+"/") {
		return ""
	}
	return pkg
}

func milliseconds(d time.Duration) string {
	ms := float64(d) / float64(time.Millisecond)
	switch {
	case ms < 10:
		return fmt.Sprintf("%.1f ms", ms)
	case ms < 10_000:
		return fmt.Sprintf("%.0f ms", ms)
	}
	return fmt.Sprintf("%.0f s", ms/1000)
}

var numbers = []string{"no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"}

// numeral is a number in words, if it is small.
func numeral(n int) string {
	if n >= 0 && n < len(numbers) {
		return numbers[n]
	}
	return strconv.Itoa(n)
}

// plural is a number of things in words.
func plural(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return numeral(n) + " " + thing
}

func capital(text string) string { return strings.ToUpper(text[:1]) + text[1:] }
