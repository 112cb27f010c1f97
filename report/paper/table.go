package paper

import (
	"fmt"

	"github.com/keyward/keyward/report"
)

// maxLines are printed of one cell.
const maxLines = 8

// table prints rows below a header, which each page repeats. Columns are as wide as what is in them asks for.
func (s *sheet) table(t report.Table) {
	s.room(24)
	s.Ln(3)
	s.say("B", 10, t.Name)
	if len(t.Rows) == 0 {
		s.say("", 8, t.Empty)
		return
	}
	rows := t.Rows
	if len(rows) > MaxRows {
		rows = rows[:MaxRows]
	}
	s.SetFont("go", "", 7)
	texts := make([][]string, len(rows))
	for i, r := range rows {
		texts[i] = make([]string, len(r))
		for j, c := range r {
			texts[i][j] = s.plain(c.In(s.zone))
		}
	}
	widths := s.widths(t.Columns, texts)
	s.header(t.Columns, widths)
	for i, r := range texts {
		lines, most := make([][]string, len(r)), 1
		for j, text := range r {
			if text != "" {
				lines[j] = s.SplitText(text, widths[j]-1)
			}
			if len(lines[j]) > maxLines {
				lines[j] = append(lines[j][:maxLines-1], "[cut: see the CSV]")
			}
			most = max(most, len(lines[j]))
		}
		high := float64(most)*lineHeight + 0.8
		if _, page := s.GetPageSize(); s.GetY()+high > page-bottomMargin {
			s.AddPage()
			s.header(t.Columns, widths)
		}
		s.line(lines, widths, rows[i], high)
	}
	if more := len(t.Rows) - len(rows); more > 0 {
		s.say("", 8, fmt.Sprintf("%d more rows are in the CSV, XLSX and JSON forms of this report.", more))
	}
}

func (s *sheet) line(lines [][]string, widths []float64, cells []report.Cell, high float64) {
	x, y := margin, s.GetY()
	for j := range lines {
		side := "L"
		if cells[j].Numeric() {
			side = "R"
		}
		for k, text := range lines[j] {
			s.SetXY(x, y+0.4+float64(k)*lineHeight)
			s.CellFormat(widths[j], lineHeight, text, "", 0, side, false, 0, "")
		}
		x += widths[j]
	}
	s.SetDrawColor(208, 215, 222)
	s.Line(margin, y+high, margin+inside, y+high)
	s.SetXY(margin, y+high)
}

func (s *sheet) header(columns []string, widths []float64) {
	s.SetFont("go", "B", 7)
	s.SetFillColor(232, 235, 238)
	lines, most := make([][]string, len(columns)), 1
	for i, name := range columns {
		if name != "" {
			lines[i] = s.SplitText(name, widths[i]-1)
		}
		most = max(most, len(lines[i]))
	}
	x, y, high := margin, s.GetY(), float64(most)*lineHeight+0.8
	s.Rect(margin, y, inside, high, "F")
	for i := range columns {
		for k, text := range lines[i] {
			s.SetXY(x, y+0.4+float64(k)*lineHeight)
			s.CellFormat(widths[i], lineHeight, text, "", 0, "L", false, 0, "")
		}
		x += widths[i]
	}
	s.SetXY(margin, y+high)
	s.SetFont("go", "", 7)
}

// widths share the page out: each column gets what its longest text asks for, up to a bound, and all of them are scaled
// to the page.
func (s *sheet) widths(columns []string, rows [][]string) []float64 {
	const least, most, sample = 10.0, 70.0, 200
	widths, sum := make([]float64, len(columns)), 0.0
	for i, name := range columns {
		widths[i] = least
		widths[i] = max(widths[i], min(s.GetStringWidth(name)*0.7+3, 24))
		for _, r := range rows[:min(len(rows), sample)] {
			text := r[i]
			if len(text) > 200 {
				text = "" // wider than any column
				widths[i] = most
			}
			widths[i] = max(widths[i], min(s.GetStringWidth(text)+3, most))
		}
		sum += widths[i]
	}
	for i := range widths {
		widths[i] *= inside / sum
	}
	return widths
}
