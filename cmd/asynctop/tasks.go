package main

import (
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goasyncio/asyncio/task/monitor"
	"github.com/goasyncio/asyncio/task/monitor/debughttp"
)

// columns are those by which the server sorts.
func columns() []string { return []string{"age", "name", "state", "coroutine"} }

func isColumn(name string) bool { return slices.Contains(columns(), name) }

func states() []string {
	var all []string
	for _, s := range []monitor.State{
		monitor.StateNew, monitor.StateReady, monitor.StateRunning, monitor.StateLent, monitor.StateWaiting,
	} {
		all = append(all, string(s))
	}
	return all
}

func isState(name string) bool { return name == "" || slices.Contains(states(), name) }

// taskQuery asks for the tasks that the options or commands select.
func taskQuery(state, name, sort string, limit int) url.Values {
	q := url.Values{"limit": {strconv.Itoa(limit)}, "places": {"1"}} // what a task waits in is a place
	for key, value := range map[string]string{"state": state, "name": name, "sort": sort} {
		if value != "" {
			q.Set(key, value)
		}
	}
	return q
}

// taskTable is the table of ps. Whoever knows python -m asyncio ps finds its columns here: the id and name of the task,
// its coroutine, what it awaits, and the name of the task that awaits it.
func taskTable(s *monitor.Snapshot, limit int) []string {
	t := table{
		head:  []string{"LOOP", "ID", "NAME", "STATE", "AGE", "COROUTINE", "WAITS IN", "ON", "AWAITED BY"},
		right: []bool{false, false, false, false, true, false, false, false, false},
	}
	n := nameTasks(s.Tasks)
	for i := range s.Tasks {
		t.rows = append(t.rows, taskRow(s, &s.Tasks[i], n))
	}
	if !n.severalLoops {
		t.dropFirst()
	}
	lines := t.lines(limit)
	if rest := s.Found - len(s.Tasks); rest > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", rest))
	}
	return lines
}

func taskRow(s *monitor.Snapshot, t *monitor.Task, n names) []string {
	in, on := "-", []uint64(nil)
	if t.Waits != nil {
		on = t.Waits.On
		if t.Waits.In != "" {
			in = function(t.Waits.In)
		}
	}
	state := string(t.State)
	if t.Cancelling > 0 {
		state += " (cancelling)"
	}
	return []string{
		strconv.Itoa(t.Loop), strconv.FormatUint(t.ID, 10), plain(t.Name), state, ageOf(s, t),
		coroutine(t), in, n.list(t.Loop, on), n.list(t.Loop, t.AwaitedBy),
	}
}

func coroutine(t *monitor.Task) string {
	if t.Coroutine.Func == "" {
		return "-"
	}
	return function(t.Coroutine.Func)
}

// ageOf is how old a task was when the snapshot was taken.
func ageOf(s *monitor.Snapshot, t *monitor.Task) string {
	switch {
	case t.Since.IsZero():
		return "-"
	case t.Before:
		return ">" + monitor.FormatAge(s.Time.Sub(t.Since))
	}
	return monitor.FormatAge(s.Time.Sub(t.Since))
}

// names finds tasks that others mention.
type names struct {
	of           map[taskKey]string
	severalLoops bool
}

// taskKey tells tasks of several loops apart.
type taskKey struct {
	loop int
	id   uint64
}

func nameTasks(tasks []monitor.Task) names {
	n := names{of: make(map[taskKey]string, len(tasks))}
	for _, t := range tasks {
		n.of[taskKey{t.Loop, t.ID}] = t.Name
		n.severalLoops = n.severalLoops || t.Loop != tasks[0].Loop
	}
	return n
}

// mostNamed is how many tasks a cell names.
const mostNamed = 3

// list names tasks by their ids. One that was not selected has only its number.
func (n names) list(loop int, ids []uint64) string {
	if len(ids) == 0 {
		return "-"
	}
	var all []string
	for i, id := range ids {
		if i == mostNamed {
			all = append(all, fmt.Sprintf("and %d more", len(ids)-mostNamed))
			break
		}
		name, ok := n.of[taskKey{loop, id}]
		if ok {
			name = plain(name)
		} else {
			name = fmt.Sprintf("#%d", id)
		}
		all = append(all, name)
	}
	return strings.Join(all, ", ")
}

// groupTable is the table of groups: the tasks that run the same coroutine, or were created in the same place.
func groupTable(g *debughttp.Groups, now time.Time, limit int) []string {
	t := table{
		head:  []string{"LOOP", "COUNT", "OLDEST", "COROUTINE", "STATES", "CREATED AT"},
		right: []bool{false, true, true, false, false, false},
	}
	several, created := false, false
	for _, group := range g.Groups {
		several = several || group.Loop != g.Groups[0].Loop
		created = created || len(group.Created) > 0
		at := "-"
		if len(group.Created) > 0 {
			at = where(group.Created[0])
		}
		oldest := "-"
		if !group.Oldest.Since.IsZero() {
			oldest = monitor.FormatAge(now.Sub(group.Oldest.Since))
			if group.Oldest.Before {
				oldest = ">" + oldest
			}
		}
		t.rows = append(t.rows, []string{
			strconv.Itoa(group.Loop), strconv.Itoa(group.Count), oldest, coroutine(&monitor.Task{Coroutine: group.Coroutine}),
			stateCounts(group.States), at,
		})
	}
	if !created {
		t.dropLast()
	}
	if !several {
		t.dropFirst()
	}
	return t.lines(limit)
}

// stateCounts is the states of a group's tasks, as in "1189 waiting 1 running".
func stateCounts(counts map[monitor.State]int) string {
	var states []monitor.State
	for s := range counts {
		states = append(states, s)
	}
	slices.SortFunc(states, func(a, b monitor.State) int {
		if counts[a] != counts[b] {
			return counts[b] - counts[a]
		}
		return strings.Compare(string(a), string(b))
	})
	var all []string
	for _, s := range states {
		all = append(all, fmt.Sprintf("%d %s", counts[s], s))
	}
	return strings.Join(all, " ")
}

// where is a place in the program, as in "fetch.go:31".
func where(f monitor.Frame) string {
	if f.File == "" {
		return function(f.Func)
	}
	return fmt.Sprintf("%s:%d", baseName(f.File), f.Line)
}

// baseName is the last part of a file's name, which is that of the machine where the program was built.
func baseName(file string) string { return file[strings.LastIndexAny(file, `/\`)+1:] }

// stackText is a stack, in the form of Go's own.
func stackText(stack []monitor.Frame, indent string) []string {
	var lines []string
	for _, f := range stack {
		lines = append(lines, indent+f.Func)
		if f.File != "" {
			lines = append(lines, fmt.Sprintf("%s    %s:%d", indent, f.File, f.Line))
		}
	}
	return lines
}

// written returns the lines that fn writes.
func written(fn func(w io.Writer) error) []string {
	var b strings.Builder
	_ = fn(&b) // a builder takes everything
	if b.Len() == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
}

// treeText is the tree of pstree.
func treeText(s *monitor.Snapshot) []string { return written(s.WriteTree) }

// stuckText names the sets of tasks that wait for each other, with a circle in each.
func stuckText(s *debughttp.Stuck) []string {
	return written(func(w io.Writer) error { return monitor.WriteStuck(w, s.Sets) })
}

// stuckTables is stuckText with the tasks of each set.
func stuckTables(s *debughttp.Stuck, now time.Time, limit int) []string {
	var lines []string
	for i, set := range s.Sets {
		if i > 0 {
			lines = append(lines, "")
		}
		lines = append(lines, stuckText(&debughttp.Stuck{Sets: [][]monitor.Task{set}})...)
		lines = append(lines, taskTable(&monitor.Snapshot{Time: now, Tasks: set}, limit)...)
	}
	return lines
}
