package report_test

import (
	"slices"
	"testing"

	"github.com/keyward/keyward/report"
	"github.com/keyward/keyward/report/sample"
	"github.com/keyward/keyward/shared/fault"
)

func order(edit func(*report.Order)) report.Order {
	o := report.Order{Version: 1, Name: "stack", Every: report.Monthly, Zone: "Europe/Berlin", Forms: []string{"html", "csv"}, To: []string{"ops@example.com"}}
	if edit != nil {
		edit(&o)
	}
	return o
}

func TestOrders(t *testing.T) {
	t.Parallel()
	sections, zone, err := order(func(o *report.Order) { o.Sections = []string{"holds"} }).Checked()
	if err != nil || !slices.Equal(sections, []report.ID{report.Holds}) || zone.String() != "Europe/Berlin" {
		t.Errorf("Checked = %v, %v, %v", sections, zone, err)
	}
	for field, edit := range map[string]func(*report.Order){
		"version":  func(o *report.Order) { o.Version = 2 },
		"name":     func(o *report.Order) { o.Name = "../x" },
		"every":    func(o *report.Order) { o.Every = "yearly" },
		"zone":     func(o *report.Order) { o.Zone = "Local" },
		"sections": func(o *report.Order) { o.Sections = []string{"colour"} },
		"forms":    func(o *report.Order) { o.Forms = []string{"html", "doc"} },
		"to":       func(o *report.Order) { o.To = []string{"a@example.com\r\nBcc: b@example.com"} },
	} {
		_, _, err := order(edit).Checked()
		if fields := fault.Fields(err); !fault.Is(err, fault.Invalid) || len(fields) != 1 || fields[0].Name != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	for name, edit := range map[string]func(*report.Order){
		"no forms":        func(o *report.Order) { o.Forms = nil },
		"a form twice":    func(o *report.Order) { o.Forms = []string{"csv", "csv"} },
		"many recipients": func(o *report.Order) { o.To = make([]string, report.MaxRecipients+1) },
	} {
		if _, _, err := order(edit).Checked(); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPlace(t *testing.T) {
	t.Parallel()
	if got, want := order(nil).Place(sample.Period()), "reports/stack/monthly/2026-03-23/keyward-monthly-2026-03-23"; got != want {
		t.Errorf("Place = %q, want %q", got, want)
	}
}
