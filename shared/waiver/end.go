package waiver

import (
	"slices"
	"time"

	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// TellBefore is how long before its end people are told that a waiver ends; of a waiver that is shorter
// than twice that, half of its length.
const TellBefore = 24 * time.Hour

// End is when the first of a machine's waived findings counts again, and when people are told of it. Some
// may be waived by others than before. It is not ok when one of them counts already: then end is when the
// last waiver that allowed it ended or was lifted, zero when that is not known.
func End(waived []policy.Finding, waivers []record.Waiver, m record.Machine, now time.Time) (end, tell time.Time, ok bool) {
	for _, f := range waived {
		by := coverOf(f.Rule, waivers, m, m.Policy, now).of(f.Values)
		if len(by) == 0 {
			return ended(f, waivers, m, now), time.Time{}, false
		}
		for _, w := range by {
			if !end.IsZero() && !w.Expires.Before(end) {
				continue
			}
			end = w.Expires
			tell = end.Add(-min(TellBefore, w.Expires.Sub(w.SetAt)/2))
		}
	}
	return end, tell, !end.IsZero()
}

// ended is when the last of the waivers that allowed a value of a finding ended.
func ended(f policy.Finding, waivers []record.Waiver, m record.Machine, now time.Time) (last time.Time) {
	for _, w := range waivers {
		if w.Rule != f.Rule || w.Stands(now) || !For(w, m, m.Policy) || !slices.ContainsFunc(f.Values, func(v string) bool { return slices.Contains(w.Values, v) }) {
			continue
		}
		at := w.Expires
		if w.Lifted != nil && w.Lifted.At.Before(at) {
			at = w.Lifted.At
		}
		if at.After(last) {
			last = at
		}
	}
	return last
}
