package handler

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/docs/openapi"
	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/aws/kmskey"
	"github.com/keyward/keyward/shared/inspection"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/keyrequest"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

const (
	bootOne = "6f1f1a4e-0c7e-4a54-9b64-2d3f1c5f9a10"
	asked   = fake.ID + " " + bootOne
)

func serve(t *testing.T, w *fake.World, now time.Time, in events.APIGatewayV2HTTPRequest) (int, record.Release, string) {
	t.Helper()
	return serveBy(t, w, Documents{}, now, in)
}

func serveBy(t *testing.T, w *fake.World, d Documents, now time.Time, in events.APIGatewayV2HTTPRequest) (int, record.Release, string) {
	t.Helper()
	h := &Handler{Documents: d, Store: w.Store, Keys: w.Keys, Giver: w.Keys, Instances: w.Instances, Roles: w.Roles, Nodes: w.Roles, Inspect: w.Inspect, Log: w.Log}
	out, err := boot.HTTP(h.Routes(), w.Log)(t.Context(), now, in)
	if err != nil {
		t.Fatal(err)
	}
	if err := openapi.Check(openapi.Machines, openapi.Exchange{
		Method: in.RequestContext.HTTP.Method, Path: in.RawPath, Body: in.Body, Status: out.StatusCode, Answered: out.Headers, Answer: out.Body,
	}); err != nil {
		t.Error(err)
	}
	var r record.Release
	if out.StatusCode < 400 || strings.Contains(out.Body, `"state"`) {
		if err := json.Unmarshal([]byte(out.Body), &r); err != nil {
			t.Fatalf("decoding %s: %v", out.Body, err)
		}
	}
	return out.StatusCode, r, out.Body
}

func request(t *testing.T, file string) events.APIGatewayV2HTTPRequest {
	t.Helper()
	return fake.Event[events.APIGatewayV2HTTPRequest](t, "request/"+file)
}

func ask(t *testing.T, w *fake.World) (int, record.Release, string) {
	t.Helper()
	return serve(t, w, fake.Start, request(t, "ask.json"))
}

// What comes through the private API is answered as through the public one.
func TestAskedThroughThePrivateAPI(t *testing.T) {
	t.Parallel()
	w := seen(policy.Pass)
	h := &Handler{Store: w.Store, Keys: w.Keys, Giver: w.Keys, Instances: w.Instances, Roles: w.Roles, Nodes: w.Roles, Inspect: w.Inspect, Log: w.Log}
	in := fake.Event[boot.GatewayRequest](t, "request/ask-private.json")
	out, err := boot.Gateway(h.Routes(), w.Log)(t.Context(), fake.Start, in)
	if err != nil || out.REST == nil || out.REST.StatusCode != http.StatusOK || !strings.Contains(out.REST.Body, `"grantToken":"token"`) {
		t.Errorf("%+v, %v", out, err)
	}
	if g := w.Keys.Listed[fake.KeyARN]; len(g) != 1 || g[0].Grantee != fake.Session {
		t.Errorf("grants = %+v", g)
	}
}

// seen is a world in which the machine was inspected with this verdict ten minutes ago, without a grant.
func seen(v policy.Verdict, edits ...func(*record.Machine)) *fake.World {
	w := fake.New()
	w.Store.Put(fake.Machine(append([]func(*record.Machine){func(m *record.Machine) {
		m.Grant, m.State.Key = "", integrity.KeyUntouched
	}}, edits...)...))
	e := record.Evidence{Machine: fake.ID, Command: fake.Command, Sent: fake.Start.Add(-10 * time.Minute), Digest: "digest"}
	judged := w.Store.ByName["web-tier"]
	e.Result.Verdict, e.Result.Policy, e.Result.Digest = v, judged.Name, judged.Digest
	if v == policy.Fail {
		e.Result.Findings = []policy.Finding{{Rule: "kernel is supported", Verdict: policy.Fail, Actual: "4.19.0"}}
	}
	w.Store.Kept = []record.Evidence{e}
	return w
}

func TestApproved(t *testing.T) {
	t.Parallel()
	w := seen(policy.Pass)
	status, got, _ := ask(t, w)
	want := record.Release{
		Request: bootOne, State: "Approved", Reason: keyrequest.ReasonPass.Text(), KeyARN: fake.KeyARN, GrantToken: "token",
		EncryptionContext: map[string]string{"keyward:machine": fake.ID},
	}
	if diff := cmp.Diff(want, got); status != http.StatusOK || diff != "" {
		t.Errorf("status %d (-want +got):\n%s", status, diff)
	}
	m := w.Store.ByID[fake.ID]
	if m.Grant != "grant-1" || m.GrantedFor != 1 || m.State.Key != integrity.KeyReleased {
		t.Errorf("machine = %+v", m)
	}
	if g := w.Keys.Listed[fake.KeyARN]; len(g) != 1 || g[0].Grantee != fake.Session || g[0].Name != kmskey.GrantName(fake.ID, 1) {
		t.Errorf("grants = %+v", g)
	}
	r := w.Store.Asked[asked]
	if r.State != "Approved" || r.Policy != "web-tier" || r.Version != 1 || len(r.Moves) != 1 || r.Moves[0].By != byPolicy {
		t.Errorf("request = %+v", r)
	}
	first, last := w.Store.Changes[0], w.Store.Changes[1]
	if first.TakeLease == nil || last.DropLease == nil || last.Ledger[0].Kind != record.EntryReleased || last.Ledger[0].Detail != "grant-1" {
		t.Errorf("changes = %+v", w.Store.Changes)
	}

	// In the same boot it is the same request and the same grant, however often it asks.
	if status, again, _ := ask(t, w); status != http.StatusOK || again.GrantToken != "token-again" || len(w.Keys.Listed[fake.KeyARN]) != 1 {
		t.Errorf("the second = %d %+v, grants %v", status, again, w.Keys.Listed[fake.KeyARN])
	}
	if r := w.Store.Asked[asked]; len(w.Store.Asked) != 1 || len(r.Moves) != 1 {
		t.Errorf("requests = %+v, want the one", w.Store.Asked)
	}
	w.Never(t, "inspect.", "kms.DisableKey", "kms.RevokeGrant", "kms.EnableKey")
}

func TestApprovedWithDisableKey(t *testing.T) {
	t.Parallel()
	w := seen(policy.Pass, fake.Disable)
	status, got, _ := ask(t, w)
	if status != http.StatusOK || got.GrantToken != "" || got.KeyARN != fake.KeyARN {
		t.Errorf("answer = %d %+v, want the key and no grant", status, got)
	}
	w.Never(t, "kms.Grant")
}

func TestDenied(t *testing.T) {
	t.Parallel()
	w := seen(policy.Fail)
	status, got, _ := ask(t, w)
	if status != http.StatusForbidden || got.State != "Denied" || got.GrantToken != "" || len(got.Findings) != 1 || got.Findings[0].Actual != "4.19.0" {
		t.Errorf("answer = %d %+v, want denied with the findings", status, got)
	}
	m := w.Store.ByID[fake.ID]
	if !m.State.LookAt.Equal(fake.Start.Add(30*time.Minute)) || m.Grant != "" {
		t.Errorf("machine = %+v, want a look for a correction asked for", m.State)
	}
	w.Never(t, "kms.Grant", "inspect.")

	// Asked again it is told the same, and nothing grows.
	for range 3 {
		if status, again, _ := ask(t, w); status != http.StatusForbidden || again.State != "Denied" {
			t.Errorf("again = %d %+v", status, again)
		}
	}
	if len(w.Store.Changes) != 1 || len(w.Store.Asked[asked].Moves) != 1 {
		t.Errorf("%d changes, moves %v, want one of each", len(w.Store.Changes), w.Store.Asked[asked].Moves)
	}

	// Put right, the same request is approved.
	w.Store.Kept[0].Result.Verdict = policy.Pass
	if status, got, _ := ask(t, w); status != http.StatusOK || got.State != "Approved" {
		t.Errorf("put right = %d %+v", status, got)
	}
}

func TestNeverReleased(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		world  *fake.World
		reason keyrequest.Reason
	}{
		{"revoked", seen(policy.Pass, fake.Revoked), keyrequest.ReasonRevoked},
		{"being revoked", seen(policy.Pass, fake.Revoking), keyrequest.ReasonRevoked},
		{"ordered by a person", seen(policy.Pass, func(m *record.Machine) {
			m.State.Key, m.State.CommandedAt = integrity.KeyReleased, fake.Start
		}), keyrequest.ReasonRevoked},
		{"stopped", stopped(seen(policy.Pass), integrity.Stopped), keyrequest.ReasonStopped},
		{"gone", stopped(seen(policy.Pass), integrity.Gone), keyrequest.ReasonStopped},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			status, got, _ := ask(t, tt.world)
			if status != http.StatusForbidden || got.Reason != tt.reason.Text() {
				t.Errorf("answer = %d %+v, want denied: %s", status, got, tt.reason)
			}
			tt.world.Never(t, "kms.Grant")
		})
	}
}

func stopped(w *fake.World, p integrity.Presence) *fake.World {
	w.Instances.Presence[fake.ID] = p
	return w
}

func TestHeld(t *testing.T) {
	t.Parallel()
	old := seen(policy.Pass)
	old.Store.Kept[0].Sent = fake.Start.Add(-2 * time.Hour)
	none := seen(policy.Pass)
	none.Store.Kept = nil
	older := seen(policy.Pass)
	older.Store.Kept[0].Result.Digest = "older"
	gone := seen(policy.Pass)
	delete(gone.Store.ByName, "web-tier")
	gone.Store.Kept[0].Result.Verdict = policy.Unknown
	tests := []struct {
		name    string
		world   *fake.World
		reason  keyrequest.Reason
		inspect bool
	}{
		{"stale evidence", old, keyrequest.ReasonStale, true},
		{"no evidence", none, keyrequest.ReasonNoEvidence, true},
		{"evidence that an older version of the policy judged", older, keyrequest.ReasonNoEvidence, true},
		{"unknown", seen(policy.Unknown), keyrequest.ReasonUnknown, false},
		{"an enforcement waits for a person", seen(policy.Pass, func(m *record.Machine) { m.State.HeldFor = "held-global" }), keyrequest.ReasonHeld, false},
		{"a policy that is gone", gone, keyrequest.ReasonNoEvidence, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := tt.world
			status, got, _ := ask(t, w)
			if status != http.StatusAccepted || got.State != "Pending" || got.Reason != tt.reason.Text() {
				t.Errorf("answer = %d %+v, want held: %s", status, got, tt.reason)
			}
			if r := w.Store.Asked[asked]; r.State != "Pending" || r.Reason != tt.reason.Text() {
				t.Errorf("request = %+v", r)
			}
			var want []string
			if tt.inspect {
				text, _ := json.Marshal(inspection.Request{Version: 1, Purpose: record.Check, Machines: []string{fake.ID}})
				want = []string{string(text)}
			}
			if !slices.Equal(w.Inspect.Events, want) {
				t.Errorf("inspections asked for: %v, want %v", w.Inspect.Events, want)
			}
			w.Never(t, "kms.")
			if ask(t, w); len(w.Made("store.PutRequest"))+len(w.Made("store.Apply")) != 1 {
				t.Errorf("the same answer was written again: %v", w.Made("store."))
			}
			if told := len(w.Store.Waiting) == 1; told == tt.inspect {
				t.Errorf("people are told: %t, and the machine is inspected: %t", told, tt.inspect)
			}
		})
	}
	// What was denied waits again when it is not known any more.
	w := seen(policy.Fail)
	ask(t, w)
	w.Store.Kept[0].Result.Verdict = policy.Unknown
	if status, got, _ := ask(t, w); status != http.StatusAccepted || got.State != "Pending" {
		t.Errorf("denied before = %d %+v, want it pending", status, got)
	}
}

func TestShowAndDelivered(t *testing.T) {
	t.Parallel()
	w := seen(policy.Pass)
	ask(t, w)
	show := request(t, "delivered.json")
	show.RawPath, show.RequestContext.HTTP.Method = "/v1/key-requests/"+bootOne, "GET"
	if status, got, _ := serve(t, w, fake.Start, show); status != http.StatusOK || got.State != "Approved" || got.GrantToken != "" {
		t.Errorf("show = %d %+v", status, got)
	}
	for range 2 {
		if status, got, _ := serve(t, w, fake.Start, request(t, "delivered.json")); status != http.StatusOK || got.State != "Delivered" {
			t.Errorf("delivered = %d %+v", status, got)
		}
	}
	w.Times(t, "store.PutRequest", 1)

	show.RawPath = "/v1/key-requests/none"
	if status, _, _ := serve(t, w, fake.Start, show); status != http.StatusNotFound {
		t.Errorf("an unknown request = %d, want 404", status)
	}
	w = seen(policy.Fail)
	if status, _, _ := serve(t, w, fake.Start, request(t, "delivered.json")); status != http.StatusNotFound {
		t.Errorf("delivered before it was asked for = %d, want 404", status)
	}
	ask(t, w)
	if status, _, _ := serve(t, w, fake.Start, request(t, "delivered.json")); status != http.StatusConflict {
		t.Errorf("delivered though denied = %d, want 409", status)
	}
}
