package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

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
	h := &handler{store: w.Store, keys: w.Keys, giver: w.Keys, instances: w.Instances, inspect: w.Inspect, log: w.Log}
	out, err := boot.HTTP(h.routes(), w.Log)(t.Context(), now, in)
	if err != nil {
		t.Fatal(err)
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

// seen is a world in which the machine was inspected with this verdict ten minutes ago, without a grant.
func seen(v policy.Verdict, edits ...func(*record.Machine)) *fake.World {
	w := fake.New()
	w.Store.Put(fake.Machine(append([]func(*record.Machine){func(m *record.Machine) {
		m.Grant, m.State.Key = "", integrity.KeyUntouched
	}}, edits...)...))
	e := record.Evidence{Machine: fake.ID, Command: fake.Command, Sent: fake.Start.Add(-10 * time.Minute), Digest: "digest"}
	e.Result.Verdict = v
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
		{"unknown", seen(policy.Unknown), keyrequest.ReasonUnknown, false},
		{"an enforcement waits for a person", seen(policy.Pass, func(m *record.Machine) { m.State.HeldFor = "held-global" }), keyrequest.ReasonHeld, false},
		{"a policy that is gone", gone, keyrequest.ReasonUnknown, false},
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
			w.Never(t, "kms.", "store.Apply")
			if ask(t, w); len(w.Made("store.PutRequest")) != 1 {
				t.Errorf("the same answer was written again: %v", w.Made("store.PutRequest"))
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
	// What was delivered stays so.
	w = seen(policy.Unknown)
	w.Store.Asked[asked] = record.Request{ID: bootOne, Machine: fake.ID, State: "Delivered", Revision: 1}
	if status, got, _ := ask(t, w); status != http.StatusAccepted || got.State != "Delivered" {
		t.Errorf("delivered before = %d %+v", status, got)
	}
}

func TestKeysThatCannotBeReleased(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(*kmskey.Key){
		"disabled":    func(k *kmskey.Key) { k.State, k.Enabled = "Disabled", false },
		"not guarded": func(k *kmskey.Key) { k.Guarded = false },
	} {
		w := seen(policy.Pass)
		w.Keys.Set(fake.KeyARN, edit)
		if status, _, body := ask(t, w); status != http.StatusConflict || strings.Contains(body, "arn:aws:kms") {
			t.Errorf("%s: answer = %d %s, want a conflict that shows no ARN", name, status, body)
		}
		w.Never(t, "kms.Grant", "store.Apply")
	}
}

func TestCallers(t *testing.T) {
	t.Parallel()
	for name, caller := range map[string]string{
		"not enrolled":              "arn:aws:sts::123456789012:assumed-role/web/i-0ffffffffffffffff",
		"another role":              "arn:aws:sts::123456789012:assumed-role/other/" + fake.ID,
		"another account":           "arn:aws:sts::111122223333:assumed-role/web/" + fake.ID,
		"another partition":         "arn:aws-cn:sts::123456789012:assumed-role/web/" + fake.ID,
		"another machine's session": "arn:aws:sts::123456789012:assumed-role/web/" + fake.Other,
		"a person":                  "arn:aws:iam::123456789012:user/alice",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, file := range []string{"ask.json", "delivered.json"} {
				w := seen(policy.Pass)
				// A machine that is enrolled with another session may not ask for this one.
				w.Store.Put(fake.Machine(func(m *record.Machine) {
					m.ID, m.SessionARN = fake.Other, "arn:aws:sts::123456789012:assumed-role/db/"+fake.Other
				}))
				in := request(t, file)
				in.RequestContext.Authorizer.IAM.UserARN = caller
				if status, _, body := serve(t, w, fake.Start, in); status != http.StatusForbidden {
					t.Errorf("%s: answer = %d %s, want 403", file, status, body)
				}
				w.Never(t, "kms.", "store.Apply", "store.PutRequest", "store.Request", "inspect.")
			}
		})
	}
}

func TestBadRequests(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"no boot id":      `{}`,
		"upper case":      `{"bootId":"ABC"}`,
		"a path":          `{"bootId":"../../x"}`,
		"too long":        fmt.Sprintf(`{"bootId":%q}`, strings.Repeat("a", 65)),
		"a newline":       `{"bootId":"abc\n"}`,
		"another field":   `{"bootId":"abc","machine":"i-0ffffffffffffffff"}`,
		"no JSON":         `bootId=abc`,
		"nothing":         ``,
		"more than one":   `{"bootId":"abc"}{"bootId":"abd"}`,
		"another's shape": `["abc"]`,
	} {
		w := seen(policy.Pass)
		in := request(t, "ask.json")
		in.Body = body
		if status, _, answer := serve(t, w, fake.Start, in); status != http.StatusBadRequest {
			t.Errorf("%s: answer = %d %s, want 400", name, status, answer)
		}
		w.Never(t, "kms.", "store.Apply", "store.PutRequest")
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

func TestRaces(t *testing.T) {
	t.Parallel()
	// The machine is revoked while it asks: no grant.
	w := seen(policy.Pass)
	name := record.LeaseName(policy.RevokeGrant, fake.KeyARN, fake.ID)
	w.Store.Leases[name] = record.Lease{Name: name, Holder: "revoke", Until: fake.Start.Add(time.Minute)}
	if status, _, _ := ask(t, w); status != http.StatusConflict {
		t.Errorf("under a revocation = %d, want 409", status)
	}
	w.Never(t, "kms.Grant")

	// It is judged between the decision and its record: no grant on an old verdict.
	w = seen(policy.Pass)
	w.Before("store.Apply", func() { w.Store.Change(fake.ID, fake.Bad) })
	if status, _, _ := ask(t, w); status != http.StatusConflict {
		t.Errorf("judged meanwhile = %d, want 409", status)
	}
	w.Never(t, "kms.Grant")

	// It is judged while KMS makes the grant: the grant is noted on top.
	w = seen(policy.Pass)
	w.Before("kms.Grant", func() { w.Store.Change(fake.ID, fake.Bad) })
	status, _, _ := ask(t, w)
	if m := w.Store.ByID[fake.ID]; status != http.StatusOK || m.Grant != "grant-1" || m.GrantedFor != 1 || m.State.Standing != integrity.Bad {
		t.Errorf("judged while granted = %d, machine %+v, want the grant known", status, m)
	}
	w = seen(policy.Pass)
	w.Before("store.Apply", func() {})
	for range 5 {
		w.Before("store.Apply", func() { w.Store.Change(fake.ID, func(*record.Machine) {}) })
	}
	if status, _, _ := ask(t, w); status != http.StatusServiceUnavailable {
		t.Errorf("changed again and again = %d, want 503", status)
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	for _, call := range []string{
		"store.Machine", "store.Request", "store.Policy", "ec2.Instances", "store.Evidence", "kms.Key", "store.Apply", "kms.Grant",
	} {
		w := seen(policy.Pass)
		w.Fail(call, fake.Down)
		status, _, body := ask(t, w)
		if status != http.StatusServiceUnavailable || strings.Contains(body, "token") {
			t.Errorf("%s fails: answer = %d %s, want 503", call, status, body)
		}
		// The machine asks again and gets one grant.
		if status, _, _ = ask(t, w); status != http.StatusOK || len(w.Keys.Listed[fake.KeyARN]) != 1 {
			t.Errorf("after %s: answer = %d, grants %v", call, status, w.Keys.Listed[fake.KeyARN])
		}
	}
	w := seen(policy.Pass)
	w.Fail("store.Machine", nil, fake.Down)
	w.Before("kms.Grant", func() { w.Store.Change(fake.ID, func(*record.Machine) {}) })
	if status, _, _ := ask(t, w); status != http.StatusServiceUnavailable {
		t.Errorf("reading again fails: %d, want 503", status)
	}
	w = seen(policy.Pass)
	w.Store.Kept = nil
	w.Fail("inspect.Invoke", fake.Down)
	if status, _, _ := ask(t, w); status != http.StatusServiceUnavailable {
		t.Errorf("no inspection could be asked for: %d, want 503", status)
	}
	w = seen(policy.Pass)
	ask(t, w)
	for _, call := range []string{"store.Request", "store.PutRequest", "store.Machine"} {
		w.Fail(call, fake.Down)
		if status, _, _ := serve(t, w, fake.Start, request(t, "delivered.json")); status != http.StatusServiceUnavailable {
			t.Errorf("delivered while %s fails: %d, want 503", call, status)
		}
	}
}
