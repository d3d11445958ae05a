package tasktest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/internal/choice"
)

// Events notes what happens in a test, and in which order: see [T.Events].
//
// An event is a line such as "1.5s worker: got 3": the time since the test began, the task
// that ran, and a text. Wherever an event is to be named the line may leave out the time, the
// task, or both: "worker: got 3", "1.5s got 3" and "got 3" name it too. An event of a callback
// has no task.
//
// Want and WantFile fix one order. Before, Count and Never state what holds in each order, for
// [Explore].
//
// The methods are for the loop's tasks and callbacks. Add and Addf of a nil Events do nothing,
// so that what is tested may have one or none.
type Events struct {
	run   *run
	noted []event
	never []string
}

// event is something that happened.
type event struct {
	at   time.Duration
	task string // "" if no task ran
	text string
}

// form says what is in the line of an event besides its text.
type form struct{ time, task bool }

// forms are all forms, the fullest first.
var forms = [...]form{{true, true}, {false, true}, {true, false}, {false, false}}

// line is the event in one of its forms.
func (e event) line(f form) string {
	line := e.text
	if f.task && e.task != "" {
		line = e.task + ": " + line
	}
	if f.time {
		line = e.at.String() + " " + line
	}
	return line
}

// is reports whether a line names the event.
func (e event) is(line string) bool {
	return slices.ContainsFunc(forms[:], func(f form) bool { return e.line(f) == line })
}

// Events returns the events of the test. All calls return the same.
func (t *T) Events() *Events {
	if t.run.events == nil {
		t.run.events = &Events{run: t.run}
	}
	return t.run.events
}

// Add notes an event: text, the time, and the task that runs. A line break in text becomes
// a \n that can be read.
func (e *Events) Add(text string) {
	if e == nil {
		return
	}
	r := e.run
	r.outer.Helper()
	r.kernel.MustOwn("Add", e)
	added := event{at: r.elapsed(), text: strings.ReplaceAll(text, "\n", `\n`)}
	if t := task.CurrentOn(r.loop); t != nil {
		added.task = kernel.Plain(t.Name())
	}
	e.noted = append(e.noted, added)
	for _, line := range e.never {
		if added.is(line) {
			r.t.Errorf("events: %q was never to come: %s", line, added.line(forms[0]))
		}
	}
}

// Addf is Add with a text as of [fmt.Sprintf].
func (e *Events) Addf(format string, args ...any) {
	if e != nil {
		e.run.outer.Helper()
		e.Add(fmt.Sprintf(format, args...))
	}
}

// String returns the events so far, one a line.
func (e *Events) String() string {
	if e == nil {
		return ""
	}
	return strings.Join(e.lines(forms[0]), "\n")
}

func (e *Events) lines(f form) []string {
	lines := make([]string, len(e.noted))
	for i, noted := range e.noted {
		lines[i] = noted.line(f)
	}
	return lines
}

// Want fails the test unless the events so far are those that lines name, in that order. All
// lines leave out the same: the time, the task, both or nothing. The test prints how the two
// differ, and what came as Go source to be pasted: a call without lines shows it all.
func (e *Events) Want(lines ...string) {
	e.run.outer.Helper()
	got, diff := e.closest(lines)
	if diff == "" {
		return
	}
	var b strings.Builder
	fmt.Fprintf(&b, "the events differ:\n%s\nwhat came, as source:", diff)
	for _, line := range got {
		b.WriteString("\n\t" + quote(line) + ",")
	}
	if len(got) == 0 {
		b.WriteString(" nothing")
	}
	e.run.t.Error(b.String())
}

// closest returns the events in the form that has the most lines in common with want, the
// fullest of these, and how they differ from it: "" if they do not.
func (e *Events) closest(want []string) (got []string, diff string) {
	most := -1
	for _, f := range forms {
		lines := e.lines(f)
		all := edits(want, lines)
		if n := inCommon(all); n > most {
			most, got, diff = n, lines, unified(all)
		}
	}
	return got, diff
}

// quote is a line as a literal of Go, with backquotes if that is easier to read.
func quote(line string) string {
	if strings.ContainsAny(line, `"\`) && strconv.CanBackquote(line) {
		return "`" + line + "`"
	}
	return strconv.Quote(line)
}

// WantFile fails the test unless the events so far are the lines of the file testdata/name,
// with time and task. With the flag -asyncio.update it writes the file instead; under
// [Explore] the order of the first schedule is written.
func (e *Events) WantFile(name string) {
	e.run.outer.Helper()
	file := filepath.Join("testdata", filepath.FromSlash(name))
	if flags.update && !e.run.deviates() {
		e.write(file)
		return
	}
	text, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e.run.t.Fatalf("events: there is no %s; -asyncio.update writes it", file)
	case err != nil:
		e.run.t.Fatalf("events: %v", err)
	}
	var want []string
	for line := range strings.Lines(string(text)) {
		want = append(want, strings.TrimRight(line, "\r\n"))
	}
	if diff := unified(edits(want, e.lines(forms[0]))); diff != "" {
		e.run.t.Errorf("the events differ from %s (-asyncio.update writes it anew):\n%s", file, diff)
	}
}

// deviates reports whether something was decided as asyncio would not.
func (r *run) deviates() bool {
	return r.explorer != nil && slices.ContainsFunc(r.explorer.recorder.Taken, func(t choice.Taken) bool { return t.Value != 0 })
}

// write writes the events to a file.
func (e *Events) write(file string) {
	e.run.outer.Helper()
	text := e.String()
	if text != "" {
		text += "\n"
	}
	err := os.MkdirAll(filepath.Dir(file), 0o777)
	if err == nil {
		err = os.WriteFile(file, []byte(text), 0o666)
	}
	if err != nil {
		e.run.t.Fatalf("events: %v", err)
	}
}

// Before fails the test unless both events have come, and the first of those that a names
// before the first that b names.
func (e *Events) Before(a, b string) {
	e.run.outer.Helper()
	first, second := e.index(a), e.index(b)
	switch {
	case first < 0:
		e.run.t.Errorf("events: %q has not come, but\n%s", a, e.describe())
	case second < 0:
		e.run.t.Errorf("events: %q has not come, but\n%s", b, e.describe())
	case first >= second:
		e.run.t.Errorf("events: %q has not come before %q, but\n%s", a, b, e.describe())
	}
}

// Count fails the test unless n of the events so far are named by line.
func (e *Events) Count(line string, n int) {
	e.run.outer.Helper()
	got := 0
	for _, noted := range e.noted {
		if noted.is(line) {
			got++
		}
	}
	if got != n {
		e.run.t.Errorf("events: %q has come %d times, want %d:\n%s", line, got, n, e.describe())
	}
}

// Never fails the test if an event that line names has come, and when one comes later.
func (e *Events) Never(line string) {
	e.run.outer.Helper()
	e.never = append(e.never, line)
	if i := e.index(line); i >= 0 {
		e.run.t.Errorf("events: %q was never to come: %s", line, e.noted[i].line(forms[0]))
	}
}

// index is the index of the first event that a line names, -1 if there is none.
func (e *Events) index(line string) int {
	return slices.IndexFunc(e.noted, func(noted event) bool { return noted.is(line) })
}

// describe shows the events so far, for a report.
func (e *Events) describe() string {
	if len(e.noted) == 0 {
		return "  (nothing)"
	}
	return "  " + strings.Join(e.lines(forms[0]), "\n  ")
}
