// Package paper writes a report as a PDF: A4 across, charts drawn, tables with their header on each page. It embeds the
// Go fonts, which have Latin, Greek and Cyrillic; characters that they lack are written as their code, such as \u6f22.
// It holds no link, script or form. It is not tagged for screen readers: the HTML form is the one for them.
package paper

import (
	"fmt"
	"io"
	"strings"
	"time"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/sfnt"

	"github.com/keyward/keyward/report"
)

// MaxRows are printed of a table; CSV, XLSX and JSON have all of them.
const MaxRows = 1000

// The page, in millimetres.
const (
	across, margin = 297.0, 12.0
	inside         = across - 2*margin
	lineHeight     = 3.6
	bottomMargin   = 14.0
)

// sheet is a paper being written.
type sheet struct {
	*fpdf.Fpdf
	zone  *time.Location
	font  *sfnt.Font
	known map[rune]bool // whether the font has a character
}

// PDF writes the paper.
func PDF(w io.Writer, r report.Report) error {
	font, err := sfnt.Parse(goregular.TTF)
	if err != nil {
		return fmt.Errorf("reading the font: %w", err)
	}
	s := &sheet{Fpdf: fpdf.New("L", "mm", "A4", ""), zone: r.Period().Zone, font: font, known: map[rune]bool{}}
	s.SetCatalogSort(true)
	s.SetCreationDate(r.MadeAt)
	s.SetModificationDate(r.MadeAt)
	s.SetTitle(r.Title+", "+r.Period().Title(), true)
	s.SetProducer("Keyward", true)
	s.SetLang("en")
	s.AddUTF8FontFromBytes("go", "", goregular.TTF)
	s.AddUTF8FontFromBytes("go", "B", gobold.TTF)
	s.SetMargins(margin, margin, margin)
	s.SetAutoPageBreak(true, bottomMargin)
	foot := s.plain(r.Title + ", " + r.Period().Title() + ", account " + r.Account + ", " + r.Region)
	s.SetFooterFunc(func() {
		s.SetY(-10)
		s.ink(report.ToneUnknown)
		s.SetFont("go", "", 7)
		s.CellFormat(inside-20, 4, foot, "", 0, "L", false, 0, "")
		s.CellFormat(20, 4, fmt.Sprintf("page %d", s.PageNo()), "", 0, "R", false, 0, "")
		s.SetTextColor(0, 0, 0)
	})
	s.AddPage()
	s.front(r)
	for _, x := range r.Sections {
		s.section(x)
	}
	if err := s.Output(w); err != nil {
		return fmt.Errorf("writing the PDF: %w", err)
	}
	return nil
}

// plain is a text with what the font lacks as its code.
func (s *sheet) plain(t string) string {
	var b strings.Builder
	var buf sfnt.Buffer
	for _, r := range t {
		has, seen := s.known[r]
		if !seen {
			glyph, err := s.font.GlyphIndex(&buf, r)
			has = err == nil && glyph != 0 && r <= 0xffff
			s.known[r] = has
		}
		switch {
		case has:
			b.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

func (s *sheet) say(style string, size float64, t string) {
	s.SetFont("go", style, size)
	s.MultiCell(inside, size*0.5, s.plain(t), "", "L", false)
}

func (s *sheet) front(r report.Report) {
	s.say("B", 16, r.Title+", "+r.Period().Title())
	s.Ln(2)
	if !r.Complete() {
		s.ink(report.ToneBad)
		s.say("B", 10, "This report is not complete. What could not be read is named below, and what follows does not count it.")
		s.SetTextColor(0, 0, 0)
		s.Ln(1)
	}
	for _, line := range r.Head() {
		s.SetFont("go", "B", 8)
		s.CellFormat(40, 4.2, s.plain(line[0]), "", 0, "L", false, 0, "")
		s.SetFont("go", "", 8)
		s.MultiCell(inside-40, 4.2, s.plain(line[1]), "", "L", false)
	}
}

func (s *sheet) section(x report.Section) {
	s.room(40)
	s.Ln(6)
	s.Bookmark(s.plain(x.Title), 0, -1)
	s.say("B", 13, x.Title)
	s.say("", 8, x.About)
	for _, n := range x.Notes {
		s.say("", 8, "Note: "+n)
	}
	s.Ln(1)
	for _, f := range x.Figures {
		s.SetFont("go", "", 9)
		s.CellFormat(90, 4.6, s.plain(f.Name), "", 0, "L", false, 0, "")
		s.SetFont("go", "B", 9)
		value := f.Value.In(s.zone)
		if value == "" {
			value = "none"
		}
		s.CellFormat(60, 4.6, s.plain(value), "", 1, "L", false, 0, "")
	}
	for _, c := range x.Charts {
		s.chart(c)
	}
	for _, t := range x.Tables {
		s.table(t)
	}
}

// room begins a new page when less than this is left of the present one.
func (s *sheet) room(needed float64) {
	_, high := s.GetPageSize()
	if s.GetY()+needed > high-bottomMargin {
		s.AddPage()
	}
}
