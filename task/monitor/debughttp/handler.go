package debughttp

import (
	"context"
	"io"
	"iter"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task/monitor"
)

// Handler returns a handler that shows the loops of a monitor. It is for the path
// /debug/asyncio/, unless there is the option [Prefix]:
//
//	mux.Handle("/debug/asyncio/", debughttp.Handler(m))
//
// It refuses requests for a host that is not an IP address, localhost, or one that
// [AllowHosts] names, and those that a page of another origin makes to change something.
// It does not ask who somebody is: a server that others can reach must do so. Nobody can
// change anything by it without the option [AllowCancel].
//
// It never waits for a loop longer than a tenth of a second. What it serves is described
// by the types of this package. GET requests, relative to the prefix:
//
//	.           the page
//	loops       Loops
//	stats       Stats; ?loop=
//	tasks       Tasks; ?loop= state= name= sort= limit= places=1 format=json, text or csv
//	tree        text; ?loop= format=json is Tasks
//	groups      Groups; ?loop= by=coroutine or created
//	stacks      the goroutines of the loops as text; ?loop= task=ID is Stacks
//	stuck       Stuck; ?loop=
//	incidents   Incidents
//	events      server-sent events: stats each second, and incidents by their kinds
//
// And POST cancel with a Cancel in JSON. Instead of what they ask for, clients may get an
// Error.
func Handler(m *monitor.Monitor, opts ...Option) http.Handler {
	return newHandler(m, newSettings("Handler", "/debug/asyncio/", opts)).serving()
}

// source is what the handler needs of a monitor.
type source interface {
	Loops() iter.Seq2[int, *loop.Loop]
	Tasks(ctx context.Context, q monitor.Query) (*monitor.Snapshot, error)
	Groups(ctx context.Context, by string) ([]monitor.Group, error)
	Stuck(ctx context.Context) ([][]monitor.Task, error)
	Blocked(loop int) (monitor.Incident, bool)
	Gauges(loop int) []monitor.Gauge
	Incidents() iter.Seq[monitor.Incident]
	Follow() (incidents <-chan monitor.Incident, stop func())
	WriteGoroutines(w io.Writer) error
	Cancel(ctx context.Context, loop int, id uint64, name, message string) error
}

type handler struct {
	source   source
	settings settings
	sampler  sampler
	streams  streams
	now      func() time.Time
	ticks    func() (ticks <-chan time.Time, stop func()) // one each second
	patience time.Duration                                // of a write to a client
}

func newHandler(s source, set settings) *handler {
	return &handler{
		source: s, settings: set, sampler: sampler{source: s},
		now: time.Now, ticks: eachSecond, patience: 5 * time.Second,
	}
}

func eachSecond() (ticks <-chan time.Time, stop func()) {
	t := time.NewTicker(time.Second)
	return t.C, t.Stop
}

// serving returns what serves everything, guarded.
func (h *handler) serving() http.Handler {
	mux := http.NewServeMux()
	for name, serve := range map[string]http.HandlerFunc{
		"GET {$}":       h.page,
		"GET loops":     h.loops,
		"GET stats":     h.stats,
		"GET tasks":     h.tasks,
		"GET tree":      h.tree,
		"GET groups":    h.groups,
		"GET stacks":    h.stacks,
		"GET stuck":     h.stuck,
		"GET incidents": h.incidents,
		"GET events":    h.events,
		"POST cancel":   h.cancel,
	} {
		method, path, _ := strings.Cut(name, " ")
		mux.HandleFunc(method+" "+h.settings.prefix+path, serve)
	}
	return h.guard(mux)
}

// patience is how long a request waits for a loop.
const patience = 100 * time.Millisecond

// inTime is the context of what a request asks of a loop.
func inTime(r *http.Request) (context.Context, context.CancelFunc) {
	return context.WithTimeout(r.Context(), patience)
}

func (h *handler) loops(w http.ResponseWriter, r *http.Request) {
	answer := Loops{V: Version, PID: os.Getpid(), Time: h.now(), Cancel: h.settings.cancel, Loops: []Loop{}}
	for _, l := range h.sampler.stats(h.now()).Loops {
		answer.Loops = append(answer.Loops, l.Loop)
	}
	writeJSON(w, http.StatusOK, answer)
}
