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

// WriteTable writes the report as a table for people, in colours if colour is true.
func (r *Report) WriteTable(w io.Writer, colour bool) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", r.Machine)
	fmt.Fprintf(&b, "%s\n", strings.Join(r.versions(), ", "))
	if r.Scale != 1 {
		fmt.Fprintf(&b, "scale %v of the full size\n", r.Scale)
	}
	for _, sweep := range []bool{false, true} {
		if rows := r.rows(sweep); len(rows) > 1 {
			if sweep {
				b.WriteString("\nCost against scale:\n")
			} else {
				b.WriteString("\n")
			}
			align(&b, rows, colour)
		}
	}
	if rows := r.latencyRows(); len(rows) > 1 {
		b.WriteString("\nSingle operations:\n")
		align(&b, rows, colour)
	}
	if rows := r.trafficRows(); len(rows) > 1 {
		b.WriteString("\nServers:\n")
		align(&b, rows, colour)
	}
	b.WriteString("\n")
	for _, line := range r.legend() {
		fmt.Fprintf(&b, "%s\n", line)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// rows returns the table of figures, with its titles as the first row.
func (r *Report) rows(sweep bool) [][]cell {
	others := r.others()
	ratios := r.ratioPeers()
	head := []cell{{text: "workload", left: true}, {text: "one operation", left: true}, {text: "median"}, {text: "min"}, {text: "allocs"}}
	for _, p := range others {
		head = append(head, cell{text: p.Name})
	}
	for _, p := range ratios {
		head = append(head, cell{text: "vs " + p})
	}
	for i := range head {
		head[i].style = bold
	}
	rows := [][]cell{head}
	for i := range r.Workloads {
		wl := &r.Workloads[i]
		if wl.Sweep != sweep || len(wl.Results) == 0 {
			continue
		}
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
		for _, p := range others {
			text := "-"
			if result := wl.Result(p.Name); result != nil {
				text = formatFigure(wl.Unit, result.Median)
			}
			row = append(row, cell{text: text})
		}
		for _, p := range ratios {
			row = append(row, ratioCell(wl, p))
		}
		rows = append(rows, row)
	}
	return rows
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
	for _, row := range rows {
		var line strings.Builder
		for i, c := range row {
			if i > 0 {
				line.WriteString("  ")
			}
			padding := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c.text))
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
