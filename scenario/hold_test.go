package scenario_test

import (
	"testing"
	"time"

	"github.com/keyward/keyward/shared/record"
)

func (w *world) hold(scope string, expires time.Time) {
	w.t.Helper()
	w.operator.must("PUT", "/v1/holds/"+scope, record.HoldWish{Reason: "data base migration", Expires: expires}, nil)
}

func (w *world) lift(scope string) {
	w.t.Helper()
	w.operator.must("DELETE", "/v1/holds/"+scope, record.Reason{Reason: "it is done"}, nil)
}

func TestNothingIsRevokedUnderAHold(t *testing.T) {
	t.Parallel()
	for scope, reason := range map[string]string{
		"global": "held-global", "policy:web": "held-policy", "machine:" + machineID: "held-machine",
	} {
		t.Run(scope, func(t *testing.T) {
			t.Parallel()
			w := begin(t, setup{})
			due := w.violate()
			w.hold(scope, time.Time{})
			if v := w.view(); len(v.Holds) != 1 || len(v.Stops) != 1 || v.Stops[0].Reason != reason {
				t.Errorf("before the deadline the machine shows holds %v and stops %v", v.Holds, v.Stops)
			}
			w.until(due.Add(90 * time.Minute))
			w.wantHeld(reason)
			w.wantKept()
			w.wantMails("warning", "held")
			w.wantText("held", w.view().Stops[0].Text)
			w.lift(scope)
			w.forward(7 * time.Minute) // the sweep finds it and looks again first
			w.wantRevoked(due)
			w.wantMails("warning", "held", "revoked")
		})
	}
}

func TestALiftedHoldLooksAgainFirst(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{})
	due := w.violate()
	w.hold("global", time.Time{})
	w.until(due.Add(20 * time.Minute))
	w.guest.listen() // nobody looks until the hold is lifted
	w.lift("global")
	w.forward(7 * time.Minute)
	w.wantStanding("Good")
	w.wantKept()
	w.wantMails("warning", "held", "stoodDown")
}

func TestHoldsExpire(t *testing.T) {
	t.Parallel()
	t.Run("before the deadline", func(t *testing.T) {
		t.Parallel()
		w := begin(t, setup{})
		due := w.violate()
		w.hold("machine:"+machineID, due.Add(-time.Minute))
		w.until(due.Add(time.Minute))
		w.wantRevoked(due)
		w.wantMails("warning", "revoked")
	})
	t.Run("after the deadline", func(t *testing.T) {
		t.Parallel()
		w := begin(t, setup{})
		due := w.violate()
		end := due.Add(time.Hour)
		w.hold("machine:"+machineID, end)
		w.until(end.Add(-time.Second))
		w.wantHeld("held-machine")
		w.wantKept()
		w.until(end.Add(7 * time.Minute))
		w.wantRevoked(end)
	})
}
