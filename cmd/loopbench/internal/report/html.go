package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"strings"
)

// The page is one file that asks the network for nothing: its charts are SVG, drawn here. All axes are
// logarithmic, because the peers differ by factors, and a factor is the same length everywhere on such an axis.

//go:embed page.html
var pageTemplate string

// WriteHTML writes the report as a page with charts.
func (r *Report) WriteHTML(w io.Writer) error {
	page, err := template.New("page").Parse(pageTemplate)
	if err != nil {
		return err
	}
	return page.Execute(w, r.page())
}

type page struct {
	*Report
	Date      string
	Took      string
	Compared  []Peer
	Legend    []string
	Bars      []barChart
	Latencies []lineChart
	Curves    []lineChart
	Figures   [][]cell
	Sweep     [][]cell
	Singles   [][]cell
}

// Text and Left show a cell to the template.
func (c cell) Text() string { return c.text }
func (c cell) Left() bool   { return c.left }

func (r *Report) page() page {
	p := page{
		Report:  r,
		Date:    r.Started.UTC().Format("2 January 2006, 15:04 UTC"),
		Took:    fmt.Sprintf("%.0f s", r.Seconds),
		Legend:  r.legend(),
		Figures: r.rows(false),
		Singles: r.latencyRows(),
	}
	if rows := r.rows(true); len(rows) > 1 {
		p.Sweep = rows
	}
	for _, peer := range r.Peers {
		if r.has(peer.Name) {
			p.Compared = append(p.Compared, peer)
		}
	}
	for i := range r.Workloads {
		w := &r.Workloads[i]
		if !w.Sweep {
			if chart, ok := bars(w); ok {
				p.Bars = append(p.Bars, chart)
			}
		}
		if chart, ok := latencies(w); ok {
			p.Latencies = append(p.Latencies, chart)
		}
	}
	for _, family := range r.families() {
		if chart, ok := r.curve(family); ok {
			p.Curves = append(p.Curves, chart)
		}
	}
	return p
}

// axis maps positive values to positions on a logarithmic scale between whole decades.
type axis struct {
	low, high  float64 // exponents of ten
	from, till float64 // positions
}

func newAxis(values []float64, from, till float64) axis {
	a := axis{low: math.Inf(1), high: math.Inf(-1), from: from, till: till}
	for _, v := range values {
		a.low = min(a.low, math.Floor(math.Log10(v)))
		a.high = max(a.high, math.Ceil(math.Log10(v)))
	}
	if a.high <= a.low {
		a.high = a.low + 1
	}
	return a
}

func (a axis) at(v float64) float64 {
	return a.from + (math.Log10(v)-a.low)/(a.high-a.low)*(a.till-a.from)
}

type tick struct {
	At    float64
	Label string
}

func (a axis) ticks(label func(float64) string) []tick {
	var ticks []tick
	for e := a.low; e <= a.high; e++ {
		v := math.Pow(10, e)
		ticks = append(ticks, tick{At: a.at(v), Label: label(v)})
	}
	return ticks
}

// roundNanos labels a decade of nanoseconds.
func roundNanos(ns float64) string {
	units := []string{"ns", "µs", "ms", "s"}
	i := 0
	for ; ns >= 999.5 && i < len(units)-1; i++ {
		ns /= 1000
	}
	return fmt.Sprintf("%.3g %s", ns, units[i])
}

func roundBytes(n float64) string {
	units := []string{"B", "kB", "MB", "GB"}
	i := 0
	for ; n >= 999.5 && i < len(units)-1; i++ {
		n /= 1000
	}
	return fmt.Sprintf("%.3g %s", n, units[i])
}

func roundCount(n float64) string {
	switch {
	case n >= 1e6:
		return fmt.Sprintf("%.3gM", n/1e6)
	case n >= 1e3:
		return fmt.Sprintf("%.3gk", n/1e3)
	}
	return fmt.Sprintf("%.3g", n)
}

const (
	barLeft   = 130.0
	barRight  = 470.0
	barPitch  = 24.0
	barTop    = 8.0
	lineLeft  = 64.0
	lineRight = 470.0
	lineTop   = 12.0
	lineFoot  = 252.0
)

type barChart struct {
	Name, Operation string
	Height, Foot    float64
	Ticks           []tick
	Bars            []bar
}

type bar struct {
	Peer, Label, Title string
	Y, Middle          float64
	Width              float64
	LabelX             float64
}

func bars(w *Workload) (barChart, bool) {
	var values []float64
	for _, r := range w.Results {
		if r.Median > 0 {
			values = append(values, r.Median)
		}
	}
	if len(values) == 0 {
		return barChart{}, false
	}
	x := newAxis(values, barLeft, barRight)
	label := roundNanos
	if w.Unit == "B/op" {
		label = roundBytes
	}
	chart := barChart{Name: w.Name, Operation: w.Operation, Ticks: x.ticks(label)}
	for i, r := range w.Results {
		y := barTop + float64(i)*barPitch
		b := bar{Peer: r.Peer, Y: y, Middle: y + barPitch/2, Label: formatFigure(w.Unit, r.Median), LabelX: barLeft + 6,
			Title: fmt.Sprintf("%s: median %s, best %s of %d rounds", r.Peer, formatFigure(w.Unit, r.Median), formatFigure(w.Unit, r.Min), len(r.Rounds))}
		if r.Median > 0 {
			// The shortest bar may end on the axis itself: leave something to see of it.
			b.Width = max(3, x.at(r.Median)-barLeft)
			b.LabelX = barLeft + b.Width + 6
		}
		chart.Bars = append(chart.Bars, b)
	}
	chart.Foot = barTop + float64(len(chart.Bars))*barPitch
	chart.Height = chart.Foot + 22
	return chart, true
}

type lineChart struct {
	Name, Caption string
	X, Y          []tick
	Lines         []line
}

type line struct {
	Peer   string
	Points string
	Dots   []dot
}

type dot struct {
	X, Y  float64
	Title string
}

func (l *line) add(x, y float64, title string) {
	l.Dots = append(l.Dots, dot{X: x, Y: y, Title: title})
	l.Points = strings.TrimSpace(fmt.Sprintf("%s %.1f,%.1f", l.Points, x, y))
}

// latencies draws the distribution of single operations: a line a peer over the quantiles.
func latencies(w *Workload) (lineChart, bool) {
	names := []string{"p50", "p90", "p99", "p99.9", "max"}
	quantiles := func(r Result) []float64 {
		d := r.Latency
		return []float64{d.P50, d.P90, d.P99, d.P999, d.Max}
	}
	var values []float64
	for _, r := range w.Results {
		if r.Latency == nil {
			return lineChart{}, false
		}
		for _, v := range quantiles(r) {
			if v > 0 {
				values = append(values, v)
			}
		}
	}
	if len(values) == 0 {
		return lineChart{}, false
	}
	y := newAxis(values, lineFoot, lineTop)
	at := func(i int) float64 {
		return lineLeft + (lineRight-lineLeft)*(float64(i)+0.5)/float64(len(names))
	}
	chart := lineChart{Name: w.Name, Caption: w.Operation + "; what ended early is left out", Y: y.ticks(roundNanos)}
	for i, name := range names {
		chart.X = append(chart.X, tick{At: at(i), Label: name})
	}
	for _, r := range w.Results {
		l := line{Peer: r.Peer}
		for i, v := range quantiles(r) {
			if v > 0 {
				l.add(at(i), y.at(v), fmt.Sprintf("%s: %s %s", r.Peer, names[i], formatNanos(v)))
			}
		}
		chart.Lines = append(chart.Lines, l)
	}
	return chart, true
}

// families are the curves that there are points of, in order.
func (r *Report) families() []string {
	var names []string
	seen := make(map[string]bool)
	for _, w := range r.Workloads {
		if w.Family != "" && !seen[w.Family] {
			seen[w.Family] = true
			names = append(names, w.Family)
		}
	}
	return names
}

// curve draws cost against scale: a line a peer over how many there are at once. One point makes no curve.
func (r *Report) curve(family string) (lineChart, bool) {
	var members []*Workload
	for i := range r.Workloads {
		if w := &r.Workloads[i]; w.Family == family && len(w.Results) > 0 {
			members = append(members, w)
		}
	}
	if len(members) < 2 {
		return lineChart{}, false
	}
	// In the table the sweep comes after the usual sizes; on the axis they lie among each other.
	for i := range members {
		for j := i; j > 0 && members[j].Params.Width < members[j-1].Params.Width; j-- {
			members[j], members[j-1] = members[j-1], members[j]
		}
	}
	var widths, values []float64
	for _, w := range members {
		widths = append(widths, float64(w.Params.Width))
		for _, result := range w.Results {
			values = append(values, result.Median)
		}
	}
	x, y := newAxis(widths, lineLeft, lineRight), newAxis(values, lineFoot, lineTop)
	chart := lineChart{Name: family, Caption: "cost of one operation against how many there are at once", X: x.ticks(roundCount), Y: y.ticks(roundNanos)}
	for _, peer := range r.Peers {
		l := line{Peer: peer.Name}
		for _, w := range members {
			if result := w.Result(peer.Name); result != nil {
				l.add(x.at(float64(w.Params.Width)), y.at(result.Median),
					fmt.Sprintf("%s: %s of %s", peer.Name, formatFigure(w.Unit, result.Median), roundCount(float64(w.Params.Width))))
			}
		}
		if len(l.Dots) > 0 {
			chart.Lines = append(chart.Lines, l)
		}
	}
	return chart, true
}
