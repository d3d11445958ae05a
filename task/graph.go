package task

import (
	"context"
	"fmt"
	"io"
	"path"
	"runtime"
	"strings"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task/internal/sched"
)

// The call graph tells which task awaits which. Nothing is recorded for it while tasks
// run: an awaiting task has registered a callback with the future, so the graph is read
// off the callbacks of a future when somebody asks, then off those of the tasks that
// await it, and so on upwards.
//
// Two tasks are connected if one awaits the other itself, or a future of this package that
// stands for it, as that of Wait does. Such futures are passed over. A group, a race, and
// the task that made a Gather or Shield await what they were given from the beginning, as
// in asyncio.

// CallGraph is a future or task, what it is doing, and who awaits it: asyncio's
// FutureCallGraph. It is a snapshot.
type CallGraph struct {
	Future future.Waitable
	Task   Any     // the future's task, nil if it is no task's
	Stack  []Frame // of the task, innermost call first
	// AwaitedBy is the tasks that await the future, in the order in which they began
	// to, and then those that await what stands for it, as the future of Wait does.
	AwaitedBy []*CallGraph
	// Repeated tells that the task occurs elsewhere in the graph, with its stack
	// and the tasks that await it, which are left out here: tasks may await each
	// other in a circle.
	Repeated bool
}

// CaptureCallGraph returns the call graph of a future or task: asyncio's
// capture_call_graph. It costs about as much as the stacks of all tasks in it; each
// task is described once. Call it only from the loop's tasks and callbacks. It panics
// with [ErrNilCoroutine] if f is nil.
func CaptureCallGraph(f future.Waitable) *CallGraph {
	if futureOf(f) == nil {
		panic(nilCoroutine("CaptureCallGraph"))
	}
	k := f.Kernel()
	k.Kernel().MustOwn("CaptureCallGraph", k)
	c := callGraphCapture{seen: make(map[*sched.Task]struct{})}
	return c.node(f, sched.TaskOf(k))
}

// FormatCallGraph returns the call graph of a future or task as text: asyncio's
// format_call_graph. See [CaptureCallGraph].
func FormatCallGraph(f future.Waitable) string {
	var b strings.Builder
	CaptureCallGraph(f).format(&b, 0)
	return strings.TrimSuffix(b.String(), "\n")
}

// PrintCallGraph writes the call graph of a future or task to w: asyncio's
// print_call_graph. See [CaptureCallGraph]. The error is that of w, or matches
// [ErrNilCoroutine] if f is nil.
func PrintCallGraph(w io.Writer, f future.Waitable) error {
	if futureOf(f) == nil {
		return nilCoroutine("PrintCallGraph")
	}
	_, err := fmt.Fprintln(w, FormatCallGraph(f))
	return err
}

// String is the call graph as text.
func (g *CallGraph) String() string {
	if g == nil {
		return "<nil>"
	}
	var b strings.Builder
	g.format(&b, 0)
	return strings.TrimSuffix(b.String(), "\n")
}

// maxIndented is the depth of trees below which lines are not indented further, but
// numbered: long chains of tasks would make texts of mostly spaces, and their length
// would be the square of that of the chain.
const maxIndented = 30

// atLevel returns the number of a line at that level of a tree, if it needs one.
func atLevel(level int) string {
	if level <= maxIndented {
		return ""
	}
	return fmt.Sprintf("(level %d) ", level)
}

func (g *CallGraph) format(b *strings.Builder, level int) {
	indent := strings.Repeat("    ", min(level, maxIndented))
	b.WriteString(indent + atLevel(level))
	switch {
	case g.Task != nil:
		fmt.Fprintf(b, "* Task(name=%s)", kernel.Quote(g.Task.Name()))
	case g.Future != nil:
		fmt.Fprintf(b, "* Future(id=%p)", g.Future.Kernel())
	default:
		b.WriteString("* Future")
	}
	if g.Repeated {
		b.WriteString(": see its other entry")
	}
	b.WriteString("\n")
	if len(g.Stack) > 0 {
		fmt.Fprintf(b, "%s  + Call stack:\n", indent)
		for _, f := range g.Stack {
			fmt.Fprintf(b, "%s  |   %s:%d, in %s\n", indent, f.File, f.Line, path.Base(f.Function))
		}
	}
	if len(g.AwaitedBy) > 0 {
		fmt.Fprintf(b, "%s  + Awaited by:\n", indent)
		for _, awaiter := range g.AwaitedBy {
			awaiter.format(b, level+1)
		}
	}
}

// callGraphCapture is one look at the graph.
type callGraphCapture struct {
	seen map[*sched.Task]struct{}
}

func (c *callGraphCapture) node(f future.Waitable, t *sched.Task) *CallGraph {
	g := &CallGraph{Future: f}
	if t != nil {
		g.Task = anyOf(t)
		if _, again := c.seen[t]; again {
			g.Repeated = true
			return g
		}
		c.seen[t] = struct{}{}
		g.Stack = g.Task.Stack()
	}
	for _, awaiter := range sched.Awaiters(f.Kernel(), nil) {
		g.AwaitedBy = append(g.AwaitedBy, c.node(anyOf(awaiter), awaiter))
	}
	return g
}

// ofWhom names the tasks that await a future, as in " of ann". It is empty if there is none.
func ofWhom(f *kernel.Future) string {
	text := ""
	for _, t := range sched.Awaiters(f, nil) {
		text += ", " + kernel.Plain(t.Name())
	}
	if text == "" {
		return ""
	}
	return " of " + text[2:]
}

// FormatTaskTree returns all unfinished tasks of the loop that ctx carries as a
// tree, each below a task that awaits it, with the place in the program where it is:
// asyncio's pstree. A task is described once; where another task awaits it too, and
// where tasks await each other in a circle, it is only named. Names that are not
// printable are quoted. From a depth of 30 on, lines are indented no further, but
// numbered. Call FormatTaskTree only from the loop's tasks and callbacks. It panics if
// ctx carries no loop.
func FormatTaskTree(ctx context.Context) string {
	tree := callGraphTree{awaits: make(map[*sched.Task][]*sched.Task), seen: make(map[*sched.Task]struct{})}
	var roots, others, above []*sched.Task
	for t := range ownSched(loop.Running(ctx), "FormatTaskTree").Tasks() {
		above = sched.Awaiters(t.Future(), above[:0])
		for _, a := range above {
			tree.awaits[a] = append(tree.awaits[a], t)
		}
		if len(above) == 0 {
			roots = append(roots, t)
		} else {
			others = append(others, t)
		}
	}
	for _, t := range append(roots, others...) { // of the others, those in circles are left
		if _, again := tree.seen[t]; !again {
			tree.add(t, 0, "", "")
		}
	}
	return strings.TrimSuffix(tree.text.String(), "\n")
}

// callGraphTree is the text of the tree in the making.
type callGraphTree struct {
	awaits  map[*sched.Task][]*sched.Task
	seen    map[*sched.Task]struct{}
	symbols sched.Symbols
	pcs     []uintptr // room for one stack
	text    strings.Builder
}

// add writes the task and what it awaits. The first line is led in by branch,
// the others by indent.
func (tree *callGraphTree) add(t *sched.Task, level int, branch, indent string) {
	tree.text.WriteString(branch + atLevel(level) + kernel.Plain(t.Name()))
	if _, again := tree.seen[t]; again {
		tree.text.WriteString(" (see above)\n")
		return
	}
	tree.seen[t] = struct{}{}
	if f := tree.place(t); f != nil {
		fmt.Fprintf(&tree.text, " in %s at %s:%d", path.Base(f.Function), path.Base(f.File), f.Line)
	}
	tree.text.WriteString("\n")
	level++
	for i, child := range tree.awaits[t] {
		switch {
		case level > maxIndented:
			tree.add(child, level, indent, indent)
		case i < len(tree.awaits[t])-1:
			tree.add(child, level, indent+"├── ", indent+"│   ")
		default:
			tree.add(child, level, indent+"└── ", indent+"    ")
		}
	}
}

// place is where the task is in the program: its innermost call outside of this module's
// packages that wait.
func (tree *callGraphTree) place(t *sched.Task) *runtime.Frame {
	trace := t.Trace(tree.pcs)
	tree.pcs = trace.PCs
	return tree.symbols.Place(trace)
}
