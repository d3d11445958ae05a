package monitor

import (
	"fmt"
	"iter"
	"path"
	"strings"
	"sync"
	"time"
)

// Kind is the kind of an incident.
type Kind string

// The kinds of incidents.
const (
	Blocked   Kind = "blocked"   // a task or callback holds the loop
	Unblocked Kind = "unblocked" // it does so no longer
	Stuck     Kind = "stuck"     // tasks wait for each other
	Misuse    Kind = "misuse"    // a rule is broken, or seems to be
	Growing   Kind = "growing"   // a gauge grows
	Closed    Kind = "closed"    // a loop was closed
)

// An Incident is something that somebody should know.
type Incident struct {
	Number  int           `json:"number"` // from 1 on, for each monitor
	Kind    Kind          `json:"kind"`
	Time    time.Time     `json:"time"`
	Loop    int           `json:"loop"`
	Text    string        `json:"text"` // one sentence that names everything
	Task    *Task         `json:"task,omitempty"`
	Tasks   []Task        `json:"tasks,omitempty"` // of a stuck set
	For     time.Duration `json:"for,omitempty"`   // how long it has lasted
	Stack   []Frame       `json:"stack,omitempty"` // innermost call first
	Hint    string        `json:"hint,omitempty"`
	Suspect bool          `json:"suspect,omitempty"` // it is a suspicion, and no certainty

	// Of a cancellation, if creation stacks are recorded: where Cancel was called, and which
	// await has returned the error.
	CancelledAt []Frame `json:"cancelledAt,omitempty"`
	ReturnedAt  []Frame `json:"returnedAt,omitempty"`

	Trace string `json:"trace,omitempty"` // the file that the flight recorder has written
}

// String returns the text, the hint and the stacks.
func (i Incident) String() string {
	var b strings.Builder
	b.WriteString(i.Text)
	if i.Hint != "" {
		b.WriteString("; " + i.Hint)
	}
	if i.Trace != "" {
		b.WriteString("; trace: " + i.Trace)
	}
	writeFrames(&b, i.Stack)
	for _, s := range []struct {
		title string
		stack []Frame
	}{{"Cancel was called in", i.CancelledAt}, {"the error was returned in", i.ReturnedAt}, {"the task was created in", i.created()}} {
		if len(s.stack) > 0 {
			b.WriteString("\n" + s.title)
			writeFrames(&b, s.stack)
		}
	}
	return b.String()
}

func writeFrames(b *strings.Builder, stack []Frame) {
	for _, f := range stack {
		fmt.Fprintf(b, "\n  %s\n      %s:%d", path.Base(f.Func), f.File, f.Line)
	}
}

// created is where the task was created, if that was recorded.
func (i *Incident) created() []Frame {
	if i.Task == nil {
		return nil
	}
	return i.Task.Created
}

// maxIncidents is how many incidents a monitor remembers.
const maxIncidents = 100

// incidents are the latest incidents of a monitor, and who is told of them.
type incidents struct {
	mu      sync.Mutex
	number  int
	latest  []Incident
	readers map[chan Incident]struct{}
}

// add numbers an incident, keeps it, and tells those who follow. It returns it.
func (is *incidents) add(i Incident) Incident {
	is.mu.Lock()
	defer is.mu.Unlock()
	is.number++
	i.Number = is.number
	if len(is.latest) == maxIncidents {
		is.latest = append(is.latest[:0:0], is.latest[1:]...)
	}
	is.latest = append(is.latest, i)
	for r := range is.readers {
		select {
		case r <- i:
		default: // who does not read misses it, and finds it in the list
		}
	}
	return i
}

// Incidents yields the latest incidents, the oldest first: 100 at most.
func (m *Monitor) Incidents() iter.Seq[Incident] {
	m.incidents.mu.Lock()
	latest := append([]Incident(nil), m.incidents.latest...)
	m.incidents.mu.Unlock()
	return func(yield func(Incident) bool) {
		for _, i := range latest {
			if !yield(i) {
				return
			}
		}
	}
}

// Follow returns a channel that gets the incidents from now on, until stop is called. Who
// reads slowly misses some.
func (m *Monitor) Follow() (incidents <-chan Incident, stop func()) {
	is := &m.incidents
	c := make(chan Incident, 16)
	is.mu.Lock()
	defer is.mu.Unlock()
	if is.readers == nil {
		is.readers = make(map[chan Incident]struct{})
	}
	is.readers[c] = struct{}{}
	return c, func() {
		is.mu.Lock()
		defer is.mu.Unlock()
		delete(is.readers, c)
	}
}
