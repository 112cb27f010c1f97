package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/keyward/keyward/cmd/keyward/internal/show"
	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

type machineShow struct {
	ID string `arg:"" help:"Machine id, such as i-1234567890abcdef0."`
}

func (machineShow) Help() string { return "Example:\n  keyward machine show i-1234567890abcdef0" }

func (a machineShow) Run(ctx context.Context, c *cli, p *show.Printer) error {
	api, err := c.people(ctx)
	if err != nil {
		return err
	}
	v, err := api.Machine(ctx, a.ID)
	if err != nil {
		return err
	}
	return p.Value(v, func() { printMachine(p, v) })
}

func printMachine(p *show.Printer, v record.MachineView) {
	m, s := v.Machine, v.Machine.State
	p.Table(nil, [][]string{
		{"machine", m.ID + " " + m.Name}, {"owner", show.Or(m.Owner, "-")},
		{"policy", fmt.Sprintf("%s, version %d at the last judgement", m.Policy, m.PolicyUsed)},
		{"standing", fmt.Sprintf("%s since %s", standing(s), show.Time(s.Since))},
		{"last verdict", fmt.Sprintf("%s of the inspection of %s", show.Or(s.LastVerdict, "none"), show.Time(s.LastEvidence))},
		{"last proven good", fmt.Sprintf("%s, last answer that could be judged %s", show.Time(s.GoodAt), show.Time(s.KnownAt))},
		{"key", fmt.Sprintf("%s since %s, %s, %s", key(m), show.Time(s.KeySince), m.Key.Mode, m.Key.ARN)},
		{"what follows", follows(v)},
	}, "")
	if rows := safeguarded(m); len(rows) > 0 {
		p.Table(nil, rows, "")
	}
	if s.Key == integrity.KeyRevoked {
		for _, way := range m.NotEffective {
			p.Line("Not effective: %s", way)
		}
	}
	printDependants(p, v)
	for _, f := range m.Findings {
		p.Line("")
		p.Line("%s: %s", f.Verdict, f.Rule)
		rows := [][]string{{"  expected", f.Expected}, {"  actual", f.Actual}, {"  fix", show.Or(f.Fix, "-")}}
		for _, v := range f.Values {
			rows = append(rows, []string{"  value", v}) // what a waiver would be pinned to
		}
		p.Table(nil, rows, "")
	}
	for _, f := range m.Waived {
		p.Line("")
		p.Line("Waived: %s", f.Rule)
		rows := [][]string{{"  expected", f.Expected}, {"  actual", f.Actual}}
		for _, w := range f.Waived {
			rows = append(rows, []string{"  allowed", fmt.Sprintf("until %s by %s, %s: %s", show.Time(w.Expires), w.By, w.Waiver, w.Reason)})
		}
		p.Table(nil, rows, "")
	}
	for _, w := range unused(v) {
		p.Line("")
		p.Line("Waiver %s until %s allows %s: %s", w.ID, show.Time(w.Expires), w.Rule, strings.Join(w.Values, "; "))
	}
	if rows := notices(v.Notices); len(rows) > 0 {
		p.Line("")
		p.Table([]string{"NOTICE", "ACCEPTED", "TO", "WHAT BECAME OF IT"}, rows, "")
	}
}

// unused are the waivers for a machine that it was not judged by: nothing is found that they allow, or
// they were set since.
func unused(v record.MachineView) []record.Waiver {
	return slices.DeleteFunc(slices.Clone(v.Waivers), func(w record.Waiver) bool {
		return slices.ContainsFunc(v.Machine.Waived, func(f policy.Finding) bool {
			return slices.ContainsFunc(f.Waived, func(p policy.Permission) bool { return p.Waiver == w.ID })
		})
	})
}

// shown is how many notices of a machine people see, the newest.
const shown = 10

// notices has a line for each recipient of the newest notices, with what was heard of the mail last.
func notices(all []record.Notice) [][]string {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b record.Notice) int { return a.BegunAt.Compare(b.BegunAt) })
	var rows [][]string
	for _, n := range all[max(0, len(all)-shown):] {
		for _, to := range n.To {
			last := record.Outcome{Kind: "nothing heard"}
			for _, o := range n.Outcomes {
				if o.Address == to && !o.At.Before(last.At) {
					last = o
				}
			}
			text := string(last.Kind)
			if last.Detail != "" && last.Kind != record.Delivered {
				text += ": " + last.Detail
			}
			rows = append(rows, []string{n.Kind, show.Time(n.AcceptedAt), to, text})
		}
	}
	return rows
}

// printDependants says who else depends on the key where its revocation would reach them.
func printDependants(p *show.Printer, v record.MachineView) {
	d := v.Dependants
	if v.Machine.Key.Mode != policy.DisableKey {
		return
	}
	p.Line("")
	if !d.Read {
		p.Line("Who else depends on the key could not be read: %s", show.Or(d.Unread, "not asked"))
		return
	}
	var rows [][]string
	for _, list := range []struct {
		label string
		lines []string
	}{{"others on the key", d.Others}, {"its own", d.Own}, {"alias", d.Aliases}} {
		for _, line := range list.lines {
			rows = append(rows, []string{list.label, line})
		}
	}
	p.Table(nil, append(rows, []string{"last use", d.LastUse}, []string{"not seen", d.Unseen}), "")
}

// safeguarded keeps apart what was ordered, what KMS confirmed, since when that holds everywhere, and who says that
// the data can no longer be read; with what was done on the machine before.
func safeguarded(m record.Machine) [][]string {
	var rows [][]string
	if taken := m.Taken; taken != nil {
		by := "nobody says so"
		if !taken.EffectiveAt.IsZero() {
			by = show.Time(taken.EffectiveAt) + ", says " + map[string]string{record.ByMachine: "the machine", record.ByAWS: "AWS"}[taken.EffectiveBy]
		}
		rows = append(rows, []string{"ordered", show.Time(taken.OrderedAt)}, []string{"confirmed", show.Time(taken.ConfirmedAt)},
			[]string{"in force", show.Time(taken.InForceAt)}, []string{"effective", by})
	}
	if g := m.Safeguard; g != nil && (m.Taken == nil || g.Generation == m.Taken.Generation) {
		for _, row := range [][]string{{"snapshots", snapshots(g)}, {"application", rest(g.Rest)}, {"on the machine", g.Text}, {"step that failed", g.Failed}} {
			if row[1] != "" {
				rows = append(rows, row)
			}
		}
	}
	return rows
}

// rest says whether the application is at rest for the snapshots, as far as anybody knows.
func rest(r *record.Rest) string {
	switch {
	case r.Open():
		return "may be at rest since " + show.Time(r.AskedAt) + " by " + r.Unit
	case r == nil || r.AtRestAt.IsZero():
		return ""
	default:
		return "was at rest from " + show.Time(r.AtRestAt) + " to " + show.Time(r.EndedAt)
	}
}

func snapshots(g *record.Safeguard) string {
	var all []string
	for _, s := range g.Snapshots {
		all = append(all, s.ID+" of "+s.Volume+" "+s.State)
	}
	return strings.Join(all, ", ")
}

// follows is the line that people look for: when the key goes, or why it does not.
func follows(v record.MachineView) string {
	s := v.Machine.State
	var text string
	switch {
	case !s.CommandedAt.IsZero() && v.Machine.Order != nil:
		o := v.Machine.Order
		text = "the key is being taken"
		if s.Key == integrity.KeyRevoked {
			text = "the key is revoked, and comes back by a person alone"
		}
		return text + ": " + o.By + " ordered it at " + show.Time(o.At) + ": " + o.Reason
	case s.Key == integrity.KeyRevoked:
		text = "the key is revoked; it comes back once the machine complies"
		if len(v.Machine.NotEffective) > 0 {
			text = "the key is revoked, not effective; it comes back once the machine complies"
		}
	case s.Standing != integrity.Bad:
		return "nothing"
	case s.DueAt.IsZero():
		text = "would be revoked once the warning was accepted and the grace is over"
	default:
		text = "would be revoked at " + show.Time(s.DueAt)
	}
	if s.HeldFor != "" {
		return text + "; held since " + show.Time(s.HeldSince) + " because " + reason(record.Stop{Text: guard.Reason(s.HeldFor).Text(), Detail: detail(v.Stops, s.HeldFor)})
	}
	for _, stop := range v.Stops {
		text += "; held because " + reason(stop)
	}
	return text
}

// reason is a stop in words, with what it is about.
func reason(s record.Stop) string {
	if s.Detail == "" {
		return s.Text
	}
	return s.Text + ": " + s.Detail
}

// detail is what a reason is about now, "" when it stops nothing any more.
func detail(stops []record.Stop, why string) string {
	for _, s := range stops {
		if s.Reason == why {
			return s.Detail
		}
	}
	return ""
}
