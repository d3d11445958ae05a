package monitor

import (
	"runtime"
	"strings"

	"github.com/goasyncio/asyncio/loop/kernel"
	"github.com/goasyncio/asyncio/task/internal/sched"
)

// hint says what to do about a function that holds a loop. The name of the function begins
// so.
type hint struct{ function, text string }

// hints are for functions of the standard library, and of the runtime. The first that
// matches counts.
func hints() []hint {
	return []hint{
		{"time.Sleep", "use task.Sleep"},
		{"sync.(*Mutex).", "use the Lock of package sync of this module, or task.ToThread"},
		{"sync.(*RWMutex).", "use the Lock of package sync of this module, or task.ToThread"},
		{"sync.(*WaitGroup).Wait", "use task.Gather or a task.Group, or call it in task.ToThread"},
		{"sync.(*Cond).Wait", "use the Condition of package sync of this module"},
		{"sync.(*Once).", "what is done once blocks: do it in task.ToThread before"},
		{"net/http.", "call it in task.ToThread"},
		{"database/sql.", "call it in task.ToThread"},
		{"net.", "use package streams, or call it in task.ToThread"},
		{"crypto/tls.", "use package streams, or call it in task.ToThread"},
		{"os/exec.", "call it in task.ToThread"},
		{"os.", "files block: call it in task.ToThread"},
		{"io.", "it may block: call it in task.ToThread"},
		{"bufio.", "it may block: call it in task.ToThread"},
		{"fmt.Scan", "call it in task.ToThread"},
		{"log.", "whatever is written to blocks: log to something that does not"},
		{"log/slog.", "whatever is written to blocks: log to something that does not"},
		{"syscall.", "it is in a system call: make it in task.ToThread"},
		{"runtime.chanrecv", "it waits for a channel: use task.Receive, a Future or a Queue"},
		{"runtime.chansend", "it waits for a channel: use a Queue, or send in task.ToThread"},
		{"runtime.selectgo", "it waits in a select: use task.Receive, or call it in task.ToThread"},
		{"runtime.block", "it waits for ever in an empty select"},
	}
}

// hintFor returns what to do about what a goroutine does, which is in that stack: innermost
// call first, with the frames of the runtime. What the program has called says more than
// what that calls in its turn.
func hintFor(stack []Frame) string {
	outermost := 0
	for outermost < len(stack) && ofGo(stack[outermost]) {
		outermost++
	}
	for i := outermost - 1; i >= 0; i-- {
		for _, h := range hints() {
			if strings.HasPrefix(stack[i].Func, h.function) {
				name := stack[i].Func
				if strings.HasPrefix(name, "runtime.") {
					return h.text
				}
				return name + ": " + h.text
			}
		}
	}
	if computes(stack) {
		return "it computes: call it in task.ToThread, or let others go on by task.Yield now and then"
	}
	return ""
}

// computes reports whether a goroutine does not wait for anything.
func computes(stack []Frame) bool {
	for _, f := range stack {
		switch {
		case !ofGo(f):
			return true
		case f.Func == "runtime.gopark", strings.HasPrefix(f.Func, "syscall."), strings.HasPrefix(f.Func, "internal/runtime/syscall."):
			return false
		}
	}
	return len(stack) > 0
}

// ofGo reports whether a function belongs to Go itself.
func ofGo(f Frame) bool {
	pkg := sched.PackageOf(f.Func)
	first, _, _ := strings.Cut(pkg, "/")
	return pkg != "main" && !strings.Contains(first, ".") && strings.HasPrefix(f.File, sourcesOfGo)
}

// sourcesOfGo is the directory of Go's own packages.
var sourcesOfGo = func() string {
	file, _ := runtime.FuncForPC(kernel.EntryOf(runtime.Gosched)).FileLine(kernel.EntryOf(runtime.Gosched))
	return strings.TrimSuffix(file, "runtime/proc.go")
}()
