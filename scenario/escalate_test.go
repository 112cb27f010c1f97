package scenario_test

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// climbs are the mails to those whom the policy names for what nobody corrects.
func (w *world) climbs() []mail {
	w.t.Helper()
	return slices.DeleteFunc(w.allMails(), func(m mail) bool { return m.kind() != "escalated" })
}

// Nobody corrects a machine: the lead hears of it before the deadline, the head after the revocation, each once; and
// neither changes the deadline. In the next violation it begins anew.
func TestWhatNobodyCorrectsClimbs(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{})
	steps := "notify: {escalate: [{after: 30m, to: [lead@example.com]}, {after: 3h, to: [head@example.com]}], to: [ops@example.com]}"
	w.operator.must("PUT", "/v1/policies/web", strings.Replace(w.setup.policy(), "notify: {to: [ops@example.com]}", steps, 1), nil)
	due := w.violate()
	warned := w.view().Machine.State.WarnedAt
	w.until(warned.Add(29 * time.Minute))
	if got := w.climbs(); len(got) > 0 {
		t.Fatalf("told %+v before its time", got)
	}
	w.until(due.Add(-time.Second))
	w.wantKept()
	got := w.climbs()
	if len(got) != 1 || !slices.Equal(got[0].To, []string{"owner@example.com", "lead@example.com"}) || !strings.Contains(got[0].Subject, "after 30 minutes: its key will be revoked at") {
		t.Fatalf("told %+v, want the owner and the lead, once", got)
	}

	w.until(due.Add(time.Minute))
	w.wantRevoked(due)
	w.hold("policy:web", time.Time{})
	w.until(warned.Add(4 * time.Hour))
	if got := w.climbs(); len(got) != 1 {
		t.Fatalf("told %d times under a hold, want it to wait", len(got))
	}
	w.lift("policy:web")
	w.forward(6 * time.Minute)
	got = w.climbs()
	if len(got) != 2 || !slices.Equal(got[1].To, []string{"owner@example.com", "head@example.com"}) || !strings.Contains(got[1].Subject, "after 3 hours, its key is revoked") {
		t.Fatalf("told %+v, want the owner and the head after the revocation", got)
	}

	w.correct()
	w.forward(5 * time.Hour)
	w.wantStanding("Good")
	if got := w.climbs(); len(got) != 2 {
		t.Errorf("told %d times of a machine that complies, want no more than before", len(got))
	}
	w.violate()
	w.forward(40 * time.Minute)
	if got := w.climbs(); len(got) != 3 || !slices.Equal(got[2].To, []string{"owner@example.com", "lead@example.com"}) {
		t.Errorf("told %+v of the next violation, want the lead again", got)
	}
}
