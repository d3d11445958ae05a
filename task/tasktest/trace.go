package tasktest

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/internal/sched"
	"github.com/goasyncio/asyncio/task/tasktest/internal/choice"
)

// trace is what happened in a run, step by step. Places take stacks, which cost, so it is
// kept only for a run that is to be shown.
type trace struct {
	on    bool
	lines []traceLine
	open  map[*sched.Task]int // the lines of the steps of the iteration
	order []*sched.Task
}

type traceLine struct {
	iteration int
	at        time.Duration
	who, text string
	deviation bool
}

// deviates notes a decision that was not asyncio's.
func (e *explorer) deviates(kind choice.Kind, format string, args ...any) {
	if e.trace.on {
		text := fmt.Sprintf(format, args...)
		if kind == choice.Steps {
			text += " (level Tasks)"
		}
		e.trace.lines = append(e.trace.lines, traceLine{e.run.iteration, e.run.elapsed(), "", text, true})
	}
}

// subject names a handle.
func (e *explorer) subject(h kernel.Ready) string {
	if !e.trace.on {
		return ""
	}
	if t := sched.TaskOfStep(h.Job()); t != nil {
		return kernel.Plain(t.Name())
	}
	return h.Describe()
}

// note adds an iteration to the digest of the run, and to its trace.
func (e *explorer) note(batch []kernel.Ready) {
	e.mix(uint64(e.run.elapsed()))
	for _, h := range batch {
		t := sched.TaskOfStep(h.Job())
		if t == nil {
			e.mix(uint64(h.Kind()) | 1<<63)
			continue
		}
		n := e.number(t)
		e.mix(uint64(n))
		if e.trace.on {
			text := "begins"
			if p := position(t.Public().(task.Any)); p != "" {
				text = "runs on at " + p
			}
			e.trace.add(t, traceLine{e.run.iteration, e.run.elapsed(), kernel.Plain(t.Name()), text, false})
		}
	}
}

// mix adds a number to the digest.
func (e *explorer) mix(v uint64) {
	const prime = 1099511628211 // of FNV-1a
	e.digest = (e.digest ^ v) * prime
}

func (tr *trace) add(t *sched.Task, l traceLine) {
	if tr.open == nil {
		tr.open = map[*sched.Task]int{}
	}
	tr.open[t] = len(tr.lines)
	tr.order = append(tr.order, t)
	tr.lines = append(tr.lines, l)
}

// stepsEnded completes the lines of the last iteration.
func (tr *trace) stepsEnded(e *explorer) {
	for _, t := range tr.order {
		l := &tr.lines[tr.open[t]]
		switch p := position(t.Public().(task.Any)); {
		case t.Done():
			l.text += ", ends"
		case p != "":
			l.text += ", waits at " + p
		}
	}
	clear(tr.open)
	tr.order = tr.order[:0]
}

// fromDeviation returns the lines from the first deviation on, at most that many.
func (tr *trace) fromDeviation(most int) []string {
	from := max(slices.IndexFunc(tr.lines, func(l traceLine) bool { return l.deviation }), 0)
	lines := tr.text(from)
	if left := len(lines) - most; left > 1 {
		lines = append(lines[:most], fmt.Sprintf("   ... and %d more lines: see -asyncio.trace", left))
	}
	return lines
}

// text returns the lines from one on, in columns.
func (tr *trace) text(from int) []string {
	var iteration, at, who int
	shown := tr.lines[from:]
	for _, l := range shown {
		iteration = max(iteration, len(strconv.Itoa(l.iteration)))
		at = max(at, len(l.at.String()))
		who = max(who, utf8.RuneCountInString(l.who))
	}
	lines := make([]string, len(shown))
	for i, l := range shown {
		mark, who := " ", fmt.Sprintf("%-*s ", who, l.who)
		if l.deviation {
			mark, who = ">", ""
		}
		lines[i] = fmt.Sprintf(" %s %*d  %-*s  %s%s", mark, iteration, l.iteration, at, l.at, who, l.text)
	}
	return lines
}

// functionAt says in which function of the program a task is, and at which line.
func functionAt(t task.Any) string {
	for _, f := range t.Stack() {
		if !inLibrary(f) {
			return fmt.Sprintf("%s at %s:%d", shortName(f.Function), path.Base(f.File), f.Line)
		}
	}
	return "the library"
}
