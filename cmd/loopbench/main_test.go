package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/goasyncio/asyncio/cmd/loopbench/internal/bench"
	"github.com/goasyncio/asyncio/cmd/loopbench/internal/report"
	"github.com/goasyncio/asyncio/cmd/loopbench/internal/serve"
)

// TestMain lets the test binary be its own child, as the program is.
func TestMain(m *testing.M) {
	if request, ok := os.LookupEnv(childRequest); ok {
		os.Exit(runChild(request, os.Stdin, os.Stdout, os.Stderr))
	}
	goleak.VerifyTestMain(m)
}

// tiny is a scale at which every workload is done in no time, and within the number of goroutines that the race
// detector allows.
const tiny = "0.0005"

// loopbench runs the program and returns what it printed.
func loopbench(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	status = run(t.Context(), args, &out, &err)
	return status, out.String(), err.String()
}

func TestWorkloadsAreMeasuredOnEveryPeerThatIsCompiledIn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "report.json")
	status, stdout, stderr := loopbench(t, "-peers", "none", "-scale", tiny, "-count", "2", "-sweep", "yes", "-json", path)
	if status != statusOK {
		t.Fatalf("status %d\n%s", status, stderr)
	}
	r := readReport(t, path)
	if len(r.Notes) > 0 {
		t.Errorf("notes: %q", r.Notes)
	}
	measured := make(map[string]report.Workload)
	for _, w := range r.Workloads {
		measured[w.Name] = w
	}
	for _, w := range bench.Workloads() {
		results, ok := measured[w.Name]
		if !ok {
			t.Errorf("%s was not measured", w.Name)
			continue
		}
		for _, k := range knownPeers() {
			p := peer{only: k.only}
			if k.runtime != bench.Compiled || k.observed != "" || (len(p.only) > 0 && !strings.Contains(strings.Join(p.only, " "), w.Name)) {
				continue
			}
			result := results.Result(k.Name)
			switch {
			case result == nil:
				t.Errorf("%s was not measured on %s", w.Name, k.Name)
			case result.Ops == 0 || result.Ops%w.Done(results.Params) != 0:
				t.Errorf("%s on %s did %d operations, want times %d", w.Name, k.Name, result.Ops, w.Done(results.Params))
			case len(result.Rounds) != 2:
				t.Errorf("%s on %s: %d rounds, want 2", w.Name, k.Name, len(result.Rounds))
			case (result.Latency != nil) != (w.Metric == bench.Latency):
				t.Errorf("%s on %s: distribution %+v", w.Name, k.Name, result.Latency)
			}
		}
		if !strings.Contains(stdout, "\n"+w.Name+" ") {
			t.Errorf("%s is not in the table", w.Name)
		}
	}
}

func readReport(t *testing.T, path string) report.Report {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var r report.Report
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestCommandLineThatIsWrongIsRefusedWithAReason(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"unknown flag":        {[]string{"-nonsense"}, "-nonsense"},
		"unknown workload":    {[]string{"-run", "nonsense"}, `no workload matches "nonsense"`},
		"not a pattern":       {[]string{"-run", "("}, "-run: "},
		"unknown peer":        {[]string{"-peers", "go,perl"}, `no peer "perl"`},
		"argument":            {[]string{"yield_1"}, `-run "yield_1"`},
		"no work":             {[]string{"-scale", "0"}, "-scale"},
		"undefined work":      {[]string{"-scale", "NaN"}, "-scale"},
		"endless work":        {[]string{"-scale", "Inf"}, "-scale"},
		"negative rounds":     {[]string{"-count", "-1"}, "-count"},
		"rounds not a number": {[]string{"-count", "many"}, "-count"},
		"unknown format":      {[]string{"-format", "xml"}, "table, gobench, markdown"},
		"unknown sweep":       {[]string{"-sweep", "auto"}, "-sweep: it is yes or no"},
		"unknown look":        {[]string{"-observe", "closely"}, "off, all, timer, stats, watch, labels, trace"},
		"look as a peer":      {[]string{"-peers", "loop-watch"}, `no peer "loop-watch"`},
		"file in no folder":   {[]string{"-json", filepath.Join(dir, "none", "x.json")}, "-json"},
		"document without":    {[]string{"-full", "-doc", filepath.Join(dir, "none.md")}, "-doc"},
		"quick document":      {[]string{"-doc", filepath.Join(dir, "none.md")}, "-doc: a quick look is not for a document: add -full"},
	} {
		t.Run(name, func(t *testing.T) {
			status, stdout, stderr := loopbench(t, append(c.args, "-list")...)
			if name == "argument" {
				status, stdout, stderr = loopbench(t, c.args...)
			}
			if status != statusUsage || !strings.Contains(stderr, c.want) || stdout != "" {
				t.Errorf("status %d, want %d and an error with %q; stderr:\n%sstdout:\n%s", status, statusUsage, c.want, stderr, stdout)
			}
		})
	}
}

func TestHelpIsNotAnError(t *testing.T) {
	status, _, stderr := loopbench(t, "-h")
	if status != statusOK || !strings.Contains(stderr, "-peers list") || !strings.Contains(stderr, "cpython-eager") {
		t.Errorf("status %d\n%s", status, stderr)
	}
}

func TestPeerAskedForByNameMustBeThere(t *testing.T) {
	status, _, stderr := loopbench(t, "-peers", "loop,cpython", "-python", filepath.Join(t.TempDir(), "python3"), "-run", "yield_1$", "-scale", tiny)
	if status != statusFailed || !strings.Contains(stderr, "-peers: cpython: ") {
		t.Errorf("status %d\n%s", status, stderr)
	}
}

func TestObservedLoopsAreMeasuredWhenAskedFor(t *testing.T) {
	for how, want := range map[string][]string{
		"off":   {"loop"},
		"watch": {"loop", "loop-watch"},
		"all":   {"loop", "loop-timer", "loop-stats", "loop-watch", "loop-labels", "loop-trace"},
	} {
		path := filepath.Join(t.TempDir(), "report.json")
		status, _, stderr := loopbench(t, "-peers", "loop", "-observe", how, "-run", "^yield_1$", "-scale", tiny, "-count", "1", "-json", path)
		if status != statusOK {
			t.Fatalf("status %d\n%s", status, stderr)
		}
		var got []string
		for _, p := range readReport(t, path).Peers {
			got = append(got, p.Name)
		}
		if !slices.Equal(got, want) {
			t.Errorf("-observe %s: the peers are %q, want %q", how, got, want)
		}
	}
}

func TestInterpretersMayBeMissing(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	status, stdout, stderr := loopbench(t, "-run", "create_await", "-scale", tiny)
	if status != statusOK {
		t.Fatalf("status %d\n%s", status, stderr)
	}
	for _, want := range []string{"not compared with cpython: there is no Python 3.11 or newer", "not compared with uvloop", "not compared with node"} {
		if !strings.Contains(stderr, want) || !strings.Contains(stdout, want) {
			t.Errorf("%q is missing in\n%s\n%s", want, stderr, stdout)
		}
	}
	if !regexp.MustCompile(`(?m)^create_await .*x$`).MatchString(stdout) {
		t.Errorf("no figures in\n%s", stdout)
	}
}

func TestShimsThatPointNowhereAreSkippedWithALine(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("needs a shell")
	}
	directory := t.TempDir()
	shim := filepath.Join(directory, "python3.13")
	script := "#!/bin/sh\necho 'pyenv: python3.13: command not found\n\nThe command exists in these Python versions:\n  3.13.0\n' >&2\nexit 127\n"
	if err := os.WriteFile(shim, []byte(script), 0o777); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", directory)
	skipped := shim + " cannot be run: exit status 127: it is a shim of pyenv, which has not selected a version that has it: set PYENV_VERSION to one of 3.13.0\n"
	status, stdout, stderr := loopbench(t, "-run", "create_await", "-scale", tiny, "-count", "1")
	if status != statusOK || !strings.Contains(stderr, "loopbench: skipped "+skipped) || !strings.Contains(stdout, "note: skipped "+skipped) {
		t.Errorf("status %d\n%s\n%s", status, stderr, stdout)
	}
	// Whoever asks for it is told why there is none.
	for _, args := range [][]string{{"-peers", "cpython"}, {"-peers", "cpython", "-python", shim}} {
		status, _, stderr = loopbench(t, append(args, "-run", "create_await")...)
		if status != statusFailed || !strings.Contains(stderr, "loopbench: -peers: cpython: ") || !strings.Contains(stderr, skipped) {
			t.Errorf("%q: status %d\n%s", args, status, stderr)
		}
	}
}

func TestQuickLookEndsWithTheWayToMore(t *testing.T) {
	for _, full := range []bool{false, true} {
		_, stdout, stderr := loopbench(t, "-peers", "none", "-run", "create_await", "-scale", tiny, "-count", "1", fmt.Sprintf("-full=%t", full))
		last := strings.TrimSpace(stdout[strings.LastIndex(strings.TrimSpace(stdout), "\n"):])
		if strings.Contains(last, "add -full") == full || strings.Contains(stdout, "a quick look: ") == full {
			t.Errorf("-full=%t:\n%s\n%s", full, stdout, stderr)
		}
	}
}

// writes keeps what was written at a time.
type writes []string

func (w *writes) Write(p []byte) (int, error) {
	*w = append(*w, string(p))
	return len(p), nil
}

func TestRowsArePrintedAsTheyAreMeasured(t *testing.T) {
	var stdout writes
	status := run(t.Context(), []string{"-peers", "none", "-run", "^yield_1(00)?$", "-scale", tiny, "-count", "1"}, &stdout, io.Discard)
	if status != statusOK || len(stdout) != 4 {
		t.Fatalf("status %d, %d pieces: %q", status, len(stdout), stdout)
	}
	for i, want := range []string{"\nworkload ", "yield_1 ", "yield_100 ", "\nmedian, min, allocs: "} {
		if i == 0 && !strings.Contains(stdout[i], want) || i > 0 && !strings.HasPrefix(stdout[i], want) {
			t.Errorf("piece %d is %q", i, stdout[i])
		}
	}
}

func TestFullSizeIsTheDefaultOfAFullRunOnly(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "20,000"}, {[]string{"-full"}, "200,000"}, {[]string{"-scale", "0.5"}, "100,000"}, {[]string{"-scale", "0.5", "-full"}, "100,000"},
		{[]string{"-scale", "0.1", "-full"}, "20,000"},
	} {
		_, stdout, _ := loopbench(t, append(c.args, "-list", "-run", "^yield_1$")...)
		if !strings.Contains(stdout, " "+c.want+" a round\n") {
			t.Errorf("%q: got %s", c.args, stdout)
		}
	}
}

func TestInterpretersTakePart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "report.json")
	status, _, stderr := loopbench(t, "-run", "^(create_await|memory_parked|to_thread_roundtrip|stream_lines|stream_idle_10k)$", "-scale", tiny, "-count", "1", "-json", path)
	if status != statusOK {
		t.Fatalf("status %d\n%s", status, stderr)
	}
	r := readReport(t, path)
	for _, p := range r.Peers {
		for _, w := range r.Workloads {
			onlyCreates := strings.HasSuffix(p.Name, "-eager") && w.Name != "create_await"
			if (w.Result(p.Name) == nil) != onlyCreates {
				t.Errorf("%s on %s (%s): %+v", w.Name, p.Name, p.Version, w.Result(p.Name))
			}
		}
	}
	for _, note := range r.Notes {
		if !strings.HasPrefix(note, "not compared with ") && !strings.HasPrefix(note, "skipped ") {
			t.Errorf("note: %s", note)
		}
	}
}

func TestListNamesWorkloadsAndOperations(t *testing.T) {
	_, stdout, _ := loopbench(t, "-list")
	if lines := strings.Count(stdout, "\n"); lines != 43 {
		t.Errorf("%d workloads are listed", lines)
	}
	_, stdout, _ = loopbench(t, "-list", "-run", "^yield_", "-sweep", "yes")
	want := regexp.MustCompile(`^yield_1 +one step of the only task +20,000 a round\n(yield_\S+ .*\n){6}$`)
	if !want.MatchString(stdout) {
		t.Errorf("got\n%s", stdout)
	}
}

func TestCurvePointsAreMeasuredWhenAskedFor(t *testing.T) {
	_, stdout, _ := loopbench(t, "-list", "-run", "^yield_1M$")
	if !strings.HasPrefix(stdout, "yield_1M ") {
		t.Errorf("got\n%s", stdout)
	}
	path := filepath.Join(t.TempDir(), "page.html")
	_, stdout, _ = loopbench(t, "-list", "-run", "^yield_", "-html", path, "-full")
	if strings.Contains(stdout, "yield_1M ") {
		t.Errorf("curves that nobody asked for:\n%s", stdout)
	}
}

func TestOutputsAreAllWritten(t *testing.T) {
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	if err := os.WriteFile(file("doc.md"), []byte("<!-- loopbench: begin -->\n<!-- loopbench: end -->\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	status, stdout, stderr := loopbench(t, "-peers", "none", "-run", "create_await|to_thread", "-scale", tiny, "-count", "1", "-full", "-format", "gobench",
		"-json", file("x.json"), "-html", file("x.html"), "-doc", file("doc.md"),
		"-cpuprofile", file("cpu"), "-memprofile", file("mem"), "-trace", file("trace"))
	if status != statusOK {
		t.Fatalf("status %d\n%s", status, stderr)
	}
	if !regexp.MustCompile(`(?m)^BenchmarkWorkload/create_await/peer=loop-\d+\t\d+\t[0-9.]+ ns/op\t\d+ B/op\t[0-9.]+ allocs/op$`).MatchString(stdout) {
		t.Errorf("stdout:\n%s", stdout)
	}
	for name, starts := range map[string]string{
		"x.json": "{", "x.html": "<!doctype html>", "doc.md": "<!-- loopbench: begin -->\nMeasured on ",
		"cpu": "\x1f\x8b", "mem": "\x1f\x8b", "trace": "go ",
	} {
		text, err := os.ReadFile(file(name))
		if err != nil || !strings.HasPrefix(string(text), starts) {
			t.Errorf("%s: %v, %.40q", name, err, text)
		}
	}
}

func TestPeersHaveColoursByDayAndByNight(t *testing.T) {
	var page strings.Builder
	if err := (&report.Report{}).WriteHTML(&page); err != nil {
		t.Fatal(err)
	}
	for _, k := range knownPeers() {
		if colours := regexp.MustCompile(`\s--`+k.Name+`: #`).FindAllString(page.String(), -1); len(colours) != 2 {
			t.Errorf("%s has %d colours", k.Name, len(colours))
		}
	}
}

func TestMarkdownFormat(t *testing.T) {
	status, stdout, stderr := loopbench(t, "-peers", "none", "-run", "create_await", "-scale", tiny, "-count", "1", "-format", "markdown")
	if status != statusOK || !strings.Contains(stdout, "\n| create_await | create a task and await it | ") {
		t.Errorf("status %d\n%s\n%s", status, stdout, stderr)
	}
}

// fakePeer measures without doing anything.
type fakePeer struct {
	sample func(w *bench.Workload, p bench.Params) (bench.Sample, error)
}

func (fakePeer) Version() string           { return "fake 1" }
func (fakePeer) Does(*bench.Workload) bool { return true }
func (fakePeer) Close()                    {}
func (f fakePeer) Measure(_ context.Context, w *bench.Workload, p bench.Params) (bench.Sample, error) {
	return f.sample(w, p)
}
func (fakePeer) Serve(context.Context, string) (*serve.Server, error) {
	return nil, errors.New("serves nobody")
}
func (f fakePeer) MeasureFresh(ctx context.Context, w *bench.Workload, p bench.Params) (bench.Sample, error) {
	return f.Measure(ctx, w, p)
}

func fakeSession(t *testing.T, pattern string, rounds int, samples map[string]func(*bench.Workload, bench.Params) (bench.Sample, error)) *session {
	o := &options{scale: 1, count: rounds, full: true}
	if err := o.chooseWorkloads(pattern, false); err != nil {
		t.Fatal(err)
	}
	s := &session{options: o, progress: newProgress(io.Discard), show: func(*report.Workload) {}}
	for _, name := range []string{"loop", "go"} {
		if sample, ok := samples[name]; ok {
			s.peers = append(s.peers, &peer{Peer: report.Peer{Name: name}, measurer: fakePeer{sample}})
		}
	}
	return s
}

func TestInterruptionKeepsWhatWasMeasured(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	measured := 0
	s := fakeSession(t, "^(call_soon_chain|create_await)$", 3, map[string]func(*bench.Workload, bench.Params) (bench.Sample, error){
		"loop": func(w *bench.Workload, p bench.Params) (bench.Sample, error) {
			if p.Ops == w.Full.Ops {
				measured++
			}
			if measured == 4 {
				interrupt()
			}
			return bench.Sample{Ops: w.Done(p), Total: float64(time.Second)}, nil
		},
	})
	var shown []string
	s.show = func(w *report.Workload) { shown = append(shown, w.Name) }
	s.run(ctx)
	if !slices.Equal(shown, []string{"call_soon_chain", "create_await"}) {
		t.Errorf("shown are %q", shown)
	}
	results := s.results()
	if len(results) != 2 || len(results[0].Results[0].Rounds) != 2 || len(results[1].Results[0].Rounds) != 1 || len(s.notes) != 0 {
		t.Errorf("got %+v, notes %q", results, s.notes)
	}
}

func TestInterruptedRunReportsAndExitsWithItsOwnStatus(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	var stdout, stderr bytes.Buffer
	if status := run(ctx, []string{"-peers", "none", "-run", "yield_1$"}, &stdout, &stderr); status != statusInterrupted {
		t.Errorf("status %d\n%s", status, stderr.String())
	}
	if !strings.Contains(stdout.String(), "note: interrupted") {
		t.Errorf("got\n%s", stdout.String())
	}
}

// turnsSession is a session of two workloads and two peers, which note in order when they are measured.
func turnsSession(t *testing.T, order *[]string) *session {
	t.Helper()
	note := func(name string) func(w *bench.Workload, p bench.Params) (bench.Sample, error) {
		return func(w *bench.Workload, p bench.Params) (bench.Sample, error) {
			if p.Ops == w.Full.Ops { // not a warm-up
				*order = append(*order, w.Name+"/"+name)
			}
			return bench.Sample{Ops: w.Done(p), Total: float64(time.Second)}, nil
		}
	}
	return fakeSession(t, "^(call_soon_chain|create_await)$", 2, map[string]func(*bench.Workload, bench.Params) (bench.Sample, error){
		"loop": note("loop"), "go": note("go")})
}

func TestPeersTakeTurnsWithinARound(t *testing.T) {
	var order []string
	s := turnsSession(t, &order)
	s.run(t.Context())
	want := "call_soon_chain/loop call_soon_chain/go create_await/loop create_await/go " +
		"call_soon_chain/go call_soon_chain/loop create_await/go create_await/loop"
	if got := strings.Join(order, " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestQuickLookFinishesAWorkloadBeforeTheNext(t *testing.T) {
	var order []string
	s := turnsSession(t, &order)
	s.show = func(w *report.Workload) {
		order = append(order, fmt.Sprintf("show %s %d", w.Name, len(w.Results[0].Rounds)))
	}
	s.full = false
	s.run(t.Context())
	want := "call_soon_chain/loop call_soon_chain/go call_soon_chain/go call_soon_chain/loop show call_soon_chain 2 " +
		"create_await/loop create_await/go create_await/go create_await/loop show create_await 2"
	if got := strings.Join(order, " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// The rows of workloads with fewer rounds wait for those above them.
func TestRowsAreShownInTheirOrderAsSoonAsTheyAreFinished(t *testing.T) {
	for _, full := range []bool{true, false} {
		var got []string
		measured := 0
		s := fakeSession(t, "^(call_soon_chain|timer_fire|create_await)$", 0, map[string]func(*bench.Workload, bench.Params) (bench.Sample, error){
			"loop": func(w *bench.Workload, p bench.Params) (bench.Sample, error) {
				if p.Ops == w.Full.Ops {
					measured++
				}
				return bench.Sample{Ops: w.Done(p), Total: float64(time.Second)}, nil
			}})
		s.peers[0].runtime = bench.Compiled
		s.full = full
		s.show = func(w *report.Workload) { got = append(got, fmt.Sprintf("%s after %d", w.Name, measured)) }
		s.run(t.Context())
		want := []string{"call_soon_chain after 3", "timer_fire after 6", "create_await after 9"}
		if full {
			// Three rounds of all, two more of those that have five.
			want = []string{"call_soon_chain after 12", "timer_fire after 12", "create_await after 13"}
		}
		if !slices.Equal(got, want) {
			t.Errorf("full %t: got %q, want %q", full, got, want)
		}
	}
}

func TestRoundThatIsOverTooSoonIsRepeated(t *testing.T) {
	times := func(total time.Duration) func(w *bench.Workload, p bench.Params) (bench.Sample, error) {
		return func(w *bench.Workload, p bench.Params) (bench.Sample, error) {
			return bench.Sample{Ops: w.Done(p), Total: float64(total), Allocs: 1}, nil
		}
	}
	s := fakeSession(t, "^(create_await|sleep_accuracy)$", 1, map[string]func(*bench.Workload, bench.Params) (bench.Sample, error){
		"loop": times(60 * time.Millisecond), "go": times(time.Microsecond)})
	s.run(t.Context())
	for _, want := range []struct {
		workload, peer string
		repetitions    int
	}{
		{"create_await", "loop", 4},
		{"create_await", "go", maxRepetitions},
		{"sleep_accuracy", "loop", 1}, // its time is no cost
	} {
		for _, w := range s.workloads {
			if w.Name != want.workload {
				continue
			}
			samples := s.samples[pair{want.workload, want.peer}]
			if len(samples) != 1 || samples[0].Ops != want.repetitions*w.Full.Ops || samples[0].Allocs != float64(want.repetitions) {
				t.Errorf("%s on %s: got %+v, want %d repetitions", want.workload, want.peer, samples, want.repetitions)
			}
		}
	}
}

func TestRoundsAreFewerForOtherPrograms(t *testing.T) {
	w := &bench.Workload{}
	slow := &bench.Workload{Rounds: 2}
	s := &session{options: &options{full: true}, peers: []*peer{{runtime: bench.Compiled}}}
	if got := s.rounds(w); got != usualRounds {
		t.Errorf("%d rounds of what is compiled in", got)
	}
	s.peers = append(s.peers, &peer{runtime: bench.Node})
	if got := s.rounds(w); got != roundsWithOther {
		t.Errorf("%d rounds with another program", got)
	}
	if got := s.rounds(slow); got != 2 {
		t.Errorf("%d rounds of a slow workload", got)
	}
	s.count = 7
	if s.rounds(w) != 7 || s.rounds(slow) != 7 {
		t.Error("the user's count is not obeyed")
	}
	s.full = false
	if s.rounds(w) != 7 {
		t.Error("the user's count is not obeyed in a quick look")
	}
	if s.count = 0; s.rounds(w) != quickRounds || s.rounds(slow) != 2 {
		t.Errorf("%d and %d rounds in a quick look", s.rounds(w), s.rounds(slow))
	}
	if served, fresh := s.rounds(&bench.Workload{Service: "echo"}), s.rounds(&bench.Workload{Fresh: true}); served != quickRoundsOfPrograms || fresh != served {
		t.Errorf("%d and %d rounds that start a program, in a quick look", served, fresh)
	}
}

func TestPeerThatLosesOperationsIsNotBelieved(t *testing.T) {
	s := fakeSession(t, "^create_await$", 3, map[string]func(*bench.Workload, bench.Params) (bench.Sample, error){
		"loop": func(w *bench.Workload, p bench.Params) (bench.Sample, error) {
			return bench.Sample{Ops: w.Done(p) - 1, Total: float64(time.Second)}, nil
		},
		"go": func(w *bench.Workload, p bench.Params) (bench.Sample, error) {
			return bench.Sample{Ops: w.Done(p), Total: float64(time.Second)}, nil
		},
	})
	s.run(t.Context())
	results := s.results()
	if len(results) != 1 || results[0].Result("loop") != nil || len(results[0].Result("go").Rounds) != 3 {
		t.Errorf("got %+v", results)
	}
	if len(s.notes) != 1 || !strings.Contains(s.notes[0], "loop gave up create_await") {
		t.Errorf("notes %q", s.notes)
	}
}

func TestMemoryLimitsTheCurves(t *testing.T) {
	all := bench.Workloads()
	kept, notes := affordable(all, 1, 4<<30, nil)
	for _, w := range kept {
		if w.Name == "yield_1M" {
			t.Error("a million tasks in 4 GB")
		}
	}
	if len(notes) == 0 || len(kept)+len(notes) != len(all) {
		t.Errorf("kept %d of %d, notes %q", len(kept), len(all), notes)
	}
	if kept, _ := affordable(all, 1, 0, nil); len(kept) != len(all) {
		t.Error("left something out without knowing the memory")
	}
}

func TestDescriptorsLimitTheConnections(t *testing.T) {
	all := bench.Workloads()
	left := func(limit uint64, scale float64) string {
		kept, notes := connectable(all, scale, limit, nil)
		if len(kept)+len(notes) != len(all) {
			t.Errorf("kept %d of %d, notes %q", len(kept), len(all), notes)
		}
		return strings.Join(notes, "\n")
	}
	if got := left(1024, 1); !strings.Contains(got, "left out stream_echo_1000: ") || !strings.Contains(got, "left out stream_idle_10k: it needs 10100 open files") {
		t.Errorf("with 1024 descriptors: %s", got)
	}
	for _, c := range []struct {
		limit uint64
		scale float64
	}{{10_100, 1}, {1024, 0.01}, {0, 1}} {
		if got := left(c.limit, c.scale); got != "" {
			t.Errorf("with %d descriptors, scale %v: %s", c.limit, c.scale, got)
		}
	}
}

func TestServersAreInTheReport(t *testing.T) {
	status, stdout, stderr := loopbench(t, "-peers", "none", "-run", "^stream_(lines|throughput_tls|connect)$", "-scale", tiny, "-count", "1")
	if status != statusOK {
		t.Fatalf("status %d\n%s", status, stderr)
	}
	for _, name := range []string{"stream_lines", "stream_throughput_tls", "stream_connect"} {
		if rows := regexp.MustCompile(`(?m)^`+name+` +(loop|loop-iterpull|go) +[0-9,]+ +\S+ \S+ +\S+ \S+$`).FindAllString(stdout, -1); len(rows) != 3 {
			t.Errorf("%s has %d rows of servers in\n%s", name, len(rows), stdout)
		}
	}
}

func TestChildRefusesWhatItDoesNotKnow(t *testing.T) {
	for _, request := range []string{"{", `{"peer":"loop","workload":"nonsense"}`, `{"peer":"cpython","workload":"yield_1"}`,
		`{"peer":"go","serve":{"service":"nonsense"}}`, `{"peer":"cpython","serve":{"service":"echo"}}`, `{"peer":"go","workload":"stream_echo_50"}`} {
		var stdout, stderr bytes.Buffer
		if status := runChild(request, strings.NewReader(""), &stdout, &stderr); status != statusFailed || stdout.Len() > 0 || !strings.Contains(stderr.String(), childRequest) {
			t.Errorf("%s: status %d\n%s", request, status, stderr.String())
		}
	}
}
