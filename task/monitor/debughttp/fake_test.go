package debughttp

import (
	"context"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task/monitor"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// noon is when all tests with a fake happen.
var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// fake is a monitor that says what a test wants.
type fake struct {
	loops      []*loop.Loop // from number 0 on
	snapshot   *monitor.Snapshot
	groups     []monitor.Group
	stuck      [][]monitor.Task
	err        error // of all questions
	goroutines string

	mu        sync.Mutex
	incidents []monitor.Incident
	followed  chan chan monitor.Incident // gets the channel of each who follows, if it is not nil
	stopped   chan struct{}              // gets a value when one stops to follow
	queries   []monitor.Query
	cancelled []string
}

func (f *fake) Loops() iter.Seq2[int, *loop.Loop] { return slices.All(f.loops) }

func (f *fake) Tasks(_ context.Context, q monitor.Query) (*monitor.Snapshot, error) {
	f.mu.Lock()
	f.queries = append(f.queries, q)
	f.mu.Unlock()
	if f.snapshot == nil {
		return nil, f.err
	}
	s := *f.snapshot
	s.Tasks = nil
	for _, t := range f.snapshot.Tasks {
		named := strings.Contains(t.Name, q.Name) || strings.Contains(t.Coroutine.Func, q.Name)
		if named && (q.Task == 0 || q.Task == t.ID) && (q.Loop == 0 || q.Loop == t.Loop) {
			s.Tasks = append(s.Tasks, t)
		}
	}
	s.Found = len(s.Tasks)
	if q.Limit > 0 && len(s.Tasks) > q.Limit {
		s.Tasks = s.Tasks[:q.Limit]
	}
	return &s, f.err
}

func (f *fake) Groups(context.Context, string) ([]monitor.Group, error) { return f.groups, f.err }

func (f *fake) Stuck(context.Context) ([][]monitor.Task, error) { return f.stuck, f.err }

// Blocked is told by the last incident.
func (f *fake) Blocked(loop int) (monitor.Incident, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.incidents) == 0 {
		return monitor.Incident{}, false
	}
	i := f.incidents[len(f.incidents)-1]
	return i, i.Kind == monitor.Blocked && i.Loop == loop
}

func (f *fake) Gauges(int) []monitor.Gauge {
	return []monitor.Gauge{{Name: "orders", Value: 8112, Growing: true}}
}

func (f *fake) Incidents() iter.Seq[monitor.Incident] {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Values(slices.Clone(f.incidents))
}

func (f *fake) Follow() (<-chan monitor.Incident, func()) {
	c := make(chan monitor.Incident, 16)
	if f.followed != nil {
		f.followed <- c
	}
	return c, func() {
		if f.stopped != nil {
			f.stopped <- struct{}{}
		}
	}
}

func (f *fake) WriteGoroutines(w io.Writer) error {
	_, err := io.WriteString(w, f.goroutines)
	return err
}

func (f *fake) Cancel(_ context.Context, number int, id uint64, name, message string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if number != 1 || id != 7 || name != "orders" {
		return monitor.ErrNoTask
	}
	f.cancelled = append(f.cancelled, message)
	return nil
}

// frame makes a frame of a text such as "example.com/shop.fetch fetch.go 20".
func frame(function, file string, line int) monitor.Frame {
	return monitor.Frame{Func: function, File: "/src/" + file, Line: line}
}

// shop is a monitor with three tasks, one of which holds the loop.
func shop() *fake {
	place := func(f monitor.Frame) *monitor.Frame { return &f }
	tasks := []monitor.Task{
		{
			ID: 1, Loop: 1, Name: "Task-1", State: monitor.StateWaiting, Since: noon.Add(-123 * time.Minute), Before: true,
			Coroutine: frame("main.main.func1", "main.go", 30), Place: place(frame("main.main.func1", "main.go", 41)),
			Waits: &monitor.Waits{In: "task.(*Group).Run", On: []uint64{7, 912}},
		}, {
			ID: 7, Loop: 1, Name: "orders", State: monitor.StateWaiting, Since: noon.Add(-2 * time.Minute),
			Coroutine: frame("example.com/shop.consume", "shop.go", 80), Place: place(frame("example.com/shop.consume", "shop.go", 88)),
			Waits: &monitor.Waits{In: "sync.(*Queue).Get"}, AwaitedBy: []uint64{1}, Cancelling: 1,
			Stack:   []monitor.Frame{frame("github.com/goasyncio/asyncio/sync.(*Queue[...]).Get", "queue.go", 70), frame("example.com/shop.consume", "shop.go", 88)},
			Created: []monitor.Frame{frame("main.main.func1", "main.go", 33)},
		}, {
			ID: 912, Loop: 1, Name: "Task-911", State: monitor.StateRunning, Since: noon.Add(-14 * time.Second),
			Coroutine: frame("example.com/shop.fetch", "fetch.go", 12), AwaitedBy: []uint64{1},
		},
	}
	a := monitor.Task{ID: 3, Loop: 1, Name: "a", State: monitor.StateWaiting, Waits: &monitor.Waits{On: []uint64{4}}, AwaitedBy: []uint64{4}}
	b := monitor.Task{ID: 4, Loop: 1, Name: "b", State: monitor.StateWaiting, Waits: &monitor.Waits{On: []uint64{3}}, AwaitedBy: []uint64{3}}
	return &fake{
		snapshot: &monitor.Snapshot{Time: noon.Add(-200 * time.Millisecond), Slices: 2, Total: 3, Tasks: tasks},
		groups: []monitor.Group{{
			Loop: 1, Coroutine: tasks[2].Coroutine, Count: 2, Oldest: tasks[2],
			States: map[monitor.State]int{monitor.StateRunning: 1, monitor.StateWaiting: 1},
		}},
		stuck:      [][]monitor.Task{{a, b}},
		goroutines: "1 @ 0x1\n",
		incidents: []monitor.Incident{
			{Number: 1, Kind: monitor.Blocked, Time: noon.Add(-time.Minute), Loop: 1, Text: "old"},
			{Number: 2, Kind: monitor.Unblocked, Time: noon.Add(-50 * time.Second), Loop: 1, Text: "over", For: 10 * time.Second},
			{
				Number: 3, Kind: monitor.Blocked, Time: noon.Add(-time.Second), Loop: 1, Text: "Task-911 (shop.fetch) has held the loop for 104ms",
				Task: &tasks[2], For: 104 * time.Millisecond, Hint: "net/http.(*Client).Do: use ToThread",
				Stack: []monitor.Frame{frame("net/http.(*Client).Do", "client.go", 587), frame("example.com/shop.fetch", "fetch.go", 31)},
			},
		},
	}
}

// serve returns a handler for the fake, which has counted something already.
func serve(f *fake, opts ...Option) *handler {
	h := newHandler(f, newSettings("serve", "/debug/asyncio/", opts))
	h.now = func() time.Time { return noon }
	h.sampler.latest = Stats{V: Version, Time: noon, Loops: []LoopStats{{
		Loop:        Loop{Loop: 1, State: "busy", Tasks: 3},
		Stats:       loop.Stats{Iterations: 12, Steps: 34, TasksCreated: 912, Tasks: 3, Ready: 318, Timers: 77, Time: noon},
		Over:        1,
		Utilization: 0.999,
		Lag:         Quantiles{P50: 0.000512, P99: 0.8, Max: 0.8},
		Rates:       Rates{Steps: 41000, Iterations: 9000, Tasks: 3},
		Gauges:      f.Gauges(1),
	}}}
	return h
}

// ask sends a request for a path of the handler's.
func ask(t *testing.T, h http.Handler, method, path, body string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, "http://localhost/debug/asyncio/"+path, strings.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
		}
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

// text returns the body of an answer.
func text(t *testing.T, r *http.Response) string {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	check.NoError(t, err)
	return string(body)
}
