package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/goasyncio/asyncio/task/monitor"
	"github.com/goasyncio/asyncio/task/monitor/debughttp"
)

// pane is what the live view shows below the figures of the loops.
type pane uint8

const (
	groupsPane pane = iota
	tasksPane
	treePane
	stuckPane
	incidentsPane
	stackPane
	helpPane
)

// view is what the user wants to see.
type view struct {
	pane   pane
	sort   string // of the tasks
	filter string // of the tasks and groups
	task   uint64 // whose stack
	remark string // an answer to the latest command
}

// command does a line that the user has typed. It reports whether that was to quit.
func (v *view) command(text string) (quit bool) {
	v.remark = ""
	text = strings.TrimSpace(text)
	if filter, ok := strings.CutPrefix(text, "/"); ok {
		v.filter = filter
		if v.pane != groupsPane {
			v.pane = tasksPane
		}
		return false
	}
	word, argument, _ := strings.Cut(text, " ")
	argument = strings.TrimSpace(argument)
	panes := map[string]pane{"g": groupsPane, "t": treePane, "d": stuckPane, "i": incidentsPane, "?": helpPane}
	var id uint64
	switch p, ok := panes[word]; {
	case word == "":
	case word == "q":
		return true
	case word == "s" && argument == "":
		v.pane = tasksPane
	case word == "s" && isColumn(argument):
		v.pane, v.sort = tasksPane, argument
	case word == "s":
		v.remark = "s sorts by one of " + strings.Join(columns(), ", ")
	case ok && argument == "":
		v.pane = p
	case parsed(text, &id):
		v.pane, v.task = stackPane, id
	default:
		v.remark = "there is no command " + plain(text) + ": ? shows all"
	}
	return false
}

// parsed reads a number that is not 0.
func parsed(text string, n *uint64) bool {
	_, err := fmt.Sscanf(text, "%d", n)
	return err == nil && *n != 0 && fmt.Sprint(*n) == text
}

// sight is what the program has answered: all that a frame shows.
type sight struct {
	pid       int
	stats     debughttp.Stats
	incidents debughttp.Incidents
	groups    debughttp.Groups // this and the following: if the pane is theirs
	tasks     debughttp.Tasks
	stack     debughttp.Stacks
	stuck     debughttp.Stuck // asked for every few seconds

	pane    pane          // which of them has been answered
	blocked bool          // none was: a loop is blocked
	asked   bool          // whether there are stuck tasks
	failed  error         // why there is no newer answer
	age     time.Duration // of the answers, if so
}

// trouble reports whether a loop is blocked or tasks are stuck.
func (s *sight) trouble() bool {
	for i := range s.stats.Loops {
		if l := &s.stats.Loops[i]; l.Blocked != nil || l.State == loopBlocked {
			return true
		}
	}
	return len(s.stuck.Sets) > 0
}

// hints stand below the line where commands are typed.
const hints = "s age|name|state|coroutine   /text   g groups   t tree   d deadlocks   i incidents   ID stack   q quit   ? help"

var help = []string{
	"Type a command, then Enter:",
	"",
	"  s            the tasks",
	"  s age        sorted by age; also by name, state or coroutine",
	"  /fetch       only tasks and groups with this text in their names or coroutines; / alone: all",
	"  g            the tasks grouped by coroutine",
	"  t            the tree: each task below one that awaits it",
	"  d            deadlocks: tasks that wait for each other",
	"  i            incidents: what was blocked, stuck, or not by the rules",
	"  912          the stack of the task with this ID",
	"  q            quit",
	"",
	"util is how busy the loop was in the last second, lag how late its timers were.",
	"",
	"  busy, asleep  it runs, and has something to do or not",
	"  stopped       it does not run now",
	"  BLOCKED       one step of a task, or one callback, has held it for too long",
	"",
	"  new           a task that has not begun      ready    its turn will come",
	"  running       it is its turn                 waiting  for what it awaits",
	"  lent          it has started another task, which runs at once, inside of it",
}

// latestShown is how many incidents stand below all panes.
const latestShown = 3

// frame is the picture of a moment: a pure function of what the program has answered, what the user wants to see, and
// the size. The height is 0 if there is no limit. No line has anything that can't be printed.
func frame(s *sight, v *view, width, height int) []line {
	lines := top(s, v)
	below := bottom(s)
	if v.pane == incidentsPane {
		below = nil
	}
	body, rest := middle(s, v, width)
	room := len(body) + 1
	if height > 0 {
		room = height - len(lines) - len(below)
	}
	body = shorten(body, rest, room)
	lines = append(append(lines, body...), below...)
	if height > 0 && len(lines) > height {
		lines = lines[:height]
	}
	for i := range lines {
		lines[i].text = cut(printableLine(lines[i].text), width)
	}
	return lines
}

// top is the figures of the loops, and what is to be said of them.
func top(s *sight, v *view) []line {
	var lines []line
	for i := range s.stats.Loops {
		lines = append(lines, headOf(s.pid, &s.stats.Loops[i])...)
	}
	if len(s.stats.Loops) == 0 {
		lines = append(lines, line{text: fmt.Sprintf("asynctop  %d  no loop is watched now", s.pid)})
	}
	if s.failed != nil {
		lines = append(lines, line{fmt.Sprintf("no answer for %s: %v", monitor.FormatAge(s.age), s.failed), alarm})
	}
	if v.pane != stuckPane {
		lines = append(lines, stuckLines(s)...)
	}
	if v.filter != "" && (v.pane == groupsPane || v.pane == tasksPane) {
		lines = append(lines, line{"only " + plain(v.filter) + ", / shows all", faint})
	}
	if v.remark != "" {
		lines = append(lines, line{v.remark, warning})
	}
	return append(lines, line{})
}

// stuckLines name the first stuck sets.
func stuckLines(s *sight) []line {
	lines := styled(stuckText(&s.stuck), alarm, alarm)
	if len(lines) > latestShown {
		lines = append(lines[:latestShown], line{"stuck: more of them, d shows all", alarm})
	}
	return lines
}

// middle is the pane that the user has chosen, and how many lines it would have besides.
func middle(s *sight, v *view, width int) (lines []line, rest int) {
	if v.pane == helpPane {
		return styled(help, normal, normal), 0
	}
	if s.pane != v.pane {
		return []line{{"not answered yet", faint}}, 0
	}
	if v.pane != tasksPane && v.pane != treePane {
		return otherPane(s, v, width), 0
	}
	tasks := *s.tasks.Snapshot
	rest, tasks.Found = max(tasks.Found-len(tasks.Tasks), 0), 0
	lines = staleness(s.tasks.Age)
	switch {
	case v.pane == tasksPane:
		lines = append(lines, styled(taskTable(&tasks, width), title, normal)...)
	case len(tasks.Tasks) == 0:
		lines = append(lines, line{"no tasks", faint})
	default:
		lines = append(lines, styled(treeText(&tasks), normal, normal)...)
	}
	return lines, rest
}

// otherPane is a pane that is not of tasks.
func otherPane(s *sight, v *view, width int) []line {
	switch v.pane {
	case stuckPane:
		if len(s.stuck.Sets) == 0 {
			return []line{{"no tasks wait for each other in a circle", faint}}
		}
		return styled(stuckTables(&s.stuck, s.stats.Time, width), normal, normal)
	case incidentsPane:
		if len(s.incidents.Incidents) == 0 {
			return []line{{"no incidents", faint}}
		}
		return incidentLines(s, s.incidents.Incidents)
	case stackPane:
		return styled(stackReport(&s.stack.Task), title, normal)
	}
	return append(staleness(s.groups.Age), styled(groupTable(filtered(&s.groups, v.filter), s.stats.Time, width), title, normal)...)
}

// staleness says that a snapshot is old, which it is if the loop has not answered.
func staleness(age float64) []line {
	if age < 2 {
		return nil
	}
	return []line{{fmt.Sprintf("as it was %s ago", monitor.FormatAge(seconds(age))), faint}}
}

// filtered is the groups whose coroutines contain the text.
func filtered(g *debughttp.Groups, text string) *debughttp.Groups {
	if text == "" {
		return g
	}
	some := *g
	some.Groups = nil
	for _, group := range g.Groups {
		if strings.Contains(group.Coroutine.Func, text) {
			some.Groups = append(some.Groups, group)
		}
	}
	return &some
}

// incidentLines are the latest incidents, the newest first.
func incidentLines(s *sight, all []monitor.Incident) []line {
	var lines []line
	for _, i := range slices.Backward(all) {
		l := line{text: fmt.Sprintf("%6s ago  %s", monitor.FormatAge(s.stats.Time.Sub(i.Time)), incidentText(&i))}
		if i.Kind == monitor.Blocked || i.Kind == monitor.Stuck {
			l.style = warning
		}
		lines = append(lines, l)
	}
	return lines
}

// bottom is the latest incidents, below all panes.
func bottom(s *sight) []line {
	latest := summary(s.incidents.Incidents)
	if len(latest) == 0 {
		return nil
	}
	return append([]line{{}}, incidentLines(s, latest[max(len(latest)-latestShown, 0):])...)
}

// summary leaves out what a later incident says again: how long a step has held its loop.
func summary(all []monitor.Incident) []monitor.Incident {
	told := make(map[int]bool) // of the step that is held, or was, by loop
	var some []monitor.Incident
	for _, i := range slices.Backward(all) {
		if i.Kind == monitor.Blocked && told[i.Loop] {
			continue
		}
		told[i.Loop] = i.Kind == monitor.Blocked || i.Kind == monitor.Unblocked || told[i.Loop]
		some = append(some, i)
	}
	slices.Reverse(some)
	return some
}

// incidentText is an incident on one line.
func incidentText(i *monitor.Incident) string {
	text, _, more := strings.Cut(i.Text, "\n")
	if more {
		text += " ..."
	}
	if i.Suspect {
		text += " (a suspicion)"
	}
	if i.Hint != "" {
		text += " (" + i.Hint + ")"
	}
	return fmt.Sprintf("%s: %s", i.Kind, text)
}

// shorten leaves out the lines for which there is no room, and says how many there are, with the rest that is not among
// the lines.
func shorten(lines []line, rest, room int) []line {
	room = max(room, 1)
	if len(lines) > room || rest > 0 && len(lines) == room {
		rest += len(lines) - (room - 1)
		lines = lines[: room-1 : room-1]
	}
	if rest > 0 {
		lines = append(lines, line{fmt.Sprintf("... and %d more", rest), faint})
	}
	return lines
}

// styled gives lines their styles: the first one its own.
func styled(texts []string, first, others style) []line {
	lines := make([]line, len(texts))
	for i, t := range texts {
		lines[i] = line{t, others}
		if i == 0 {
			lines[i].style = first
		}
	}
	return lines
}
