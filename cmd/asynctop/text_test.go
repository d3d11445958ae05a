package main

import (
	"strings"
	"testing"
	"time"

	"github.com/goasyncio/asyncio/task/monitor"
	"github.com/goasyncio/asyncio/task/tasktest/check"
)

func TestWidthCountsColumns(t *testing.T) {
	for text, want := range map[string]int{"": 0, "abc": 3, "注文": 4, "e\u0301": 1, "😀": 2, "─│": 2, "…": 1} {
		check.Equal(t, text, width(text), want)
	}
}

func TestCutTakesNoMoreColumns(t *testing.T) {
	for _, c := range []struct {
		text string
		n    int
		want string
	}{
		{"abcdef", 0, "abcdef"}, {"abcdef", 6, "abcdef"}, {"abcdef", 4, "abc…"}, {"ab cdef", 4, "ab…"},
		{"注文の処理", 6, "注文…"}, {"注文の処理", 5, "注文…"}, {"注文の処理", 2, "…"}, {"abc", 1, "…"},
	} {
		check.Equal(t, c.text, cut(c.text, c.n), c.want)
	}
}

func TestUnitsAreShort(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-1: "0ms", 20 * time.Microsecond: "20µs", 500 * time.Microsecond: "0.5ms", 42 * time.Millisecond: "42ms",
		800 * time.Millisecond: "0.8s", 99 * time.Second: "99.0s", 200 * time.Second: "3m20s",
	} {
		check.Equal(t, d.String(), short(d), want)
	}
	for n, want := range map[float64]string{0: "0", 999: "999", 1234: "1.2k", 41234: "41k", 12345678: "12.3M"} {
		check.Equal(t, want, rounded(n), want)
	}
	for part, want := range map[float64]string{-1: "", 0: "", 1: "████", 2: "████", 0.5: "██", 0.28: "█▏"} {
		check.Equal(t, want, bar(part, 4), want)
	}
}

func TestBlockedTextNamesTheCallInTheProgram(t *testing.T) {
	sleep, in := monitor.Frame{Func: "time.Sleep", File: "/go/time.go", Line: 1}, monitor.Frame{Func: "shop.fetch", File: "/x/fetch.go", Line: 31}
	library := monitor.Frame{Func: module + "task.(*sched).main", File: "/m/main.go", Line: 5}
	for _, c := range []struct {
		incident monitor.Incident
		want     string
	}{
		{monitor.Incident{}, "BLOCKED 0ms by a callback"},
		{monitor.Incident{Suspect: true}, "has not answered for 0ms, perhaps because of a callback"},
		{monitor.Incident{Stack: []monitor.Frame{sleep, library}}, "BLOCKED 0ms by a callback  time.Sleep"},
		{monitor.Incident{Stack: []monitor.Frame{sleep, {Func: "main.f", File: `C:\x\f.go`, Line: 7}}}, "BLOCKED 0ms by a callback in main.f  time.Sleep  f.go:7"},
		{monitor.Incident{Stack: []monitor.Frame{{Func: "example.com/a/b.(*T[go/x]).F", File: "f.go", Line: 7}}}, "BLOCKED 0ms by a callback in b.(*T[go/x]).F  f.go:7"},
		{monitor.Incident{Stack: []monitor.Frame{sleep, in}, Task: &monitor.Task{Name: "t", Coroutine: monitor.Frame{Func: "shop.main"}}},
			"BLOCKED 0ms by t shop.main  time.Sleep  fetch.go:31"},
		{monitor.Incident{Stack: []monitor.Frame{library, in}, Task: &monitor.Task{Name: "t", Coroutine: in}},
			"BLOCKED 0ms by t shop.fetch  task.(*sched).main  fetch.go:31"},
	} {
		check.Equal(t, c.want, blockedText(&c.incident), c.want)
	}
}

func TestReportOfALoopThatIsOnlySlowIsNoTrouble(t *testing.T) {
	for _, suspect := range []bool{true, false} {
		var stdout, stderr strings.Builder
		status, err := report{blocked: &monitor.Incident{Loop: 1, Suspect: suspect}}.print(&stdout, &stderr, 100)
		check.NoError(t, err)
		check.Equal(t, "status", status, map[bool]int{true: well, false: trouble}[suspect])
		check.Contains(t, stderr.String(), "loop 1 ")
	}
}
