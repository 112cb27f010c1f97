// Package sheet writes a report as an XLSX workbook: a sheet of what is said of the whole, one a section with its tables
// and charts. Times are dates in the report's zone, lengths of time are times that can be added up, and every text is a
// text: no cell holds a formula or a link.
package sheet

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/xuri/excelize/v2"

	"github.com/keyward/keyward/report"
)

// maxRows are in a sheet of Excel's; tables that do not fit say how many rows are left out.
const maxRows = 1_048_000

// book is a workbook being written.
type book struct {
	file                                    *excelize.File
	zone                                    *time.Location
	bold, head, moment, length, share, wrap int
}

// XLSX writes the workbook.
func XLSX(w io.Writer, r report.Report) (err error) {
	b := book{file: excelize.NewFile(), zone: r.Period().Zone}
	defer func() { err = cmp.Or(err, b.file.Close()) }()
	if err := b.styles(); err != nil {
		return fmt.Errorf("making the workbook: %w", err)
	}
	if err := errors.Join(b.front(r), b.sections(r)); err != nil {
		return fmt.Errorf("making the workbook: %w", err)
	}
	made := r.MadeAt.UTC().Format(time.RFC3339)
	if err := b.file.SetDocProps(&excelize.DocProperties{Title: r.Title + ", " + r.Period().Title(), Creator: "Keyward", Created: made, Modified: made}); err != nil {
		return fmt.Errorf("making the workbook: %w", err)
	}
	if err := b.file.Write(w); err != nil {
		return fmt.Errorf("writing the workbook: %w", err)
	}
	return nil
}

func (b *book) styles() error {
	moment, length, share := "yyyy-mm-dd hh:mm:ss", "[h]:mm:ss", "0.0"
	for style, to := range map[*excelize.Style]*int{
		{Font: &excelize.Font{Bold: true}}: &b.bold,
		{Font: &excelize.Font{Bold: true}, Fill: excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"E8EBEE"}}}: &b.head,
		{CustomNumFmt: &moment}: &b.moment,
		{CustomNumFmt: &length}: &b.length,
		{CustomNumFmt: &share}:  &b.share,
		{NumFmt: 49}:            &b.wrap, // text, whatever it looks like
	} {
		id, err := b.file.NewStyle(style)
		if err != nil {
			return err
		}
		*to = id
	}
	return nil
}

const frontName = "Report"

func (b *book) front(r report.Report) error {
	if err := b.file.SetSheetName("Sheet1", frontName); err != nil {
		return err
	}
	s, err := b.file.NewStreamWriter(frontName)
	if err != nil {
		return err
	}
	errs := []error{s.SetColWidth(1, 1, 24), s.SetColWidth(2, 2, 90)}
	at := 0
	put := func(cells ...any) {
		at++
		errs = append(errs, s.SetRow(fmt.Sprintf("A%d", at), cells))
	}
	for _, line := range r.Head() {
		put(excelize.Cell{StyleID: b.bold, Value: line[0]}, excelize.Cell{StyleID: b.wrap, Value: line[1]})
	}
	put()
	for _, x := range r.Sections {
		put(excelize.Cell{StyleID: b.bold, Value: x.Title}, excelize.Cell{StyleID: b.wrap, Value: x.About})
	}
	return errors.Join(append(errs, s.Flush())...)
}

func (b *book) sections(r report.Report) error {
	for _, s := range r.Sections {
		if err := b.section(s); err != nil {
			return err
		}
	}
	return nil
}

// section writes a sheet: figures, then the numbers of the charts, then the tables.
func (b *book) section(s report.Section) error {
	name := s.Title
	if len(name) > 31 {
		name = name[:31] // what Excel takes; titles are ours, and differ before
	}
	if _, err := b.file.NewSheet(name); err != nil {
		return err
	}
	w, err := b.file.NewStreamWriter(name)
	if err != nil {
		return err
	}
	errs := []error{w.SetColWidth(1, 16, 22)}
	at := 0
	put := func(cells ...any) {
		at++
		errs = append(errs, w.SetRow(fmt.Sprintf("A%d", at), cells))
	}
	put(excelize.Cell{StyleID: b.bold, Value: s.Title})
	put(excelize.Cell{StyleID: b.wrap, Value: s.About})
	for _, n := range s.Notes {
		put(excelize.Cell{StyleID: b.wrap, Value: "Note: " + n})
	}
	for _, f := range s.Figures {
		put(excelize.Cell{StyleID: b.wrap, Value: f.Name}, b.cell(f.Value))
	}
	var charts []placed
	for _, c := range s.Charts {
		put()
		put(excelize.Cell{StyleID: b.bold, Value: c.Title + " (" + c.Unit + ")"})
		names := []any{excelize.Cell{StyleID: b.head, Value: ""}}
		for _, x := range c.Series {
			names = append(names, excelize.Cell{StyleID: b.head, Value: x.Name})
		}
		put(names...)
		charts = append(charts, placed{c, name, at})
		for i, label := range c.Labels {
			cells := []any{excelize.Cell{StyleID: b.wrap, Value: label}}
			for _, x := range c.Series {
				cells = append(cells, x.Values[i])
			}
			put(cells...)
		}
	}
	for _, t := range s.Tables {
		put()
		put(excelize.Cell{StyleID: b.bold, Value: t.Name})
		if len(t.Rows) == 0 {
			put(t.Empty)
			continue
		}
		var columns []any
		for _, c := range t.Columns {
			columns = append(columns, excelize.Cell{StyleID: b.head, Value: c})
		}
		put(columns...)
		for i, r := range t.Rows {
			if at >= maxRows {
				put(fmt.Sprintf("%d more rows are in the CSV and JSON forms of this report", len(t.Rows)-i))
				break
			}
			cells := make([]any, len(r))
			for j, c := range r {
				cells[j] = b.cell(c)
			}
			put(cells...)
		}
	}
	if err := errors.Join(append(errs, w.Flush())...); err != nil {
		return err
	}
	for i, p := range charts {
		if err := b.chart(p, i); err != nil {
			return err
		}
	}
	return nil
}

// cell is a value with its format. Excel has no zones: a moment is its wall clock in the report's.
func (b *book) cell(c report.Cell) any {
	switch v := c.Value().(type) {
	case time.Time:
		l := v.In(b.zone)
		return excelize.Cell{StyleID: b.moment, Value: time.Date(l.Year(), l.Month(), l.Day(), l.Hour(), l.Minute(), l.Second(), 0, time.UTC)}
	case time.Duration:
		return excelize.Cell{StyleID: b.length, Value: v.Hours() / 24}
	case float64:
		if _, whole := any(int64(v)).(int64); whole && v == float64(int64(v)) {
			return int64(v)
		}
		return excelize.Cell{StyleID: b.share, Value: v}
	case string:
		return excelize.Cell{StyleID: b.wrap, Value: v}
	default:
		return nil
	}
}
