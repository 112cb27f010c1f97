package paper

import (
	"math"
	"strconv"

	"github.com/keyward/keyward/report"
)

var inks = map[report.Tone][3]int{
	report.ToneGood: {26, 127, 55}, report.ToneBad: {207, 34, 46}, report.ToneUnknown: {140, 149, 159}, report.TonePlain: {9, 105, 218}, report.ToneOther: {154, 103, 0},
}

func (s *sheet) ink(t report.Tone) { s.SetTextColor(inks[t][0], inks[t][1], inks[t][2]) }

// chart draws stacked bars with their legend below.
func (s *sheet) chart(c report.Chart) {
	const high, wide, left = 42.0, 200.0, 14.0
	s.room(high + 24)
	s.Ln(3)
	s.say("B", 10, c.Title+" ("+c.Unit+")")
	x, y := margin+left, s.GetY()+2
	step := report.Step(c.Highest())
	most := math.Max(step, math.Ceil(c.Highest()/step)*step)
	at := func(v float64) float64 { return y + high - v/most*high }
	s.SetFont("go", "", 6.5)
	s.SetDrawColor(208, 215, 222)
	for v := 0.0; v <= most+step/2; v += step {
		s.Line(x, at(v), x+wide, at(v))
		s.SetXY(margin, at(v)-1.5)
		s.CellFormat(left-2, 3, strconv.FormatFloat(v, 'f', -1, 64), "", 0, "R", false, 0, "")
	}
	each := wide / math.Max(1, float64(len(c.Labels)))
	const mostLabels = 10
	every := (len(c.Labels) + mostLabels - 1) / mostLabels
	for i, name := range c.Labels {
		base := 0.0
		for _, part := range c.Series {
			v := part.Values[i]
			ink := inks[part.Tone]
			s.SetFillColor(ink[0], ink[1], ink[2])
			if v > 0 {
				s.Rect(x+each*(float64(i)+0.1), at(base+v), each*0.8, at(base)-at(base+v), "F")
			}
			base += v
		}
		if i%every == 0 {
			s.SetXY(x+each*(float64(i)+0.5)-10, y+high+0.5)
			s.CellFormat(20, 3, s.plain(name), "", 0, "C", false, 0, "")
		}
	}
	s.SetXY(margin+left, y+high+4.5)
	for _, part := range c.Series {
		ink := inks[part.Tone]
		s.SetFillColor(ink[0], ink[1], ink[2])
		s.Rect(s.GetX(), s.GetY()+0.5, 2.5, 2.5, "F")
		s.SetX(s.GetX() + 3.5)
		s.CellFormat(s.GetStringWidth(part.Name)+6, 3.5, part.Name, "", 0, "L", false, 0, "")
	}
	s.SetXY(margin, y+high+9)
}
