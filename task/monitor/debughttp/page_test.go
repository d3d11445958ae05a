package debughttp

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/task/monitor"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

func TestPageIsSmallAndNeedsNothing(t *testing.T) {
	check.True(t, fmt.Sprintf("%d bytes are at most 40 KB", len(pageText)), len(pageText) <= 40<<10)
	for _, element := range []string{"script", "style"} {
		check.Equal(t, "elements "+element, strings.Count(pageText, "<"+element), 1)
		check.Contains(t, pageText, "<"+element+">")
	}
	for _, way := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"} {
		check.False(t, way, strings.Contains(pageText, way))
	}
	addresses := regexp.MustCompile(`https?://[\w.]+`).FindAllString(pageText, -1)
	addresses = slices.DeleteFunc(addresses, func(a string) bool { return a == "http://www.w3.org" }) // a name in XML
	check.Equal(t, "addresses", addresses, nil)
}

// ownServices are those that browsers ask on their own account, whatever the page. The page
// has no addresses in it, and its policy would have the browser report them.
var ownServices = regexp.MustCompile(`\.(google|googleapis|gvt1|gstatic)\.com(:\d+)?$`)

// visit has a browser without a screen show the page, and returns the elements in it then,
// what the browser has reported, and what was asked for.
func visit(t *testing.T, f *fake, query string) (dom, console string, requests []string) {
	t.Helper()
	if testing.Short() {
		t.Skip("a browser takes seconds")
	}
	browser := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			browser = path
			break
		}
	}
	if browser == "" {
		t.Skip("there is neither chromium nor google-chrome")
	}
	s := httptest.NewServer(serve(f).serving())
	defer s.Close()
	target, err := url.Parse(s.URL)
	check.NoError(t, err)

	// All that the browser asks for goes through this proxy, which knows one server only.
	var mu sync.Mutex
	pass := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target); r.Out.Host = r.In.Host }}
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		requests = append(requests, r.Method+" "+r.Host+" "+r.URL.Path)
		mu.Unlock()
		if r.Host != target.Host {
			http.Error(w, "there is no such server", http.StatusBadGateway)
			return
		}
		pass.ServeHTTP(w, r)
	}))
	defer proxy.Close()
	dir, err := os.MkdirTemp("", "browser")
	check.NoError(t, err)
	defer os.RemoveAll(dir) // the browser may still write there

	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-default-apps", "--disable-extensions",
		"--user-data-dir="+dir, "--proxy-server="+proxy.URL, "--proxy-bypass-list=<-loopback>",
		"--enable-logging=stderr", "--virtual-time-budget=4000", "--dump-dom", s.URL+"/debug/asyncio/?poll=1&"+query)
	cmd.WaitDelay = 10 * time.Second
	var out, log strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &log
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s", err, log.String())
	}
	for line := range strings.SplitSeq(log.String(), "\n") {
		if strings.Contains(line, "CONSOLE") {
			console += line + "\n"
		}
	}
	mu.Lock()
	defer mu.Unlock()
	for _, r := range requests {
		if host := strings.Fields(r)[1]; host != target.Host && !ownServices.MatchString(host) {
			t.Errorf("something else was asked for: %s", r)
		}
	}
	_, body, _ := strings.Cut(out.String(), "<body>")
	body, _, _ = strings.Cut(body, "<script>")
	check.Contains(t, body, "</header>")
	return body, console, requests
}

// cells returns the texts of a column of the table.
func cells(dom string, column int) (texts []string) {
	for _, row := range regexp.MustCompile(`(?s)<tr data-task.*?</tr>`).FindAllString(dom, -1) {
		all := regexp.MustCompile(`(?s)<td[^>]*>(.*?)</td>`).FindAllStringSubmatch(row, -1)
		texts = append(texts, all[column][1])
	}
	return texts
}

func TestPageShowsTasks(t *testing.T) {
	const name = 1
	for query, want := range map[string][]string{
		"tab=tasks":                       {"Task-1", "orders", "Task-911"},
		"tab=tasks&sort=-age":             {"Task-911", "orders", "Task-1"},
		"tab=tasks&sort=-id&filter=shop.": {"Task-911", "orders"},
	} {
		t.Run(query, func(t *testing.T) {
			f := shop()
			f.incidents = nil
			dom, console, requests := visit(t, f, query)
			check.Equal(t, "names", cells(dom, name), want)
			check.Equal(t, "console", console, "")
			check.False(t, "red bar", strings.Contains(dom, "has been blocked"))
			check.True(t, fmt.Sprint(requests), slices.ContainsFunc(requests, func(r string) bool { return strings.HasSuffix(r, "/stats") }))
			check.False(t, "events", slices.ContainsFunc(requests, func(r string) bool { return strings.HasSuffix(r, "/events") }))
		})
	}
}

func TestPageShowsWhatBlocksAndWhatIsStuck(t *testing.T) {
	dom, console, _ := visit(t, shop(), "tab=tree&task=7")
	check.Equal(t, "console", console, "")
	check.Contains(t, dom,
		"Loop 1 has been blocked for ", "by Task-911 (shop.fetch)", "net/http.(*Client).Do: use ToThread", "client.go:587", // the red bar
		"2 tasks are stuck:", "a → b → a",
		"├── ", "└── ", "in shop.consume at shop.go:88, sync.(*Queue).Get, cancelling", // the tree
		"99.9 %", "41k/s", "8,112", "gauge, growing", // figures
		"sync.(*Queue[…]).Get", "queue.go:70", "main.go:33", // the detail pane
	)
}

func TestPageShowsNamesAsText(t *testing.T) {
	const evil = `<img src=x onerror="console.error('owned')">`
	for _, query := range []string{"tab=tasks&task=7", "tab=tree&task=7", "tab=groups", "tab=incidents&filter=" + url.QueryEscape(evil)} {
		t.Run(query[:10], func(t *testing.T) {
			f := shop()
			for i := range f.snapshot.Tasks {
				f.snapshot.Tasks[i].Name = evil
				f.snapshot.Tasks[i].Coroutine.Func = "main." + evil
				f.snapshot.Tasks[i].Stack = []monitor.Frame{{Func: evil, File: evil}}
			}
			f.groups[0].Coroutine.Func = evil
			f.stuck[0][0].Name = evil
			f.incidents[2].Text, f.incidents[2].Hint = evil, evil
			f.incidents[2].Stack[0].Func = evil
			dom, console, _ := visit(t, f, query)
			check.Equal(t, "console", console, "")
			check.Contains(t, dom, "&lt;img src=x onerror=")
			check.False(t, "an element", strings.Contains(dom, "<img"))
		})
	}
}

func TestPageCountsRowsThatItDoesNotDraw(t *testing.T) {
	f := shop()
	f.incidents, f.snapshot.Tasks = nil, nil
	for id := range uint64(5000) {
		f.snapshot.Tasks = append(f.snapshot.Tasks, monitor.Task{
			ID: id + 1, Loop: 1, Name: fmt.Sprint("Task-", id+1), State: monitor.StateWaiting, Coroutine: frame("shop.leak", "leak.go", 1),
		})
	}
	f.snapshot.Total = 5000
	dom, console, _ := visit(t, f, "tab=tasks")
	check.Equal(t, "console", console, "")
	check.Equal(t, "rows", len(cells(dom, 1)), 500)
	check.Contains(t, dom, "4,500 more are not shown")
}
