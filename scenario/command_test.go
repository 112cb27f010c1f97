package scenario_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/local/faults"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// command has a security administrator order that the machine's key is taken.
func (w *world) command(reason string) (int, string) {
	w.t.Helper()
	k, err := w.PersonCredentials("guard", "SecurityAdministratorPolicy")
	if err != nil {
		w.t.Fatal(err)
	}
	person := w.operator
	person.key = provider(k)
	return person.call("POST", "/v1/requests/"+machineID+"/"+bootID+"/revoke", record.Reason{Reason: reason}, nil)
}

const guardARN = "arn:aws:iam::123456789012:user/guard"

// TestAPersonTakesAKey: from a machine in order, by name, and it comes back by a person alone.
func TestAPersonTakesAKey(t *testing.T) {
	t.Parallel()
	for _, mode := range []policy.Mode{policy.RevokeGrant, policy.DisableKey} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			w := begin(t, setup{mode: mode})
			w.machine.must("POST", "/v1/key-requests/"+bootID+"/delivered", nil, nil)
			at := w.Clock().Now()
			if status, body := w.command("the server was stolen"); status != http.StatusAccepted {
				t.Fatalf("ordered: %d %s", status, body)
			}
			if status, body := w.command("again"); status != http.StatusConflict || !strings.Contains(body, "it was ordered already, by "+guardARN) {
				t.Errorf("ordered twice: %d %s", status, body)
			}
			w.forward(2 * time.Minute)
			w.wantRevoked(at)
			w.wantRequest("Revoked")
			intents := w.entries(record.EntryIntent)
			if len(intents) != 1 || intents[0].By != guardARN || !strings.Contains(intents[0].Text, "the server was stolen") {
				t.Errorf("intents %+v, want who and why", intents)
			}
			moves := w.request().Moves
			if at := slices.IndexFunc(moves, func(m record.Move) bool { return m.To == "Revoking" }); at < 0 || moves[at].By != guardARN {
				t.Errorf("moves %+v, want who took it", moves)
			}
			// It complies, whoever looks and however long, and asks: nothing of that gives it back.
			for range 3 {
				w.check()
				w.forward(12 * time.Hour)
			}
			w.wantRevoked(at)
			if status, r := w.ask(); status != http.StatusForbidden || r.GrantToken != "" {
				t.Errorf("asked: %d %+v", status, r)
			}
			w.operator.must("POST", "/v1/machines/"+machineID+"/restore", record.Reason{Reason: "it was found"}, nil)
			w.forward(2 * time.Minute)
			w.check()
			if m := w.view().Machine; m.State.Key != integrity.KeyReleased || !m.State.CommandedAt.IsZero() || m.State.Standing != integrity.Good {
				t.Errorf("restored: %+v", m.State)
			}
			w.release()
			w.wantRequest("Delivered")
		})
	}
}

// A machine in its grace loses its key at once, is told of once, and a correction gives nothing back.
func TestAPersonTakesAKeyInTheGrace(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{})
	due := w.violate()
	at := w.Clock().Now()
	if status, body := w.command("it attacks others"); status != http.StatusAccepted {
		t.Fatalf("ordered: %d %s", status, body)
	}
	w.forward(2 * time.Minute)
	if m := w.wantRevoked(at); !m.Taken.ConfirmedAt.Before(due) {
		t.Errorf("confirmed at %s, want it before the deadline %s", m.Taken.ConfirmedAt, due)
	}
	w.until(due.Add(time.Hour)) // its enforcement wakes, and finds nothing to do
	w.wantRevoked(at)
	w.correct()
	w.forward(24 * time.Hour)
	w.wantRevoked(at)
}

// What holds a revocation holds a person's too: it is refused, and when it comes in between, it comes to nothing.
func TestAPersonsOrderIsHeld(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{})
	hold := "/v1/holds/machine:" + machineID
	w.operator.must("PUT", hold, record.HoldWish{Reason: "migration"}, nil)
	if status, body := w.command("stolen"); status != http.StatusConflict || !strings.Contains(body, "a person stopped the revocations of this machine") {
		t.Errorf("under a hold: %d %s, want 409 that says so", status, body)
	}
	w.operator.must("DELETE", hold, record.Reason{Reason: "done"}, nil)
	if status, body := w.command("stolen"); status != http.StatusAccepted {
		t.Fatalf("ordered: %d %s", status, body)
	}
	w.operator.must("PUT", hold, record.HoldWish{Reason: "stop that"}, nil)
	w.forward(time.Hour)
	m := w.view().Machine
	if m.State.Key != integrity.KeyReleased || !m.State.CommandedAt.IsZero() || m.State.HeldFor != "" {
		t.Errorf("held in between: %+v", m.State)
	}
	failed := w.entries(record.EntryFailed)
	if len(failed) != 1 || !strings.Contains(failed[0].Text, "a person's order to take the key came to nothing: ") {
		t.Errorf("ledger: %+v", failed)
	}
	w.operator.must("DELETE", hold, record.Reason{Reason: "done"}, nil)
	w.forward(6 * time.Hour)
	w.check()
	w.wantStanding("Good")
	if code := w.decrypt(w.own); code != "" {
		t.Errorf("KMS refuses it: %s", code)
	}
}

// Who may approve may not take, a machine may nothing, and what has no key has none to take.
func TestWhoMayTakeAKey(t *testing.T) {
	t.Parallel()
	w := waiting(t, "onPass: hold", policy.RevokeGrant)
	if status, _ := w.decide("revoke", "x"); status != http.StatusForbidden {
		t.Errorf("a key approver: %d, want 403", status)
	}
	if status, body := w.command("x"); status != http.StatusConflict || !strings.Contains(body, "its key request is Pending") {
		t.Errorf("no key: %d %s", status, body)
	}
	if status, _ := w.command(" "); status != http.StatusBadRequest {
		t.Errorf("no reason: %d, want 400", status)
	}
	if n := len(w.entries(record.EntryIntent)); n != 0 {
		t.Errorf("%d intents", n)
	}
}

// The execution that carries it out is lost: the sweep has another do it.
func TestAPersonsOrderSurvivesACrash(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{})
	w.fault(faults.Fault{Kind: "error", Service: "states", Operation: "StartExecution", Code: "InternalServerError", Status: 500})
	at := w.Clock().Now()
	if status, body := w.command("stolen"); status != http.StatusAccepted {
		t.Fatalf("ordered: %d %s", status, body)
	}
	w.clear()
	w.forward(15 * time.Minute)
	w.wantRevoked(at)
}
