package report

import (
	"math"
	"strconv"
)

// Drawing is a chart laid out, in shares of the room that it has: 0 is its left or its bottom, 1 its right or its top.
type Drawing struct {
	Lines  []Mark // across it, at round numbers
	Bars   []Bar
	Labels []Mark // below the middle of their bars; of many, some
}

// Mark is a text and where it stands.
type Mark struct {
	At   float64
	Text string
}

// Bar is one series at one label, on top of those before it.
type Bar struct {
	Left, Width, Bottom, Height float64
	Label                       string
	Series                      Series
	Value                       float64
}

// Draw lays a chart out, with at most so many labels.
func (c Chart) Draw(mostLabels int) Drawing {
	var d Drawing
	highest := c.highest()
	step := stepTo(highest)
	most := math.Max(step, math.Ceil(highest/step)*step)
	for v := 0.0; v <= most+step/2; v += step {
		d.Lines = append(d.Lines, Mark{v / most, strconv.FormatFloat(math.Round(v*100)/100, 'f', -1, 64)})
	}
	all := float64(len(c.Labels))
	every := (len(c.Labels) + mostLabels - 1) / mostLabels
	for i, label := range c.Labels {
		base := 0.0
		for _, s := range c.Series {
			if v := s.Values[i]; v > 0 {
				d.Bars = append(d.Bars, Bar{(float64(i) + 0.1) / all, 0.8 / all, base / most, v / most, label, s, v})
				base += v
			}
		}
		if i%every == 0 {
			d.Labels = append(d.Labels, Mark{(float64(i) + 0.5) / all, label})
		}
	}
	return d
}

// RGB is the colour of a tone on white: red, green and blue, 0 to 255 each.
func (t Tone) RGB() [3]int {
	switch t {
	case ToneGood:
		return [3]int{26, 127, 55}
	case ToneBad:
		return [3]int{207, 34, 46}
	case ToneUnknown:
		return [3]int{140, 149, 159}
	case TonePlain:
		return [3]int{9, 105, 218}
	case ToneOther:
		return [3]int{154, 103, 0}
	default:
		return [3]int{}
	}
}
