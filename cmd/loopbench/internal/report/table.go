package report

import (
	"fmt"
	"io"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/goasyncio/asyncio/cmd/loopbench/internal/bench"
)

// cell is one field of a table.
type cell struct {
	text  string
	left  bool
	style string // an escape sequence, applied after padding because it has no width
}

const (
	bold  = "\x1b[1m"
	dim   = "\x1b[2m"
	green = "\x1b[32m"
	red   = "\x1b[31m"
	reset = "\x1b[0m"
)

// Table writes a report for people: its head at once, each row as soon as the workload is measured, and what depends on
// all of them at the end.
type Table struct {
	out    io.Writer
	colour bool
	columns
	widths []int
	curves bool // there is a row in the table of curves
	err    error
}

// NewTable writes the head of a report that is still to be measured. Its workloads are those that are planned, and their
// results say no more than which peers take part, since columns must have their widths before there are figures.
func NewTable(out io.Writer, colour bool, plan *Report) *Table {
	t := &Table{out: out, colour: colour, columns: plan.columns()}
	titles := t.titles()
	var names, operations int
	for _, w := range plan.Workloads {
		names, operations = max(names, utf8.RuneCountInString(w.Name)), max(operations, utf8.RuneCountInString(w.Operation))
	}
	for i, title := range titles {
		t.widths = append(t.widths, utf8.RuneCountInString(title.text))
		if i >= firstFigure && i < len(titles)-len(t.ratios) && title.text != "allocs" {
			t.widths[i] = max(t.widths[i], widestFigure)
		}
	}
	t.widths[0], t.widths[1] = max(t.widths[0], names), max(t.widths[1], operations)

	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", plan.Machine)
	fmt.Fprintf(&b, "%s\n", strings.Join(plan.versions(), ", "))
	if size := plan.size(); size != "" {
		fmt.Fprintf(&b, "%s\n", size)
	}
	b.WriteString("\n")
	alignTo(&b, t.widths, [][]cell{titles}, colour)
	t.write(b.String())
	return t
}

// widestFigure is the width of the longest figure, such as 10,396 B or -12.5 µs.
const widestFigure = 8

// Row writes the row of a workload, if anything of it was measured. Curves come after all that is none.
func (t *Table) Row(w *Workload) {
	if len(w.Results) == 0 {
		return
	}
	var b strings.Builder
	if w.Sweep && !t.curves {
		t.curves = true
		b.WriteString("\nCost against scale:\n")
	}
	alignTo(&b, t.widths, [][]cell{t.row(w)}, t.colour)
	t.write(b.String())
}

// End writes the other tables and the legend of the report, which by now is complete.
func (t *Table) End(r *Report) error {
	var b strings.Builder
	if rows := r.latencyRows(); len(rows) > 1 {
		b.WriteString("\nSingle operations:\n")
		align(&b, rows, t.colour)
	}
	if rows := r.trafficRows(); len(rows) > 1 {
		b.WriteString("\nServers:\n")
		align(&b, rows, t.colour)
	}
	b.WriteString("\n")
	for _, line := range r.legend() {
		fmt.Fprintf(&b, "%s\n", line)
	}
	t.write(b.String())
	return t.err
}

func (t *Table) write(text string) {
	if t.err == nil {
		_, t.err = io.WriteString(t.out, text)
	}
}

// size says how much was done if it is not the usual.
func (r *Report) size() string {
	switch {
	case r.Quick:
		return fmt.Sprintf("a quick look: rounds of %v of the full size", r.Scale)
	case r.Scale != 1:
		return fmt.Sprintf("scale %v of the full size", r.Scale)
	}
	return ""
}

// columns are the peers that have one: of figures, and of ratios.
type columns struct {
	others []Peer
	ratios []string
}

func (r *Report) columns() columns { return columns{r.others(), r.ratioPeers()} }

// firstFigure is the first column of figures.
const firstFigure = 2

func (c columns) titles() []cell {
	head := []cell{{text: "workload", left: true}, {text: "one operation", left: true}, {text: "median"}, {text: "min"}, {text: "allocs"}}
	for _, p := range c.others {
		head = append(head, cell{text: p.Name})
	}
	for _, p := range c.ratios {
		head = append(head, cell{text: "vs " + p})
	}
	for i := range head {
		head[i].style = bold
	}
	return head
}

// rows returns the table of figures, with its titles as the first row.
func (r *Report) rows(sweep bool) [][]cell {
	c := r.columns()
	rows := [][]cell{c.titles()}
	for i := range r.Workloads {
		if wl := &r.Workloads[i]; wl.Sweep == sweep && len(wl.Results) > 0 {
			rows = append(rows, c.row(wl))
		}
	}
	return rows
}

func (c columns) row(wl *Workload) []cell {
	row := []cell{{text: wl.Name, left: true}, {text: wl.Operation, left: true, style: dim}}
	if subject := wl.Result(Subject); subject != nil {
		allocs := "-"
		if subject.Counted {
			allocs = formatAllocs(subject.Allocs)
		}
		row = append(row, cell{text: formatFigure(wl.Unit, subject.Median), style: bold},
			cell{text: formatFigure(wl.Unit, subject.Min)}, cell{text: allocs})
	} else {
		row = append(row, cell{text: "-"}, cell{text: "-"}, cell{text: "-"})
	}
	for _, p := range c.others {
		text := "-"
		if result := wl.Result(p.Name); result != nil {
			text = formatFigure(wl.Unit, result.Median)
		}
		row = append(row, cell{text: text})
	}
	for _, p := range c.ratios {
		row = append(row, ratioCell(wl, p))
	}
	return row
}

// ratioPeers returns the peers that have a column of ratios: those that most readers know.
func (r *Report) ratioPeers() []string {
	var peers []string
	for _, name := range []string{"go", "cpython"} {
		if r.has(name) && r.has(Subject) {
			peers = append(peers, name)
		}
	}
	return peers
}

func ratioCell(w *Workload, peer string) cell {
	ratio, ok := w.Ratio(peer)
	switch {
	case !ok:
		return cell{text: "-"}
	case ratio >= 1.05:
		return cell{text: formatRatio(ratio), style: green}
	case ratio <= 1/1.05:
		return cell{text: formatRatio(ratio), style: red}
	}
	return cell{text: formatRatio(ratio)}
}

// latencyRows returns the table of distributions, with its titles as the first row.
func (r *Report) latencyRows() [][]cell {
	rows := [][]cell{{{text: "workload", left: true, style: bold}, {text: "peer", left: true, style: bold}}}
	for _, title := range percentiles {
		rows[0] = append(rows[0], cell{text: title, style: bold})
	}
	for i := range r.Workloads {
		wl := &r.Workloads[i]
		for _, result := range wl.Results {
			if d := result.Latency; d != nil {
				row := []cell{{text: wl.Name, left: true}, {text: result.Peer, left: true}}
				for _, v := range percentilesOf(d) {
					row = append(row, cell{text: formatNanos(v)})
				}
				rows = append(rows, row)
			}
		}
	}
	return rows
}

// trafficRows returns the table of servers, with its titles as the first row.
func (r *Report) trafficRows() [][]cell {
	rows := [][]cell{{{text: "workload", left: true, style: bold}, {text: "peer", left: true, style: bold},
		{text: "operations a second", style: bold}, {text: "server CPU", style: bold}, {text: "client CPU", style: bold}}}
	for i := range r.Workloads {
		wl := &r.Workloads[i]
		for _, result := range wl.Results {
			if t := result.Traffic; t != nil {
				rows = append(rows, []cell{{text: wl.Name, left: true}, {text: result.Peer, left: true},
					{text: bench.Count(int(math.Round(t.PerSecond)))}, {text: formatCPU(t.ServerCPU)}, {text: formatCPU(t.ClientCPU)}})
			}
		}
	}
	return rows
}

// formatCPU formats the processor time of an operation, which not every system tells.
func formatCPU(ns float64) string {
	if ns == 0 {
		return "-"
	}
	return formatNanos(ns)
}

// legend explains the columns.
func (r *Report) legend() []string {
	var lines []string
	if r.has(Subject) {
		lines = append(lines, "median, min, allocs: this module (loop); the other columns are medians.")
	}
	for _, p := range r.Peers {
		if r.has(p.Name) {
			lines = append(lines, fmt.Sprintf("%s: %s.", p.Name, p.What))
		}
	}
	if len(r.ratioPeers()) > 0 {
		lines = append(lines, "vs: how many times as much the peer needs; above 1 the loop is cheaper, below 1 the peer is.")
	}
	if len(r.trafficRows()) > 1 {
		lines = append(lines, "server CPU, client CPU: processor time of either process for one operation, user and system.")
	}
	for _, note := range r.Notes {
		lines = append(lines, "note: "+note)
	}
	if r.Interrupted {
		lines = append(lines, "note: interrupted: these are the rounds that had ended by then")
	}
	if r.Quick {
		lines = append(lines, "note: a quick look, good to a fifth or so: add -full for the full sizes, which take several minutes")
	}
	return lines
}

// align writes rows in columns, two spaces apart.
func align(b *strings.Builder, rows [][]cell, colour bool) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, c := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(c.text))
		}
	}
	alignTo(b, widths, rows, colour)
}

// alignTo is align with columns of known widths. What is wider moves the rest of its row.
func alignTo(b *strings.Builder, widths []int, rows [][]cell, colour bool) {
	for _, row := range rows {
		var line strings.Builder
		for i, c := range row {
			if i > 0 {
				line.WriteString("  ")
			}
			padding := strings.Repeat(" ", max(0, widths[i]-utf8.RuneCountInString(c.text)))
			text := c.text
			if colour && c.style != "" {
				text = c.style + text + reset
			}
			if c.left {
				line.WriteString(text + padding)
			} else {
				line.WriteString(padding + text)
			}
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
}
