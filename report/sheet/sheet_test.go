package sheet_test

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"github.com/keyward/keyward/report"
	"github.com/keyward/keyward/report/sample"
	"github.com/keyward/keyward/report/sheet"
)

func book(t *testing.T, d report.Data) (*excelize.File, report.Report, []byte) {
	t.Helper()
	r := report.Build(d, sample.Period(), report.All())
	var b bytes.Buffer
	if err := sheet.XLSX(&b, r); err != nil {
		t.Fatal(err)
	}
	f, err := excelize.OpenReader(bytes.NewReader(b.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f, r, b.Bytes()
}

// TestReadBack: there is a sheet for each section, each row of each table is in it, and a chart for each chart.
func TestReadBack(t *testing.T) {
	t.Parallel()
	f, r, _ := book(t, sample.Data())
	if n := len(f.GetSheetList()); n != len(r.Sections)+1 {
		t.Fatalf("%d sheets: %q", n, f.GetSheetList())
	}
	for _, s := range r.Sections {
		name := s.Title
		if len(name) > 31 {
			name = name[:31]
		}
		rows, err := f.GetRows(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, table := range s.Tables {
			at := slices.IndexFunc(rows, func(r []string) bool { return len(r) == len(table.Columns) && slices.Equal(r, table.Columns) })
			if len(table.Rows) == 0 {
				continue
			}
			if at < 0 || len(rows) < at+1+len(table.Rows) {
				t.Fatalf("%s, %s: not there", name, table.Name)
			}
			for i, want := range table.Rows {
				if text, ok := want[0].Value().(string); ok && rows[at+1+i][0] != text {
					t.Errorf("%s, %s, row %d begins with %q, want %q", name, table.Name, i, rows[at+1+i][0], text)
				}
			}
		}
	}
	rows, err := f.GetRows("Revocations")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(rows, func(r []string) bool { return len(r) > 1 && r[0] == "2026-03-26 09:42:00" && r[1] == sample.Web }) {
		t.Errorf("the revocation is not at its time in Berlin: %q", rows)
	}
}

// TestHostileTextIsText: no cell is a formula or a link, whatever it begins with.
func TestHostileTextIsText(t *testing.T) {
	t.Parallel()
	f, _, raw := book(t, sample.Hostile())
	formulas := 0
	for _, name := range f.GetSheetList() {
		rows, err := f.GetRows(name)
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range rows {
			for j, text := range r {
				cell, err := excelize.CoordinatesToCellName(j+1, i+1)
				if err != nil {
					t.Fatal(err)
				}
				if formula, err := f.GetCellFormula(name, cell); err != nil || formula != "" {
					t.Errorf("%s %s has the formula %q, %v", name, cell, formula, err)
				}
				if link, _, err := f.GetCellHyperLink(name, cell); err != nil || link {
					t.Errorf("%s %s has a link, %v", name, cell, err)
				}
				if strings.HasPrefix(text, "=HYPERLINK") {
					formulas++
				}
			}
		}
	}
	if formulas == 0 {
		t.Error("the bait is not shown")
	}
	if len(raw) > 1<<20 {
		t.Errorf("%d bytes", len(raw))
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestAFullDisk(t *testing.T) {
	t.Parallel()
	if err := sheet.XLSX(full{}, report.Build(sample.Data(), sample.Period(), nil)); err == nil {
		t.Error("no error")
	}
}
