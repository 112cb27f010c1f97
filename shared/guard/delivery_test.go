package guard_test

import (
	"testing"
	"time"

	"github.com/keyward/keyward/shared/guard"
)

func reached(counts, lost []string) func(*guard.Facts) {
	return func(f *guard.Facts) { f.Delivery = guard.Delivery{Counts: counts, Lost: lost} }
}

var (
	owner = []string{"owner@example.com"}
	team  = []string{"ops@example.com", "dev@example.com"}
)

var deliveryRows = []row{
	{"the warning reached its owner", reached(owner, nil), guard.Revoke, guard.ReasonDue},
	{"somebody else did not get it", reached(owner, team), guard.Revoke, guard.ReasonDue},
	{"one of two got it", reached(team, team[:1]), guard.Revoke, guard.ReasonDue},
	{"accepted, and nothing was heard of it", reached(nil, nil), guard.Revoke, guard.ReasonDue},
	{"condition 2: it bounced", reached(owner, owner), guard.Hold, guard.ReasonWarningBounced},
	{"condition 2: it bounced, written otherwise", reached(owner, []string{"Owner@Example.com"}), guard.Hold, guard.ReasonWarningBounced},
	{"condition 2: both bounced", reached(team, append(owner, team...)), guard.Hold, guard.ReasonWarningBounced},
	{"condition 2: it bounced and others are not warned yet", func(f *guard.Facts) {
		reached(owner, owner)(f)
		f.State.WarnedAt, f.State.DueAt = time.Time{}, time.Time{}
	}, guard.Hold, guard.ReasonWarningBounced},
	{"a bounce after the revocation", func(f *guard.Facts) {
		reached(owner, owner)(f)
		f.State.Key = "Revoked"
	}, guard.Superseded, guard.ReasonRevoked},
}

func TestWhomAWarningDidNotReach(t *testing.T) {
	t.Parallel()
	f := due(reached(owner, append(owner, team...)))
	if got := guard.Detail(f, guard.ReasonWarningBounced); got != "dev@example.com, ops@example.com, owner@example.com" {
		t.Errorf("Detail = %q", got)
	}
	if got := guard.Weigh(f, now); got.Text != guard.ReasonWarningBounced.Text()+": dev@example.com, ops@example.com, owner@example.com" {
		t.Errorf("Weigh says %q", got.Text)
	}
}

func TestDelivery(t *testing.T) {
	t.Parallel()
	for _, tt := range deliveryRows {
		if got := guard.Weigh(due(tt.change), now); got.Outcome != tt.outcome || got.Reason != tt.reason {
			t.Errorf("%s: Weigh = %+v, want %s because %s", tt.name, got, tt.outcome, tt.reason)
		}
	}
}
