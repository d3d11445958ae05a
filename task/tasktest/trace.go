package tasktest

import (
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
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
	next  bool // the iteration that is beginning has not been counted
	lines []traceLine

	steps   []step   // of the iteration that runs
	inSteps []inStep // what they have decided
}

// step is a step of a task in the present iteration, and the index of its line.
type step struct {
	task *sched.Task
	line int
}

type traceLine struct {
	iteration int
	at        time.Duration
	who, text string
	deviation bool
	inStep    bool // a deviation that the step of the line before has made
}

// inStep is a deviation in the step of a task, whose line it is to follow.
type inStep struct {
	task *sched.Task
	line traceLine
}

// deviates notes a decision that was not asyncio's.
func (e *explorer) deviates(kind choice.Kind, format string, args ...any) {
	if !e.trace.on {
		return
	}
	l := traceLine{iteration: e.run.iteration, at: e.run.elapsed(), text: fmt.Sprintf(format, args...), deviation: true}
	if kind == choice.Steps {
		l.text += " (level Tasks)"
	}
	if e.trace.next {
		l.iteration++
	}
	if t := sched.Of(e.run.kernel).Current(); t != nil && e.trace.lineOf(t) >= 0 {
		l.inStep = true
		e.trace.inSteps = append(e.trace.inSteps, inStep{t, l})
		return
	}
	e.trace.lines = append(e.trace.lines, l)
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
			if e.trace.on && h.Kind() == kernel.OfProgram {
				e.trace.lines = append(e.trace.lines, traceLine{iteration: e.run.iteration, at: e.run.elapsed(), who: "callback", text: h.Describe()})
			}
			continue
		}
		n := e.number(t)
		e.mix(uint64(n))
		if e.trace.on {
			text := "begins"
			if where := position(public(t)); where != "" {
				text = "runs on " + where
			}
			e.trace.add(t, traceLine{iteration: e.run.iteration, at: e.run.elapsed(), who: kernel.Plain(t.Name()), text: text})
		}
	}
}

// mix adds a number to the digest.
func (e *explorer) mix(v uint64) {
	const prime = 1099511628211 // of FNV-1a
	e.digest = (e.digest ^ v) * prime
}

func (tr *trace) add(t *sched.Task, l traceLine) {
	tr.steps = append(tr.steps, step{t, len(tr.lines)})
	tr.lines = append(tr.lines, l)
}

// lineOf returns the index of the line of a task's step in this iteration, or -1.
func (tr *trace) lineOf(t *sched.Task) int {
	for _, s := range tr.steps {
		if s.task == t {
			return s.line
		}
	}
	return -1
}

// stepsEnded completes the lines of the last iteration.
func (tr *trace) stepsEnded() {
	for _, s := range tr.steps {
		l := &tr.lines[s.line]
		switch where := position(public(s.task)); {
		case s.task.Done() && l.text == "begins" && public(s.task).Cancelled():
			l.text = "ends before it begins"
		case s.task.Done():
			l.text += ", ends"
		case where != "":
			l.text += ", waits " + where
		}
	}
	for i := len(tr.steps) - 1; i >= 0; i-- {
		after := tr.steps[i].line + 1
		for _, d := range tr.inSteps {
			if d.task == tr.steps[i].task {
				tr.lines = slices.Insert(tr.lines, after, d.line)
				after++
			}
		}
	}
	tr.steps, tr.inSteps = tr.steps[:0], tr.inSteps[:0]
}

// fromDeviation returns the lines from the first deviation on, to an iteration unless that is
// 0, at most that many. If a step has made the deviation, that comes first.
func (tr *trace) fromDeviation(last, most int) []string {
	from := max(slices.IndexFunc(tr.lines, func(l traceLine) bool { return l.deviation }), 0)
	if tr.lines[from].inStep {
		from--
	}
	to := len(tr.lines)
	for last > 0 && to > from+1 && tr.lines[to-1].iteration > last {
		to--
	}
	lines := tr.text(from, to)
	if left := len(lines) - most; left > 1 {
		lines = append(lines[:most], fmt.Sprintf("   ... and %d more lines: see -asyncio.trace", left))
	}
	return lines
}

// all returns all lines, in columns.
func (tr *trace) all() []string { return tr.text(0, len(tr.lines)) }

// text returns the lines between two indices, in columns.
func (tr *trace) text(from, to int) []string {
	var iteration, at, who int
	shown := tr.lines[from:to]
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

// position says where a task is that has begun: "at pool.go:14", or in which function of the
// library if none of the program has called that.
func position(t task.Any) string {
	stack := t.Stack()
	if len(stack) == 0 {
		return ""
	}
	if at := programFrame(stack); at >= 0 {
		return "at " + lineOfFrame(stack[at])
	}
	return "in " + shortName(stack[0].Function)
}

// functionAt says in which function of the program a task is that has begun, and at which line.
func (e *explorer) functionAt(t task.Any) string {
	stack := t.Stack()
	if len(stack) == 0 {
		return ""
	}
	at := programFrame(stack)
	if at < 0 {
		return shortName(stack[0].Function)
	}
	f := stack[at]
	name := shortName(f.Function)
	if own, ok := strings.CutPrefix(f.Function, e.tested+"."); ok {
		name = methodName(shortName(own))
	}
	return name + " at " + lineOfFrame(f)
}

// methodName turns "(*Pool).Get" into "Pool.Get".
func methodName(function string) string {
	return strings.NewReplacer("(*", "", ")", "").Replace(function)
}

// packageOf is the path of the package that a function of a test is in. That of an external
// test is the one that it tests.
func packageOf(fn any) string {
	name := runtime.FuncForPC(reflect.ValueOf(fn).Pointer()).Name()
	slash := strings.LastIndexByte(name, '/') + 1
	dot := slash + max(strings.IndexByte(name[slash:], '.'), 0)
	return strings.TrimSuffix(name[:dot], "_test")
}
