package handler

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/keyrequest"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

const bob = "arn:aws:iam::123456789012:user/bob"

// ruledOn is a world in which a person decided the machine's request some time ago, when its verdict was this one.
func ruledOn(v, then policy.Verdict, approved bool, ago time.Duration, edits ...func(*record.Machine)) *fake.World {
	w := seen(v, edits...)
	at := fake.Start.Add(-ago)
	r := record.Request{
		ID: bootOne, Machine: fake.ID, BootID: bootOne, State: string(keyrequest.Denied), Reason: "a person denied it: no", AskedAt: at.Add(-time.Minute), Revision: 2,
		Ruling: &record.Ruling{Approved: approved, At: at, By: bob, Reason: "ticket 4711", Verdict: then},
		Moves:  []record.Move{{To: "Denied", At: at, By: bob, Why: "no"}},
	}
	if approved {
		r.State, r.Reason, r.ExpiresAt = string(keyrequest.Approved), "a person approved it: ticket 4711", at.Add(24*time.Hour)
		r.Moves[0].To = "Approved"
	}
	w.Store.Asked[asked] = r
	return w
}

func TestWhatAPersonDecided(t *testing.T) {
	t.Parallel()
	revoked := func(m *record.Machine) { m.State.Key = integrity.KeyRevoked }
	for name, tt := range map[string]struct {
		world  *fake.World
		status int
		state  string
		reason string
		moves  int
	}{
		"approved, complies":           {ruledOn(policy.Pass, policy.Pass, true, time.Hour), 200, "Approved", "a person approved it: ticket 4711", 1},
		"approved, not known":          {ruledOn(policy.Unknown, policy.Unknown, true, time.Hour), 200, "Approved", "a person approved it: ticket 4711", 1},
		"approved although it fails":   {ruledOn(policy.Fail, policy.Fail, true, time.Hour), 200, "Approved", "a person approved it: ticket 4711", 1},
		"approved, and it fails since": {ruledOn(policy.Fail, policy.Unknown, true, time.Hour), 403, "Denied", keyrequest.ReasonFail.Text(), 4},
		"approved, and never fetched":  {ruledOn(policy.Unknown, policy.Unknown, true, 25*time.Hour), 202, "Pending", keyrequest.ReasonUnknown.Text(), 3},
		"approved, and revoked since":  {ruledOn(policy.Pass, policy.Pass, true, time.Hour, revoked), 403, "Denied", keyrequest.ReasonRevoked.Text(), 2},
		"denied, complies":             {ruledOn(policy.Pass, policy.Pass, false, 100*time.Hour), 403, "Denied", "a person denied it: no", 1},
		"denied, fails":                {ruledOn(policy.Fail, policy.Pass, false, time.Hour), 403, "Denied", "a person denied it: no", 1},
	} {
		status, got, body := ask(t, tt.world)
		r := tt.world.Store.Asked[asked]
		if status != tt.status || got.State != tt.state || got.Reason != tt.reason || len(r.Moves) != tt.moves {
			t.Errorf("%s: %d %s, moves %+v; want %d %s: %s", name, status, body, r.Moves, tt.status, tt.state, tt.reason)
		}
		if granted := len(tt.world.Keys.Listed[fake.KeyARN]) > 0; granted != (tt.status == 200) {
			t.Errorf("%s: it has a grant: %t", name, granted)
		}
		if stays := r.Ruling != nil; stays != (tt.moves == 1 || tt.world.Store.ByID[fake.ID].State.Key == integrity.KeyRevoked) {
			t.Errorf("%s: the ruling is %+v", name, r.Ruling)
		}
	}
}

// Who approved it is in the ledger; asked again in the same boot it gets the same.
func TestReleaseNamesWhoApproved(t *testing.T) {
	t.Parallel()
	w := ruledOn(policy.Unknown, policy.Unknown, true, time.Hour)
	for range 2 {
		if status, _, body := ask(t, w); status != http.StatusOK {
			t.Fatalf("%d %s", status, body)
		}
	}
	last := w.Store.Entries[len(w.Store.Entries)-1]
	if last.Kind != record.EntryReleased || last.By != bob || !strings.Contains(last.Text, "ticket 4711") {
		t.Errorf("ledger: %+v, want who approved and why", last)
	}
	if r := w.Store.Asked[asked]; !r.ExpiresAt.IsZero() {
		t.Errorf("what was fetched expires at %s", r.ExpiresAt)
	}
}

// holding is a world whose policy holds what complies, and approves it by itself after ten minutes.
func holding(t *testing.T, waited time.Duration, edits ...func(*record.Machine)) *fake.World {
	t.Helper()
	w := seen(policy.Pass, edits...)
	p := w.Store.ByName["web-tier"]
	before := p.Text
	if p.Text = strings.Replace(p.Text, "onPass: approve", "onPass: hold, autoApprove: 10m", 1); p.Text == before {
		t.Fatalf("the policy approves nothing: %s", before)
	}
	compiled, err := p.Compile()
	if err != nil {
		t.Fatal(err)
	}
	p.Digest = compiled.Digest
	w.Store.ByName["web-tier"] = p
	w.Store.Kept[0].Result.Digest = p.Digest
	if waited > 0 {
		w.Store.Asked[asked] = record.Request{
			ID: bootOne, Machine: fake.ID, BootID: bootOne, State: string(keyrequest.Pending), Reason: keyrequest.ReasonPass.Text(), Revision: 1,
			AskedAt: fake.Start.Add(-waited), ExpiresAt: fake.Start.Add(-waited + 24*time.Hour),
		}
	}
	return w
}

func TestApprovedByItself(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		world  *fake.World
		status int
		state  string
		moves  int
	}{
		"asked now":        {holding(t, 0), 202, "Pending", 0},
		"nine minutes ago": {holding(t, 9*time.Minute), 202, "Pending", 0},
		"ten minutes ago":  {holding(t, 10*time.Minute), 200, "Approved", 1},
		"a day ago":        {holding(t, 24*time.Hour), 202, "Pending", 2}, // expired: it waits anew
		"held by a person": {holding(t, time.Hour, func(m *record.Machine) { m.State.HeldFor = "flapping" }), 202, "Pending", 0},
	} {
		status, got, body := ask(t, tt.world)
		r := tt.world.Store.Asked[asked]
		if status != tt.status || got.State != tt.state || len(r.Moves) != tt.moves {
			t.Errorf("%s: %d %s, moves %+v", name, status, body, r.Moves)
		}
		if pending := tt.state == "Pending"; r.ExpiresAt.IsZero() == pending {
			t.Errorf("%s: until %s", name, r.ExpiresAt)
		}
	}
	w := holding(t, 10*time.Minute)
	if _, r, _ := ask(t, w); r.Reason != keyrequest.ReasonNobody.Text() {
		t.Errorf("approved because %s", r.Reason)
	}
	// A person's denial is not overtaken.
	w = holding(t, time.Hour)
	r := w.Store.Asked[asked]
	r.State, r.Ruling = "Denied", &record.Ruling{At: fake.Start.Add(-time.Hour), By: bob, Reason: "no"}
	w.Store.Asked[asked] = r
	if status, _, _ := ask(t, w); status != http.StatusForbidden {
		t.Errorf("denied by a person, it is answered %d", status)
	}
}
