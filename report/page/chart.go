package page

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/keyward/keyward/report"
)

// The drawing, in SVG's units.
const (
	width, height            = 900.0, 280.0
	left, right, top, bottom = 52.0, 8.0, 12.0, 44.0
	mostLabels               = 12
)

// chart is a report's chart as shapes.
type chart struct {
	ID, Title, Desc string
	Unit            string
	Bars            []bar
	Lines           []line
	Labels          []label
	Legend          []legend
	Numbers         table
}

type bar struct{ X, Y, W, H, Tone, Says string }

type line struct{ Y, Text, TextY string }

type label struct{ X, Text string }

type legend struct{ Tone, Name string }

func at(v float64) string { return strconv.FormatFloat(math.Round(v*100)/100, 'f', -1, 64) }

// draw lays a chart out: stacked bars from the left, lines at round numbers.
func draw(id string, c report.Chart) chart {
	out := chart{ID: id, Title: c.Title, Unit: c.Unit, Numbers: numbers(c)}
	d := c.Draw(mostLabels)
	x := func(share float64) float64 { return left + share*(width-left-right) }
	y := func(share float64) float64 { return height - bottom - share*(height-top-bottom) }
	for _, l := range d.Lines {
		out.Lines = append(out.Lines, line{at(y(l.At)), l.Text, at(y(l.At) + 4)})
	}
	for _, b := range d.Bars {
		out.Bars = append(out.Bars, bar{
			at(x(b.Left)), at(y(b.Bottom + b.Height)), at(b.Width * (width - left - right)), at(b.Height * (height - top - bottom)),
			string(b.Series.Tone), fmt.Sprintf("%s, %s: %s", b.Label, b.Series.Name, short(b.Value)),
		})
	}
	for _, l := range d.Labels {
		out.Labels = append(out.Labels, label{at(x(l.At)), l.Text})
	}
	var sums []string
	for _, s := range c.Series {
		out.Legend = append(out.Legend, legend{string(s.Tone), s.Name})
		lowest, highest := math.Inf(1), 0.0
		for _, v := range s.Values {
			lowest, highest = math.Min(lowest, v), math.Max(highest, v)
		}
		if len(s.Values) > 0 {
			sums = append(sums, fmt.Sprintf("%s between %s and %s", s.Name, short(lowest), short(highest)))
		}
	}
	out.Desc = fmt.Sprintf("%d bars of %s: %s. The numbers are in the table below.", len(c.Labels), c.Unit, strings.Join(sums, "; "))
	return out
}

func short(v float64) string { return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64) }

func numbers(c report.Chart) table {
	t := table{ID: "", Name: c.Title, Columns: []column{{"", false}}}
	for _, s := range c.Series {
		t.Columns = append(t.Columns, column{s.Name, true})
	}
	for i, name := range c.Labels {
		cells := []cell{{name, false}}
		for _, s := range c.Series {
			cells = append(cells, cell{short(s.Values[i]), true})
		}
		t.Rows = append(t.Rows, cells)
	}
	return t
}
