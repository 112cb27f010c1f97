// Package waiver says which findings people allowed to stand, by waivers that its caller read. It is pure:
// evaluate judges with it, recheck asks it once more before a revocation, the sweep when a waiver ends and
// the API whom a new one is for.
//
// A finding is waived only if each of its values is in a waiver that stands, is for this machine, and names
// this rule. Doubt is never waived: an Unknown finding stays Unknown.
package waiver

import (
	"cmp"
	"slices"
	"time"

	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// For is whether a waiver is for this machine under this policy, whatever the time.
func For(w record.Waiver, m record.Machine, policyName string) bool {
	if !slices.Contains(record.Scopes(m.ID, policyName), w.Scope) || w.Policy != "" && w.Policy != policyName {
		return false
	}
	for k, want := range w.Tags {
		if have, ok := m.Tags[k]; !ok || have != want {
			return false
		}
	}
	return true
}

// cover finds what covers a value, of one rule on one machine at one time.
type cover map[string]record.Waiver

func coverOf(rule string, waivers []record.Waiver, m record.Machine, policyName string, now time.Time) cover {
	c := cover{}
	for _, w := range waivers {
		if w.Rule != rule || !w.Stands(now) || !For(w, m, policyName) {
			continue
		}
		for _, v := range w.Values {
			if have, ok := c[v]; !ok || longer(w, have) {
				c[v] = w
			}
		}
	}
	return c
}

// longer makes the choice between two waivers of one value the same whatever their order.
func longer(a, b record.Waiver) bool {
	return cmp.Or(a.Expires.Compare(b.Expires), cmp.Compare(b.ID, a.ID)) > 0
}

// of are the waivers that cover all values, by id; none if one value is not covered.
func (c cover) of(values []string) []record.Waiver {
	var by []record.Waiver
	for _, v := range values {
		w, ok := c[v]
		if !ok {
			return nil
		}
		if !slices.ContainsFunc(by, func(have record.Waiver) bool { return have.ID == w.ID }) {
			by = append(by, w)
		}
	}
	slices.SortFunc(by, func(a, b record.Waiver) int { return cmp.Compare(a.ID, b.ID) })
	return by
}

// Apply is the judgement with the waivers that stand now: a failed finding that is waived says by which,
// and does not count. The findings of r are not changed.
func Apply(r policy.Result, waivers []record.Waiver, m record.Machine, now time.Time) policy.Result {
	r.Findings = slices.Clone(r.Findings)
	for i, f := range r.Findings {
		r.Findings[i].Waived = nil
		if f.Verdict != policy.Fail || f.Info {
			continue
		}
		for _, w := range coverOf(f.Rule, waivers, m, r.Policy, now).of(f.Values) {
			r.Findings[i].Waived = append(r.Findings[i].Waived, policy.Permission{Waiver: w.ID, Reason: w.Reason, By: w.By, Expires: w.Expires})
		}
	}
	r.Verdict = policy.Sum(r.Findings)
	return r
}

// Covered is whether there is a failed finding and each of them is waived now. What is unknown beside
// them is not asked: it costs no key.
func Covered(findings []policy.Finding, waivers []record.Waiver, m record.Machine, now time.Time) bool {
	failed := 0
	for _, f := range findings {
		if f.Verdict != policy.Fail || f.Info {
			continue
		}
		failed++
		if len(coverOf(f.Rule, waivers, m, m.Policy, now).of(f.Values)) == 0 {
			return false
		}
	}
	return failed > 0
}
