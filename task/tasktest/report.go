package tasktest

import (
	"errors"
	"fmt"
	"path"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/internal/sched"
)

// taskTree describes the unfinished tasks of a loop that does not run: each below the task
// that awaits it, with the library function that it is in and the line that called it.
func taskTree(l *loop.Loop) string {
	all := task.AllOn(l)
	if len(all) == 0 {
		return "  (there is no unfinished task)"
	}
	children, awaited := map[task.Any][]task.Any{}, map[task.Any]bool{}
	for _, t := range all {
		for _, above := range sched.Awaiters(t.Kernel(), nil) {
			if above := above.Public().(task.Any); above != t {
				children[above] = append(children[above], t)
				awaited[t] = true
			}
		}
	}
	var lines []treeLine
	seen := map[task.Any]bool{}
	var add func(t task.Any, branch, indent string)
	add = func(t task.Any, branch, indent string) {
		name := branch + kernel.Plain(t.Name())
		if seen[t] {
			lines = append(lines, treeLine{name, "(see above)"})
			return
		}
		seen[t] = true
		where := whereabouts(t)
		if len(children[t]) > 0 {
			where += ", awaits"
		}
		lines = append(lines, treeLine{name, where})
		for i, child := range children[t] {
			if i < len(children[t])-1 {
				add(child, indent+"├── ", indent+"│   ")
			} else {
				add(child, indent+"└── ", indent+"    ")
			}
		}
	}
	for _, t := range all {
		if !awaited[t] {
			add(t, "", "")
		}
	}
	for _, t := range all { // those that await each other in a circle
		if !seen[t] {
			add(t, "", "")
		}
	}
	return formatTree(lines)
}

// treeLine is a line of a tree of tasks: a name, led in by branches, and a place.
type treeLine struct{ name, where string }

func formatTree(lines []treeLine) string {
	width := 0
	for _, l := range lines {
		width = max(width, utf8.RuneCountInString(l.name))
	}
	var b strings.Builder
	for i, l := range lines {
		if i > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "  %s%s    %s", l.name, strings.Repeat(" ", width-utf8.RuneCountInString(l.name)), l.where)
	}
	return b.String()
}

// whereabouts says where a task is: the innermost function of the library, and the line of
// the program that called it.
func whereabouts(t task.Any) string {
	if t.Done() {
		return "is done"
	}
	stack := t.Stack()
	if len(stack) == 0 {
		return "has not begun"
	}
	if atEnd(stack) {
		return "is at its end, and waits for Eventually"
	}
	call, line := innermost(stack)
	switch {
	case call == "":
		return "in " + line
	case strings.HasPrefix(call, "task.(*Task).Await"), strings.HasPrefix(call, "task.(*Task).Join"):
		return "in " + line // what it awaits is below it
	}
	return fmt.Sprintf("in %s, called at %s", call, line)
}

// innermost returns the function of the library that the program has called, if any, and
// the place where.
func innermost(stack []task.Frame) (call, line string) {
	at := max(programFrame(stack), 0)
	if at > 0 {
		call = shortName(stack[at-1].Function)
	}
	return call, lineOfFrame(stack[at])
}

// programFrame is the index of the innermost call that is not the library's, or -1.
func programFrame(stack []task.Frame) int {
	return slices.IndexFunc(stack, func(f task.Frame) bool { return !ofLibrary(f.Function, f.File) })
}

// lineOfFrame is where a call is, as in "bank.go:22".
func lineOfFrame(f task.Frame) string { return fmt.Sprintf("%s:%d", path.Base(f.File), f.Line) }

// shortName is the name of a function without the path of its package, type arguments, and
// the numbers of closures.
func shortName(function string) string {
	if i := strings.IndexByte(function, '['); i >= 0 {
		j := strings.LastIndexByte(function, ']')
		function = function[:i] + function[j+1:]
	}
	name := path.Base(function)
	for _, part := range []string{".func", ".gowrap", ".deferwrap"} {
		if i := strings.Index(name, part); i > 0 {
			name = name[:i]
		}
	}
	return name
}

// module is the path of this module, library its packages that programs call.
var (
	module  = strings.TrimSuffix(reflect.TypeFor[T]().PkgPath(), "/task/tasktest")
	library = []string{"future", "loop", "loop/kernel", "sync", "task", "task/internal/sched", "task/streams", "task/tasktest"}
)

// ofLibrary reports whether a frame belongs to the library. That of an iterator which the
// compiler has put into a loop of the program has the program's function, and the library's
// file.
func ofLibrary(function, file string) bool {
	if strings.HasSuffix(file, "_test.go") {
		return false
	}
	dir, own := strings.CutPrefix(path.Dir(file), sources+"/")
	return own && slices.Contains(library, dir) ||
		slices.ContainsFunc(library, func(pkg string) bool { return strings.HasPrefix(function, module+"/"+pkg+".") })
}

// sources is the directory of the module.
var sources = func() string {
	_, file, _, _ := runtime.Caller(0)
	return strings.TrimSuffix(path.Dir(file), "/task/tasktest")
}()

// ownFile reports whether a frame belongs to this package.
func ownFile(f runtime.Frame) bool {
	return strings.HasPrefix(f.Function, module+"/task/tasktest.") && !strings.HasSuffix(f.File, "_test.go")
}

func describeReport(e loop.ExceptionContext) string {
	var b strings.Builder
	b.WriteString("reported to the exception handler: " + e.Message)
	for _, subject := range []fmt.Stringer{e.Task, e.Future, e.Handle, e.Transport, e.Socket} {
		if subject != nil {
			b.WriteString("\n  " + kernel.OwnText(subject))
		}
	}
	if e.Err != nil {
		fmt.Fprintf(&b, "\n  %v", e.Err)
	}
	var panicked *loop.PanicError
	if errors.As(e.Err, &panicked) {
		fmt.Fprintf(&b, "\n%s", stackOfPanic(panicked))
	}
	return b.String()
}

// stackOfPanic returns the stack of a panic without what lies around the program: the
// functions that deal with the panic, and the engine that has called it.
func stackOfPanic(p *loop.PanicError) string {
	lines := strings.Split(strings.TrimSpace(string(p.Stack)), "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, "panic(") {
			lines = lines[min(i+2, len(lines)):]
			break
		}
	}
	for i := 0; i < len(lines); i += 2 { // a function, and a place
		if engine.MatchString(lines[i]) {
			lines = lines[:i]
			break
		}
	}
	return strings.Join(lines, "\n")
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}
