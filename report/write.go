package report

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/keyward/keyward/shared/plain"
)

// JSON writes a report for programs. Characters that act on terminals or browsers are in it as escapes at most.
func JSON(w io.Writer, r Report) error {
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	if err := e.Encode(r); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}

// CSV writes a report for spreadsheets, as RFC 4180 has it, in UTF-8: after what is said of the whole, each table with a
// line for its section and name and one for its columns, and an empty line between tables. No field begins with a
// character by which a spreadsheet takes it for a formula.
func CSV(w io.Writer, r Report) error {
	c := csv.NewWriter(w)
	c.UseCRLF = true
	zone := r.Period().Zone
	write := func(cells ...string) {
		for i := range cells {
			cells[i] = plain.Inert(cells[i])
		}
		_ = c.Write(cells) // Flush and Error say it
	}
	for _, line := range r.Head() {
		write(line[0], line[1])
	}
	for _, s := range r.Sections {
		for _, f := range s.Figures {
			write(s.Title, f.Name, bare(f.Value, zone))
		}
		for _, n := range s.Notes {
			write(s.Title, "note", n)
		}
		for _, t := range s.Tables {
			_ = c.Write([]string{""})
			write(s.Title, t.Name, fmt.Sprintf("%d rows", len(t.Rows)))
			write(append([]string{}, t.Columns...)...)
			for _, r := range t.Rows {
				cells := make([]string, len(r))
				for i, v := range r {
					cells[i] = bare(v, zone)
				}
				write(cells...)
			}
		}
	}
	c.Flush()
	if err := c.Error(); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}

// bare is a cell as a spreadsheet reads it: a length of time as seconds, a share as a number.
func bare(c Cell, zone *time.Location) string {
	switch v := c.Value().(type) {
	case time.Duration:
		return fmt.Sprint(int64(v / time.Second))
	case time.Time:
		return v.In(zone).Format(time.RFC3339)
	case float64:
		return strings.TrimSuffix(c.In(zone), " %")
	default:
		return c.In(zone)
	}
}

// Head is what every form of a report says first, as names and values.
func (r Report) Head() [][2]string {
	p := r.Period()
	head := [][2]string{
		{"report", r.Title}, {"period", p.Title()}, {"from", At(r.From).In(p.Zone)}, {"until, not included", At(r.To).In(p.Zone)}, {"time zone", r.Zone},
		{"made", At(r.MadeAt).In(p.Zone)}, {"account", r.Account}, {"Region", r.Region}, {"Keyward", r.Version},
	}
	if r.Complete() {
		head = append(head, [2]string{"complete", "yes: everything that it is made of was read"})
	} else {
		head = append(head, [2]string{"complete", "NO: " + count(len(r.Gaps), "thing") + " could not be read"})
	}
	for _, g := range r.Gaps {
		head = append(head, [2]string{"not read", g})
	}
	for _, n := range r.Notes {
		head = append(head, [2]string{"note", n})
	}
	return head
}
