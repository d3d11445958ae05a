package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/goasyncio/asyncio/task/monitor"
	"github.com/goasyncio/asyncio/task/monitor/debughttp"
)

// perform does what the command line asks for, and returns the exit status. If there is an error, there was no answer.
func perform(ctx context.Context, c *client, o *options, stdin io.Reader, stdout, stderr io.Writer) (int, error) {
	switch o.command {
	case "":
		return liveView(ctx, c, o, stdin, stdout)
	case "watch":
		return watch(ctx, c, stdout)
	case "cancel":
		return cancelTask(ctx, c, o.task, stdout)
	}
	limit := lineLimit(stdout)
	var r report
	var err error
	switch o.command {
	case "ps":
		r, err = ps(ctx, c, o, limit)
	case "pstree":
		r, err = pstree(ctx, c)
	case "groups":
		r, err = groups(ctx, c, o.by, limit)
	case "stack":
		r, err = stack(ctx, c, o.task)
	case "stuck":
		r, err = stuck(ctx, c, limit)
	case "stats":
		r, err = stats(ctx, c)
	}
	var blocked *blockedError
	if errors.As(err, &blocked) {
		r, err = report{blocked: blocked.incident}, nil
	}
	if err != nil {
		return noAnswer, err
	}
	return r.print(stdout, stderr, limit)
}

// report is what a command has found out.
type report struct {
	lines   []string
	blocked *monitor.Incident // what holds the loop, if something does
	age     time.Duration     // of what the lines show
	trouble bool              // of another kind
}

// print writes the report, and returns the exit status that it deserves.
func (r report) print(stdout, stderr io.Writer, limit int) (int, error) {
	var b strings.Builder
	for _, l := range r.lines {
		b.WriteString(cut(printableLine(l), limit) + "\n")
	}
	if _, err := io.WriteString(stdout, b.String()); err != nil {
		return noAnswer, err
	}
	if r.blocked != nil {
		text := fmt.Sprintf("loop %d %s", r.blocked.Loop, blockedText(r.blocked))
		if r.age >= time.Second {
			text += fmt.Sprintf("\nwhat is shown is %s old", monitor.FormatAge(r.age))
		}
		if _, err := io.WriteString(stderr, printable(text)+"\n"); err != nil {
			return noAnswer, err
		}
	}
	if r.blocked != nil && !r.blocked.Suspect || r.trouble {
		return trouble, nil
	}
	return well, nil
}

func ps(ctx context.Context, c *client, o *options, limit int) (report, error) {
	tasks, err := tasksOf(ctx, c, "tasks", taskQuery(o.state, o.name, o.sort, o.limit))
	if err != nil {
		return report{}, err
	}
	return report{lines: taskTable(tasks.Snapshot, limit), blocked: tasks.Blocked, age: seconds(tasks.Age)}, nil
}

func pstree(ctx context.Context, c *client) (report, error) {
	tasks, err := tasksOf(ctx, c, "tree", url.Values{"format": {"json"}})
	if err != nil {
		return report{}, err
	}
	r := report{lines: treeText(tasks.Snapshot), blocked: tasks.Blocked, age: seconds(tasks.Age)}
	if tasks.Blocked != nil {
		return r, nil // a loop that is blocked can't be asked who is stuck
	}
	sets, err := get[debughttp.Stuck](ctx, c, "stuck", nil)
	if err != nil {
		return report{}, err
	}
	text := stuckText(&sets)
	r.lines, r.trouble = append(r.lines, text...), len(text) > 0
	return r, nil
}

// tasksOf asks for a document with a snapshot, which is there, if it is empty.
func tasksOf(ctx context.Context, c *client, path string, query url.Values) (debughttp.Tasks, error) {
	tasks, err := get[debughttp.Tasks](ctx, c, path, query)
	if tasks.Snapshot == nil {
		tasks.Snapshot = &monitor.Snapshot{}
	}
	return tasks, err
}

func groups(ctx context.Context, c *client, by string, limit int) (report, error) {
	g, err := get[debughttp.Groups](ctx, c, "groups", url.Values{"by": {by}})
	if err != nil {
		return report{}, err
	}
	return report{lines: groupTable(&g, c.time, limit), blocked: g.Blocked, age: seconds(g.Age)}, nil
}

func stack(ctx context.Context, c *client, id uint64) (report, error) {
	s, err := get[debughttp.Stacks](ctx, c, "stacks", url.Values{"task": {strconv.FormatUint(id, 10)}})
	if err != nil {
		return report{}, err
	}
	return report{lines: stackReport(&s.Task), blocked: s.Blocked, age: seconds(s.Age)}, nil
}

// stackReport is the stack of a task, and where the task was created.
func stackReport(t *monitor.Task) []string {
	head := fmt.Sprintf("%d %s %s, %s", t.ID, plain(t.Name), coroutine(t), t.State)
	if t.Waits != nil && t.Waits.In != "" {
		head += " in " + function(t.Waits.In)
	}
	if t.Cancelling > 0 {
		head += ", cancelled " + number(t.Cancelling, "time")
	}
	lines := append([]string{head}, stackText(t.Stack, "  ")...)
	if len(t.Stack) == 0 {
		lines = append(lines, "  no stack: it has not begun, or has no goroutine now")
	}
	if len(t.Created) > 0 {
		lines = append(append(lines, "created by"), stackText(t.Created, "  ")...)
	}
	return lines
}

func stuck(ctx context.Context, c *client, limit int) (report, error) {
	loops, err := get[debughttp.Loops](ctx, c, "loops", nil)
	if err != nil {
		return report{}, err
	}
	for _, l := range loops.Loops {
		if l.Blocked != nil {
			return report{lines: append([]string{l.Blocked.Text}, stackText(l.Blocked.Stack, "  ")...), blocked: l.Blocked}, nil
		}
	}
	sets, err := get[debughttp.Stuck](ctx, c, "stuck", nil)
	if err != nil {
		return report{}, err
	}
	if len(sets.Sets) == 0 {
		return report{lines: []string{"no loop is blocked, and no tasks wait for each other in a circle"}}, nil
	}
	return report{lines: stuckTables(&sets, c.time, limit), trouble: true}, nil
}

func stats(ctx context.Context, c *client) (report, error) {
	s, err := measured(ctx, c)
	if err != nil {
		return report{}, err
	}
	var r report
	if len(s.Loops) == 0 {
		r.lines = []string{"no loop is watched now"}
	}
	for i := range s.Loops {
		l := &s.Loops[i]
		if i > 0 {
			r.lines = append(r.lines, "")
		}
		r.lines = append(r.lines, statsText(l)...)
		if r.blocked == nil {
			r.blocked = l.Blocked
		}
	}
	return r, nil
}

// measured asks for stats that have rates: the first ones that a program is asked for have none.
func measured(ctx context.Context, c *client) (debughttp.Stats, error) {
	s, err := get[debughttp.Stats](ctx, c, "stats", nil)
	first := len(s.Loops) == 0 // or they are not noticed yet
	for _, l := range s.Loops {
		first = first || l.Over == 0
	}
	if err != nil || !first {
		return s, err
	}
	select {
	case <-c.second():
	case <-ctx.Done():
		return s, context.Cause(ctx)
	}
	return get[debughttp.Stats](ctx, c, "stats", nil)
}

// statsText is what a loop has counted.
func statsText(l *debughttp.LoopStats) []string {
	s := &l.Stats
	busy := "not measured"
	if !s.Timed.IsZero() {
		busy = fmt.Sprintf("%v busy, %v idle", s.Busy.Round(time.Millisecond), s.Idle.Round(time.Millisecond))
	}
	rows := [][2]string{
		{"loop", fmt.Sprintf("%d, %s", l.Loop.Loop, l.State)},
		{"utilization", fmt.Sprintf("%.1f%% of late; %s", 100*l.Utilization, busy)},
		{"lag", fmt.Sprintf("p50 %s, p99 %s, max %s: how late a timer is",
			short(seconds(l.Lag.P50)), short(seconds(l.Lag.P99)), short(seconds(l.Lag.Max)))},
		{"probe", fmt.Sprintf("p50 %s, p99 %s, max %s: what a call from another goroutine waits",
			short(seconds(l.Probe.P50)), short(seconds(l.Probe.P99)), short(seconds(l.Probe.Max)))},
		{"per second", fmt.Sprintf("%s steps, %s callbacks, %s iterations, %s posted, %s tasks",
			rounded(l.Rates.Steps), rounded(l.Rates.Callbacks), rounded(l.Rates.Iterations), rounded(l.Rates.Posted),
			signed(l.Rates.Tasks))},
		{"tasks", fmt.Sprintf("%d now; of %d created %d returned, %d failed, %d cancelled, %d destroyed",
			l.Tasks, s.TasksCreated, s.TasksReturned, s.TasksFailed, s.TasksCancelled, s.TasksDestroyed)},
		{"handles", fmt.Sprintf("%d ready now, %d in the inbox; %d steps, %d callbacks, %d internal, %d dropped",
			s.Ready, s.Inbox, s.Steps, s.Callbacks, s.Internal, s.Dropped)},
		{"iterations", fmt.Sprintf("%d, %d sleeps, %d handles posted by other goroutines", s.Iterations, s.Sleeps, s.Posted)},
		{"timers", fmt.Sprintf("%d now, %d set", s.Timers, s.TimersSet)},
		{"workers", fmt.Sprintf("%d now, %d of them idle, %d started", s.Workers, s.IdleWorkers, s.WorkersStarted)},
		{"threads", fmt.Sprintf("%d functions running, %d waiting", s.Threads, s.ThreadsWaiting)},
		{"exceptions", fmt.Sprintf("%d for the exception handler", s.Exceptions)},
	}
	for _, g := range l.Gauges {
		value := strconv.Itoa(g.Value)
		if g.Growing {
			value += ", growing"
		}
		rows = append(rows, [2]string{"gauge", plain(g.Name) + " " + value})
	}
	var lines []string
	for _, r := range rows {
		lines = append(lines, pad(r[0], 13)+r[1])
	}
	return lines
}

// cancelTask asks for the name of the task, without which the program cancels nothing, and then for its cancellation.
func cancelTask(ctx context.Context, c *client, id uint64, stdout io.Writer) (int, error) {
	found, err := get[debughttp.Stacks](ctx, c, "stacks", url.Values{"task": {strconv.FormatUint(id, 10)}})
	if err != nil {
		return noAnswer, err
	}
	if err := c.cancel(ctx, found.Task); err != nil {
		return noAnswer, err
	}
	_, err = fmt.Fprintf(stdout, "asked task %d %s to cancel: ps shows it as long as it cleans up\n", id, plain(found.Task.Name))
	return well, err
}

// watch prints incidents as they come, until the user ends it.
func watch(ctx context.Context, c *client, stdout io.Writer) (int, error) {
	err := c.events(ctx, func(event string, data []byte) error {
		if event == "stats" {
			return nil
		}
		var text bytes.Buffer
		if err := json.Compact(&text, data); err != nil {
			return fmt.Errorf("event %s: %w", event, err)
		}
		// What can't be printed may stand in strings only, where it may be escaped.
		_, err := io.WriteString(stdout, escape(text.String(), unicode.IsPrint)+"\n")
		return err
	})
	if ctx.Err() != nil {
		return well, nil
	}
	if err == io.EOF {
		err = fmt.Errorf("events: the program has ended, or closed its monitor")
	}
	return noAnswer, err
}
