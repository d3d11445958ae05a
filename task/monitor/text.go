package monitor

import (
	"cmp"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/goasyncio/asyncio/loop/kernel"
)

// WriteTable writes the tasks of the snapshot as a table, a line each, as asynctop's ps
// does. There is a column for the loop if the tasks are of several. The error is that of w.
func (s *Snapshot) WriteTable(w io.Writer) error {
	n := newNames(s.Tasks)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range slices.Concat([][]string{tableTitles}, s.rows(n)) {
		if len(n.loops) < 2 {
			row = row[1:]
		}
		if _, err := fmt.Fprintln(table, strings.Join(row, "\t")); err != nil {
			return err
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	return s.writeRest(w)
}

var tableTitles = []string{"LOOP", "ID", "NAME", "STATE", "AGE", "COROUTINE", "WAITS IN", "ON", "AWAITED BY"}

func (s *Snapshot) rows(n names) [][]string {
	var rows [][]string
	for i := range s.Tasks {
		t := &s.Tasks[i]
		in, on := "", []uint64(nil)
		if t.Waits != nil {
			in, on = path.Base(t.Waits.In), t.Waits.On
		}
		state := string(t.State)
		if t.Cancelling > 0 {
			state += " (cancelling)"
		}
		row := []string{
			fmt.Sprint(t.Loop), fmt.Sprint(t.ID), kernel.Plain(t.Name), state, s.age(t),
			path.Base(t.Coroutine.Func), in, n.list(t.Loop, on), n.list(t.Loop, t.AwaitedBy),
		}
		for i, cell := range row {
			if cell == "" || cell == "." {
				row[i] = "-"
			}
		}
		rows = append(rows, row)
	}
	return rows
}

// writeRest says how many of the tasks are left out.
func (s *Snapshot) writeRest(w io.Writer) error {
	rest := s.Found - len(s.Tasks)
	if rest <= 0 {
		return nil
	}
	_, err := fmt.Fprintf(w, "and %d more\n", rest)
	return err
}

// age is how old a task was when the snapshot was taken, as in "2h03m".
func (s *Snapshot) age(t *Task) string {
	switch {
	case t.Since.IsZero():
		return "-"
	case t.Before:
		return ">" + FormatAge(s.Time.Sub(t.Since))
	default:
		return FormatAge(s.Time.Sub(t.Since))
	}
}

// FormatAge writes an age with its two greatest units: "14s", "5m09s", "2h03m", "3d04h".
func FormatAge(age time.Duration) string {
	s := int64(max(age, 0) / time.Second)
	switch m, h, d := s/60, s/3600, s/86400; {
	case m == 0:
		return fmt.Sprintf("%ds", s)
	case h == 0:
		return fmt.Sprintf("%dm%02ds", m, s%60)
	case d == 0:
		return fmt.Sprintf("%dh%02dm", h, m%60)
	default:
		return fmt.Sprintf("%dd%02dh", d, h%24)
	}
}

// WriteTree writes the tasks of the snapshot as a tree, each below one that awaits it, with
// the place where it is, as asynctop's pstree does. The snapshot should be one with places.
// A task is described once; where another task awaits it too, and where tasks await each
// other in a circle, it is only named. The error is that of w.
func (s *Snapshot) WriteTree(w io.Writer) error {
	n := newNames(s.Tasks)
	tree := textTree{names: n, awaits: make(map[textKey][]*Task), seen: make(map[textKey]bool)}
	var roots, others []*Task
	for _, t := range inOrder(s.Tasks) {
		shown := 0
		for _, by := range t.AwaitedBy {
			above := textKey{t.Loop, by}
			if _, ok := n.tasks[above]; ok {
				tree.awaits[above] = append(tree.awaits[above], t)
				shown++
			}
		}
		if shown == 0 {
			roots = append(roots, t)
		} else {
			others = append(others, t)
		}
	}
	for _, number := range n.loops {
		if len(n.loops) > 1 {
			fmt.Fprintf(&tree.text, "loop %d\n", number)
		}
		var top []*Task
		for _, t := range slices.Concat(roots, others) { // of the others, those in circles are left
			if t.Loop == number && !tree.seen[keyOf(t)] {
				top = append(top, t)
				tree.mark(t)
			}
		}
		clear(tree.seen)
		tree.addAll(top, 0, "")
	}
	if _, err := io.WriteString(w, tree.text.String()); err != nil {
		return err
	}
	return s.writeRest(w)
}

// inOrder returns the tasks by loop, in the order of their creation.
func inOrder(tasks []Task) []*Task {
	var all []*Task
	for i := range tasks {
		all = append(all, &tasks[i])
	}
	slices.SortStableFunc(all, func(a, b *Task) int {
		return cmp.Or(cmp.Compare(a.Loop, b.Loop), cmp.Compare(a.ID, b.ID))
	})
	return all
}

// textTree is the text of a tree in the making.
type textTree struct {
	names  names
	awaits map[textKey][]*Task
	seen   map[textKey]bool
	text   strings.Builder
}

// mark notes all that is below a task, and itself.
func (tree *textTree) mark(t *Task) {
	for todo := []*Task{t}; len(todo) > 0; {
		t, todo = todo[len(todo)-1], todo[:len(todo)-1]
		if k := keyOf(t); !tree.seen[k] {
			tree.seen[k] = true
			todo = append(todo, tree.awaits[k]...)
		}
	}
}

// maxIndented is the depth below which lines are not indented further, but numbered: long
// chains of tasks would make texts of mostly spaces.
const maxIndented = 30

func (tree *textTree) addAll(tasks []*Task, level int, indent string) {
	for i, t := range tasks {
		switch {
		case level > maxIndented:
			fmt.Fprintf(&tree.text, "%s(level %d) ", indent, level)
			tree.add(t, level, indent)
		case i < len(tasks)-1:
			tree.text.WriteString(indent + "├── ")
			tree.add(t, level, indent+"│   ")
		default:
			tree.text.WriteString(indent + "└── ")
			tree.add(t, level, indent+"    ")
		}
	}
}

// add writes the line of a task, and those below it.
func (tree *textTree) add(t *Task, level int, indent string) {
	tree.text.WriteString(kernel.Plain(t.Name))
	if tree.seen[keyOf(t)] {
		tree.text.WriteString(" (see above)\n")
		return
	}
	tree.seen[keyOf(t)] = true
	switch {
	case t.Place != nil:
		fmt.Fprintf(&tree.text, " in %s at %s:%d", path.Base(t.Place.Func), path.Base(t.Place.File), t.Place.Line)
	case t.Coroutine.Func != "":
		fmt.Fprintf(&tree.text, " in %s", path.Base(t.Coroutine.Func))
	}
	if t.Cancelling > 0 {
		tree.text.WriteString(" (cancelling)")
	}
	tree.text.WriteString("\n")
	tree.addAll(tree.awaits[keyOf(t)], level+1, indent)
}

// WriteStuck writes the stuck sets that [Monitor.Stuck] returns, a line each, with a circle
// of each set, as in "stuck: a → b → a". The error is that of w.
func WriteStuck(w io.Writer, sets [][]Task) error {
	for _, set := range sets {
		if len(set) == 0 {
			continue
		}
		n := newNames(set)
		var text []string
		for _, t := range circle(n, &set[0]) {
			text = append(text, kernel.Plain(t.Name))
		}
		more := ""
		if rest := len(set) - (len(text) - 1); rest > 0 {
			more = fmt.Sprintf(", and %d more", rest)
		}
		_, err := fmt.Fprintf(w, "stuck: %s%s   (none can finish unless one is cancelled from outside)\n",
			strings.Join(text, " → "), more)
		if err != nil {
			return err
		}
	}
	return nil
}

// circle goes from a task to one that it awaits, and so on, and returns the circle in
// which that ends. It ends with its first task.
func circle(n names, t *Task) []*Task {
	var way []*Task
	for t != nil {
		if i := slices.Index(way, t); i >= 0 {
			return append(way[i:], t)
		}
		way = append(way, t)
		t = n.awaited(t)
	}
	return way
}

// textKey tells tasks of several loops apart.
type textKey struct {
	loop int
	id   uint64
}

func keyOf(t *Task) textKey { return textKey{t.Loop, t.ID} }

// names are the tasks of a text, to be named where others mention them.
type names struct {
	tasks map[textKey]*Task
	loops []int // in order
}

func newNames(tasks []Task) names {
	n := names{tasks: make(map[textKey]*Task, len(tasks))}
	for i := range tasks {
		t := &tasks[i]
		n.tasks[keyOf(t)] = t
		if at, found := slices.BinarySearch(n.loops, t.Loop); !found {
			n.loops = slices.Insert(n.loops, at, t.Loop)
		}
	}
	return n
}

// awaited returns a task that t awaits, nil if none is known.
func (n names) awaited(t *Task) *Task {
	if t.Waits != nil {
		for _, id := range t.Waits.On {
			if on := n.tasks[textKey{t.Loop, id}]; on != nil {
				return on
			}
		}
	}
	return nil
}

// maxListed is how many tasks a cell of the table names.
const maxListed = 3

// list names tasks by their ids. One that is not shown has only its number.
func (n names) list(loop int, ids []uint64) string {
	var text []string
	for i, id := range ids {
		if i == maxListed {
			text = append(text, fmt.Sprintf("and %d more", len(ids)-maxListed))
			break
		}
		if t := n.tasks[textKey{loop, id}]; t != nil {
			text = append(text, kernel.Plain(t.Name))
		} else {
			text = append(text, fmt.Sprintf("#%d", id))
		}
	}
	return strings.Join(text, ", ")
}
