package task

import (
	"fmt"
	"io"
	"runtime"
	"strings"
)

// Frame is one line of a task's stack.
type Frame struct {
	Function string
	File     string
	Line     int
}

// Stack returns where the task's coroutine is, innermost call first: asyncio's
// get_stack. It is empty for a task that has not begun or is finished, and for one that is
// just starting another eagerly. The stack
// of a suspended task is taken by the task's own goroutine, so that it is exact;
// nobody pays for it who does not ask.
func (t *Task[T]) Stack() []Frame {
	b := &t.base
	var frames []Frame
	switch {
	case !b.worker.begun() || b.lending:
	case b.sched.current == b:
		frames = callers()
	default:
		b.sched.visiting(b, func() { frames = callers() })
	}
	return frames
}

// PrintStack writes the task's stack to w, innermost call first, at most limit
// lines of it if limit is positive: asyncio's print_stack.
func (t *Task[T]) PrintStack(w io.Writer, limit int) error {
	frames := t.Stack()
	title := "Stack for"
	if len(frames) == 0 {
		title = "No stack for"
	}
	if _, err := fmt.Fprintf(w, "%s %v\n", title, t); err != nil {
		return err
	}
	if limit > 0 && len(frames) > limit {
		frames = frames[:limit]
	}
	for _, f := range frames {
		if _, err := fmt.Fprintf(w, "  %s\n      %s:%d\n", f.Function, f.File, f.Line); err != nil {
			return err
		}
	}
	return nil
}

// callers is the stack of the calling goroutine, from the coroutine up to the
// place where it called this package.
func callers() []Frame {
	pcs := make([]uintptr, 64)
	for {
		n := runtime.Callers(2, pcs)
		if n < len(pcs) {
			pcs = pcs[:n]
			break
		}
		pcs = make([]uintptr, 2*len(pcs))
	}
	var all []Frame
	frames := runtime.CallersFrames(pcs)
	for {
		f, more := frames.Next()
		if strings.Contains(f.Function, "/asyncio/task.(*taskBody[") && strings.HasSuffix(f.Function, ".execute") {
			if n := len(all); n > 0 && startsCoroutine(all[n-1].Function) {
				all = all[:n-1]
			}
			break
		}
		if !internalFrame(f.Function) {
			all = append(all, Frame{Function: f.Function, File: f.File, Line: f.Line})
		}
		if !more {
			break
		}
	}
	return all
}

// startsCoroutine tells the call of a coroutine by its task.
func startsCoroutine(function string) bool {
	return strings.HasSuffix(function, "/asyncio/task.Coroutine[...].Await") ||
		strings.HasSuffix(function, "/asyncio/task.void.Await")
}

// internalFrame tells the machinery of suspending from the program's calls.
func internalFrame(function string) bool {
	for _, part := range []string{
		"/asyncio/task.(*sched)", "/asyncio/task.(*base)", "/asyncio/task.callers",
		"]).Stack", "/asyncio/future.(*Core)",
	} {
		if strings.Contains(function, part) {
			return true
		}
	}
	return false
}
