package tasktest_test

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/task"
	"github.com/goasyncio/asyncio/task/tasktest"
)

// twoWorkers notes what two tasks and a callback do.
func twoWorkers(ctx context.Context, t *tasktest.T) *tasktest.Events {
	e := t.Events()
	e.Add("begin")
	t.Loop().CallLater(1500*time.Millisecond, func() { e.Add("a callback") })
	err := task.WithGroup(ctx, func(ctx context.Context, g *task.Group) error {
		for i, name := range []string{"ann", "bob"} {
			g.Go(func(ctx context.Context) error {
				err := task.Sleep(ctx, time.Duration(i+1)*time.Second)
				e.Addf("got %d", i+1)
				return err
			}, task.Name(name))
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	return e
}

func TestEventsWantTakesFourForms(t *testing.T) {
	tasktest.Table(t, map[string][]string{
		"all":          {"0s main: begin", "1s ann: got 1", "1.5s a callback", "2s bob: got 2"},
		"without time": {"main: begin", "ann: got 1", "a callback", "bob: got 2"},
		"without task": {"0s begin", "1s got 1", "1.5s a callback", "2s got 2"},
		"text":         {"begin", "got 1", "a callback", "got 2"},
	}, func(ctx context.Context, t *tasktest.T, lines []string) {
		twoWorkers(ctx, t).Want(lines...)
	})
}

func TestEventsWantShowsADiffAndWhatCame(t *testing.T) {
	for _, test := range []struct {
		name  string
		lines []string
		want  string
	}{
		{"nothing wanted", nil, `
the events differ:
--- want
+++ got
@@ -0,0 +1,4 @@
+0s main: begin
+1s ann: got 1
+1.5s a callback
+2s bob: got 2
what came, as source:
	"0s main: begin",
	"1s ann: got 1",
	"1.5s a callback",
	"2s bob: got 2",`},
		{"text", []string{"begin", "a callback", "got 1", "got 2"}, `
the events differ:
--- want
+++ got
@@ -1,4 +1,4 @@
 begin
-a callback
 got 1
+a callback
 got 2
what came, as source:
	"begin",
	"got 1",
	"a callback",
	"got 2",`},
		{"one task", []string{"main: begin", "ann: got 1", "a callback", "ann: got 2"}, `
the events differ:
--- want
+++ got
@@ -1,4 +1,4 @@
 main: begin
 ann: got 1
 a callback
-ann: got 2
+bob: got 2
what came, as source:
	"main: begin",
	"ann: got 1",
	"a callback",
	"bob: got 2",`},
		{"one time", []string{"0s begin", "1s got 1", "1s a callback", "2s got 2"}, `
the events differ:
--- want
+++ got
@@ -1,4 +1,4 @@
 0s begin
 1s got 1
-1s a callback
+1.5s a callback
 2s got 2
what came, as source:
	"0s begin",
	"1s got 1",
	"1.5s a callback",
	"2s got 2",`},
	} {
		t.Run(test.name, func(t *testing.T) {
			wantHeard(t, hear(t, func(ctx context.Context, t *tasktest.T) { twoWorkers(ctx, t).Want(test.lines...) }), test.want)
		})
	}
}

func TestEventsWantWithoutEvents(t *testing.T) {
	wantHeard(t, hear(t, func(_ context.Context, t *tasktest.T) { t.Events().Want() }), "")
	wantHeard(t, hear(t, func(_ context.Context, t *tasktest.T) { t.Events().Want("a") }), `
the events differ:
--- want
+++ got
@@ -1 +0,0 @@
-a
what came, as source: nothing`)
}

func TestEventsAreLinesOfSource(t *testing.T) {
	text := hear(t, func(_ context.Context, t *tasktest.T) {
		t.Events().Add("two\nlines")
		t.Events().Add(`said "yes"`)
		t.Events().Add("a `tick` and a \"quote\"")
		t.Events().Want("x")
	})
	_, source, _ := strings.Cut(text, "as source:")
	wantHeard(t, source, "\t`0s main: two\\nlines`,\n\t`0s main: said \"yes\"`,\n\t\"0s main: a `tick` and a \\\"quote\\\"\",")
}

func TestEventsThatHoldInEveryOrder(t *testing.T) {
	tasktest.Run(t, func(ctx context.Context, t *tasktest.T) {
		e := twoWorkers(ctx, t)
		e.Before("begin", "2s bob: got 2")
		e.Before("ann: got 1", "1.5s a callback")
		e.Count("begin", 1)
		e.Count("bob: got 2", 1)
		e.Count("ann: got 2", 0)
		e.Count("got 3", 0)
		e.Never("got 3")
		e.Add("begin")
		e.Count("begin", 2)
		e.Before("begin", "got 1") // the first one counts
	})
}

func TestEventsThatDoNotHold(t *testing.T) {
	for _, test := range []struct {
		name string
		fn   func(e *tasktest.Events)
		want string
	}{
		{"before: the other order", func(e *tasktest.Events) { e.Before("b", "a") }, `
events: "b" has not come before "a", but
  0s main: a
  0s main: b`},
		{"before: the same", func(e *tasktest.Events) { e.Before("a", "main: a") }, `
events: "a" has not come before "main: a", but
  0s main: a
  0s main: b`},
		{"before: the first is missing", func(e *tasktest.Events) { e.Before("x", "a") }, `
events: "x" has not come, but
  0s main: a
  0s main: b`},
		{"before: the second is missing", func(e *tasktest.Events) { e.Before("a", "x") }, `
events: "x" has not come, but
  0s main: a
  0s main: b`},
		{"count", func(e *tasktest.Events) { e.Count("a", 2) }, `
events: "a" has come 1 times, want 2:
  0s main: a
  0s main: b`},
		{"never: before", func(e *tasktest.Events) { e.Never("a") }, `events: "a" was never to come: 0s main: a`},
		{"never: after", func(e *tasktest.Events) { e.Never("c"); e.Add("c") }, `events: "c" was never to come: 0s main: c`},
	} {
		t.Run(test.name, func(t *testing.T) {
			wantHeard(t, hear(t, func(_ context.Context, t *tasktest.T) {
				t.Events().Add("a")
				t.Events().Add("b")
				test.fn(t.Events())
			}), test.want)
		})
	}
	wantHeard(t, hear(t, func(_ context.Context, t *tasktest.T) { t.Events().Count("a", 1) }), `
events: "a" has come 0 times, want 1:
  (nothing)`)
}

func TestEventsOfNobody(t *testing.T) {
	var e *tasktest.Events
	e.Add("a")
	e.Addf("b %d", 1)
	if text := e.String(); text != "" {
		t.Errorf("String of a nil Events is %q", text)
	}
}

func TestEventsInCleanups(t *testing.T) {
	tasktest.Run(t, func(_ context.Context, t *tasktest.T) {
		t.Cleanup(func() {
			t.Events().Want("main: in the test", "main: in a clean-up on the loop", "in a clean-up after the loop")
		})
		t.Cleanup(func() { t.Events().Add("in a clean-up after the loop") })
		t.AsyncCleanup(func(context.Context) error {
			t.Events().Add("in a clean-up on the loop")
			return nil
		})
		t.Events().Add("in the test")
	})
}

func TestEventsWantFile(t *testing.T) {
	tasktest.Run(t, func(ctx context.Context, t *tasktest.T) { twoWorkers(ctx, t).WantFile("twoworkers.events") })
}

func TestEventsWantFileThatDiffersOrIsMissing(t *testing.T) {
	t.Chdir(t.TempDir())
	file := filepath.Join("testdata", "deep", "a.events")
	check := func(ctx context.Context, t *tasktest.T) {
		t.Events().Add("a")
		t.Events().WantFile("deep/a.events")
	}
	wantHeard(t, hear(t, check), "events: there is no "+file+"; -asyncio.update writes it")

	update(t)
	wantHeard(t, hear(t, check), "")
	text, err := os.ReadFile(file)
	if err != nil || string(text) != "0s main: a\n" {
		t.Fatalf("the file is %q, %v", text, err)
	}
	if err := flag.Set("asyncio.update", "false"); err != nil {
		t.Fatal(err)
	}
	wantHeard(t, hear(t, check), "")

	if err := os.WriteFile(file, []byte("0s main: b\r\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	wantHeard(t, hear(t, check), "the events differ from "+file+` (-asyncio.update writes it anew):
--- want
+++ got
@@ -1 +1 @@
-0s main: b
+0s main: a`)
}

func TestEventsWantFileWithoutEvents(t *testing.T) {
	t.Chdir(t.TempDir())
	check := func(ctx context.Context, t *tasktest.T) { t.Events().WantFile("none.events") }
	update(t)
	wantHeard(t, hear(t, check), "")
	text, err := os.ReadFile(filepath.Join("testdata", "none.events"))
	if err != nil || len(text) > 0 {
		t.Errorf("the file is %q, %v", text, err)
	}
}

func TestEventsWantFileThatCannotBeWrittenOrRead(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.MkdirAll(filepath.Join("testdata", "directory"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join("testdata", "file"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	check := func(name string) string {
		return hear(t, func(ctx context.Context, t *tasktest.T) {
			t.Events().WantFile(name)
			t.Error("the test goes on")
		})
	}
	if text := check("directory"); !strings.HasPrefix(text, "events: ") || strings.Contains(text, "goes on") {
		t.Errorf("reading a directory: %s", text)
	}
	update(t)
	for _, name := range []string{"directory", "file/deep"} {
		if text := check(name); !strings.HasPrefix(text, "events: ") || strings.Contains(text, "goes on") {
			t.Errorf("writing %s: %s", name, text)
		}
	}
}

// What fails is reported at the line of the test.
func TestEventsFailAtTheLineOfTheTest(t *testing.T) {
	output := child(t, func(t *testing.T) {
		tasktest.Run(t, func(_ context.Context, t *tasktest.T) {
			e := t.Events()
			e.Want("x")
			e.Before("x", "y")
			e.Count("x", 1)
			e.Add("z")
			e.Never("z")
			e.Add("z")
			e.Addf("%s", "z")
			_ = t.Suspends(t.Context(), func(context.Context) error { return nil })
			_ = t.NeverSuspends(t.Context(), task.Yield)
			e.WantFile("missing")
		})
	})
	n := 0
	for line := range strings.Lines(output) {
		if strings.HasPrefix(line, "    events_test.go:") {
			n++
		}
	}
	if n != 9 {
		t.Errorf("%d of 9 failures are reported at a line of this file:\n%s", n, output)
	}
}

// The order of the first schedule is asyncio's, which the others do not overwrite.
func TestEventsWantFileIsWrittenByTheFirstSchedule(t *testing.T) {
	dir := os.Getenv("TASKTEST_DIR") // of the child
	if dir == "" {
		dir = t.TempDir()
		t.Setenv("TASKTEST_DIR", dir)
	}
	output := child(t, func(t *testing.T) {
		t.Chdir(dir)
		update(t)
		tasktest.Explore(t, func(ctx context.Context, t *tasktest.T) {
			for _, name := range []string{"first", "second"} {
				t.Loop().CallLater(time.Second, func() { t.Events().Add(name) })
			}
			if err := task.Sleep(ctx, 2*time.Second); err != nil {
				t.Error(err)
			}
			t.Events().WantFile("a.events")
		})
	})
	if !strings.Contains(output, "-1s first\n") {
		t.Errorf("the output is\n%s", output)
	}
	text, err := os.ReadFile(filepath.Join(dir, "testdata", "a.events"))
	if err != nil || string(text) != "1s first\n1s second\n" {
		t.Errorf("the file is %q, %v", text, err)
	}
}

// update sets the flag -asyncio.update for the test.
func update(t *testing.T) {
	before := flag.Lookup("asyncio.update").Value.String()
	t.Cleanup(func() {
		if err := flag.Set("asyncio.update", before); err != nil {
			t.Error(err)
		}
	})
	if err := flag.Set("asyncio.update", "true"); err != nil {
		t.Fatal(err)
	}
}
