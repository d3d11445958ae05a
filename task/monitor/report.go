package monitor

import (
	"fmt"

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

// Format prints the text, and for the verb %+v the hint and the stacks after it.
func (e *IncidentError) Format(s fmt.State, verb rune) {
	text := e.Error()
	if verb == 'v' && s.Flag('+') {
		text = e.Incident.String()
	}
	fmt.Fprintf(s, fmt.FormatString(s, verb), text)
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
