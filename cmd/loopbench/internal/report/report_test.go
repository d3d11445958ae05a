package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"gonum.org/v1/plot"

	"github.com/goasyncio/asyncio/cmd/loopbench/internal/bench"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func samples(perOp ...float64) []bench.Sample {
	var s []bench.Sample
	for _, v := range perOp {
		s = append(s, bench.Sample{Ops: 10, Total: 10 * v, Counted: true, Allocs: 20, Bytes: 480})
	}
	return s
}

func example() *Report {
	yields := func(name string, width int, sweep bool) Workload {
		return Workload{Name: name, Operation: "one step", Unit: "ns/op", Metric: "wall", Family: "yield", Sweep: sweep,
			Params: bench.Params{Ops: 10, Width: width}, Results: []Result{
				Summarise("loop", samples(100, 300, 200)),
				Summarise("go", samples(50, 75, 50)),
				Summarise("cpython", samples(1000, 3000, 2100)),
			}}
	}
	late := []bench.Sample{{Ops: 3, Total: 9, Latencies: []int64{-500, 1500, 70_000}}}
	return &Report{
		Format:  Format,
		Started: time.Date(2025, 3, 1, 12, 0, 0, 0, time.UTC),
		Scale:   1,
		Machine: Machine{OS: "linux", Arch: "amd64", CPU: "A <fast> one", CPUs: 2, GOMAXPROCS: 2, Memory: 8 << 30, Go: "go1.25.0"},
		Peers: []Peer{
			{Name: "loop", What: "this module"},
			{Name: "go", Version: "go1.25.0", What: "goroutines"},
			{Name: "cpython", Version: "CPython 3.13.0", What: "asyncio"},
			{Name: "node", Version: "Node.js 20", What: "was never measured"},
		},
		Workloads: []Workload{
			yields("yield_1", 1, false),
			yields("yield_100", 100, false),
			yields("yield_10", 10, true),
			{Name: "sleep_accuracy", Operation: "how late", Unit: "ns/op", Metric: "latency", Results: []Result{
				Summarise("loop", late), Summarise("cpython", late)}},
			{Name: "memory_parked", Operation: "bytes", Unit: "B/op", Metric: "resident", Results: []Result{
				Summarise("loop", samples(2746))}},
		},
		Notes: []string{"uvloop was not found"},
	}
}

func TestSummaryOfSamples(t *testing.T) {
	r := Summarise("loop", samples(3, 1, 2))
	want := Result{Peer: "loop", Ops: 10, Rounds: []float64{3, 1, 2}, Median: 2, Min: 1, Counted: true, Allocs: 2, Bytes: 48}
	if !reflect.DeepEqual(r, want) {
		t.Errorf("got %+v, want %+v", r, want)
	}
}

func TestRatioIsTheMedianOfPairedRounds(t *testing.T) {
	w := &example().Workloads[0]
	// 1000/100, 3000/300, 2100/200: the disturbance of the second round hit both and cancels.
	if ratio, ok := w.Ratio("cpython"); !ok || ratio != 10 {
		t.Errorf("got %v, %v", ratio, ok)
	}
	if _, ok := w.Ratio("node"); ok {
		t.Error("a ratio with a peer that was not measured")
	}
	w = &Workload{Results: []Result{{Peer: "loop", Rounds: []float64{500}}, {Peer: "node", Rounds: []float64{-3}}}}
	if _, ok := w.Ratio("node"); ok {
		t.Error("a ratio with a sleep that ended early")
	}
}

func TestJSONRoundTrip(t *testing.T) {
	var b bytes.Buffer
	if err := example().WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	var back Report
	decoder := json.NewDecoder(&b)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&back); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(&back, example()) {
		t.Errorf("came back as %+v", back)
	}
}

// benchLine is the format of golang.org/design/14313-benchmark-format: a name, a count, pairs of value and unit.
var benchLine = regexp.MustCompile(`^Benchmark[A-Z]\S*\t\d+(\t-?[0-9.]+ [^\s0-9]\S*)+$`)

func TestGobenchLinesAreTheBenchmarkFormat(t *testing.T) {
	var b strings.Builder
	if err := example().WriteGobench(&b); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	benchmarks := 0
	for i, line := range lines {
		if strings.HasPrefix(line, "Benchmark") {
			benchmarks++
			if !benchLine.MatchString(line) {
				t.Errorf("line %d: %q", i, line)
			}
		} else if !regexp.MustCompile(`^[a-z]+: \S`).MatchString(line) {
			t.Errorf("line %d is neither a benchmark nor a key: %q", i, line)
		}
	}
	// Three rounds of three peers at three sizes, one of two peers, one of one.
	if benchmarks != 3*3*3+2+1 {
		t.Errorf("%d benchmark lines", benchmarks)
	}
	want := "BenchmarkWorkload/yield_1/peer=loop-2\t10\t100 ns/op\t48 B/op\t2.00 allocs/op"
	if !strings.Contains(b.String(), want+"\n") {
		t.Errorf("%q is missing in\n%s", want, b.String())
	}
}

// writeTable writes the table of a report that is complete.
func writeTable(r *Report, w io.Writer, colour bool) error {
	table := NewTable(w, colour, r)
	for i := range r.Workloads {
		table.Row(&r.Workloads[i])
	}
	return table.End(r)
}

func TestTableGrowsByRowsOfTheWidthsThatWerePlanned(t *testing.T) {
	whole := example()
	plan := example()
	for i := range plan.Workloads {
		results := plan.Workloads[i].Results
		for k := range results {
			results[k] = Result{Peer: results[k].Peer}
		}
	}
	var b strings.Builder
	table := NewTable(&b, false, plan)
	head, _, _ := strings.Cut(b.String(), "\nworkload ")
	if !strings.Contains(head, "A <fast> one") || !strings.Contains(head, "CPython 3.13.0") || !strings.HasSuffix(b.String(), "vs go  vs cpython\n") {
		t.Errorf("the head is\n%s", b.String())
	}
	for _, c := range []struct {
		workload Workload
		want     string
	}{
		{whole.Workloads[0], "yield_1         one step         200 ns    100 ns    2.00   50.0 ns   2.10 µs  0.25x       10.0x\n"},
		{Workload{Name: "yield_100"}, ""}, // nothing was measured
		{whole.Workloads[2], "\nCost against scale:\nyield_10        one step         200 ns    100 ns    2.00   50.0 ns   2.10 µs  0.25x       10.0x\n"},
	} {
		b.Reset()
		table.Row(&c.workload)
		if b.String() != c.want {
			t.Errorf("got row %q, want %q", b.String(), c.want)
		}
	}
	b.Reset()
	if err := table.End(whole); err != nil || !strings.HasPrefix(b.String(), "\nSingle operations:\n") || strings.Contains(b.String(), "yield_1") {
		t.Errorf("%v, the end is\n%s", err, b.String())
	}
}

// full is a file system that is full.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.ErrUnsupported }

func TestTableThatCannotBeWrittenSaysSoAtTheEnd(t *testing.T) {
	if err := writeTable(example(), full{}, false); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("got %v", err)
	}
}

func TestQuickLookSaysSo(t *testing.T) {
	for _, quick := range []bool{true, false} {
		r := example()
		r.Quick, r.Scale = quick, 0.25
		var table, markdown, page strings.Builder
		if err := errors.Join(writeTable(r, &table, false), r.WriteMarkdown(&markdown), r.WriteHTML(&page)); err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{table.String(), markdown.String(), page.String()} {
			if strings.Contains(text, "a quick look: rounds of 0.25 of the full size") != quick ||
				strings.Contains(text, "add -full") != quick || strings.Contains(text, "scale 0.25 of the full size") == quick {
				t.Errorf("quick %t:\n%s", quick, text)
			}
		}
	}
}

func TestTableIsAlignedAndColouredOnRequest(t *testing.T) {
	var plain, coloured strings.Builder
	if err := errors.Join(writeTable(example(), &plain, false), writeTable(example(), &coloured, true)); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(plain.String(), "\x1b") {
		t.Error("colours that nobody asked for")
	}
	if stripped := regexp.MustCompile("\x1b\\[[0-9]*m").ReplaceAllString(coloured.String(), ""); stripped != plain.String() {
		t.Errorf("colour changes the text:\n%s\n%s", stripped, plain.String())
	}
	for _, want := range []string{
		"workload        one operation    median       min  allocs        go   cpython  vs go  vs cpython",
		"yield_1         one step         200 ns    100 ns    2.00   50.0 ns   2.10 µs  0.25x       10.0x",
		"memory_parked   bytes           2,746 B   2,746 B    2.00         -         -      -           -",
		"sleep_accuracy  loop     1.50 µs  70.0 µs  70.0 µs  70.0 µs  70.0 µs",
		"note: uvloop was not found",
	} {
		if !strings.Contains(plain.String(), want) {
			t.Errorf("%q is missing in\n%s", want, plain.String())
		}
	}
	if strings.Contains(plain.String(), "node") {
		t.Error("a peer that was never measured has a column")
	}
}

// served is a report of a workload with servers, three rounds of each.
func served() *Report {
	round := func(elapsed, server, client float64) bench.Sample {
		return bench.Sample{Ops: 100, Total: elapsed, Traffic: &bench.Traffic{Elapsed: elapsed, ServerCPU: server, ClientCPU: client}}
	}
	return &Report{
		Format: Format, Scale: 1,
		Peers: []Peer{{Name: "loop"}, {Name: "go"}, {Name: "node"}},
		Workloads: []Workload{{Name: "stream_echo_50", Operation: "a request", Unit: "ns/op", Metric: "wall", Results: []Result{
			Summarise("loop", []bench.Sample{round(1e6, 5e5, 3e5), round(4e6, 7e5, 4e5), round(2e6, 6e5, 9e5)}),
			Summarise("go", []bench.Sample{round(5e5, 4e5, 2e5)}),
			Summarise("node", []bench.Sample{round(1e7, 0, 0)}),
		}}},
	}
}

func TestServersHaveATableOfTheirOwn(t *testing.T) {
	var table, markdown, lines, page strings.Builder
	r := served()
	for _, err := range []error{writeTable(r, &table, false), r.WriteMarkdown(&markdown), r.WriteGobench(&lines), r.WriteHTML(&page)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ text, want string }{
		{table.String(), "\nServers:\nworkload        peer  operations a second  server CPU  client CPU\n" +
			"stream_echo_50  loop               50,000     6.00 µs     4.00 µs\n" +
			"stream_echo_50  go                200,000     4.00 µs     2.00 µs\n" +
			"stream_echo_50  node               10,000           -           -\n"},
		{table.String(), "server CPU, client CPU: "},
		{markdown.String(), "\nServers:\n\n| workload | peer | operations a second | server CPU | client CPU |\n|---|---|---:|---:|---:|\n" +
			"| stream_echo_50 | loop | 50,000 | 6.00 µs | 4.00 µs |\n"},
		{lines.String(), "BenchmarkWorkload/stream_echo_50/peer=loop-0\t100\t10000 ns/op\t5000 server-cpu-ns/op\n"},
		{page.String(), "<h3>Servers</h3>"},
		{page.String(), "<td>50,000</td><td>6.00 µs</td><td>4.00 µs</td>"},
	} {
		if !strings.Contains(c.text, c.want) {
			t.Errorf("%q is missing in\n%s", c.want, c.text)
		}
	}
	table.Reset()
	page.Reset()
	if err := errors.Join(writeTable(example(), &table, false), example().WriteHTML(&page)); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(table.String()+page.String(), "Servers") {
		t.Error("a table of servers where there was none")
	}
}

func TestFigures(t *testing.T) {
	for _, c := range []struct {
		ns   float64
		want string
	}{
		{0.5, "0.50 ns"}, {9.996, "10.0 ns"}, {66.04, "66.0 ns"}, {999.4, "999 ns"}, {999.6, "1.00 µs"}, {39_512, "39.5 µs"},
		{24e6, "24.0 ms"}, {1.5e9, "1.50 s"}, {-392_000, "-392 µs"},
	} {
		if got := formatNanos(c.ns); got != c.want {
			t.Errorf("%v: got %q, want %q", c.ns, got, c.want)
		}
	}
}

func TestPageIsSelfContainedAndWellFormed(t *testing.T) {
	var b bytes.Buffer
	if err := example().WriteHTML(&b); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	if regexp.MustCompile(`(?i)https?://|<script|<link|@import|url\(`).MatchString(text) {
		t.Error("the page asks for something from outside")
	}
	if strings.Contains(text, "NaN") || strings.Contains(text, "Inf") {
		t.Error("a chart has no numbers")
	}
	for _, want := range []string{"A &lt;fast&gt; one", "CPython 3.13.0", "<h2>One operation</h2>", "<h2>Single operations</h2>", "<h2>Cost against scale</h2>", "uvloop was not found"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing", want)
		}
	}
}

var (
	headingTag = regexp.MustCompile(`(?s)<h2>(.*?)</h2>`)
	figureTag  = regexp.MustCompile(`(?s)<figure>\s*<h3>(.*?)</h3>\s*<p>(.*?)</p>\s*<div role="img" aria-label="(.*?)">(<svg .*?</svg>)\s*</div>\s*</figure>`)
)

// drawn is a chart as it is found on a page.
type drawn struct{ caption, alt, svg string }

// charts reads the page of a report: section, name, chart.
func charts(t *testing.T, r *Report) map[string]map[string]drawn {
	t.Helper()
	var b strings.Builder
	if err := r.WriteHTML(&b); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	found, total := make(map[string]map[string]drawn), 0
	headings := headingTag.FindAllStringSubmatchIndex(text, -1)
	for i, h := range headings {
		end := len(text)
		if i+1 < len(headings) {
			end = headings[i+1][0]
		}
		section := make(map[string]drawn)
		for _, f := range figureTag.FindAllStringSubmatch(text[h[1]:end], -1) {
			section[f[1]] = drawn{f[2], f[3], f[4]}
			total++
		}
		found[text[h[2]:h[3]]] = section
	}
	if n := strings.Count(text, "<svg"); n != total {
		t.Fatalf("%d drawings, but %d charts", n, total)
	}
	return found
}

// says tells whether a chart has exactly this text on it, and how often something is filled in a peer's colour.
func (d drawn) says(text string) bool { return strings.Contains(d.svg, ">"+text+"</text>") }
func (d drawn) fills(peer string) int { return strings.Count(d.svg, `style="fill:var(--`+peer+`)"`) }

func TestFiguresAreAllInCharts(t *testing.T) {
	r := example()
	found := charts(t, r)
	bars, singles, curves := found["One operation"], found["Single operations"], found["Cost against scale"]
	if len(bars) != 4 || len(singles) != 1 || len(curves) != 1 {
		t.Fatalf("%d, %d and %d charts", len(bars), len(singles), len(curves))
	}
	for _, w := range r.Workloads {
		for _, result := range w.Results {
			chart, label := bars[w.Name], formatFigure(w.Unit, result.Median)
			if w.Sweep {
				chart = curves[w.Family]
			} else if !chart.says(label) || chart.fills(result.Peer) != 1 {
				t.Errorf("%s: the bar of %s is missing in\n%s", w.Name, result.Peer, chart.svg)
			}
			if !chart.says(result.Peer) || !strings.Contains(chart.alt, label) {
				t.Errorf("%s: %s with %s is missing in\n%+v", w.Name, result.Peer, label, chart)
			}
			if d := result.Latency; d != nil {
				chart := singles[w.Name]
				// Five percentiles, and the dot beside the name.
				if !chart.says(result.Peer) || chart.fills(result.Peer) != 5+1 || !strings.Contains(chart.alt, "p99.9 "+formatNanos(d.P999)) {
					t.Errorf("%s: the distribution of %s is missing in\n%+v", w.Name, result.Peer, chart)
				}
			}
		}
	}
	for _, peer := range []string{"loop", "go", "cpython"} {
		// Yields among 1, 10 and 100 tasks, and the dot beside the name.
		if n := curves["yield"].fills(peer); n != 3+1 {
			t.Errorf("the curve of %s has %d points", peer, n-1)
		}
	}
	for _, tick := range []string{"1", "10", "100", "10 ns", "100 ns", "1 µs", "10 µs"} {
		if !curves["yield"].says(tick) {
			t.Errorf("the axes of the curve don't say %q", tick)
		}
	}
	if !bars["memory_parked"].says("10 kB") {
		t.Error("memory is not drawn in bytes")
	}
}

func TestDrawingsTakeTheirStyleFromThePage(t *testing.T) {
	for _, section := range charts(t, example()) {
		for name, chart := range section {
			if regexp.MustCompile(`#[0-9A-Fa-f]{3}|font-family|rgb|xmlns`).MatchString(chart.svg) {
				t.Errorf("%s has a style of its own:\n%s", name, chart.svg)
			}
			// The drawings are XML within HTML.
			decoder := xml.NewDecoder(strings.NewReader(chart.svg))
			for {
				if _, err := decoder.Token(); err == io.EOF {
					break
				} else if err != nil {
					t.Fatalf("%s: %v in %s", name, err, chart.svg)
				}
			}
		}
	}
}

func TestBarsAreLinearInFactors(t *testing.T) {
	chart := charts(t, example())["One operation"]["yield_1"]
	width := func(peer string) float64 {
		match := regexp.MustCompile(`<path d="M([0-9.]+),[0-9.]+L([0-9.]+),[^"]*" style="fill:var\(--` + peer + `\)"`).FindStringSubmatch(chart.svg)
		if match == nil {
			t.Fatalf("there is no bar of %s in\n%s", peer, chart.svg)
		}
		from, _ := strconv.ParseFloat(match[1], 64)
		till, _ := strconv.ParseFloat(match[2], 64)
		return till - from
	}
	// 200 ns, 50 ns and 2100 ns on an axis from 10 ns.
	if got, want := width("loop")/width("go"), math.Log10(20)/math.Log10(5); math.Abs(got-want) > 0.001 {
		t.Errorf("loop's bar is %v times as long as that of go, want %v", got, want)
	}
	if got, want := width("cpython")/width("go"), math.Log10(210)/math.Log10(5); math.Abs(got-want) > 0.001 {
		t.Errorf("cpython's bar is %v times as long as that of go, want %v", got, want)
	}
}

func TestCurveIsLinearInFactors(t *testing.T) {
	chart := charts(t, example())["Cost against scale"]["yield"]
	match := regexp.MustCompile(`<path d="M([0-9.]+),([0-9.]+)L([0-9.]+),([0-9.]+)L([0-9.]+),([0-9.]+)" style="fill:none;stroke:var\(--go\)`).FindStringSubmatch(chart.svg)
	if match == nil {
		t.Fatalf("there is no line of three points in\n%s", chart.svg)
	}
	var at [6]float64
	for i := range at {
		at[i], _ = strconv.ParseFloat(match[i+1], 64)
	}
	// 1, 10 and 100 tasks are as far apart from each other; the cost is the same 50 ns.
	if first, second := at[2]-at[0], at[4]-at[2]; first <= 0 || math.Abs(first-second) > 0.02 {
		t.Errorf("the steps of the line are %v and %v wide", first, second)
	}
	if at[1] != at[3] || at[3] != at[5] {
		t.Errorf("the line is not level: %v", at)
	}
}

func TestSamplesThatEndedEarlyAreWrittenAndNotDrawn(t *testing.T) {
	early := []bench.Sample{{Ops: 3, Total: 9, Latencies: []int64{-397_000, -400_000, 2_000_000}}}
	all := []bench.Sample{{Ops: 1, Total: 9, Latencies: []int64{-1000}}}
	r := &Report{Peers: []Peer{{Name: "go"}, {Name: "node"}}, Workloads: []Workload{
		{Name: "some", Operation: "how late", Unit: "ns/op", Results: []Result{Summarise("go", samples(100)), Summarise("node", early)}},
		{Name: "all", Operation: "how late", Unit: "ns/op", Results: []Result{Summarise("node", all)}},
	}}
	found := charts(t, r)
	if chart := found["One operation"]["some"]; !chart.says("-397 µs") || chart.fills("node") != 0 || chart.fills("go") != 1 {
		t.Errorf("bars:\n%s", chart.svg)
	}
	if chart := found["One operation"]["all"]; !chart.says("-1.00 µs") || chart.fills("node") != 0 {
		t.Errorf("bars:\n%s", chart.svg)
	}
	chart := found["Single operations"]["some"]
	// p90 to max, and the dot beside the name.
	if chart.fills("node") != 4+1 || !strings.Contains(chart.alt, "p50 -397 µs") || !strings.Contains(chart.caption, "left out") {
		t.Errorf("distributions:\n%+v", chart)
	}
	if chart, ok := found["Single operations"]["all"]; ok {
		t.Errorf("a chart of nothing:\n%s", chart.svg)
	}
	if whole := charts(t, example())["Single operations"]["sleep_accuracy"]; strings.Contains(whole.caption, "left out") {
		t.Errorf("nothing ended early, but: %s", whole.caption)
	}
}

func TestLogarithmicAxisHasWholeDecades(t *testing.T) {
	for _, c := range []struct {
		values    []float64
		low, high float64
	}{
		{[]float64{20, 900}, 10, 1000}, {[]float64{900, 1100, 20}, 10, 10_000}, {[]float64{50}, 10, 100}, {nil, 1, 10},
	} {
		axis := plot.New().X
		logarithmic(&axis, c.values, roundNanos)
		if axis.Min != c.low || axis.Max != c.high {
			t.Errorf("%v: from %v to %v, want %v to %v", c.values, axis.Min, axis.Max, c.low, c.high)
		}
		ticks := axis.Tick.Marker.Ticks(axis.Min, axis.Max)
		if first, last := ticks[0], ticks[len(ticks)-1]; first.Value != c.low || last.Value != c.high || last.Label != roundNanos(c.high) {
			t.Errorf("%v: ticks are %v", c.values, ticks)
		}
	}
	// A value on a decade may lie at either end of the axis.
	for v := 0.1; v < 1e12; v *= 10 {
		axis := plot.New().X
		logarithmic(&axis, []float64{v}, roundNanos)
		if at := axis.Norm(v); at < -1e-9 || at > 1+1e-9 || axis.Max/axis.Min < 9.9 {
			t.Errorf("%v is at %v between %v and %v", v, at, axis.Min, axis.Max)
		}
	}
}

func TestDocumentKeepsWhatSurroundsTheReport(t *testing.T) {
	path := filepath.Join(t.TempDir(), "benchmarks.md")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("# Before\n" + docBegin + "old figures\n" + docEnd + "# After\n")
	for range 2 {
		if err := example().UpdateDocument(path); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if s := string(text); !strings.HasPrefix(s, "# Before\n"+docBegin+"Measured on 2025-03-01") ||
		!strings.HasSuffix(s, docEnd+"# After\n") || strings.Contains(s, "old figures") || strings.Count(s, "| yield_1 |") != 1 {
		t.Errorf("the document is now\n%s", s)
	}
	for name, bad := range map[string]string{
		"no markers":    "# Before\n",
		"no end":        docBegin,
		"end first":     docEnd + docBegin,
		"two of a kind": docBegin + docBegin + docEnd,
	} {
		write(bad)
		if err := CheckDocument(path); err == nil {
			t.Errorf("%s: accepted", name)
		}
		if err := example().UpdateDocument(path); err == nil {
			t.Errorf("%s: written", name)
		}
		if after, _ := os.ReadFile(path); string(after) != bad {
			t.Errorf("%s: the document was changed", name)
		}
	}
}
