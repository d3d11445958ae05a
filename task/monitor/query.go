package monitor

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task/internal/sched"
)

// looks says how a monitor looks at tasks.
type looks struct {
	patience time.Duration // how long a question waits for a loop
	maxAge   time.Duration // how old a picture may be that serves it
	pace     pace
}

var defaultLooks = looks{
	patience: 100 * time.Millisecond,
	maxAge:   time.Second,
	pace:     pace{slice: time.Millisecond, every: 16, now: time.Now},
}

// MaxAge sets how old a snapshot may be that serves another question. The default is a
// second, so that a loop takes no more than one in that time, whoever asks. It panics if d
// is negative ([loop.ErrInvalidArgument]).
func MaxAge(d time.Duration) Option {
	if d < 0 {
		panic(fmt.Errorf("monitor: MaxAge(%v): it is negative: %w", d, loop.ErrInvalidArgument))
	}
	return func(s *settings) { s.looks.maxAge = d }
}

// Tasks returns the unfinished tasks of the monitor's loops that q asks for. A snapshot
// serves all who ask within a second: see [MaxAge]. A loop takes it between two steps, at most a
// millisecond at a time, or at once if Tasks is called by one of its own tasks or
// callbacks.
//
// If a loop has not answered when ctx ends or 100 ms are over, its part of the snapshot is
// an older one, and the error a [*BlockedError]. Other errors match [ErrClosed], and
// [loop.ErrInvalidArgument] if there is no loop of that number or no such order.
func (m *Monitor) Tasks(ctx context.Context, q Query) (*Snapshot, error) {
	order, ok := orders[cmp.Or(q.Sort, "age")]
	if !ok {
		return nil, fmt.Errorf("monitor: Tasks: there is no order %q: %w", q.Sort, loop.ErrInvalidArgument)
	}
	ctx, cancel := context.WithTimeout(ctx, m.settings.looks.patience)
	defer cancel()
	views, blocked := m.views(ctx, "Tasks", q.Loop)
	if views == nil {
		return nil, blocked
	}
	s := &Snapshot{Tasks: []Task{}}
	var found []match
	for _, v := range views {
		s.Total += len(v.picture.rows)
		if v.picture.slices > 1 {
			s.Slices = max(s.Slices, v.picture.slices)
		}
		if s.Time.IsZero() || v.picture.taken.Before(s.Time) {
			s.Time = v.picture.taken
		}
		for i := range v.picture.rows {
			t := v.task(i)
			if q.selects(&t) {
				found = append(found, match{v, int32(i), t})
			}
		}
	}
	s.Found = len(found)
	slices.SortStableFunc(found, func(a, b match) int { return order(&a.task, &b.task) })
	if q.Limit > 0 && len(found) > q.Limit {
		found = found[:q.Limit]
	}
	if q.Places || q.Stacks {
		for _, v := range views {
			err := v.watched.album.stacks(ctx, v.picture, rowsOf(found, v))
			if err != nil && blocked == nil && !v.watched.loop.IsClosed() {
				blocked = v.watched.blocked(v.picture)
			}
		}
	}
	for _, x := range found {
		x.task.Created = m.symbols.created(x.view.picture.rows[x.row].created)
		if q.Places || q.Stacks {
			x.view.locate(int(x.row), &x.task, q.Stacks)
		}
		s.Tasks = append(s.Tasks, x.task)
	}
	return s, blocked
}

// match is a task in a view.
type match struct {
	view *view
	row  int32
	task Task
}

func rowsOf(found []match, v *view) (rows []int32) {
	for _, x := range found {
		if x.view == v {
			rows = append(rows, x.row)
		}
	}
	return rows
}

// selects reports whether the query asks for t.
func (q *Query) selects(t *Task) bool {
	return (q.Task == 0 || q.Task == t.ID) &&
		(q.State == "" || q.State == t.State) &&
		(strings.Contains(t.Name, q.Name) || strings.Contains(t.Coroutine.Func, q.Name))
}

// orders are those in which tasks can be sorted.
var orders = map[string]func(a, b *Task) int{
	"age": func(a, b *Task) int {
		return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.Loop, b.Loop), cmp.Compare(a.ID, b.ID))
	},
	"name":      func(a, b *Task) int { return strings.Compare(a.Name, b.Name) },
	"state":     func(a, b *Task) int { return strings.Compare(string(a.State), string(b.State)) },
	"coroutine": func(a, b *Task) int { return strings.Compare(a.Coroutine.Func, b.Coroutine.Func) },
}

// view is a picture of a loop's tasks, and whose it is.
type view struct {
	monitor *Monitor
	watched *watched
	picture *picture
}

// views returns pictures of the loop of that number, or of all if it is 0, with a
// [*BlockedError] if some of them are old. If the error is another one, there are none.
func (m *Monitor) views(ctx context.Context, operation string, number int) ([]*view, error) {
	loops, err := m.selected(operation, number)
	if err != nil {
		return nil, err
	}
	type answer struct {
		picture *picture
		err     error
	}
	answers := make([]chan answer, len(loops))
	for i, w := range loops {
		answers[i] = make(chan answer, 1)
		ask := func() {
			p, err := w.album.picture(ctx)
			answers[i] <- answer{p, err}
		}
		if w.loop.Kernel().RunsCaller() {
			ask()
		} else {
			go ask()
		}
	}
	views := []*view{}
	var blocked error
	for i, w := range loops {
		a := <-answers[i]
		if w.loop.IsClosed() {
			continue // it has no tasks
		}
		if a.err != nil && blocked == nil {
			blocked = w.blocked(a.picture)
		}
		if a.picture != nil {
			views = append(views, &view{m, w, a.picture})
		}
	}
	return views, blocked
}

// selected returns the loop of that number, or all if it is 0.
func (m *Monitor) selected(operation string, number int) ([]*watched, error) {
	m.mu.Lock()
	loops, closed := m.loops, m.closed
	m.mu.Unlock()
	switch {
	case closed:
		return nil, fmt.Errorf("monitor: %s: %w", operation, ErrClosed)
	case number == 0:
		return loops, nil
	}
	for _, w := range loops {
		if w.number == number {
			return []*watched{w}, nil
		}
	}
	return nil, fmt.Errorf("monitor: %s: there is no loop %d: %w", operation, number, loop.ErrInvalidArgument)
}

// task is what a row shows without a stack.
func (v *view) task(i int) Task {
	r := &v.picture.rows[i]
	t := Task{
		ID:         r.id,
		Loop:       v.watched.number,
		Name:       r.label.String(),
		Coroutine:  Frame{Func: r.coroutine},
		State:      states[r.state],
		AwaitedBy:  v.ids(r.awaitedBy),
		Cancelling: r.cancelling,
	}
	if r.entry != 0 {
		t.Coroutine = v.monitor.symbols.function(r.entry)
	}
	if len(r.on) > 0 {
		t.Waits = &Waits{On: v.ids(r.on)}
	}
	t.Since, t.Before = v.watched.ages.since(r.id, v.picture.taken)
	return t
}

func (v *view) ids(rows []int32) (ids []uint64) {
	for _, i := range rows {
		ids = append(ids, v.picture.rows[i].id)
	}
	return ids
}

// locate adds to the task what its stack tells, if the picture has that.
func (v *view) locate(row int, t *Task, whole bool) {
	stack := v.monitor.symbols.stack(v.watched.album.stack(v.picture, int32(row)))
	in, place := innermost(stack)
	t.Place = place
	if in != "" && t.State == StateWaiting {
		if t.Waits == nil {
			t.Waits = new(Waits)
		}
		t.Waits.In = in
	}
	if whole {
		for _, f := range stack {
			t.Stack = append(t.Stack, newFrame(f))
		}
	}
}

var states = [...]State{
	sched.IsNew:     StateNew,
	sched.IsReady:   StateReady,
	sched.IsRunning: StateRunning,
	sched.IsLent:    StateLent,
	sched.IsWaiting: StateWaiting,
}
