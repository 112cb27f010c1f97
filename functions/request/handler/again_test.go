package handler

import (
	"net/http"
	"testing"
	"time"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/keyrequest"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// TestAskedAgainAfterDelivery: a machine that has its key and complies gets it again, whatever its policy holds for
// people; when a person has to decide the request waits for one; an inspection is waited for as it is.
func TestAskedAgainAfterDelivery(t *testing.T) {
	t.Parallel()
	has := func(m *record.Machine) { m.State.Key, m.Grant, m.GrantedFor = integrity.KeyReleased, "grant-1", 1 }
	stale := func(w *fake.World) *fake.World { w.Store.Kept[0].Sent = fake.Start.Add(-3 * time.Hour); return w }
	for name, tt := range map[string]struct {
		world  *fake.World
		status int
		state  string
		reason keyrequest.Reason
	}{
		"complies, and a person decides": {holding(t, 0, has), 200, "Delivered", keyrequest.ReasonUsed},
		"complies, and the key was withdrawn": {holding(t, 0, func(m *record.Machine) { m.State.Key = integrity.KeyWithdrawn }),
			202, "Pending", keyrequest.ReasonPass},
		"complies, held": {holding(t, 0, has, func(m *record.Machine) { m.State.HeldFor = "flapping" }), 202, "Pending", keyrequest.ReasonHeld},
		"not known":      {seen(policy.Unknown, has), 202, "Pending", keyrequest.ReasonUnknown},
		"not looked at":  {stale(holding(t, 0, has)), 202, "Delivered", keyrequest.ReasonStale},
		"fails":          {seen(policy.Fail, has), 403, "Delivered", keyrequest.ReasonFail},
	} {
		tt.world.Store.Asked[asked] = record.Request{
			ID: bootOne, Machine: fake.ID, BootID: bootOne, State: "Delivered", Revision: 3, AskedAt: fake.Start.Add(-48 * time.Hour),
			Moves: []record.Move{{To: "Approved", At: fake.Start.Add(-48 * time.Hour), By: bob}, {To: "Delivered", At: fake.Start.Add(-48 * time.Hour), By: fake.ID}},
		}
		status, got, body := ask(t, tt.world)
		if status != tt.status || got.State != tt.state || got.Reason != tt.reason.Text() {
			t.Errorf("%s: %d %s, want %d %s: %s", name, status, body, tt.status, tt.state, tt.reason)
		}
		moves := 2
		if tt.state == "Pending" {
			moves = 3
		}
		for range 2 { // and nothing grows
			ask(t, tt.world)
		}
		if r := tt.world.Store.Asked[asked]; r.State != tt.state || len(r.Moves) != moves || r.ExpiresAt.IsZero() == (tt.state == "Pending") {
			t.Errorf("%s: the request is %+v, want %s and %d moves", name, r, tt.state, moves)
		}
	}
	// What the policy gave and the machine never used waits for a person too, who could not decide it otherwise.
	w := seen(policy.Pass)
	ask(t, w)
	w.Store.Kept[0].Result.Verdict = policy.Unknown
	if status, got, _ := ask(t, w); status != http.StatusAccepted || got.State != "Pending" {
		t.Errorf("approved before = %d %+v, want it pending", status, got)
	}
}

// What was denied has waited for nobody: its time to be approved by itself begins when it waits.
func TestWhatWasDeniedHasNotWaited(t *testing.T) {
	t.Parallel()
	w := holding(t, time.Hour)
	r := w.Store.Asked[asked]
	r.State, r.Reason, r.ExpiresAt = "Denied", keyrequest.ReasonFail.Text(), time.Time{}
	w.Store.Asked[asked] = r
	if status, got, _ := ask(t, w); status != http.StatusAccepted || got.State != "Pending" {
		t.Errorf("denied an hour ago, it complies: %d %+v, want it to wait", status, got)
	}
}
