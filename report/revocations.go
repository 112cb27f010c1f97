package report

import (
	"strings"
	"time"

	"github.com/keyward/keyward/shared/record"
)

// taking is one revocation as its entries tell it.
type taking struct {
	machine                                       string
	generation                                    int64
	intent, ordered, confirmed, effective, failed time.Time
	restored                                      time.Time
	why, by, says, problem                        string
}

// takings are the revocations of a machine, oldest first: an intent with what followed until the next.
func takings(id string, entries []record.Entry) []taking {
	var all []taking
	for _, e := range entries {
		if e.Kind == record.EntryIntent {
			all = append(all, taking{machine: id, generation: e.Generation, intent: e.At, by: e.By, why: strings.TrimPrefix(e.Text, "intent to revoke: ")})
			continue
		}
		if len(all) == 0 {
			continue
		}
		t := &all[len(all)-1]
		switch e.Kind {
		case record.EntryOrdered:
			t.ordered = e.At
		case record.EntryConfirmed:
			t.confirmed = e.At
		case record.EntryEffective:
			t.effective, t.says = e.At, strings.TrimPrefix(e.Text, "effective: ")
		case record.EntryRestored:
			t.restored = e.At
		case record.EntryFailed:
			if t.confirmed.IsZero() {
				t.failed, t.problem = e.At, e.Text
			}
		}
	}
	return all
}

func (b builder) revocations() Section {
	done := Table{
		Name: "Revoked", Columns: []string{"revoked", "machine", "name", "intended", "ordered", "effective", "says", "given back", "by", "why"}, Empty: "No key was revoked in this period.",
	}
	not := Table{Name: "Begun and not confirmed", Columns: []string{"intended", "machine", "name", "ordered", "failed", "problem", "why"}, Empty: "None in this period."}
	back := Table{Name: "Given back", Columns: []string{"given back", "machine", "name", "text", "by"}, Empty: "No key was given back in this period."}
	gone := Table{Name: "Withdrawn", Columns: []string{"withdrawn", "machine", "name", "text"}, Empty: "No grant of a machine that is gone was withdrawn in this period."}
	var confirmed, restored []time.Time
	for _, m := range b.told {
		for _, t := range takings(m.ID, b.ledger[m.ID]) {
			by := t.by
			if by == "" {
				by = "policy"
			}
			if b.period.has(t.confirmed) {
				confirmed = append(confirmed, t.confirmed)
				effective := At(t.effective)
				if t.effective.IsZero() {
					effective = Text("nobody says so")
				}
				done.Rows = append(done.Rows, row(At(t.confirmed), b.machine(m.ID), At(t.intent), At(t.ordered), effective, t.says, At(t.restored), by, t.why))
			} else if t.confirmed.IsZero() && b.period.has(t.intent) {
				not.Rows = append(not.Rows, row(At(t.intent), b.machine(m.ID), At(t.ordered), At(t.failed), t.problem, t.why))
			}
		}
		for _, e := range b.ledger[m.ID] {
			switch {
			case !b.period.has(e.At):
			case e.Kind == record.EntryRestored:
				restored = append(restored, e.At)
				back.Rows = append(back.Rows, row(At(e.At), b.machine(m.ID), e.Text, e.By))
			case e.Kind == record.EntryWithdrawn:
				gone.Rows = append(gone.Rows, row(At(e.At), b.machine(m.ID), e.Text))
			}
		}
	}
	for _, t := range []Table{done, not, back, gone} {
		sorted(t.Rows, 0)
	}
	s := Section{
		Title: "Revocations", Tables: []Table{done, not, back, gone},
		About: "From the ledger. Revoked means that KMS was read back twice and says so; effective, that the data can no longer be read, and who says that.",
		Figures: []Figure{
			{"revoked", Count(len(done.Rows))}, {"begun and not confirmed", Count(len(not.Rows))}, {"given back", Count(len(back.Rows))}, {"withdrawn, since the machine is gone", Count(len(gone.Rows))},
		},
	}
	if len(confirmed)+len(restored) > 0 {
		buckets := b.period.buckets()
		s.Charts = []Chart{{Title: "Keys revoked and given back", Unit: "keys", Labels: names(buckets), Series: []Series{
			{"revoked", ToneBad, counted(buckets, confirmed)}, {"given back", ToneGood, counted(buckets, restored)},
		}}}
	}
	return s
}

func (b builder) holds() Section {
	happened := Table{Name: "Enforcements that were held", Columns: []string{"at", "machine", "name", "reason", "by"}, Empty: "No enforcement was held in this period."}
	var at []time.Time
	reasons := map[string]int{}
	for _, m := range b.told {
		for _, e := range b.ledger[m.ID] {
			if !b.period.has(e.At) || e.Kind != record.EntryHeld && e.Kind != record.EntryResumed {
				continue
			}
			text := strings.TrimPrefix(e.Text, "held: ")
			if e.Kind == record.EntryHeld {
				at = append(at, e.At)
				reasons[Clean(text)]++
			}
			happened.Rows = append(happened.Rows, row(At(e.At), b.machine(m.ID), text, e.By))
		}
	}
	sorted(happened.Rows, 0)
	why := Table{Name: "By reason", Columns: []string{"reason", "times"}, Empty: "None."}
	for _, reason := range mostFirst(reasons) {
		why.Rows = append(why.Rows, row(reason, Count(reasons[reason])))
	}
	stand := Table{Name: "People's holds that stand", Columns: []string{"set", "scope", "reason", "by", "until"}, Empty: "No hold of a person stands."}
	for _, h := range b.data.Holds {
		until := At(h.Expires)
		if h.Expires.IsZero() {
			until = Text("it is lifted")
		}
		stand.Rows = append(stand.Rows, row(At(h.SetAt), string(h.Scope), h.Reason, h.By, until))
	}
	sorted(stand.Rows, 0)
	s := Section{
		Title: "Holds", Tables: []Table{happened, why, stand},
		About:   "What stopped enforcements, and why, from the ledger; and the holds of people that stand at the time of the report.",
		Notes:   []string{"A hold of a person that was lifted or has ended leaves no record of its own: what it stopped is in the ledger, and AWS CloudTrail or the API's access log has the call."},
		Figures: []Figure{{"held", Count(len(at))}, {"people's holds that stand", Count(len(stand.Rows))}},
	}
	if len(at) > 0 {
		buckets := b.period.buckets()
		s.Charts = []Chart{{Title: "Enforcements that were held", Unit: "holds", Labels: names(buckets), Series: []Series{{"held", ToneOther, counted(buckets, at)}}}}
	}
	return s
}
