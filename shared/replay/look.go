package replay

import (
	"cmp"
	"slices"
	"time"

	"github.com/keyward/keyward/shared/inspection"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
	"github.com/keyward/keyward/shared/waiver"
)

// Look is what one kept inspection says under the candidate.
type Look struct {
	Sent     time.Time
	Judged   time.Time // when it was judged at the time: what follows from it follows then
	Verdict  policy.Verdict
	Presence integrity.Presence
	Why      string           // the first bad finding, or why there was no evidence
	Seen     bool             // there was evidence
	Findings []policy.Finding // failed and unknown ones, waived or not
}

// Judge judges one kept inspection by the candidate, as evaluate would have at the time. Records of before JudgedAt and
// Presence were kept count as judged when they were received, else when they were sent; a machine that gave evidence
// as running, and one that gave none as one that could not be looked at, which takes nothing from anybody. The waivers that
// stood then count as they did.
func Judge(p *policy.Policy, e record.Evidence, m record.Machine, waivers []record.Waiver) Look {
	l := Look{Sent: e.Sent.UTC(), Judged: e.JudgedAt.UTC(), Presence: e.Presence, Why: e.Why}
	if e.Evidence != nil {
		if e.JudgedAt.IsZero() {
			l.Judged = e.Evidence.Collect.Received.UTC()
		}
		l.Presence = cmp.Or(l.Presence, integrity.Running)
	}
	if l.Judged.Before(l.Sent) {
		l.Judged = l.Sent
	}
	if e.Evidence == nil {
		return l
	}
	result := waiver.Apply(policy.Evaluate(p, e.Evidence, l.Judged), stood(waivers, l.Judged), m, l.Judged)
	l.Verdict, l.Why, l.Seen = result.Verdict, "", true
	if bad := result.Bad(); len(bad) > 0 {
		l.Why = bad[0].Rule + ": " + bad[0].Actual
	}
	for _, f := range result.Findings {
		if f.Verdict != policy.Pass && !f.Info {
			l.Findings = append(l.Findings, f)
		}
	}
	return l
}

// stood are the waivers that stood at a time, as they were then: set already, and not lifted yet.
func stood(waivers []record.Waiver, at time.Time) []record.Waiver {
	var then []record.Waiver
	for _, w := range waivers {
		if w.Lifted != nil && at.Before(w.Lifted.At) {
			w.Lifted = nil
		}
		if !at.Before(w.SetAt) && w.Stands(at) {
			then = append(then, w)
		}
	}
	return then
}

// late is whether the inspection was judged so long after it was sent that it moved nothing.
func (l Look) late() bool { return l.Judged.Sub(l.Sent) > inspection.TooOld }

// same is whether two inspections say the same of the machine.
func (l Look) same(other Look) bool {
	return l.Verdict == other.Verdict && l.Presence == other.Presence
}

// inOrder are the looks that count, in the order in which they were judged. What was sent later and judged earlier stays
// so: integrity.Next refuses the older one as it did at the time.
func inOrder(looks []Look) []Look {
	counting := slices.DeleteFunc(slices.Clone(looks), Look.late)
	slices.SortStableFunc(counting, func(a, b Look) int {
		return cmp.Or(a.Judged.Compare(b.Judged), a.Sent.Compare(b.Sent))
	})
	return slices.CompactFunc(counting, func(a, b Look) bool { return a.Sent.Equal(b.Sent) })
}
