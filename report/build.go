package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keyward/keyward/shared/drill"
	"github.com/keyward/keyward/shared/record"
)

// builder is a report being made.
type builder struct {
	data   Data
	period Period
	names  map[string]string // of machines, by id
	ledger map[string][]record.Entry

	told []record.Machine // whose ledger was read
	seen []record.Machine // whose inspections were read
}

// Build makes a report with these sections. A period that is not over when the data was read ends there.
func Build(d Data, p Period, sections []ID) Report {
	b := builder{data: d, period: p, names: map[string]string{}, ledger: map[string][]record.Entry{}}
	r := Report{
		Title: "Keyward report", Account: Clean(d.Account), Region: Clean(d.Region), Version: Clean(d.Version),
		From: p.From, Zone: p.Zone.String(), MadeAt: d.ReadAt, Notes: []string{}, Sections: []Section{},
	}
	if b.period.To.After(d.ReadAt) {
		b.period.To = d.ReadAt
		r.Notes = append(r.Notes, "The period was not over when the report was made: it ends at that moment.")
	}
	r.To = b.period.To
	for _, g := range d.Gaps {
		r.Gaps = append(r.Gaps, Clean(g))
	}
	b.data.Machines = slices.DeleteFunc(slices.Clone(d.Machines), func(m record.Machine) bool { return drill.Is(m.ID) })
	slices.SortFunc(b.data.Machines, func(x, y record.Machine) int { return strings.Compare(x.ID, y.ID) })
	for _, m := range b.data.Machines {
		b.names[m.ID] = m.Name
		b.ledger[m.ID] = byTime(d.Ledger[m.ID])
		if !d.NoLedger[m.ID] {
			b.told = append(b.told, m)
		}
		if !d.NoLooks[m.ID] {
			b.seen = append(b.seen, m)
		}
	}
	b.data.Requests = slices.DeleteFunc(slices.Clone(d.Requests), func(r record.Request) bool { return drill.Is(r.Machine) })
	makers := map[ID]func() Section{
		KeysApproved: b.keysApproved, KeysDenied: b.keysDenied, KeyRequests: b.keyRequests, TimeToApproval: b.timeToApproval,
		Instances: b.instances, Images: b.images, Devices: b.devices, ConsoleAudit: b.consoleAudit, PolicyAudit: b.policyAudit,
		KeyRequestAudit: b.keyRequestAudit, ComputeTime: b.computeTime, Compliance: b.compliance, TimeToCorrect: b.timeToCorrect,
		Revocations: b.revocations, Holds: b.holds,
	}
	for _, id := range sections {
		s := makers[id]()
		s.ID = id
		for i := range s.Tables {
			if s.Tables[i].Rows == nil {
				s.Tables[i].Rows = [][]Cell{}
			}
		}
		r.Sections = append(r.Sections, s)
	}
	return r
}

// Period is the period of a report, with its zone.
func (r Report) Period() Period {
	zone, err := time.LoadLocation(r.Zone)
	if err != nil {
		zone = time.UTC // Build took a zone that there is
	}
	return Period{r.From, r.To, zone}
}

// machine is a machine's id and name as cells.
func (b builder) machine(id string) []Cell { return []Cell{Text(id), Text(b.names[id])} }

// row is cells, some of them in groups.
func row(parts ...any) []Cell {
	var all []Cell
	for _, p := range parts {
		switch p := p.(type) {
		case Cell:
			all = append(all, p)
		case []Cell:
			all = append(all, p...)
		case string:
			all = append(all, Text(p))
		}
	}
	return all
}

// sorted are rows by the moment in one of their columns, oldest first; what has none is last.
func sorted(rows [][]Cell, column int) [][]Cell {
	slices.SortStableFunc(rows, func(x, y []Cell) int {
		a, b := x[column], y[column]
		if (a.kind == moment) != (b.kind == moment) {
			if a.kind == moment {
				return -1
			}
			return 1
		}
		return a.at.Compare(b.at)
	})
	return rows
}

// byTime are entries by when they say they were written.
func byTime(entries []record.Entry) []record.Entry {
	all := slices.Clone(entries)
	slices.SortStableFunc(all, func(a, b record.Entry) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Chain, b.Chain), cmp.Compare(a.Number, b.Number))
	})
	return all
}

func byPlace(entries []record.Entry) []record.Entry {
	all := slices.Clone(entries)
	slices.SortStableFunc(all, func(a, b record.Entry) int {
		return cmp.Or(cmp.Compare(a.Chain, b.Chain), cmp.Compare(a.Number, b.Number))
	})
	return all
}

func place(chain string, number int64) string {
	if chain == "" {
		return fmt.Sprint(number)
	}
	return fmt.Sprintf("%d of the %s", number, chain)
}

// quantile is the value that this part of sorted lengths of time does not exceed.
func quantile(all []time.Duration, part float64) time.Duration {
	return all[min(int(part*float64(len(all))), len(all)-1)]
}

// spread are the figures of lengths of time.
func spread(all []time.Duration) []Figure {
	if len(all) == 0 {
		return nil
	}
	slices.Sort(all)
	return []Figure{
		{"shortest", Took(all[0])}, {"median", Took(quantile(all, 0.5))}, {"nine of ten within", Took(quantile(all, 0.9))}, {"longest", Took(all[len(all)-1])},
	}
}

// steps are the classes of a histogram of lengths of time.
var steps = []struct {
	below time.Duration
	name  string
}{
	{time.Minute, "< 1 min"}, {10 * time.Minute, "< 10 min"}, {time.Hour, "< 1 h"}, {4 * time.Hour, "< 4 h"}, {24 * time.Hour, "< 1 day"},
	{3 * 24 * time.Hour, "< 3 days"}, {7 * 24 * time.Hour, "< 7 days"}, {1 << 62, "longer"},
}

// histogram counts lengths of time by class.
func histogram(all []time.Duration) ([]string, []float64) {
	labels, values := make([]string, len(steps)), make([]float64, len(steps))
	for i, s := range steps {
		labels[i] = s.name
	}
	for _, d := range all {
		i := slices.IndexFunc(steps, func(s struct {
			below time.Duration
			name  string
		}) bool {
			return d < s.below
		})
		values[i]++
	}
	return labels, values
}

// person is whether who did something is a person: somebody with a session of AWS's.
func person(by string) bool { return strings.HasPrefix(by, "arn:") }
