package report

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/keyward/keyward/shared/record"
)

func (b builder) consoleAudit() Section {
	t := Table{Name: "What people did", Columns: []string{"at", "by", "what", "on", "name", "text"}, Empty: "Nobody did anything in this period that is written down."}
	add := func(at time.Time, by, what, on, text string) {
		if person(by) && b.period.has(at) {
			t.Rows = append(t.Rows, row(At(at), by, what, on, b.names[on], text))
		}
	}
	for _, m := range b.told {
		for _, e := range b.ledger[m.ID] {
			if what, ok := acts[e.Kind]; ok {
				add(e.At, e.By, what, m.ID, e.Text)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(b.data.Policies)) {
		for _, p := range b.data.Policies[name] {
			if p.Deleted != nil {
				add(p.Deleted.At, p.Deleted.By, "policy deleted", name, p.Deleted.Reason)
				continue
			}
			add(p.PutAt, p.PutBy, "policy put", name, fmt.Sprintf("version %d", p.Version))
		}
	}
	for _, w := range b.data.Waivers {
		add(w.SetAt, w.By, "waiver set", string(w.Scope), w.ID+" on rule "+w.Rule+": "+w.Reason)
		if w.Lifted != nil {
			add(w.Lifted.At, w.Lifted.By, "waiver lifted", string(w.Scope), w.ID+": "+w.Lifted.Reason)
		}
	}
	for _, h := range b.data.Holds {
		add(h.SetAt, h.By, "hold set", string(h.Scope), h.Reason)
	}
	for _, e := range b.data.Events {
		add(e.At, e.By, "breaker "+e.Kind, string(e.Scope), e.Text)
	}
	sorted(t.Rows, 0)
	who := map[string]int{}
	for _, r := range t.Rows {
		who[r[1].text]++
	}
	people := Table{Name: "By person", Columns: []string{"by", "acts"}, Empty: "Nobody."}
	for _, by := range mostFirst(who) {
		people.Rows = append(people.Rows, row(by, Count(who[by])))
	}
	s := Section{
		Title: "Console audit", Tables: []Table{t, people}, Figures: []Figure{{"acts", Count(len(t.Rows))}, {"people", Count(len(who))}},
		About: "What people did through the API and the command line, from the ledger, policies, waivers, holds and breakers.",
		Notes: []string{
			"Who only looked, who was refused, and who set a hold that was lifted since is not written down by Keyward; AWS CloudTrail and the API's access log have the calls.",
		},
	}
	const newest = 50
	if len(b.data.Events) >= newest {
		s.Notes = append(s.Notes, fmt.Sprintf("Of what was done about the breakers the newest %d are known.", newest))
	}
	return s
}

// acts are what people do about machines, by the kind of the entry that they leave. What Keyward did since a person wanted
// it, such as a release, is no act, and waivers are listed from the waivers.
var acts = map[record.EntryKind]string{
	record.EntryEnrolled: "machine enrolled",
	record.EntryRequest:  "decision or order",
	record.EntryResumed:  "enforcement resumed",
}

func (b builder) policyAudit() Section {
	t := Table{Name: "Versions", Columns: []string{"at", "policy", "version", "what", "by", "digest", "reason"}, Empty: "No policy was changed in this period."}
	current := Table{Name: "Policies at the end", Columns: []string{"policy", "version", "put", "by", "machines now"}, Empty: "There was no policy."}
	under := map[string]int{}
	for _, m := range b.data.Machines {
		under[m.Policy]++
	}
	for _, name := range slices.Sorted(maps.Keys(b.data.Policies)) {
		versions := slices.Clone(b.data.Policies[name])
		slices.SortFunc(versions, func(a, b record.Policy) int { return a.Version - b.Version })
		var last *record.Policy
		for i, p := range versions {
			at, by, what, why := p.PutAt, p.PutBy, "put", ""
			if p.Deleted != nil {
				at, by, what, why = p.Deleted.At, p.Deleted.By, "deleted", p.Deleted.Reason
			}
			if at.Before(b.period.To) {
				last = &versions[i]
			}
			if b.period.has(at) {
				t.Rows = append(t.Rows, row(At(at), name, Count(p.Version), what, by, p.Digest, why))
			}
		}
		if last != nil && last.Deleted == nil {
			current.Rows = append(current.Rows, row(name, Count(last.Version), At(last.PutAt), last.PutBy, Count(under[name])))
		}
	}
	sorted(t.Rows, 0)
	return Section{
		Title: "Policy audit", Tables: []Table{t, current}, Figures: []Figure{{"changes", Count(len(t.Rows))}, {"policies at the end", Count(len(current.Rows))}},
		About: "Each version of each policy that was put or deleted, from the policies' versions. `keyward policy diff` shows what changed.",
		Notes: []string{"Policies that were deleted are known when a machine, a key request or the ledger names them."},
	}
}
