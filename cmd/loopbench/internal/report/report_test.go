package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

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

func TestTableIsAlignedAndColouredOnRequest(t *testing.T) {
	var plain, coloured strings.Builder
	if err := example().WriteTable(&plain, false); err != nil {
		t.Fatal(err)
	}
	if err := example().WriteTable(&coloured, true); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(plain.String(), "\x1b") {
		t.Error("colours that nobody asked for")
	}
	if stripped := regexp.MustCompile("\x1b\\[[0-9]*m").ReplaceAllString(coloured.String(), ""); stripped != plain.String() {
		t.Errorf("colour changes the text:\n%s\n%s", stripped, plain.String())
	}
	for _, want := range []string{
		"workload        one operation   median      min  allocs       go  cpython  vs go  vs cpython",
		"yield_1         one step        200 ns   100 ns    2.00  50.0 ns  2.10 µs  0.25x       10.0x",
		"memory_parked   bytes          2,746 B  2,746 B    2.00        -        -      -           -",
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
	if n := strings.Count(text, "<polyline"); n != 2+3 {
		t.Errorf("%d lines are drawn, want 2 distributions and 3 curves", n)
	}
	// The drawings are XML within HTML.
	for _, svg := range regexp.MustCompile(`(?s)<svg.*?</svg>`).FindAllString(text, -1) {
		decoder := xml.NewDecoder(strings.NewReader(svg))
		for {
			if _, err := decoder.Token(); err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("%v in %s", err, svg)
			}
		}
	}
}

func TestLogarithmicAxisIsLinearInFactors(t *testing.T) {
	a := newAxis([]float64{20, 900}, 0, 100)
	if a.low != 1 || a.high != 3 {
		t.Fatalf("from 10^%v to 10^%v", a.low, a.high)
	}
	if at := a.at(100); math.Abs(at-50) > 1e-9 {
		t.Errorf("100 is at %v between 10 and 1000", at)
	}
	if single := newAxis([]float64{100}, 0, 1); single.high <= single.low {
		t.Errorf("an axis of no length: %+v", single)
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
