package main

import (
	"fmt"
	"strings"

	"github.com/goasyncio/asyncio/task/monitor"
	"github.com/goasyncio/asyncio/task/monitor/debughttp"
)

// The states of a loop in its document.
const (
	loopBlocked = "blocked"
	loopClosed  = "closed"
)

// style is how a line looks on a terminal that has colours.
type style uint8

const (
	normal style = iota
	title        // of a table
	alarm        // somebody should do something now
	warning
	faint
)

// line is a line of the screen.
type line struct {
	text  string
	style style
}

// barCells is how long the bar of the utilization is.
const barCells = 17

// headOf is the lines about a loop: is it well, how busy is it, how late?
func headOf(pid int, l *debughttp.LoopStats) []line {
	first := line{text: fmt.Sprintf("asynctop  %d  loop %d  %s", pid, l.Loop.Loop, l.State)}
	if l.Blocked != nil {
		first = line{fmt.Sprintf("asynctop  %d  loop %d  %s", pid, l.Loop.Loop, blockedText(l.Blocked)), alarm}
	}
	threads := fmt.Sprintf("%d", l.Stats.Threads)
	if l.Stats.ThreadsWaiting > 0 {
		threads += fmt.Sprintf("+%d waiting", l.Stats.ThreadsWaiting)
	}
	lines := []line{first}
	if l.Blocked != nil && l.Blocked.Hint != "" {
		lines = append(lines, line{"hint: " + l.Blocked.Hint, warning})
	}
	lines = append(lines,
		rateLine(l),
		line{text: fmt.Sprintf("tasks %d (%s/s)  ready %d  timers %d  workers %d+%d idle  threads %s  exceptions %d",
			l.Tasks, signed(l.Rates.Tasks), l.Stats.Ready, l.Stats.Timers,
			l.Stats.Workers-l.Stats.IdleWorkers, l.Stats.IdleWorkers, threads, l.Stats.Exceptions)})
	if len(l.Gauges) > 0 {
		lines = append(lines, gaugesLine(l.Gauges))
	}
	return lines
}

// rateLine is what the loop has done of late. The first stats of all have none of that.
func rateLine(l *debughttp.LoopStats) line {
	if l.Over == 0 {
		return line{"util and lag are measured from now on", faint}
	}
	return line{text: fmt.Sprintf("util %5.1f%% %s   lag p50 %s p99 %s max %s   steps %s/s  iterations %s/s",
		100*l.Utilization, pad(bar(l.Utilization, barCells), barCells),
		short(seconds(l.Lag.P50)), short(seconds(l.Lag.P99)), short(seconds(l.Lag.Max)),
		rounded(l.Rates.Steps), rounded(l.Rates.Iterations))}
}

func signed(n float64) string {
	if n < 0 {
		return "-" + rounded(-n)
	}
	return "+" + rounded(n)
}

// gaugesLine is the numbers of the program's, those that grow first.
func gaugesLine(gauges []monitor.Gauge) line {
	result := line{}
	var growing, others []string
	for _, g := range gauges {
		text := fmt.Sprintf("%s %d", plain(g.Name), g.Value)
		if g.Growing {
			growing = append(growing, text+" growing")
			result.style = warning
		} else {
			others = append(others, text)
		}
	}
	result.text = "gauges  " + strings.Join(append(growing, others...), "  ")
	return result
}

// blockedText says what holds a loop: who, in which call, and where that is in the program.
// Of a loop that has only not answered in time that is a guess, and no alarm.
func blockedText(i *monitor.Incident) string {
	text := "BLOCKED " + short(i.For) + " by "
	if i.Suspect {
		text = "has not answered for " + short(i.For) + ", perhaps because of "
	}
	var task monitor.Frame
	if i.Task != nil {
		task = i.Task.Coroutine
		text += plain(i.Task.Name)
		if task.Func != "" {
			text += " " + function(task.Func)
		}
	} else {
		text += "a callback"
	}
	at := programFrame(i.Stack, task)
	if i.Task == nil && at >= 0 {
		text += " in " + function(i.Stack[at].Func)
	}
	switch {
	case at > 0:
		text += "  " + callee(i.Stack[at-1].Func) + "  " + where(i.Stack[at])
	case at == 0:
		text += "  " + where(i.Stack[0])
	case len(i.Stack) > 0:
		text += "  " + callee(i.Stack[0].Func)
	}
	return text
}

// callee returns the name of a function as it is called in the program's text: with the last part of its package's
// path, unless that is one of the standard library.
func callee(name string) string {
	if standard(packageOf(name)) {
		return name
	}
	return function(name)
}

// programFrame finds the innermost frame of the program itself, -1 if there is none: one of the package of the task's
// coroutine, of package main, or of a package with a domain.
func programFrame(stack []monitor.Frame, coroutine monitor.Frame) int {
	own := packageOf(coroutine.Func)
	for i, f := range stack {
		pkg := packageOf(f.Func)
		switch {
		case pkg == "":
		case pkg == own, pkg == "main", !standard(pkg) && !strings.HasPrefix(pkg+"/", module):
			return i
		}
	}
	return -1
}

// module is the path of this module, whose packages are not the program.
const module = "github.com/goasyncio/asyncio/"

// packageOf returns the path of a function's package.
func packageOf(name string) string {
	last := function(name)
	pkg, _, _ := strings.Cut(last, ".")
	return strings.TrimSuffix(name, last) + pkg
}

// standard reports whether a package is one of the standard library: its path begins without a domain.
func standard(pkg string) bool {
	first, _, _ := strings.Cut(pkg, "/")
	return !strings.Contains(first, ".") && first != "main"
}
