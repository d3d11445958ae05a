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

// The charts are drawn by gonum's plot. All axes of figures are logarithmic, because peers differ by factors, and the
// same factor has the same length everywhere on such an axis.

// Sizes in units of the drawing, which the page scales to the width of its columns.
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

// palette has the names of the colours in the charts. The page's style sheet says what they look like, in light and in
// dark mode, but the library only draws in fixed colours. So it draws in colours that are indices into the palette, and
// these are replaced by the names in the end.
type palette []string

func (r *Report) palette() palette {
	p := palette{"ink", "faint", "grid"}
	for _, peer := range r.Peers {
		p = append(p, peer.Name)
	}
	return p
}

// colour returns the index of a name as a colour. It counts from one, because the library does not write black, the
// default in SVG. A name that is not in the palette gets the colour of text.
func (p palette) colour(name string) color.Color {
	return color.RGBA{B: uint8(max(slices.Index(p, name), 0) + 1), A: math.MaxUint8}
}

// names replaces the indices by names, and removes what the page's style sheet says for all text.
func (p palette) names() *strings.Replacer {
	replacements := []string{"font-family:Liberation Sans;font-variant:normal;font-weight:normal;font-style:normal;", ""}
	for i, name := range p {
		replacements = append(replacements, fmt.Sprintf("#%06X", i+1), "var(--"+name+")")
	}
	return strings.NewReplacer(replacements...)
}

// svg returns what was drawn on a canvas as an element for the page, without a fixed size and without what only a
// document of its own needs.
func (p palette) svg(canvas *vgsvg.Canvas) (template.HTML, error) {
	var document strings.Builder
	if _, err := canvas.WriteTo(&document); err != nil {
		return "", err
	}
	_, element, _ := strings.Cut(document.String(), "<svg ")
	_, content, _ := strings.Cut(element, ">")
	width, height := canvas.Size()
	// The library has escaped the text. The rest is numbers, and the names of peers, which need no escaping.
	return template.HTML(fmt.Sprintf(`<svg viewBox="0 0 %g %g">`, width, height) + p.names().Replace(content)), nil
}

// text returns a style for text. The library measures text in a font that is as wide as that of the page.
func (p palette) text(style text.Style, colour string, size vg.Length) text.Style {
	style.Font.Variant, style.Font.Size = "Sans", size
	style.Color = p.colour(colour)
	style.Handler = plot.DefaultTextHandler
	return style
}

// plain returns a plot without a background and without lines at its axes.
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

// logarithmic makes an axis that begins and ends with a power of ten and has room for the values, if there are any.
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

// bar is the figure of a peer and its label.
type bar struct {
	peer  string
	value float64
	label string
}

// barPlotter draws bars from the beginning of a logarithmic axis, one below the other. The bars of the library begin at
// zero, which such an axis does not have.
type barPlotter struct {
	bars    []bar
	palette palette
}

func (b barPlotter) Plot(c draw.Canvas, chart *plot.Plot) {
	x, y := chart.Transforms(&c)
	for i, bar := range b.bars {
		if bar.value <= 0 {
			continue // a sleep that ended early has only a label
		}
		middle := y(float64(i))
		// The shortest one may end where the axis begins, and should be visible.
		end := max(x(bar.value), c.Min.X+shortestBar)
		c.FillPolygon(b.palette.colour(bar.peer), []vg.Point{
			{X: c.Min.X, Y: middle - barWidth/2}, {X: end, Y: middle - barWidth/2},
			{X: end, Y: middle + barWidth/2}, {X: c.Min.X, Y: middle + barWidth/2},
		})
	}
}

// drawBars draws a bar for each peer, with its figure at the end.
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

// barLabels returns the figures at the ends of the bars. The library leaves room for them.
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
	// At the height of the names on the axis.
	labels.Offset = vg.Point{X: labelGap, Y: chart.Y.Tick.Label.FontExtents().Descent}
	return labels, nil
}

// series is the line of a peer. Figures that a logarithmic axis cannot show are only in the words.
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

// drawCurves draws lines over the width.
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

// drawLines draws a line for each peer on a plot whose X axis is ready, and a legend beside it.
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
