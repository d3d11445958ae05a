package tracing_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/trace"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest/check"
	"github.com/goasyncio/asyncio/task/tracing"
)

var errTest = errors.New("test error")

// recorded calls fn while a trace runs, and returns the trace.
func recorded(t *testing.T, fn func()) []byte {
	t.Helper()
	var buf bytes.Buffer
	check.NoError(t, trace.Start(&buf))
	func() {
		defer trace.Stop()
		fn()
	}()
	return buf.Bytes()
}

// event is one of a trace that concerns tasks and regions.
type event struct {
	kind      string // TaskBegin, TaskEnd, RegionBegin, RegionEnd or Log
	goroutine string
	task      string // the id of the task
	parent    string // that of its parent, in a TaskBegin
	text      string // the type, or the message of a Log
}

// reader is the command that reads traces, empty if there is none that works.
var reader = sync.OnceValue(func() string {
	var empty bytes.Buffer
	if trace.Start(&empty) != nil {
		return ""
	}
	trace.Stop()
	file, err := os.CreateTemp("", "asyncio-trace-*")
	if err != nil {
		return ""
	}
	defer func() { _ = os.Remove(file.Name()) }()
	_, err = file.Write(empty.Bytes())
	if errors.Join(err, file.Close()) != nil || exec.Command("go", "tool", "trace", "-d=parsed", file.Name()).Run() != nil {
		return ""
	}
	path, err := exec.Command("go", "tool", "-n", "trace").Output() // which is faster than to ask the go command each time
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(path))
})

// needReader skips a test that cannot read traces.
func needReader(t *testing.T) {
	t.Helper()
	if reader() == "" {
		t.Skip("the command go tool trace does not work here")
	}
}

var (
	eventLine = regexp.MustCompile(`^M=\S+ P=\S+ G=(\S+) (TaskBegin|TaskEnd|RegionBegin|RegionEnd|Log) Time=\S+ (.*)`)
	fields    = regexp.MustCompile(`(\w+)=("(?:[^"\\]|\\.)*"|\S+)`)
)

// events reads a trace, and fails if it cannot be read to the end, as one whose regions are
// not nested.
func events(t *testing.T, data []byte) (all []event) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "trace")
	check.NoError(t, os.WriteFile(file, data, 0o600))
	var complaint bytes.Buffer
	cmd := exec.Command(reader(), "-d=parsed", file)
	cmd.Stderr = &complaint
	text, err := cmd.Output()
	if err != nil {
		t.Fatalf("the trace cannot be read: %v: %s", err, complaint.Bytes())
	}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		line := eventLine.FindStringSubmatch(lines.Text())
		if line == nil {
			continue
		}
		e := event{goroutine: line[1], kind: line[2]}
		for _, f := range fields.FindAllStringSubmatch(line[3], -1) {
			switch f[1] {
			case "ID", "Task":
				e.task = f[2]
			case "Parent":
				e.parent = f[2]
			case "Type", "Message":
				e.text = strings.Trim(f[2], `"`)
			}
		}
		all = append(all, e)
	}
	return all
}

// traceOf runs main while a trace runs, and returns the events.
func traceOf(t *testing.T, o tracing.Options, main func(ctx context.Context)) []event {
	t.Helper()
	needReader(t)
	return events(t, recorded(t, func() { run(t, o, main) }))
}

// story is what happens to the tasks of that type, one line for each event, without ids.
func story(all []event, kind string) (lines []string) {
	ids := make(map[string]bool)
	for _, e := range all {
		if e.kind == "TaskBegin" && e.text == kind {
			ids[e.task] = true
		}
		if ids[e.task] {
			line := e.kind + " " + e.text
			if strings.HasPrefix(e.kind, "Task") {
				line = e.kind
			}
			lines = append(lines, line)
		}
	}
	return lines
}

func idOf(all []event, kind string) string {
	for _, e := range all {
		if e.kind == "TaskBegin" && e.text == kind {
			return e.task
		}
	}
	return "none"
}

// The functions of tasks, which have names.

func fetch(ctx context.Context) error {
	trace.WithRegion(ctx, "own", func() {})
	defer trace.StartRegion(ctx, "across an await").End()
	return task.Yield(ctx)
}

func fetchTwice(ctx context.Context) error {
	for range 2 {
		if err := task.Go(ctx, fetch, task.Name("a fetch")).Join(ctx); err != nil {
			return err
		}
	}
	return nil
}

func brief(context.Context) error { return nil }

func startsEagerly(ctx context.Context) error {
	inner := task.Go(ctx, threeSteps, task.Eager(), task.Name("inner"))
	task.Go(ctx, brief, task.Eager(), task.Name("brief"))
	return inner.Join(ctx)
}

func TestTraceOfTasks(t *testing.T) {
	all := traceOf(t, tracing.Options{Trace: true}, func(ctx context.Context) {
		join(t, ctx, task.Go(ctx, fetchTwice, task.Name("both")))
	})
	check.Equal(t, "fetchTwice", story(all, "tracing_test.fetchTwice"), []string{
		"TaskBegin", "RegionBegin tracing_test.fetchTwice", "Log both", "RegionEnd tracing_test.fetchTwice", "TaskEnd",
	})
	once := []string{
		"TaskBegin", "RegionBegin tracing_test.fetch", "Log a fetch", "RegionBegin own", "RegionEnd own",
		"RegionBegin across an await", "RegionEnd across an await", "RegionEnd tracing_test.fetch", "TaskEnd",
	}
	check.Equal(t, "fetch", story(all, "tracing_test.fetch"), append(once, once...))
	parent := idOf(all, "tracing_test.fetchTwice")
	for _, e := range all {
		if e.kind == "TaskBegin" && e.text == "tracing_test.fetch" {
			check.Equal(t, "parent", e.parent, parent)
		}
	}
}

func TestTraceOfTasksWithinTasksOfTheProgram(t *testing.T) {
	all := traceOf(t, tracing.Options{Trace: true}, func(ctx context.Context) {
		ctx, own := trace.NewTask(ctx, "request")
		join(t, ctx, task.Go(ctx, brief))
		own.End()
	})
	for _, e := range all {
		if e.kind == "TaskBegin" && e.text == "tracing_test.brief" {
			check.Equal(t, "parent", e.parent, idOf(all, "request"))
			return
		}
	}
	t.Error("there is no such task")
}

func TestTraceOfEagerTasks(t *testing.T) {
	all := traceOf(t, tracing.Options{Steps: true}, func(ctx context.Context) {
		join(t, ctx, task.Go(ctx, startsEagerly, task.Name("outer")))
	})
	check.Equal(t, "outer", story(all, "tracing_test.startsEagerly"), []string{
		"TaskBegin", "RegionBegin tracing_test.startsEagerly", "Log outer",
		"RegionBegin tracing_test.startsEagerly (step)", "RegionEnd tracing_test.startsEagerly (step)",
		"RegionBegin tracing_test.startsEagerly (step)", "RegionEnd tracing_test.startsEagerly (step)",
		"RegionEnd tracing_test.startsEagerly", "TaskEnd",
	})
	check.Equal(t, "brief", story(all, "tracing_test.brief"), []string{
		"TaskBegin", "RegionBegin tracing_test.brief", "Log brief",
		"RegionBegin tracing_test.brief (step)", "RegionEnd tracing_test.brief (step)", "RegionEnd tracing_test.brief", "TaskEnd",
	})
}

func TestTraceOfAnUnbornTask(t *testing.T) {
	all := traceOf(t, tracing.Options{Steps: true}, func(ctx context.Context) {
		task.Go(ctx, brief).Cancel()
		check.NoError(t, task.Yield(ctx))
	})
	check.Equal(t, "brief", story(all, "tracing_test.brief"), []string{"TaskBegin", "TaskEnd"})
}

func panics(context.Context) error { panic(errTest) }

func exits(context.Context) error {
	runtime.Goexit()
	return nil
}

func waits(ctx context.Context) error {
	defer trace.StartRegion(ctx, "waiting").End()
	return task.Sleep(ctx, time.Hour)
}

func sleeps(ctx context.Context) error { return task.Sleep(ctx, time.Hour) }

// Coroutines that do not return end all the same, and leave their goroutines to others in
// order.
func TestTraceOfCoroutinesThatDoNotReturn(t *testing.T) {
	needReader(t)
	for _, handoff := range []task.Handoff{task.Channels, task.IterPull} {
		t.Run(handoff.String(), func(t *testing.T) {
			all := events(t, recorded(t, func() {
				l := loop.New()
				task.SetHandoff(l, handoff)
				check.Collect(l)
				tracing.Install(l, tracing.Options{Trace: true})
				done := make(chan struct{})
				go func() {
					defer close(done)
					_ = l.RunForever()
				}()
				wait := func(coro func(context.Context) error) {
					_, _ = task.RunCoroutineThreadsafe(l, task.Void(coro)).Result(context.Background())
				}
				wait(panics)
				wait(func(ctx context.Context) error {
					task.Go(ctx, waits)
					return task.Yield(ctx)
				})
				_, _ = l.CallSoonThreadsafe(func() { task.CreateOn(l, task.Void(exits)) })
				<-done
				check.NoError(t, l.Close())
			}))
			for _, name := range []string{"panics", "exits"} {
				name = "tracing_test." + name
				lines := story(all, name)
				if len(lines) != 5 {
					t.Fatalf("%s: %q", name, lines)
				}
				check.Equal(t, name, []string{lines[1], lines[3], lines[4]}, []string{"RegionBegin " + name, "RegionEnd " + name, "TaskEnd"})
			}
			lines := story(all, "tracing_test.waits")
			check.Equal(t, "waits", lines[len(lines)-3:], []string{"RegionEnd waiting", "RegionEnd tracing_test.waits", "TaskEnd"})
		})
	}
}

func TestTraceOfSteps(t *testing.T) {
	all := traceOf(t, tracing.Options{Steps: true}, func(ctx context.Context) {
		join(t, ctx, task.Go(ctx, threeSteps), task.Go(ctx, threeSteps))
	})
	on := ""
	count := 0
	for _, e := range all {
		if e.text == "tracing_test.threeSteps (step)" {
			if count++; count%2 == 1 {
				on = e.goroutine
			}
			check.Equal(t, "kind", e.kind, []string{"RegionEnd", "RegionBegin"}[count%2])
			check.Equal(t, "goroutine", e.goroutine, on)
		}
	}
	check.Equal(t, "events of steps", count, 12)
}

func threeSteps(ctx context.Context) error {
	return errors.Join(task.Yield(ctx), task.Yield(ctx))
}

func TestTraceWhoseStepsAreNoLongerWanted(t *testing.T) {
	all := traceOf(t, tracing.Options{Trace: true}, func(ctx context.Context) {
		remove := tracing.Install(loop.Running(ctx), tracing.Options{Steps: true})
		tk := task.Go(ctx, func(ctx context.Context) error {
			if err := task.Yield(ctx); err != nil {
				return err
			}
			remove() // in the midst of a step
			return fetch(ctx)
		})
		join(t, ctx, tk)
		join(t, ctx, task.Go(ctx, brief))
	})
	check.Equal(t, "brief", len(story(all, "tracing_test.brief")), 5) // it can be read so far
}

func TestTraceOfRenamedTasks(t *testing.T) {
	all := traceOf(t, tracing.Options{Trace: true}, func(ctx context.Context) {
		tk := task.Go(ctx, threeSteps, task.Name("a"))
		tk.SetName("b") // it has not begun
		check.NoError(t, errors.Join(task.Yield(ctx), task.Yield(ctx)))
		tk.SetName("c")
		join(t, ctx, tk)
		tk.SetName("d") // it is over
	})
	check.Equal(t, "threeSteps", story(all, "tracing_test.threeSteps"), []string{
		"TaskBegin", "RegionBegin tracing_test.threeSteps", "Log b", "Log c", "RegionEnd tracing_test.threeSteps", "TaskEnd",
	})
}

// A trace may begin and end at any time.
func TestTraceThatRunsForAWhile(t *testing.T) {
	needReader(t)
	var first, second bytes.Buffer
	run(t, tracing.Options{Steps: true}, func(ctx context.Context) {
		old := task.Go(ctx, threeSteps)
		check.NoError(t, task.Yield(ctx))
		check.NoError(t, trace.Start(&first))
		young := task.Go(ctx, sleeps)
		check.NoError(t, errors.Join(old.Join(ctx), task.Yield(ctx)))
		trace.Stop()
		unseen := task.Go(ctx, brief)
		join(t, ctx, unseen)
		check.NoError(t, trace.Start(&second))
		join(t, ctx, task.Go(ctx, brief), young)
		trace.Stop()
	})
	all := events(t, first.Bytes())
	check.Equal(t, "an old task", len(story(all, "tracing_test.threeSteps")), 0)
	check.Equal(t, "a young one", len(story(all, "tracing_test.sleeps")) > 0, true)
	check.Equal(t, "one of later", len(story(all, "tracing_test.brief")), 0)
	all = events(t, second.Bytes())
	check.Equal(t, "one of now", len(story(all, "tracing_test.brief")), 7)
}

func TestTraceOfTheFlightRecorder(t *testing.T) {
	needReader(t)
	var buf bytes.Buffer
	run(t, tracing.Options{Trace: true}, func(ctx context.Context) {
		fr := trace.NewFlightRecorder(trace.FlightRecorderConfig{})
		check.NoError(t, fr.Start())
		defer fr.Stop()
		join(t, ctx, task.Go(ctx, brief, task.Name("a")))
		_, err := fr.WriteTo(&buf)
		check.NoError(t, err)
	})
	check.Equal(t, "brief", story(events(t, buf.Bytes()), "tracing_test.brief"), []string{
		"TaskBegin", "RegionBegin tracing_test.brief", "Log a", "RegionEnd tracing_test.brief", "TaskEnd",
	})
}

func TestTraceThatIsNotInstalled(t *testing.T) {
	all := traceOf(t, tracing.Options{}, func(ctx context.Context) {
		l := loop.Running(ctx)
		first, second := tracing.Install(l, tracing.Options{Trace: true}), tracing.Install(l, tracing.Options{Trace: true})
		first()
		first()
		join(t, ctx, task.Go(ctx, brief)) // the second one wants it
		second()
		join(t, ctx, task.Go(ctx, fetch))
	})
	check.Equal(t, "brief", len(story(all, "tracing_test.brief")), 5)
	check.Equal(t, "fetch", len(story(all, "tracing_test.fetch")), 0)
}
