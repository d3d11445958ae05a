package task

import (
	"fmt"
	"io"
)

// Frame is one line of a task's stack.
type Frame struct {
	Function string
	File     string
	Line     int
}

// Stack returns where the task's coroutine is, innermost call first: asyncio's
// get_stack. It is empty for a task that has not begun, is finished, or is just
// starting another one eagerly. The stack of a suspended task is exact: its own
// goroutine takes it.
func (t *Task[T]) Stack() []Frame {
	t.mustOwn("Stack")
	var frames []Frame
	for _, f := range t.engine().Stack() {
		frames = append(frames, Frame{Function: f.Function, File: f.File, Line: f.Line})
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
