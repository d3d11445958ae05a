package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/task/monitor"
	"github.com/goasyncio/asyncio/task/monitor/debughttp"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

// monitorScreen is a terminal that a test reads: each write of the live view is one frame.
type monitorScreen struct {
	frames chan string
	done   <-chan struct{} // nobody reads any more
}

func (s monitorScreen) Write(p []byte) (int, error) {
	select {
	case s.frames <- string(p):
	case <-s.done:
	}
	return len(p), nil
}

// liveTest is a live view on a scene, and its user.
type liveTest struct {
	t      *testing.T
	ticks  chan time.Time
	lines  chan string
	screen monitorScreen
	status chan int
	stop   context.CancelFunc
}

func startLive(t *testing.T, address string, colours bool) *liveTest {
	t.Helper()
	c, err := connect(t.Context(), &options{address: address, timeout: time.Minute})
	check.NoError(t, err)
	t.Cleanup(c.close)
	v := view{sort: "age"}
	ctx, stop := context.WithCancel(t.Context())
	lt := &liveTest{
		t: t, ticks: make(chan time.Time), lines: make(chan string), status: make(chan int, 1), stop: stop,
		screen: monitorScreen{frames: make(chan string), done: ctx.Done()},
	}
	l := live{
		client: c, view: v, sight: look(ctx, c, v, true), ticks: lt.ticks, lines: lt.lines,
		screen: screen{w: lt.screen, colours: colours, size: func() (int, int) { return 80, 24 }},
	}
	go func() {
		status, err := l.run(ctx)
		if err != nil {
			status = -1
		}
		lt.status <- status
	}()
	return lt
}

// until reads frames until one has the text, and returns it.
func (lt *liveTest) until(text string) string {
	lt.t.Helper()
	for {
		select {
		case f := <-lt.screen.frames:
			if strings.Contains(f, text) {
				return f
			}
		case <-lt.t.Context().Done():
			lt.t.Fatalf("no frame has %q", text)
		}
	}
}

// give gives the view a line or a tick. Frames that it draws meanwhile are passed over.
func give[T any](lt *liveTest, to chan T, what T) {
	lt.t.Helper()
	for {
		select {
		case to <- what:
			return
		case <-lt.screen.frames:
		}
	}
}

// end waits for the end of the view, and returns what it drew last.
func (lt *liveTest) end() (last string) {
	lt.t.Helper()
	for {
		select {
		case last = <-lt.screen.frames:
		case status := <-lt.status:
			check.Equal(lt.t, "status", status, well)
			return last
		}
	}
}

func TestLiveViewShowsWhatIsAskedFor(t *testing.T) {
	lt := startLive(t, scene(t, "stuck").URL, false)
	lt.until(alternateScreen)
	first := lt.until("COUNT")
	check.Contains(t, first, clearScreen, "\x1b[24;1H"+hints[:40], "\x1b[23;1H"+prompt, "stuck: a → b → c → a")
	give(lt, lt.ticks, time.Time{})
	next := lt.until("COUNT")
	check.False(t, "the screen is cleared", strings.Contains(next, clearScreen))
	check.False(t, "the prompt is drawn, where the user types", strings.Contains(next, "\x1b[23;1H"))
	for command, want := range map[string]string{
		"t": "└── d in main.main.func2", "s name": "AWAITED BY", "d": "24  d     waiting", "?": "Type a command",
		"i": "50s ago  stuck", "g": "COUNT", "nonsense": "there is no command nonsense", "/x": "only x, / shows all",
		"\x1b[2J": `there is no command '\x1b[2J'`,
	} {
		give(lt, lt.lines, command)
		lt.until(want)
	}
	give(lt, lt.lines, "21") // a stack that the scene does not have
	lt.until("there is no such thing")
	give(lt, lt.lines, " q ")
	check.Contains(t, lt.end(), normalScreen)
	lt.stop()
}

func TestLiveViewRestoresTheTerminal(t *testing.T) {
	t.Run("after Ctrl+C", func(t *testing.T) {
		var out strings.Builder
		lt := startLive(t, scene(t, "shop").URL, true)
		out.WriteString(lt.until("COUNT"))
		check.Contains(t, out.String(), styles[title]+"COUNT")
		lt.screen.done = nil
		lt.stop()
		lt.end()
	})
	t.Run("at the end of input", func(t *testing.T) {
		lt := startLive(t, scene(t, "shop").URL, false)
		lt.until("COUNT")
		close(lt.lines)
		check.Contains(t, lt.end(), normalScreen)
		lt.stop()
	})
}

func TestLiveViewKeepsWhatItHasWhenNobodyAnswers(t *testing.T) {
	var mu sync.Mutex
	broken := false
	inner := scene(t, "shop").Config.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if broken {
			http.Error(w, "gone", http.StatusBadGateway)
			return
		}
		inner.ServeHTTP(w, r)
	}))
	defer server.Close()
	set := func(b bool) {
		mu.Lock()
		defer mu.Unlock()
		broken = b
	}
	lt := startLive(t, server.URL, false)
	lt.until("shop.fetch")
	set(true)
	give(lt, lt.ticks, time.Time{})
	f := lt.until("no answer for 0s")
	check.Contains(t, f, "shop.fetch", "502")
	give(lt, lt.ticks, time.Time{})
	lt.until("no answer for 1s")
	set(false)
	give(lt, lt.ticks, time.Time{})
	for {
		if f := lt.until("shop.fetch"); !strings.Contains(f, "no answer") {
			break
		}
		give(lt, lt.ticks, time.Time{})
	}
	give(lt, lt.lines, "q")
	lt.end()
	lt.stop()
}

func TestLiveViewShowsABlockedLoop(t *testing.T) {
	lt := startLive(t, scene(t, "blocked").URL, true)
	lt.until(styles[alarm] + "asynctop  4711  loop 1  BLOCKED 0.8s by Task-1187 shop.fetch")
	give(lt, lt.lines, "912") // a stack, which the loop can't give now
	lt.until("not answered yet")
	give(lt, lt.lines, "q")
	lt.end()
	lt.stop()
}

func TestFrameFitsTheScreen(t *testing.T) {
	for _, name := range []string{"shop", "blocked", "stuck", "strange"} {
		c, err := connect(t.Context(), &options{address: scene(t, name).URL, timeout: time.Minute})
		check.NoError(t, err)
		defer c.close()
		for p := groupsPane; p <= helpPane; p++ {
			v := view{pane: p, sort: "age", task: 1, remark: "a remark", filter: "main"}
			s := look(t.Context(), c, v, true)
			for _, w := range []int{1, 2, 20, 80, 300} {
				for _, height := range []int{1, 2, 5, 24, 100} {
					lines := frame(s, &v, w, height)
					if len(lines) > height {
						t.Errorf("%s, pane %d: %d lines on a screen of %d", name, p, len(lines), height)
					}
					for _, l := range lines {
						if width(l.text) > w || printableLine(l.text) != l.text {
							t.Errorf("%s, pane %d: %q on a screen of %d columns", name, p, l.text, w)
						}
					}
				}
			}
		}
	}
}

func TestFrameLeavesOutWhatHasNoRoom(t *testing.T) {
	s := &sight{stats: debughttp.Stats{V: 1}, pane: helpPane}
	lines := frame(s, &view{pane: helpPane}, 80, 10)
	check.Equal(t, "lines", len(lines), 10)
	check.Equal(t, "the last one", lines[9].text, fmt.Sprintf("... and %d more", len(help)-7))

	s.pane = tasksPane
	s.tasks.Snapshot = &monitor.Snapshot{Found: 5000, Tasks: make([]monitor.Task, 200)}
	lines = frame(s, &view{pane: tasksPane}, 80, 10)
	check.Equal(t, "lines", len(lines), 10)
	check.Equal(t, "the last one", lines[9].text, "... and 4994 more") // there are 2 lines above, and the titles

	s.tasks.Tasks = s.tasks.Tasks[:2]
	lines = frame(s, &view{pane: tasksPane}, 80, 10)
	check.Equal(t, "the last one", lines[len(lines)-1].text, "... and 4998 more")
}

func TestWatchPrintsIncidents(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/events" {
			_, _ = io.WriteString(w, `{"v":1}`)
			return
		}
		_, _ = io.WriteString(w, ": a comment\n\nevent: stats\ndata: {}\n\n"+
			"event: blocked\nid: 7\ndata: {\"v\": 1,\ndata:  \"text\": \"a \x7f\u202e\U0001f600\U000e0001 \\u001b\"}\r\n\r\n"+
			"event: stuck\ndata: {\"v\":1}\n\nevent: cut")
	}))
	defer server.Close()
	status, stdout, stderr := asynctop(t, server.URL, "watch")
	check.Equal(t, "status", status, noAnswer)
	check.Equal(t, "stdout", stdout, `{"v":1,"text":"a \u007f\u202e😀\udb40\udc01 \u001b"}`+"\n"+`{"v":1}`+"\n")
	check.Contains(t, stderr, "the program has ended")
}

func TestWatchRefusesWhatIsNoDocument(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/loops" {
			_, _ = io.WriteString(w, `{"v":1}`)
			return
		}
		_, _ = io.WriteString(w, "event: blocked\ndata: {\x1b\n\n")
	}))
	defer server.Close()
	status, stdout, stderr := asynctop(t, server.URL, "watch")
	check.Equal(t, "status", status, noAnswer)
	check.Equal(t, "stdout", stdout, "")
	check.Contains(t, stderr, "event blocked: invalid character")
}

func TestWatchEndsWithItsUser(t *testing.T) {
	begun := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/loops" {
			_, _ = io.WriteString(w, `{"v":1}`)
			return
		}
		_ = http.NewResponseController(w).Flush()
		close(begun)
		<-r.Context().Done()
	}))
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-begun
		cancel()
	}()
	var out, errs strings.Builder
	check.Equal(t, "status", run(ctx, []string{server.URL, "watch"}, strings.NewReader(""), &out, &errs), well)
	check.Equal(t, "stderr", errs.String(), "")
}

func TestCancelNamesTheTask(t *testing.T) {
	inner := scene(t, "shop").Config.Handler
	for name, c := range map[string]struct {
		status       int
		code         int
		said, wanted string
	}{
		"allowed": {well, http.StatusOK, `{"v":1,"cancelled":true}`, "asked task 912 Task-911 to cancel"},
		"refused": {noAnswer, http.StatusForbidden, `{"v":1,"error":"the program does not allow it"}`, "cancel: the program does not allow it"},
	} {
		t.Run(name, func(t *testing.T) {
			var body, kind string
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet {
					inner.ServeHTTP(w, r)
					return
				}
				text, _ := io.ReadAll(r.Body)
				body, kind = string(text), r.Header.Get("Content-Type")
				w.WriteHeader(c.code)
				_, _ = io.WriteString(w, c.said)
			}))
			defer server.Close()
			status, stdout, stderr := asynctop(t, server.URL, "cancel", "912")
			check.Equal(t, "status", status, c.status)
			check.Contains(t, stdout+stderr, c.wanted)
			check.Equal(t, "body", body, `{"loop":1,"task":912,"name":"Task-911"}`)
			check.Equal(t, "content type", kind, "application/json")
		})
	}
}

// brokenWriter is a pipe that nobody reads.
type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestBrokenPipeIsAnError(t *testing.T) {
	server := scene(t, "shop")
	for _, command := range []string{"", "ps", "stats"} {
		var errs strings.Builder
		args := append([]string{server.URL}, strings.Fields(command)...)
		check.Equal(t, "status", run(t.Context(), args, strings.NewReader(""), brokenWriter{}, &errs), noAnswer)
		check.Contains(t, errs.String(), "broken pipe")
	}
}

func TestQueriesCarryTheFlags(t *testing.T) {
	var query string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/tasks" {
			query = r.URL.RawQuery
		}
		_, _ = io.WriteString(w, `{"v":1}`)
	}))
	defer server.Close()
	status, stdout, _ := asynctop(t, "-loop", "2", server.URL, "ps", "-state", "new", "-name", "a b", "-sort", "name", "-limit", "0")
	check.Equal(t, "status", status, well)
	check.Equal(t, "query", query, "limit=0&loop=2&name=a+b&places=1&sort=name&state=new")
	check.Contains(t, stdout, "ID  NAME")
}

func TestFirstStatsAreAskedForAgain(t *testing.T) {
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/stats" {
			asked++
			_, _ = fmt.Fprintf(w, `{"v":1,"loops":[{"loop":1,"over":%d}]}`, asked-1)
			return
		}
		_, _ = io.WriteString(w, `{"v":1}`)
	}))
	defer server.Close()
	c, err := connect(t.Context(), &options{address: server.URL, timeout: time.Minute})
	check.NoError(t, err)
	defer c.close()
	second := make(chan time.Time, 1)
	second <- time.Time{}
	c.second = func() <-chan time.Time { return second }
	s, err := measured(t.Context(), c)
	check.NoError(t, err)
	check.Equal(t, "over", s.Loops[0].Over, 1)
	check.Equal(t, "times", asked, 2)
	s, err = measured(t.Context(), c)
	check.NoError(t, err)
	check.Equal(t, "over", s.Loops[0].Over, 2)
	check.Equal(t, "times", asked, 3)

	asked = 0
	ctx, cancel := context.WithCancel(t.Context())
	c.second = func() <-chan time.Time { cancel(); return nil }
	_, err = measured(ctx, c)
	check.Is(t, err, context.Canceled)
}
