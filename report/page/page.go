// Package page writes a report as one HTML page that needs nothing else: charts are inline SVG with their numbers beside
// them, for light and dark screens, paper and screen readers. No text in it can become markup, and it runs nothing.
package page

import (
	_ "embed" // the template
	"fmt"
	"html/template"
	"io"
	"time"

	"github.com/keyward/keyward/report"
)

//go:embed page.html.tmpl
var text string

// MaxRows are shown of a table; the other forms have all of them.
const MaxRows = 2000

var page = template.Must(template.New("page").Parse(text))

type view struct {
	Report   report.Report
	Name     string
	Complete bool
	Head     [][2]string
	Sections []section
}

type section struct {
	report.Section
	Figures []figure
	Charts  []chart
	Tables  []table
}

type figure struct{ Name, Value string }

type table struct {
	ID, Name, Empty string
	Columns         []column
	Rows            [][]cell
	More            int
}

type column struct {
	Name    string
	Numeric bool
}

type cell struct {
	Text    string
	Numeric bool
}

// HTML writes the page.
func HTML(w io.Writer, r report.Report) error {
	zone := r.Period().Zone
	v := view{Report: r, Name: r.Title + ", " + r.Period().Title(), Complete: r.Complete(), Head: r.Head()}
	for _, s := range r.Sections {
		part := section{Section: s}
		for _, f := range s.Figures {
			part.Figures = append(part.Figures, figure{f.Name, f.Value.In(zone)})
		}
		for i, c := range s.Charts {
			part.Charts = append(part.Charts, draw(fmt.Sprintf("%s-chart-%d", s.ID, i+1), c))
		}
		for i, t := range s.Tables {
			part.Tables = append(part.Tables, shown(fmt.Sprintf("%s-table-%d", s.ID, i+1), t, zone))
		}
		v.Sections = append(v.Sections, part)
	}
	if err := page.Execute(w, v); err != nil {
		return fmt.Errorf("writing the page: %w", err)
	}
	return nil
}

func shown(id string, t report.Table, zone *time.Location) table {
	out := table{ID: id, Name: t.Name, Empty: t.Empty}
	for i, name := range t.Columns {
		out.Columns = append(out.Columns, column{name, len(t.Rows) > 0 && t.Rows[0][i].Numeric()})
	}
	rows := t.Rows
	if len(rows) > MaxRows {
		rows, out.More = rows[:MaxRows], len(rows)-MaxRows
	}
	for _, r := range rows {
		cells := make([]cell, len(r))
		for i, c := range r {
			cells[i] = cell{c.In(zone), c.Numeric()}
		}
		out.Rows = append(out.Rows, cells)
	}
	return out
}
