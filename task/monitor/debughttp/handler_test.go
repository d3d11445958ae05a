package debughttp

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/loop"
	"github.com/goasyncio/asyncio/task/monitor"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

var update = flag.Bool("update", false, "write the golden files")

func TestHandlerAnswersAsItDid(t *testing.T) {
	h := serve(shop(), AllowCancel()).serving()
	var got strings.Builder
	for _, path := range []string{
		"loops", "stats", "stats?loop=2", "tasks?limit=2", "tasks?format=text", "tasks?format=csv", "tree", "tree?format=json&name=orders",
		"groups", "groups?loop=2", "stacks", "stacks?task=7", "stacks?task=7&format=text", "stacks?task=8", "stuck", "stuck?loop=2", "incidents",
		"tasks?limit=many", "tasks?state=bored", "nothing",
	} {
		r := ask(t, h, "GET", path, "")
		body := text(t, r)
		if r.Header.Get("Content-Type") == "application/json" {
			var b bytes.Buffer
			check.NoError(t, json.Indent(&b, []byte(body), "", "\t"))
			body = strings.Replace(b.String(), fmt.Sprintf(`"pid": %d`, os.Getpid()), `"pid": 4711`, 1)
		}
		fmt.Fprintf(&got, "--- GET %s\n%d %s\n%s", path, r.StatusCode, r.Header.Get("Content-Type"), body)
	}
	const file = "testdata/answers.txt"
	if *update {
		check.NoError(t, os.WriteFile(file, []byte(got.String()), 0o644))
	}
	want, err := os.ReadFile(file)
	check.NoError(t, err)
	gotLines, wantLines := strings.Split(got.String(), "\n"), strings.Split(string(want), "\n")
	for i := range max(len(gotLines), len(wantLines)) {
		if i >= len(gotLines) || i >= len(wantLines) || gotLines[i] != wantLines[i] {
			t.Fatalf("line %d of %s differs: got\n%s\nwant\n%s", i+1, file, strings.Join(gotLines[min(i, len(gotLines)):], "\n"),
				strings.Join(wantLines[min(i, len(wantLines)):], "\n"))
		}
	}
}

func TestHandlerPassesTheQueryOn(t *testing.T) {
	f := shop()
	h := serve(f).serving()
	for _, path := range []string{
		"tasks", "tasks?loop=2&state=waiting&name=shop&sort=coroutine&limit=0&places=1", "tree?loop=3", "stacks?task=18446744073&loop=1",
	} {
		check.True(t, path, ask(t, h, "GET", path, "").StatusCode < 500)
	}
	want := []monitor.Query{
		{Limit: 200, Sort: "age"},
		{Loop: 2, State: monitor.StateWaiting, Name: "shop", Sort: "coroutine", Places: true},
		{Loop: 3, Places: true},
		{Loop: 1, Task: 18446744073, Places: true, Stacks: true},
	}
	check.True(t, fmt.Sprintf("queries are %v", f.queries), slices.Equal(f.queries, want))
}

func TestHandlerSaysThatALoopDoesNotAnswer(t *testing.T) {
	f := shop()
	i, _ := f.Blocked(1)
	f.err = &monitor.BlockedError{Loop: 1, Since: noon.Add(-time.Second), Incident: &i}
	h := serve(f).serving()

	var tasks Tasks
	decode(t, ask(t, h, "GET", "tasks", ""), http.StatusOK, &tasks)
	check.Equal(t, "age", tasks.Age, 0.2)
	check.Equal(t, "what blocks", tasks.Blocked.Number, 3)
	check.Equal(t, "tasks", len(tasks.Tasks), 3)

	var groups Groups
	decode(t, ask(t, h, "GET", "groups", ""), http.StatusOK, &groups)
	check.Equal(t, "age", groups.Age, 1)
	check.Equal(t, "what blocks", groups.Blocked.Number, 3)

	check.Contains(t, text(t, ask(t, h, "GET", "tasks?format=text", "")), "as of 0.2 s ago: Task-911 (shop.fetch) has held the loop")

	var stuck Stuck // those of other loops
	decode(t, ask(t, h, "GET", "stuck", ""), http.StatusOK, &stuck)
	check.Equal(t, "sets", len(stuck.Sets), 1)
	check.Equal(t, "what blocks", stuck.Blocked.Number, 3)

	f.err = &monitor.BlockedError{Loop: 1, Stopped: true} // nothing holds it
	tasks = Tasks{}
	decode(t, ask(t, h, "GET", "tasks", ""), http.StatusOK, &tasks)
	check.True(t, "not blocked", tasks.Blocked == nil)

	f.snapshot, f.groups, f.stuck = nil, nil, nil
	for _, path := range []string{"tasks", "tree", "groups", "stacks?task=1", "stuck"} {
		var answer Error
		decode(t, ask(t, h, "GET", path, ""), http.StatusServiceUnavailable, &answer)
		check.Contains(t, answer.Error, "loop 1 is not running")
	}
}

func decode[T any](t *testing.T, r *http.Response, status int, v *T) {
	t.Helper()
	body := text(t, r)
	check.Equal(t, "status", r.StatusCode, status)
	if err := json.Unmarshal([]byte(body), v); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
}

func TestHandlerIsWhereItIsMounted(t *testing.T) {
	f := shop()
	mux := http.NewServeMux()
	mux.Handle("/debug/asyncio/", serve(f).serving())
	check.Equal(t, "status", ask(t, mux, "GET", "loops", "").StatusCode, http.StatusOK)
	other := serve(f, Prefix("/debug/asyncio/deeper")).serving()
	check.Equal(t, "status", ask(t, other, "GET", "loops", "").StatusCode, http.StatusNotFound)
	check.Equal(t, "status", ask(t, other, "GET", "deeper/loops", "").StatusCode, http.StatusOK)
	check.Equal(t, "status", ask(t, other, "GET", "deeper/", "").StatusCode, http.StatusOK)
}

func TestOptionsThatAreWrongPanic(t *testing.T) {
	for name, option := range map[string]func(){
		"relative prefix": func() { Prefix("debug") },
		"pattern":         func() { Prefix("/{x}") },
		"empty host":      func() { AllowHosts("") },
		"host with port":  func() { AllowHosts("example.com:80") },
		"nil option":      func() { Handler(nil, nil) },
		"nil function":    func() { Announce(nil) },
	} {
		func() {
			defer func() {
				err, _ := recover().(error)
				if name == "nil option" || name == "nil function" {
					check.Is(t, err, loop.ErrNilFunc)
				} else {
					check.Is(t, err, loop.ErrInvalidArgument)
				}
			}()
			option()
			t.Errorf("%s: no panic", name)
		}()
	}
}
