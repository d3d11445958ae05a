package report

import (
	"fmt"
	"html/template"
	"image/color"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// The charts are drawn by gonum's plot. All axes of figures are logarithmic, because the peers differ by factors,
// and a factor is the same length everywhere on such an axis.

// Sizes in the units of the drawing, which the page scales to its columns.
const (
	chartWidth  = vg.Length(500)
	lineHeight  = vg.Length(270)
	barPitch    = vg.Length(24)
	barWidth    = vg.Length(17)
	axisHeight  = vg.Length(30)
	shortestBar = vg.Length(3)
	labelGap    = vg.Length(6)
	textSize    = vg.Length(12)
	tickSize    = vg.Length(11)
)

// palette are the names of the colours that a report's charts are drawn in. The page's style sheet has what they
// look like, by daylight and in the dark, while the library draws in fixed colours only. So a drawing is made in
// colours that are no more than indices into the palette, and gets the names in their place at the end.
type palette []string

func (r *Report) palette() palette {
	p := palette{"ink", "faint", "grid"}
	for _, peer := range r.Peers {
		p = append(p, peer.Name)
	}
	return p
}

// colour is the index of a name, counted from one: black is the default in SVG, and not written. What is not in the
// palette is drawn as text is.
func (p palette) colour(name string) color.Color {
	return color.RGBA{B: uint8(max(slices.Index(p, name), 0) + 1), A: math.MaxUint8}
}

// names replaces the indices by names, and takes away what the page's style sheet says once for all text.
func (p palette) names() *strings.Replacer {
	replacements := []string{"font-family:Liberation Sans;font-variant:normal;font-weight:normal;font-style:normal;", ""}
	for i, name := range p {
		replacements = append(replacements, fmt.Sprintf("#%06X", i+1), "var(--"+name+")")
	}
	return strings.NewReplacer(replacements...)
}

// svg is what was drawn on a canvas, ready to be put into the page: an element with a size of its own and the
// declarations of a document would be in the way there.
func (p palette) svg(canvas *vgsvg.Canvas) (template.HTML, error) {
	var document strings.Builder
	if _, err := canvas.WriteTo(&document); err != nil {
		return "", err
	}
	_, element, _ := strings.Cut(document.String(), "<svg ")
	_, content, _ := strings.Cut(element, ">")
	width, height := canvas.Size()
	// The library has escaped the text. Beside it there are only numbers, and the names of peers, which are ours.
	return template.HTML(fmt.Sprintf(`<svg viewBox="0 0 %g %g">`, width, height) + p.names().Replace(content)), nil
}

// text is the style of text in a colour. The page's font is as wide as the one that it is measured with here.
func (p palette) text(style text.Style, colour string, size vg.Length) text.Style {
	style.Font.Variant, style.Font.Size = "Sans", size
	style.Color = p.colour(colour)
	style.Handler = plot.DefaultTextHandler
	return style
}

// plain is an empty plot: no lines but a grid, no background.
func (p palette) plain() *plot.Plot {
	chart := plot.New()
	chart.BackgroundColor = nil
	for _, axis := range []*plot.Axis{&chart.X, &chart.Y} {
		axis.Width, axis.Padding, axis.Tick.Length = 0, 0, 0
		axis.Tick.Label = p.text(axis.Tick.Label, "faint", tickSize)
	}
	return chart
}

func (p palette) gridLine() draw.LineStyle {
	return draw.LineStyle{Color: p.colour("grid"), Width: 1}
}

// logarithmic makes an axis for the values, of which there may be none, from a whole decade to another.
func logarithmic(axis *plot.Axis, values []float64, label func(float64) string) {
	low, high := math.MaxInt, math.MinInt
	for _, v := range values {
		low = min(low, int(math.Floor(math.Log10(v))))
		high = max(high, int(math.Ceil(math.Log10(v))))
	}
	if len(values) == 0 {
		low = 0
	}
	high = max(high, low+1)
	var ticks plot.ConstantTicks
	for exponent := low; exponent <= high; exponent++ {
		v := math.Pow10(exponent)
		ticks = append(ticks, plot.Tick{Value: v, Label: label(v)})
	}
	axis.Scale, axis.Tick.Marker = plot.LogScale{}, ticks
	axis.Min, axis.Max = math.Pow10(low), math.Pow10(high)
}

// bar is a peer's figure and what is written at its end.
type bar struct {
	peer  string
	value float64
	label string
}

// barPlotter draws bars from the beginning of a logarithmic axis, one below the other. The library's own begin at
// zero, which is nowhere on such an axis.
type barPlotter struct {
	bars    []bar
	palette palette
}

func (b barPlotter) Plot(c draw.Canvas, chart *plot.Plot) {
	x, y := chart.Transforms(&c)
	for i, bar := range b.bars {
		if bar.value <= 0 {
			continue // a sleep that ended early: there is only its label
		}
		middle := y(float64(i))
		// The shortest may end where the axis begins: leave something to see of it.
		end := max(x(bar.value), c.Min.X+shortestBar)
		c.FillPolygon(b.palette.colour(bar.peer), []vg.Point{
			{X: c.Min.X, Y: middle - barWidth/2}, {X: end, Y: middle - barWidth/2},
			{X: end, Y: middle + barWidth/2}, {X: c.Min.X, Y: middle + barWidth/2},
		})
	}
}

// drawBars draws a bar a peer, with its figure at the end.
func (p palette) drawBars(bars []bar, tick func(float64) string) (template.HTML, error) {
	var peers []string
	var values []float64
	for _, b := range bars {
		peers = append(peers, b.peer)
		if b.value > 0 {
			values = append(values, b.value)
		}
	}
	chart := p.plain()
	logarithmic(&chart.X, values, tick)
	chart.NominalY(peers...)
	chart.Y.Tick.Label = p.text(chart.Y.Tick.Label, "ink", textSize)
	chart.Y.Padding = labelGap / 2
	chart.Y.Scale = plot.InvertedScale{Normalizer: plot.LinearScale{}} // from the top
	chart.Y.Min, chart.Y.Max = -0.5, float64(len(bars))-0.5

	labels, err := p.barLabels(bars, chart)
	if err != nil {
		return "", err
	}
	chart.Add(&plotter.Grid{Vertical: p.gridLine()}, barPlotter{bars, p}, labels)
	canvas := vgsvg.New(chartWidth, axisHeight+barPitch*vg.Length(len(bars)))
	chart.Draw(draw.New(canvas))
	return p.svg(canvas)
}

// barLabels are the figures at the ends of the bars. The library leaves room for them.
func (p palette) barLabels(bars []bar, chart *plot.Plot) (*plotter.Labels, error) {
	var ends plotter.XYLabels
	for i, b := range bars {
		ends.XYs = append(ends.XYs, plotter.XY{X: max(b.value, chart.X.Min), Y: float64(i)})
		ends.Labels = append(ends.Labels, b.label)
	}
	labels, err := plotter.NewLabels(ends)
	if err != nil {
		return nil, err
	}
	for i, style := range labels.TextStyle {
		style.YAlign = draw.YCenter
		labels.TextStyle[i] = p.text(style, "ink", textSize)
	}
	// As high as the library writes the names on the axis.
	labels.Offset = vg.Point{X: labelGap, Y: chart.Y.Tick.Label.FontExtents().Descent}
	return labels, nil
}

// series is a peer's line. What has no place on a logarithmic axis is only told in words.
type series struct {
	peer   string
	points plotter.XYs
	words  []string
}

func (s *series) add(x, y float64, words string) {
	s.words = append(s.words, words)
	if y > 0 {
		s.points = append(s.points, plotter.XY{X: x, Y: y})
	}
}

func (s series) visible() bool    { return len(s.points) > 0 }
func (s series) incomplete() bool { return len(s.points) < len(s.words) }

// drawLatencies draws lines over the percentiles.
func (p palette) drawLatencies(all []series) (template.HTML, error) {
	chart := p.plain()
	chart.NominalX(percentiles...)
	chart.X.Min, chart.X.Max = 0, float64(len(percentiles)-1)
	return p.drawLines(chart, all, roundNanos)
}

// drawCurves draws lines over how many there are at once.
func (p palette) drawCurves(all []series, tick func(float64) string) (template.HTML, error) {
	chart := p.plain()
	var widths []float64
	for _, s := range all {
		for _, point := range s.points {
			widths = append(widths, point.X)
		}
	}
	logarithmic(&chart.X, widths, roundCount)
	return p.drawLines(chart, all, tick)
}

// drawLines draws a line a peer on a plot whose X axis is ready, and beside it which line is whose.
func (p palette) drawLines(chart *plot.Plot, all []series, tick func(float64) string) (template.HTML, error) {
	legend := plot.NewLegend()
	legend.Top, legend.Left = true, true
	legend.TextStyle = p.text(legend.TextStyle, "ink", textSize)
	legend.Padding = 6
	var values []float64
	chart.X.Padding, chart.Y.Padding = labelGap, 2*labelGap // the labels of the axes meet at the corner
	chart.Add(&plotter.Grid{Horizontal: p.gridLine()})
	for _, s := range all {
		if !s.visible() {
			continue
		}
		for _, point := range s.points {
			values = append(values, point.Y)
		}
		line, dots, err := plotter.NewLinePoints(s.points)
		if err != nil {
			return "", err
		}
		line.Color, line.Width = p.colour(s.peer), 2
		dots.Color, dots.Radius, dots.Shape = p.colour(s.peer), 3.5, draw.CircleGlyph{}
		chart.Add(line, dots)
		legend.Add(s.peer, line, dots)
	}
	logarithmic(&chart.Y, values, tick)

	canvas := vgsvg.New(chartWidth, lineHeight)
	whole := draw.New(canvas)
	beside := legend.Rectangle(whole).Size().X + labelGap
	chart.Draw(draw.Crop(whole, 0, -beside, 0, 0))
	legend.Draw(draw.Crop(whole, chartWidth-beside, 0, 0, 0))
	return p.svg(canvas)
}
