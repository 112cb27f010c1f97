package scenario_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// request is the machine's request as people see it.
func (w *world) request() record.Request {
	w.t.Helper()
	var r record.Request
	w.operator.must("GET", "/v1/requests/"+machineID+"/"+bootID, nil, &r)
	return r
}

// wantRequest is a request in a state: shown to people, found by it, and told to the machine.
func (w *world) wantRequest(state string) {
	w.t.Helper()
	if r := w.request(); r.State != state {
		w.t.Errorf("the request is %s because %q, want %s", r.State, r.Reason, state)
	}
	var page record.RequestPage
	w.operator.must("GET", "/v1/requests?state="+state, nil, &page)
	if len(page.Requests) != 1 || page.Requests[0].Machine != machineID {
		w.t.Errorf("in state %s there are %+v", state, page.Requests)
	}
	var told record.Release
	if status, body := w.machine.call("GET", "/v1/key-requests/"+bootID, nil, &told); status != http.StatusOK || told.State != state {
		w.t.Errorf("the machine is told %d %s, want %s", status, body, state)
	}
}

// TestARequestFollowsItsKey: delivered, warned, taken, given back, let stand.
func TestARequestFollowsItsKey(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{})
	w.wantRequest("Approved") // and its key given
	w.machine.must("POST", "/v1/key-requests/"+bootID+"/delivered", nil, nil)
	w.wantRequest("Delivered")
	due := w.violate()
	w.wantRequest("Revoke_Pending")
	w.until(due.Add(2 * time.Minute))
	w.wantRevoked(due)
	w.wantRequest("Revoked")
	if status, _ := w.decide("approve", "but it is ours"); status != http.StatusConflict {
		t.Errorf("approved after its key was taken: %d, want 409", status)
	}
	var words []string
	moves := w.request().Moves
	for i, m := range moves {
		words = append(words, m.To)
		if m.By == "" || m.Why == "" || m.At.IsZero() || i > 0 && m.At.Before(moves[i-1].At) {
			t.Errorf("move %+v, want who, why and when, in order", m)
		}
	}
	if want := []string{"Approved", "Delivered", "Revoke_Pending", "Revoking", "Revoked"}; !slices.Equal(words, want) {
		t.Errorf("moves %v, want %v", words, want)
	}
	w.correct()
	w.forward(time.Hour)
	w.wantRequest("Delivered")
	w.violate()
	w.waive(w.wish(10 * 24 * time.Hour))
	w.wantRequest("Revoke_Ignored")
}

// TestTheSameBootGetsItsKeyBack: what was approved, used, taken and given back is the machine's again when it asks, also
// when it asked in between and was denied.
func TestTheSameBootGetsItsKeyBack(t *testing.T) {
	t.Parallel()
	for _, mode := range []policy.Mode{policy.RevokeGrant, policy.DisableKey} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			w := waiting(t, "onPass: hold, evidenceAge: 24h", mode)
			if status, _ := w.decide("approve", "looked at by hand"); status != http.StatusOK {
				t.Fatalf("approved: %d", status)
			}
			w.release()
			w.machine.must("POST", "/v1/key-requests/"+bootID+"/delivered", nil, nil)
			due := w.violate()
			w.until(due.Add(2 * time.Minute))
			w.wantRevoked(due)
			for range 2 {
				if status, r := w.ask(); status != http.StatusForbidden || r.GrantToken != "" {
					t.Errorf("asked after the revocation: %d %+v", status, r)
				}
			}
			w.correct()
			w.forward(5 * time.Minute)
			status, r := w.ask()
			if status != http.StatusOK || r.KeyARN != w.keyARN {
				t.Fatalf("asked after the restore: %d %s because %q", status, r.State, r.Reason)
			}
			var tokens []string
			if r.GrantToken != "" {
				tokens = append(tokens, r.GrantToken)
			}
			if code := w.decrypt(w.own, tokens...); code != "" {
				t.Errorf("KMS refuses the machine: %s", code)
			}
			w.machine.must("POST", "/v1/key-requests/"+bootID+"/delivered", nil, nil)
			w.wantRequest("Delivered")
		})
	}
}
