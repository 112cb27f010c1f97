package paper

import "github.com/keyward/keyward/report"

func (s *sheet) ink(t report.Tone) {
	c := t.RGB()
	s.SetTextColor(c[0], c[1], c[2])
}

func (s *sheet) fill(t report.Tone) {
	c := t.RGB()
	s.SetFillColor(c[0], c[1], c[2])
}

// chart draws stacked bars with their legend below.
func (s *sheet) chart(c report.Chart) {
	const high, wide, left, mostLabels = 42.0, 200.0, 14.0, 10
	s.room(high + 24)
	s.Ln(3)
	s.say("B", 10, c.Title+" ("+c.Unit+")")
	x, y := margin+left, s.GetY()+2
	d := c.Draw(mostLabels)
	at := func(share float64) float64 { return y + high - share*high }
	s.SetFont("go", "", 6.5)
	s.SetDrawColor(208, 215, 222)
	for _, l := range d.Lines {
		s.Line(x, at(l.At), x+wide, at(l.At))
		s.SetXY(margin, at(l.At)-1.5)
		s.CellFormat(left-2, 3, l.Text, "", 0, "R", false, 0, "")
	}
	for _, b := range d.Bars {
		s.fill(b.Series.Tone)
		s.Rect(x+wide*b.Left, at(b.Bottom+b.Height), wide*b.Width, high*b.Height, "F")
	}
	for _, l := range d.Labels {
		s.SetXY(x+wide*l.At-10, y+high+0.5)
		s.CellFormat(20, 3, s.plain(l.Text), "", 0, "C", false, 0, "")
	}
	s.SetXY(margin+left, y+high+4.5)
	for _, part := range c.Series {
		s.fill(part.Tone)
		s.Rect(s.GetX(), s.GetY()+0.5, 2.5, 2.5, "F")
		s.SetX(s.GetX() + 3.5)
		s.CellFormat(s.GetStringWidth(part.Name)+6, 3.5, part.Name, "", 0, "L", false, 0, "")
	}
	s.SetXY(margin, y+high+9)
}
