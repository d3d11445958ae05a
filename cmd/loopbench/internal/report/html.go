package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
)

// The page is one file, which loads nothing: its charts are SVG elements.

//go:embed page.html
var pageTemplate string

// WriteHTML writes the report as a page with charts.
func (r *Report) WriteHTML(w io.Writer) error {
	parsed, err := template.New("page").Parse(pageTemplate)
	if err != nil {
		return err
	}
	p, err := r.page()
	if err != nil {
		return err
	}
	return parsed.Execute(w, p)
}

type page struct {
	*Report
	Date      string
	Took      string
	Size      string
	Compared  []Peer
	Legend    []string
	Bars      []chart
	Latencies []chart
	Curves    []chart
	Figures   [][]cell
	Sweep     [][]cell
	Singles   [][]cell
	Servers   [][]cell
}

// Text and Left are for the template.
func (c cell) Text() string { return c.text }
func (c cell) Left() bool   { return c.left }

func (r *Report) page() (page, error) {
	p := page{
		Report:  r,
		Date:    r.Started.UTC().Format("2 January 2006, 15:04 UTC"),
		Took:    fmt.Sprintf("%.0f s", r.Seconds),
		Size:    r.size(),
		Legend:  r.legend(),
		Figures: r.rows(false),
		Singles: r.latencyRows(),
	}
	if rows := r.rows(true); len(rows) > 1 {
		p.Sweep = rows
	}
	if rows := r.trafficRows(); len(rows) > 1 {
		p.Servers = rows
	}
	for _, peer := range r.Peers {
		if r.has(peer.Name) {
			p.Compared = append(p.Compared, peer)
		}
	}
	var err error
	if p.Bars, err = r.barCharts(); err != nil {
		return page{}, err
	}
	if p.Latencies, err = r.latencyCharts(); err != nil {
		return page{}, err
	}
	p.Curves, err = r.curveCharts()
	return p, err
}
