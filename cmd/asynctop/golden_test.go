package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"go.uber.org/goleak"

	"github.com/goasyncio/asyncio/task/monitor/debughttp"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

func TestMain(m *testing.M) {
	flag.Parse()
	if err := os.Unsetenv("COLUMNS"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		removeDemo()
		os.Exit(code)
	}))
}

var update = flag.Bool("update", false, "write the golden screens")

// scene serves the documents of a directory. A document that is missing is refused; one named NAME.503.json is what the
// server says in place of NAME.
func scene(t *testing.T, name string) *httptest.Server {
	t.Helper()
	dir := filepath.Join("testdata", name)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		path := strings.Trim(r.URL.Path, "/")
		if path == "tree" {
			path = "tasks"
		}
		doc, err := os.ReadFile(filepath.Join(dir, path+".json"))
		if err != nil {
			status := http.StatusServiceUnavailable
			if doc, err = os.ReadFile(filepath.Join(dir, path+".503.json")); err != nil {
				status, doc = http.StatusNotFound, []byte(`{"v":1,"error":"there is no such thing"}`)
			}
			w.WriteHeader(status)
		}
		_, _ = w.Write(doc)
	}))
	t.Cleanup(s.Close)
	return s
}

// asynctop runs the program and returns what it printed.
func asynctop(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	status = run(t.Context(), args, strings.NewReader(""), &out, &err)
	return status, out.String(), err.String()
}

// golden compares a screen with the one in testdata.
func golden(t *testing.T, path, got string) {
	t.Helper()
	path = filepath.Join("testdata", path)
	if *update {
		check.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	check.NoError(t, err)
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", path, got, want)
	}
}

func TestCommandsPrintGoldenScreens(t *testing.T) {
	for name, c := range map[string]struct {
		status  int
		columns string
		args    []string
	}{
		"shop/ps":              {args: []string{"ps"}},
		"shop/ps80":            {args: []string{"ps"}, columns: "80"},
		"shop/pstree":          {args: []string{"pstree"}},
		"shop/groups":          {args: []string{"groups"}},
		"shop/stack":           {args: []string{"stack", "912"}},
		"shop/stuck":           {args: []string{"stuck"}},
		"shop/stats":           {args: []string{"stats"}},
		"shop/live":            {},
		"shop/live_tasks":      {args: []string{"-name", "fetch"}},
		"blocked/ps":           {trouble, "", []string{"ps"}},
		"blocked/pstree":       {trouble, "", []string{"pstree"}},
		"blocked/groups":       {trouble, "", []string{"groups"}},
		"blocked/stack":        {trouble, "", []string{"stack", "912"}},
		"blocked/stuck":        {trouble, "", []string{"stuck"}},
		"blocked/stats":        {trouble, "", []string{"stats"}},
		"blocked/live":         {trouble, "", nil},
		"stuck/ps":             {args: []string{"ps"}},
		"stuck/pstree":         {trouble, "", []string{"pstree"}},
		"stuck/stuck":          {trouble, "", []string{"stuck"}},
		"stuck/live":           {trouble, "", nil},
		"strange/ps":           {args: []string{"ps"}},
		"strange/ps100":        {args: []string{"ps"}, columns: "100"},
		"strange/pstree":       {trouble, "100", []string{"pstree"}},
		"strange/groups":       {args: []string{"groups"}},
		"strange/stack":        {args: []string{"stack", "1"}},
		"strange/stuck":        {trouble, "", []string{"stuck"}},
		"strange/stats":        {args: []string{"stats"}},
		"strange/live":         {trouble, "", nil},
		"strange/live_columns": {trouble, "60", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("COLUMNS", c.columns)
			dir, _, _ := strings.Cut(name, "/")
			server := scene(t, dir)
			status, stdout, stderr := asynctop(t, append([]string{server.URL}, c.args...)...)
			check.Equal(t, "status", status, c.status)
			text := stdout
			if stderr != "" {
				text += "--- stderr\n" + stderr
			}
			golden(t, name+".txt", text)
			if i := strings.IndexFunc(text, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }); i >= 0 {
				t.Errorf("%q reaches the terminal", text[i:min(i+10, len(text))])
			}
			if c.columns == "" {
				return
			}
			for l := range strings.SplitSeq(stdout, "\n") {
				if limit := lineLimit(os.Stdout); width(l) > limit {
					t.Errorf("the line takes %d columns of %d: %s", width(l), limit, l)
				}
			}
		})
	}
}

// The command line and the addresses.

func TestHelpIsPrinted(t *testing.T) {
	status, _, stderr := asynctop(t, "-h")
	check.Equal(t, "status", status, well)
	check.Contains(t, stderr, append([]string{"usage: asynctop", "-timeout"}, commandNames...)...)
}

func TestMistakesInTheCommandLineAreNamed(t *testing.T) {
	for line, want := range map[string]string{
		"-x":                      "not defined",
		"what":                    `"what" is neither an address nor a command`,
		"4711 what":               `there is no command "what"`,
		"stack":                   "stack needs the ID of a task",
		"stack x":                 `"x" is not the ID`,
		"cancel 0":                `"0" is not the ID`,
		"ps 7":                    `unexpected argument "7"`,
		"ps -limit -1":            "there can't be -1 tasks",
		"-timeout 0s ps":          "an answer takes some time",
		"groups -by age":          `there are no groups by "age"`,
		"ps -sort size":           `there is no column "size"`,
		"ps -state dead":          `there is no state "dead"`,
		"localhost:1:2 ps":        "is no address",
		"http://%zz/ ps":          "invalid URL escape",
		"unix:/does/not/exist ps": "no answer",
	} {
		t.Run(line, func(t *testing.T) {
			status, stdout, stderr := asynctop(t, strings.Fields(line)...)
			check.Equal(t, "status", status, noAnswer)
			check.Equal(t, "stdout", stdout, "")
			check.Contains(t, stderr, "asynctop: ", want)
		})
	}
}

func TestNobodyAnswers(t *testing.T) {
	server := scene(t, "shop")
	server.Close()
	for _, command := range []string{"", "ps", "watch", "cancel 1"} {
		status, _, stderr := asynctop(t, append([]string{server.URL}, strings.Fields(command)...)...)
		check.Equal(t, "status", status, noAnswer)
		check.Contains(t, stderr, "asynctop: loops: no answer: ")
	}
}

func TestNoAnswerInTime(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer server.Close()
	defer close(release)
	status, _, stderr := asynctop(t, server.URL, "ps", "-timeout", "1ms")
	check.Equal(t, "status", status, noAnswer)
	check.Contains(t, stderr, "asynctop: loops: no answer in 1ms")
}

func TestSomethingElseAnswers(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"nothing": http.NotFound,
		"a page":  func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>\x1b[2J")) },
		"JSON":    func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("{}")) },
	} {
		server := httptest.NewServer(handler)
		status, stdout, stderr := asynctop(t, server.URL, "ps")
		server.Close()
		check.Equal(t, name, status, noAnswer)
		check.Equal(t, name, stdout, "")
		check.Contains(t, stderr, errNoMonitor.Error())
		check.False(t, "an escape sequence", strings.Contains(stderr, "\x1b"))
	}
}

func TestErrorsOfTheServerArePrintedSafely(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/loops" {
			_, _ = w.Write([]byte(`{"v":1}`))
			return
		}
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte(`{"v":1,"error":"\u001b[2J"}`))
	}))
	defer server.Close()
	status, _, stderr := asynctop(t, server.URL, "ps")
	check.Equal(t, "status", status, noAnswer)
	check.Equal(t, "stderr", stderr, `asynctop: tasks: \u001b[2J`+"\n")
}

func TestMountedHandlerIsFound(t *testing.T) {
	inner := scene(t, "shop").Config.Handler
	mux := http.NewServeMux()
	mux.Handle("/debug/asyncio/", http.StripPrefix("/debug/asyncio", inner))
	server := httptest.NewServer(mux)
	defer server.Close()
	for _, address := range []string{server.Listener.Addr().String(), server.URL, server.URL + "/debug/asyncio", server.URL + "/debug/asyncio/?loop=1#x"} {
		status, stdout, stderr := asynctop(t, address, "ps")
		check.Equal(t, address, status, well)
		check.Equal(t, address, stderr, "")
		check.Contains(t, stdout, "Task-911")
	}
	status, _, _ := asynctop(t, server.URL+"/other/", "ps")
	check.Equal(t, "status elsewhere", status, noAnswer)
}

// unixScene serves a scene at a socket.
func unixScene(t *testing.T, path, name string) {
	t.Helper()
	server := httptest.NewUnstartedServer(scene(t, name).Config.Handler)
	check.NoError(t, server.Listener.Close())
	server.Listener = listenUnix(t, path)
	server.Start()
	t.Cleanup(server.Close)
}

func TestSocketsAreFound(t *testing.T) {
	dir := t.TempDir()
	one, other := filepath.Join(dir, "1.sock"), filepath.Join(dir, "2.sock")
	unixScene(t, one, "shop")
	list := func(s ...debughttp.Socket) func() ([]debughttp.Socket, error) {
		return func() ([]debughttp.Socket, error) { return s, nil }
	}

	status, stdout, _ := asynctop(t, "unix:"+one, "ps")
	check.Equal(t, "status", status, well)
	check.Contains(t, stdout, "Task-911")

	p, err := locate("", list(debughttp.Socket{PID: 1, Path: one}))
	check.NoError(t, err)
	check.Equal(t, "the only one", p.address, one)

	two := list(debughttp.Socket{PID: 1, Path: one}, debughttp.Socket{PID: 2, Path: other})
	p, err = locate("2", two)
	check.NoError(t, err)
	check.Equal(t, "the one that is meant", p.address, other)

	_, err = locate("4", two)
	check.Says(t, err, "process 4 has no socket")

	_, err = locate("", list())
	check.Says(t, err, "no process of yours listens")

	_, err = locate("", two)
	check.Says(t, err, "2 processes listen", "asynctop 1 ", "asynctop 2 ", one, other)

	fails := func() ([]debughttp.Socket, error) { return nil, context.Canceled }
	for _, address := range []string{"", "7"} {
		_, err = locate(address, fails)
		check.True(t, "the error of the directory", errors.Is(err, context.Canceled))
	}
}

func listenUnix(t *testing.T, path string) net.Listener {
	t.Helper()
	l, err := net.Listen("unix", path)
	check.NoError(t, err)
	return l
}
