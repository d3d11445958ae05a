package report

import (
	"cmp"
	"fmt"
	"html/template"
	"slices"
	"strings"
)

// chart is a drawing and its description. Alt has every figure in words, for those who do not see the drawing.
type chart struct {
	Name, Caption, Alt string
	SVG                template.HTML
}

// barCharts draws the medians of each workload, except the points of the curves.
func (r *Report) barCharts() ([]chart, error) {
	var charts []chart
	for _, w := range r.Workloads {
		if w.Sweep || len(w.Results) == 0 {
			continue
		}
		var bars []bar
		var words []string
		for _, result := range w.Results {
			label := formatFigure(w.Unit, result.Median)
			bars = append(bars, bar{peer: result.Peer, value: result.Median, label: label})
			words = append(words, result.Peer+" "+label)
		}
		svg, err := r.palette().drawBars(bars, tickFormat(w.Unit))
		if err != nil {
			return nil, fmt.Errorf("report: chart of %s: %w", w.Name, err)
		}
		charts = append(charts, chart{Name: w.Name, Caption: w.Operation, Alt: strings.Join(words, ", "), SVG: svg})
	}
	return charts, nil
}

// latencyCharts draws the distributions of single operations: a line for each peer, over the percentiles.
func (r *Report) latencyCharts() ([]chart, error) {
	var charts []chart
	for _, w := range r.Workloads {
		var all []series
		for _, result := range w.Results {
			if d := result.Latency; d != nil {
				s := series{peer: result.Peer}
				for i, v := range percentilesOf(d) {
					s.add(float64(i), v, percentiles[i]+" "+formatNanos(v))
				}
				all = append(all, s)
			}
		}
		if !slices.ContainsFunc(all, series.visible) {
			continue
		}
		svg, err := r.palette().drawLatencies(all)
		if err != nil {
			return nil, fmt.Errorf("report: chart of the latencies of %s: %w", w.Name, err)
		}
		caption := w.Operation
		if slices.ContainsFunc(all, series.incomplete) {
			caption += "; what ended early is left out"
		}
		charts = append(charts, chart{Name: w.Name, Caption: caption, Alt: inWords(all), SVG: svg})
	}
	return charts, nil
}

// curveCharts draws cost against scale: a line for each peer, over the width. One point makes no curve.
func (r *Report) curveCharts() ([]chart, error) {
	var charts []chart
	for _, family := range r.families() {
		members := r.members(family)
		if len(members) < 2 {
			continue
		}
		var all []series
		for _, peer := range r.Peers {
			s := series{peer: peer.Name}
			for _, w := range members {
				if result := w.Result(peer.Name); result != nil {
					width := float64(w.Params.Width)
					s.add(width, result.Median, formatFigure(w.Unit, result.Median)+" of "+roundCount(width))
				}
			}
			if len(s.words) > 0 {
				all = append(all, s)
			}
		}
		svg, err := r.palette().drawCurves(all, tickFormat(members[0].Unit))
		if err != nil {
			return nil, fmt.Errorf("report: chart of %s against scale: %w", family, err)
		}
		charts = append(charts, chart{Name: family, Caption: "cost of one operation against how many there are at once", Alt: inWords(all), SVG: svg})
	}
	return charts, nil
}

// families returns the names of the curves, in order.
func (r *Report) families() []string {
	var names []string
	for _, w := range r.Workloads {
		if w.Family != "" && !slices.Contains(names, w.Family) {
			names = append(names, w.Family)
		}
	}
	return names
}

// members returns the points of a curve that were measured, by width.
func (r *Report) members(family string) []*Workload {
	var members []*Workload
	for i := range r.Workloads {
		if w := &r.Workloads[i]; w.Family == family && len(w.Results) > 0 {
			members = append(members, w)
		}
	}
	slices.SortStableFunc(members, func(a, b *Workload) int { return cmp.Compare(a.Params.Width, b.Params.Width) })
	return members
}

// inWords describes the lines of a chart.
func inWords(all []series) string {
	var words []string
	for _, s := range all {
		words = append(words, s.peer+": "+strings.Join(s.words, ", "))
	}
	return strings.Join(words, "; ")
}

// tickFormat returns the function that labels an axis of figures in this unit.
func tickFormat(unit string) func(float64) string {
	if unit == "B/op" {
		return roundBytes
	}
	return roundNanos
}

// roundNanos formats a power of ten of nanoseconds.
func roundNanos(ns float64) string { return inUnits(ns, "ns", "µs", "ms", "s") }

func roundBytes(n float64) string { return inUnits(n, "B", "kB", "MB", "GB") }

// inUnits formats v in the largest unit in which it is at least 1. Each unit is a thousand of the one before.
func inUnits(v float64, units ...string) string {
	for v >= 999.5 && len(units) > 1 {
		v, units = v/1000, units[1:]
	}
	return fmt.Sprintf("%.3g %s", v, units[0])
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
