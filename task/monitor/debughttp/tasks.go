package debughttp

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/goasyncio/asyncio/task/monitor"
)

// defaultLimit is how many tasks GET tasks shows.
const defaultLimit = 200

func (h *handler) tasks(w http.ResponseWriter, r *http.Request) {
	p := newParameters(r)
	query := monitor.Query{
		Loop: p.number("loop"),
		State: monitor.State(p.one("state", "", string(monitor.StateNew), string(monitor.StateReady),
			string(monitor.StateRunning), string(monitor.StateLent), string(monitor.StateWaiting))),
		Name:   p.values.Get("name"),
		Sort:   p.one("sort", "age", "name", "state", "coroutine"),
		Limit:  defaultLimit,
		Places: p.one("places", "0", "1") == "1",
	}
	if p.values.Has("limit") {
		query.Limit = p.number("limit")
	}
	format := p.one("format", "json", "text", "csv")
	if p.refused(w) {
		return
	}
	query.Places = query.Places || format != "json" // they have columns for it
	answer, ok := h.ask(w, r, query)
	if !ok {
		return
	}
	switch format {
	case "text":
		writeText(w, "text/plain", func(b *bytes.Buffer) error {
			b.WriteString(lateness(answer))
			return answer.WriteTable(b)
		})
	case "csv":
		writeText(w, "text/csv", func(b *bytes.Buffer) error { return writeCSV(b, answer.Snapshot) })
	default:
		writeJSON(w, http.StatusOK, answer)
	}
}

func (h *handler) tree(w http.ResponseWriter, r *http.Request) {
	p := newParameters(r)
	query := monitor.Query{Loop: p.number("loop"), Name: p.values.Get("name"), Limit: p.number("limit"), Places: true}
	format := p.one("format", "text", "json")
	if p.refused(w) {
		return
	}
	answer, ok := h.ask(w, r, query)
	if !ok {
		return
	}
	if format == "json" {
		writeJSON(w, http.StatusOK, answer)
		return
	}
	var stuck [][]monitor.Task
	if answer.Blocked == nil {
		ctx, cancel := inTime(r)
		defer cancel()
		stuck, _ = h.source.Stuck(ctx) // the tree is worth having without
	}
	writeText(w, "text/plain", func(b *bytes.Buffer) error {
		b.WriteString(lateness(answer))
		return errors.Join(answer.WriteTree(b), monitor.WriteStuck(b, stuckOf(stuck, query.Loop)))
	})
}

// ask asks the monitor for tasks. If a loop does not answer, it is the latest snapshot,
// with what holds the loop. If there is none, ask answers the request itself.
func (h *handler) ask(w http.ResponseWriter, r *http.Request, q monitor.Query) (Tasks, bool) {
	ctx, cancel := inTime(r)
	defer cancel()
	snapshot, err := h.source.Tasks(ctx, q)
	if err != nil && (snapshot == nil || snapshot.Time.IsZero()) { // no loop has ever answered
		writeNoAnswer(w, err)
		return Tasks{}, false
	}
	answer := Tasks{V: Version, Age: age(h.now(), snapshot.Time), Blocked: whatBlocks(err), Snapshot: snapshot}
	if snapshot.Tasks == nil {
		snapshot.Tasks = []monitor.Task{}
	}
	return answer, true
}

// age is how old something is, in seconds.
func age(now, then time.Time) float64 { return max(now.Sub(then), 0).Seconds() }

// whatBlocks is why a loop has not answered, nil if it has, or does not run.
func whatBlocks(err error) *monitor.Incident {
	var blocked *monitor.BlockedError
	if !errors.As(err, &blocked) || blocked.Stopped {
		return nil
	}
	return blocked.Incident
}

// writeNoAnswer says that a loop has not answered in time, or why it cannot.
func writeNoAnswer(w http.ResponseWriter, err error) {
	writeJSON(w, http.StatusServiceUnavailable, Error{V: Version, Error: err.Error(), Blocked: whatBlocks(err)})
}

// lateness is a line that says why the text below is old.
func lateness(t Tasks) string {
	if t.Blocked == nil {
		return ""
	}
	return fmt.Sprintf("as of %.1f s ago: %s\n", t.Age, t.Blocked.Text)
}

func writeText(w http.ResponseWriter, kind string, write func(*bytes.Buffer) error) {
	var b bytes.Buffer
	if err := write(&b); err != nil {
		writeError(w, http.StatusInternalServerError, err.Error())
		return
	}
	w.Header().Set("Content-Type", kind+"; charset=utf-8")
	_, _ = w.Write(b.Bytes())
}

var csvTitles = []string{
	"loop", "id", "name", "state", "since", "before", "coroutine", "file", "line",
	"waits_in", "waits_on", "awaited_by", "cancelling", "place", "place_file", "place_line",
}

func writeCSV(out io.Writer, s *monitor.Snapshot) error {
	w := csv.NewWriter(out)
	_ = w.Write(csvTitles) // Error tells
	for _, t := range s.Tasks {
		waits, place := cmp.Or(t.Waits, &monitor.Waits{}), cmp.Or(t.Place, &monitor.Frame{})
		since := ""
		if !t.Since.IsZero() {
			since = t.Since.Format(time.RFC3339)
		}
		_ = w.Write([]string{
			strconv.Itoa(t.Loop), strconv.FormatUint(t.ID, 10), t.Name, string(t.State), since, strconv.FormatBool(t.Before),
			t.Coroutine.Func, t.Coroutine.File, strconv.Itoa(t.Coroutine.Line),
			waits.In, ids(waits.On), ids(t.AwaitedBy), strconv.Itoa(t.Cancelling),
			place.Func, place.File, strconv.Itoa(place.Line),
		})
	}
	w.Flush()
	return w.Error()
}

func ids(all []uint64) string {
	var text []string
	for _, id := range all {
		text = append(text, strconv.FormatUint(id, 10))
	}
	return strings.Join(text, " ")
}

func (h *handler) groups(w http.ResponseWriter, r *http.Request) {
	p := newParameters(r)
	number, by := p.number("loop"), p.one("by", "coroutine", "created")
	if p.refused(w) {
		return
	}
	ctx, cancel := inTime(r)
	defer cancel()
	groups, err := h.source.Groups(ctx, by)
	if err != nil && groups == nil {
		writeNoAnswer(w, err)
		return
	}
	answer := Groups{V: Version, Blocked: whatBlocks(err), Groups: []monitor.Group{}}
	for _, g := range groups {
		if number == 0 || g.Loop == number {
			answer.Groups = append(answer.Groups, g)
		}
	}
	var blocked *monitor.BlockedError
	if errors.As(err, &blocked) && !blocked.Since.IsZero() {
		answer.Age = age(h.now(), blocked.Since)
	}
	writeJSON(w, http.StatusOK, answer)
}

func (h *handler) stacks(w http.ResponseWriter, r *http.Request) {
	p := newParameters(r)
	query := monitor.Query{Loop: p.number("loop"), Task: p.id("task"), Places: true, Stacks: true}
	format := p.one("format", "json", "text")
	if p.refused(w) {
		return
	}
	if query.Task == 0 {
		writeText(w, "text/plain", func(b *bytes.Buffer) error { return h.source.WriteGoroutines(b) })
		return
	}
	answer, ok := h.ask(w, r, query)
	switch {
	case !ok:
		return
	case len(answer.Tasks) == 0 && answer.Blocked != nil:
		writeJSON(w, http.StatusServiceUnavailable, Error{V: Version, Error: "the loop does not answer: " + answer.Blocked.Text, Blocked: answer.Blocked})
		return
	case len(answer.Tasks) == 0:
		writeError(w, http.StatusNotFound, fmt.Sprintf("there is no unfinished task %d", query.Task))
		return
	case len(answer.Tasks) > 1:
		writeError(w, http.StatusBadRequest, fmt.Sprintf("several loops have a task %d: say which by loop=", query.Task))
		return
	}
	if format == "text" {
		writeText(w, "text/plain", func(b *bytes.Buffer) error { return writeStack(b, answer) })
		return
	}
	writeJSON(w, http.StatusOK, Stacks{V: Version, Age: answer.Age, Blocked: answer.Blocked, Task: answer.Tasks[0]})
}

func writeStack(b *bytes.Buffer, answer Tasks) error {
	b.WriteString(lateness(answer))
	t := &answer.Tasks[0]
	if err := answer.WriteTable(b); err != nil {
		return err
	}
	writeFrames(b, "stack", t.Stack)
	writeFrames(b, "created", t.Created)
	return nil
}

func writeFrames(b *bytes.Buffer, title string, frames []monitor.Frame) {
	if len(frames) == 0 {
		return
	}
	fmt.Fprintf(b, "%s\n", title)
	for _, f := range frames {
		fmt.Fprintf(b, "  %s\n      %s:%d\n", path.Base(f.Func), f.File, f.Line)
	}
}

func (h *handler) stuck(w http.ResponseWriter, r *http.Request) {
	p := newParameters(r)
	number := p.number("loop")
	if p.refused(w) {
		return
	}
	ctx, cancel := inTime(r)
	defer cancel()
	sets, err := h.source.Stuck(ctx)
	if err != nil && len(sets) == 0 {
		writeNoAnswer(w, err)
		return
	}
	writeJSON(w, http.StatusOK, Stuck{V: Version, Blocked: whatBlocks(err), Sets: stuckOf(sets, number)})
}

// stuckOf returns the sets of a loop, or all if the number is 0.
func stuckOf(sets [][]monitor.Task, number int) [][]monitor.Task {
	found := [][]monitor.Task{}
	for _, set := range sets {
		if number == 0 || len(set) > 0 && set[0].Loop == number {
			found = append(found, set)
		}
	}
	return found
}

func (h *handler) incidents(w http.ResponseWriter, _ *http.Request) {
	answer := Incidents{V: Version, Incidents: []monitor.Incident{}}
	for i := range h.source.Incidents() {
		answer.Incidents = append(answer.Incidents, i)
	}
	writeJSON(w, http.StatusOK, answer)
}
