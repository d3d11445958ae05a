package monitor

import (
	"fmt"
	"io"
	"strings"

	"github.com/goasyncio/asyncio/loop"
)

// OnMisuse has fn called with each incident that the exception handler is told of: those of
// the kinds [Misuse], [Stuck] and [Growing]. The loop calls it like a callback, before the
// exception handler. It panics if fn is nil ([loop.ErrNilFunc]).
func OnMisuse(fn func(Incident)) Option {
	if fn == nil {
		panic(fmt.Errorf("monitor: OnMisuse: %w", loop.ErrNilFunc))
	}
	return func(s *settings) { s.onMisuse = fn }
}

// IncidentError is an incident as an error: what exception handlers get as the Err of a
// loop.ExceptionContext.
type IncidentError struct{ Incident Incident }

// Error returns the text of the incident.
func (e *IncidentError) Error() string { return e.Incident.Text }

// Format prints the text and, for the verb %+v, the hint and the stacks after it.
func (e *IncidentError) Format(s fmt.State, verb rune) {
	fmt.Fprintf(s, fmt.FormatString(s, verb), e.Error())
	if verb == 'v' && s.Flag('+') {
		_, _ = io.WriteString(s, e.details())
	}
}

func (e *IncidentError) details() string {
	var b strings.Builder
	i := &e.Incident
	if i.Hint != "" {
		b.WriteString("\nhint: " + i.Hint)
	}
	writeStack(&b, "the task is at", i.Stack)
	writeStack(&b, "Cancel was called at", i.CancelledAt)
	writeStack(&b, "the error was returned at", i.ReturnedAt)
	if i.Task != nil {
		writeStack(&b, "the task was created at", i.Task.Created)
	}
	return b.String()
}

func writeStack(b *strings.Builder, title string, stack []Frame) {
	if len(stack) == 0 {
		return
	}
	b.WriteString("\n" + title + ":")
	for _, f := range stack {
		fmt.Fprintf(b, "\n\t%s\n\t\t%s:%d", f.Func, f.File, f.Line)
	}
}

// report makes an incident of a loop known. It is listed, and those who follow are told. The
// function of OnMisuse and the exception handler are called by the loop; the handler gets e,
// with the incident as its error. Any goroutine may call it, and it waits for nothing.
func (m *Monitor) report(w *watched, i Incident, e loop.ExceptionContext) {
	i = m.incidents.add(i)
	e.Err = &IncidentError{i}
	w.send(func() {
		defer w.loop.CallExceptionHandler(e) // also if the function panics, which is reported too
		if fn := m.settings.onMisuse; fn != nil {
			fn(i)
		}
	}, func() {})
}
