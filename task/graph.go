package task

import (
	"context"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/goasyncio/asyncio/future"
	"github.com/goasyncio/asyncio/loop"
)

// The call graph: who awaits whom. Nothing is recorded for it while tasks run.
// Whoever awaits a future has registered a callback with it, so the graph is
// read off the callbacks of a future when somebody asks, then off those of the
// tasks that await it, and so on upwards.
//
// Two tasks are connected if one awaits the other itself, or a future of this
// package that stands for it, as those of Gather, Wait and Shield do. Such futures
// are passed over.

// CallGraph is a future or task, what it is doing, and who awaits it: asyncio's
// FutureCallGraph. It is a snapshot.
type CallGraph struct {
	Future future.Waitable
	Task   Any     // the future's task, nil if it is no task's
	Stack  []Frame // of the task, innermost call first
	// AwaitedBy is the tasks that await the future itself, in the order in which
	// they began to, and then those that await what stands for it.
	AwaitedBy []*CallGraph
	// Repeated tells that the task occurs elsewhere in the graph, with its stack
	// and those who await it, which are left out here: tasks may await each
	// other in a circle.
	Repeated bool
}

// CaptureCallGraph returns the call graph of a future or task: asyncio's
// capture_call_graph. It costs about as much as the stacks of all tasks in it; a
// task is described once. It belongs to what the loop runs, and panics with
// [ErrNilCoroutine] if f is nil.
func CaptureCallGraph(f future.Waitable) *CallGraph {
	if f == nil {
		panic(nilCoroutine("CaptureCallGraph"))
	}
	c := callGraphCapture{seen: make(map[*base]struct{})}
	return c.node(f, taskOf(f.Core()))
}

// FormatCallGraph returns the call graph of a future or task as text: asyncio's
// format_call_graph. See [CaptureCallGraph].
func FormatCallGraph(f future.Waitable) string {
	var b strings.Builder
	CaptureCallGraph(f).format(&b, "")
	return strings.TrimSuffix(b.String(), "\n")
}

// PrintCallGraph writes the call graph of a future or task to w: asyncio's
// print_call_graph. See [CaptureCallGraph].
func PrintCallGraph(w io.Writer, f future.Waitable) error {
	_, err := fmt.Fprintln(w, FormatCallGraph(f))
	return err
}

// String is the call graph as text.
func (g *CallGraph) String() string {
	var b strings.Builder
	g.format(&b, "")
	return strings.TrimSuffix(b.String(), "\n")
}

func (g *CallGraph) format(b *strings.Builder, indent string) {
	if g.Task != nil {
		fmt.Fprintf(b, "%s* Task(name=%q)", indent, g.Task.Name())
	} else {
		fmt.Fprintf(b, "%s* Future(id=%p)", indent, g.Future.Core())
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
			awaiter.format(b, indent+"    ")
		}
	}
}

// callGraphCapture is one look at the graph.
type callGraphCapture struct {
	seen map[*base]struct{}
}

func (c *callGraphCapture) node(f future.Waitable, b *base) *CallGraph {
	g := &CallGraph{Future: f}
	if b != nil {
		g.Task = b.any()
		if _, again := c.seen[b]; again {
			g.Repeated = true
			return g
		}
		c.seen[b] = struct{}{}
		g.Stack = callGraphStack(b)
	}
	for _, awaiter := range awaiters(f.Core()) {
		g.AwaitedBy = append(g.AwaitedBy, c.node(awaiter.any(), awaiter))
	}
	return g
}

// callGraphStack is the stack of the task without the calls that look at it.
func callGraphStack(b *base) []Frame {
	frames := b.any().Stack()
	for len(frames) > 0 {
		if file := frames[0].File; !strings.HasSuffix(file, "/task/graph.go") && !strings.HasSuffix(file, "/task/stack.go") {
			break
		}
		frames = frames[1:]
	}
	return frames
}

// awaiters returns the tasks that await the future, each once.
func awaiters(c *future.Core) []*base {
	var found []*base
	tasks := make(map[*base]struct{})
	futures := map[*future.Core]struct{}{c: {}}
	for todo := []*future.Core{c}; len(todo) > 0; todo = todo[1:] {
		todo[0].Waiting(func(r loop.Runner) {
			b, next := awaiterOf(r)
			if b != nil {
				if _, again := tasks[b]; !again {
					tasks[b] = struct{}{}
					found = append(found, b)
				}
			}
			if next != nil {
				if _, again := futures[next]; !again {
					futures[next] = struct{}{}
					todo = append(todo, next)
				}
			}
		})
	}
	return found
}

// awaiterOf tells what a callback on a future stands for: a task that awaits
// that future, or another future, those who await which await that one too.
func awaiterOf(r loop.Runner) (*base, *future.Core) {
	switch r := r.(type) {
	case *base:
		return r, nil
	case *member: // a group awaits its tasks from the beginning
		return r.g.parent, nil
	case interface{ awaitedBy() *future.Core }:
		return nil, r.awaitedBy()
	}
	return nil, nil
}

func (s *gathered[T, R]) awaitedBy() *future.Core { return s.g.fut.Core() }

func (s *waited) awaitedBy() *future.Core { return &s.w.done }

func (s *completion[F]) awaitedBy() *future.Core { return s.c.getter }

func (r *releaser) awaitedBy() *future.Core { return &r.done }

func (runner *raceRunner[T]) awaitedBy() *future.Core { return runner.race.over }

// FormatTaskTree returns all unfinished tasks of the loop that ctx carries as a
// tree, each below one of those that await it, with the place in the program
// where it is: asyncio's pstree. A task occurs once as such; where another task
// awaits it too, and where tasks await each other in a circle, it is only named.
// FormatTaskTree belongs to what the loop runs, and panics if ctx carries no loop.
func FormatTaskTree(ctx context.Context) string {
	s := schedOf(loop.Running(ctx))
	t := callGraphTree{awaits: make(map[*base][]*base), seen: make(map[*base]struct{})}
	var roots, others []*base
	for b := s.first; b != nil; b = b.next {
		above := awaiters(&b.core)
		for _, a := range above {
			t.awaits[a] = append(t.awaits[a], b)
		}
		if len(above) == 0 {
			roots = append(roots, b)
		} else {
			others = append(others, b)
		}
	}
	for _, b := range append(roots, others...) { // of the others, those in circles are left
		if _, again := t.seen[b]; !again {
			t.add(b, "", "")
		}
	}
	return strings.TrimSuffix(t.text.String(), "\n")
}

// callGraphTree is the text of the tree in the making.
type callGraphTree struct {
	awaits map[*base][]*base
	seen   map[*base]struct{}
	text   strings.Builder
}

// add writes the task and what it awaits. The first line is led in by branch,
// the others by indent.
func (t *callGraphTree) add(b *base, branch, indent string) {
	t.text.WriteString(branch + b.Name())
	if _, again := t.seen[b]; again {
		t.text.WriteString(" (see above)\n")
		return
	}
	t.seen[b] = struct{}{}
	if f, ok := callGraphPlace(b); ok {
		fmt.Fprintf(&t.text, " in %s at %s:%d", path.Base(f.Function), path.Base(f.File), f.Line)
	}
	t.text.WriteString("\n")
	for i, child := range t.awaits[b] {
		if i < len(t.awaits[b])-1 {
			t.add(child, indent+"├── ", indent+"│   ")
		} else {
			t.add(child, indent+"└── ", indent+"    ")
		}
	}
}

// callGraphPlace is where the task is in the program: its innermost call outside
// of this module's packages that wait.
func callGraphPlace(b *base) (Frame, bool) {
	for _, f := range callGraphStack(b) {
		name, _ := strings.CutPrefix(f.Function, "github.com/goasyncio/asyncio/")
		switch pkg, _, _ := strings.Cut(name, "."); pkg {
		case "task", "sync", "future":
		default:
			return f, true
		}
	}
	return Frame{}, false
}
