package handler

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/aws/kmskey"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

func enrolment(edits ...func(*record.Enrolment)) string {
	e := record.Enrolment{Name: "web-1", Owner: fake.Owner, Role: "arn:aws:iam::123456789012:role/path/web", Policy: "web-tier", Key: fake.KeyARN}
	for _, edit := range edits {
		edit(&e)
	}
	text, _ := json.Marshal(e)
	return string(text)
}

const newcomer = "/v1/machines/" + fake.Other

func TestEnrol(t *testing.T) {
	t.Parallel()
	w := fake.New()
	w.Instances.Tags = map[string]string{"tier": "web", "keyward:guarded": "true"}
	status, body := call(t, w, "PUT", newcomer, enrolment())
	want := record.Machine{
		ID: fake.Other, Name: "web-1", Owner: fake.Owner, SessionARN: "arn:aws:sts::123456789012:assumed-role/web/" + fake.Other,
		Zone: "us-east-1a", Tags: map[string]string{"tier": "web", "keyward:guarded": "true"}, Policy: "web-tier", Key: record.Key{ARN: fake.KeyARN, Mode: policy.RevokeGrant},
		EnrolledAt: fake.Start, EnrolledBy: alice, Version: 1,
	}
	if diff := cmp.Diff(want, decode[record.Machine](t, body)); status != http.StatusCreated || diff != "" {
		t.Errorf("enrol = %d (-want +got):\n%s", status, diff)
	}
	if e := w.Store.Entries; len(e) != 1 || e[0].Kind != record.EntryEnrolled || e[0].By != alice {
		t.Errorf("ledger = %+v", e)
	}
	if status, _ = call(t, w, "PUT", newcomer, enrolment(func(e *record.Enrolment) { e.Name = "renamed" })); status != http.StatusOK || w.Store.ByID[fake.Other].Name != "renamed" {
		t.Errorf("enrolled again = %d, want 200", status)
	}
	w.Store.Change(fake.Other, func(m *record.Machine) { m.UserData = "none" })
	if status, _ = call(t, w, "PUT", newcomer, enrolment()); status != http.StatusOK || w.Store.ByID[fake.Other].UserData != "" {
		t.Errorf("enrolled again = %d, user data %q, want it seen anew", status, w.Store.ByID[fake.Other].UserData)
	}
	w.Never(t, "kms.Grant", "states.", "inspect.")
}

// A key that is disabled for one machine must not be another's too, whichever was enrolled first.
func TestEnrolOnAnothersKey(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(*fake.World, *record.Enrolment){
		"the newcomer's mode": func(_ *fake.World, e *record.Enrolment) { e.Mode = policy.DisableKey },
		"the other's mode": func(w *fake.World, _ *record.Enrolment) {
			w.Store.Change(fake.ID, func(m *record.Machine) { m.Key.Mode = policy.DisableKey })
		},
	} {
		w := fake.New()
		status, body := call(t, w, "PUT", newcomer, enrolment(func(e *record.Enrolment) { edit(w, e) }))
		if status != http.StatusConflict || !strings.Contains(body, fake.ID) {
			t.Errorf("%s: enrol = %d %s, want 409 that names the other machine", name, status, body)
		}
	}
}

// An instance without the tag cannot be inspected: IAM would deny the whole batch for its sake.
func TestEnrolWithoutTheTag(t *testing.T) {
	t.Parallel()
	w := fake.New()
	w.Instances.Tags = map[string]string{"tier": "web"}
	status, body := call(t, w, "PUT", newcomer, enrolment(func(*record.Enrolment) {}))
	if status != http.StatusBadRequest || !strings.Contains(body, "keyward:guarded") {
		t.Errorf("enrol = %d %s, want 400 that names the tag", status, body)
	}
}

func TestEnrolFindsThePolicy(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		edit func(*record.Enrolment)
		make func(*fake.World)
		want string
		mode policy.Mode
	}{
		{"by its tags", func(e *record.Enrolment) { e.Policy = "" }, func(w *fake.World) {
			w.Store.PutPolicyText(fake.Policy("web-tier", "tagged", "{ids: [i-1234567890abcdef0]}", "{tags: {tier: web}}", "revoke-grant", "disable-key"))
		}, "tagged", policy.DisableKey},
		{"none matches", func(e *record.Enrolment) { e.Policy = "" }, func(*fake.World) {}, "default", policy.Default().Integrity.Mode},
		{"the built-in one", func(e *record.Enrolment) { e.Policy = "default" }, func(*fake.World) {}, "default", policy.Default().Integrity.Mode},
		{"its own mode", func(e *record.Enrolment) { e.Mode = policy.DisableKey }, func(*fake.World) {}, "web-tier", policy.DisableKey},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := fake.New()
			w.Instances.Tags = map[string]string{"tier": "web", "keyward:guarded": "true"}
			w.Store.Change(fake.ID, func(m *record.Machine) { m.Key.ARN = "arn:aws:kms:us-east-1:123456789012:key/another" })
			tt.make(w)
			status, body := call(t, w, "PUT", newcomer, enrolment(tt.edit))
			if m := w.Store.ByID[fake.Other]; status != http.StatusCreated || m.Policy != tt.want || m.Key.Mode != tt.mode {
				t.Errorf("enrol = %d %s, want policy %s, mode %s", status, body, tt.want, tt.mode)
			}
		})
	}
}

func TestEnrolRefused(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		path   string
		edit   func(*record.Enrolment)
		make   func(*fake.World)
		status int
	}{
		{"no machine id", "/v1/machines/web-1", nil, nil, 400},
		{"an id in upper case", "/v1/machines/i-1234567890ABCDEF0", nil, nil, 400},
		{"no role", newcomer, func(e *record.Enrolment) { e.Role = "" }, nil, 400},
		{"a role's name", newcomer, func(e *record.Enrolment) { e.Role = "web" }, nil, 400},
		{"a session", newcomer, func(e *record.Enrolment) { e.Role = fake.Session }, nil, 400},
		{"another mode", newcomer, func(e *record.Enrolment) { e.Mode = "delete-key" }, nil, 400},
		{"no key", newcomer, func(e *record.Enrolment) { e.Key = "" }, nil, 400},
		{"an owner that is no address", newcomer, func(e *record.Enrolment) { e.Owner = "alice\r\nBcc: all@example.com" }, nil, 400},
		{"a key that is not there", newcomer, func(e *record.Enrolment) { e.Key = "alias/none" }, nil, 404},
		{"a key that is not guarded", newcomer, nil, func(w *fake.World) { w.Keys.Set(fake.KeyARN, func(k *kmskey.Key) { k.Guarded = false }) }, 400},
		{"a policy that is not there", newcomer, func(e *record.Enrolment) { e.Policy = "none" }, nil, 404},
		{"a machine that is gone", newcomer, nil, func(w *fake.World) { w.Instances.Presence[fake.Other] = integrity.Gone }, 404},
		{"a policy that does not compile", newcomer, func(e *record.Enrolment) { e.Policy = "" }, func(w *fake.World) { w.Store.PutPolicyText("policy: web-tier\nrules: no list\n") }, 500},
		{"somebody was quicker", newcomer, nil, func(w *fake.World) {
			w.Before("store.Apply", func() { w.Store.Put(fake.Machine(func(m *record.Machine) { m.ID = fake.Other })) })
		}, 409},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := fake.New()
			if tt.make != nil {
				tt.make(w)
			}
			edits := []func(*record.Enrolment){}
			if tt.edit != nil {
				edits = append(edits, tt.edit)
			}
			if status, body := call(t, w, "PUT", tt.path, enrolment(edits...)); status != tt.status {
				t.Errorf("enrol = %d %s, want %d", status, body, tt.status)
			}
			if len(w.Store.Changes) > 0 {
				t.Error("something was written")
			}
		})
	}
	if status, body := call(t, fake.New(), "PUT", newcomer, `{"key":"k","roll":"r"}`); status != 400 || !strings.Contains(body, `\"roll\"`) {
		t.Errorf("an unknown field = %d %s, want it named", status, body)
	}
	for _, failing := range []string{"kms.Key", "ec2.Instances", "store.Policy", "store.Machine", "store.Apply"} {
		w := fake.New()
		w.Fail(failing, fake.Down)
		if status, _ := call(t, w, "PUT", newcomer, enrolment()); status != http.StatusServiceUnavailable {
			t.Errorf("%s fails: %d, want 503", failing, status)
		}
	}
	w := fake.New()
	w.Fail("store.Policies", fake.Down)
	if status, _ := call(t, w, "PUT", newcomer, enrolment(func(e *record.Enrolment) { e.Policy = "" })); status != http.StatusServiceUnavailable {
		t.Errorf("store.Policies fails: %d, want 503", status)
	}
}

// Whoever enrols a machine again says that its addresses are right: they are tried anew.
func TestEnrolAgainTriesAllAddresses(t *testing.T) {
	t.Parallel()
	w := fake.New()
	w.Store.Change(fake.ID, func(m *record.Machine) { m.Warning = &record.Warning{Reference: "e1", Lost: []string{fake.Owner}} })
	if status, body := call(t, w, "PUT", "/v1/machines/"+fake.ID, enrolment()); status != 200 {
		t.Fatalf("enrolling again: %d %s", status, body)
	}
	if got := w.Store.ByID[fake.ID].Warning; got == nil || len(got.Lost) > 0 || got.Reference != "e1" {
		t.Errorf("warning = %+v, want nobody lost", got)
	}
}

// Under a grant or a revocation neither key nor role can be changed: what was given would be lost.
func TestEnrolAgainUnderAGrant(t *testing.T) {
	t.Parallel()
	const other = "arn:aws:kms:us-east-1:123456789012:key/other"
	path := "/v1/machines/" + fake.ID
	tests := []struct {
		name   string
		m      func(*record.Machine)
		edit   func(*record.Enrolment)
		status int
	}{
		{"another name", func(*record.Machine) {}, func(e *record.Enrolment) { e.Name = "x" }, 200},
		{"another key, with a grant", func(*record.Machine) {}, func(e *record.Enrolment) { e.Key = other }, 409},
		{"another role, with a grant", func(*record.Machine) {}, func(e *record.Enrolment) { e.Role = "arn:aws:iam::123456789012:role/db" }, 409},
		{"another key, revoked", fake.Revoked, func(e *record.Enrolment) { e.Key = other }, 409},
		{"another role, revoked", fake.Revoked, func(e *record.Enrolment) { e.Role = "arn:aws:iam::123456789012:role/db" }, 409},
		{"another key, without a grant", func(m *record.Machine) { m.Grant = "" }, func(e *record.Enrolment) { e.Key = other }, 200},
	}
	for _, tt := range tests {
		w := fake.New()
		w.Keys.ByARN[other] = kmskey.Key{ARN: other, State: "Enabled", Enabled: true, Guarded: true}
		w.Store.Put(fake.Machine(tt.m))
		if status, body := call(t, w, "PUT", path, enrolment(tt.edit)); status != tt.status {
			t.Errorf("%s: %d %s, want %d", tt.name, status, body, tt.status)
		}
		if w.Store.ByID[fake.ID].State != fake.Machine(tt.m).State {
			t.Errorf("%s: the state was changed", tt.name)
		}
	}
}

func TestHolds(t *testing.T) {
	t.Parallel()
	w := fake.New()
	status, body := serve(t, w, request(t, "set-hold.json"))
	want := record.Hold{
		Scope: "machine:" + fake.ID, Reason: "the database is being moved", By: alice, SetAt: fake.Start, Expires: fake.Start.Add(24 * time.Hour),
	}
	if diff := cmp.Diff(want, decode[record.Hold](t, body)); status != http.StatusOK || diff != "" {
		t.Errorf("set = %d (-want +got):\n%s", status, diff)
	}
	for _, scope := range []string{"global", "policy:web-tier", "policy:default"} {
		if status, body := call(t, w, "PUT", "/v1/holds/"+scope, `{"reason":"x"}`); status != http.StatusOK {
			t.Errorf("%s = %d %s", scope, status, body)
		}
	}
	if _, body := call(t, w, "GET", "/v1/holds", ""); len(decode[map[string][]record.Hold](t, body)["holds"]) != 4 {
		t.Errorf("holds = %s", body)
	}
	if status, body := call(t, w, "DELETE", "/v1/holds/global", `{"reason":"moved"}`); status != http.StatusOK || !strings.Contains(body, alice) {
		t.Errorf("lift = %d %s", status, body)
	}
	if _, there := w.Store.Held["global"]; there {
		t.Error("the hold is still there")
	}
	if status, _ := call(t, w, "DELETE", "/v1/holds/global", `{"reason":"moved"}`); status != http.StatusNotFound {
		t.Errorf("lifted twice = %d, want 404", status)
	}
}

func TestHoldsRefused(t *testing.T) {
	t.Parallel()
	good := `{"reason":"x"}`
	tests := []struct {
		name, scope, body string
		status            int
	}{
		{"a machine that is not enrolled", "machine:i-0ffffffffffffffff", good, 404},
		{"a policy that is not there", "policy:none", good, 404},
		{"no machine", "machine:", good, 404},
		{"a name that global does not take", "global:x", good, 400},
		{"global with a colon, which would stop nothing", "global:", good, 400},
		{"another scope", "account:123456789012", good, 400},
		{"no scope", "x", good, 400},
		{"no reason", "global", `{}`, 400},
		{"a reason of spaces", "global", `{"reason":"  "}`, 400},
		{"a long reason", "global", `{"reason":"` + strings.Repeat("x", 501) + `"}`, 400},
		{"an unknown field", "global", `{"reason":"x","until":"tomorrow"}`, 400},
		{"no JSON", "global", `x`, 400},
	}
	for _, tt := range tests {
		for _, method := range []string{"PUT", "DELETE"} {
			w := fake.New()
			if status, body := call(t, w, method, "/v1/holds/"+tt.scope, tt.body); status != tt.status {
				t.Errorf("%s: %s = %d %s, want %d", tt.name, method, status, body, tt.status)
			}
			w.Never(t, "store.SetHold", "store.LiftHold")
		}
	}
	for _, expires := range []time.Time{fake.Start, fake.Start.Add(-time.Hour)} {
		w := fake.New()
		text, _ := json.Marshal(record.HoldWish{Reason: "x", Expires: expires})
		if status, body := call(t, w, "PUT", "/v1/holds/global", string(text)); status != 400 || !strings.Contains(body, "past") {
			t.Errorf("a hold that is over = %d %s, want 400", status, body)
		}
	}
	for method, failing := range map[string]string{"PUT": "store.SetHold", "DELETE": "store.LiftHold"} {
		w := fake.New()
		w.Fail(failing, fake.Down)
		if status, _ := call(t, w, method, "/v1/holds/global", good); status != http.StatusServiceUnavailable {
			t.Errorf("%s fails: %d, want 503", failing, status)
		}
	}
}

// Whoever releases, revokes or restores the present access is let finish before it is changed.
func TestEnrolAgainWhileAReleaseIsUnderWay(t *testing.T) {
	t.Parallel()
	body := func(role string) string {
		return `{"role": "arn:aws:iam::123456789012:role/` + role + `", "key": "` + fake.KeyARN + `", "policy": "web-tier"}`
	}
	w := fake.New()
	w.Store.Change(fake.ID, func(m *record.Machine) { m.Grant, m.GrantedFor = "", 0 })
	lease := record.Lease{
		Name: record.LeaseName(policy.RevokeGrant, fake.KeyARN, fake.ID), Holder: record.LeaseHolder("release", fake.ID, 1), Until: fake.Start.Add(time.Minute),
	}
	w.Store.Leases[lease.Name] = lease
	if status, answer := call(t, w, "PUT", "/v1/machines/"+fake.ID, body("other")); status != http.StatusConflict {
		t.Errorf("another role = %d %s, want a conflict", status, answer)
	}
	if status, answer := call(t, w, "PUT", "/v1/machines/"+fake.ID, body("web")); status != http.StatusOK {
		t.Errorf("the same role = %d %s", status, answer)
	}
	lease.Until = fake.Start
	w.Store.Leases[lease.Name] = lease
	if status, answer := call(t, w, "PUT", "/v1/machines/"+fake.ID, body("other")); status != http.StatusOK {
		t.Errorf("after the release = %d %s", status, answer)
	}
}

// Enrolling again accepts the tags as they are.
func TestEnrolAgainAcceptsTags(t *testing.T) {
	t.Parallel()
	w := fake.New()
	w.Store.Change(fake.ID, func(m *record.Machine) { m.Drift = []string{"owner was not there"} })
	w.Instances.Tags["owner"] = "ada"
	status, answer := call(t, w, "PUT", "/v1/machines/"+fake.ID, `{"role": "arn:aws:iam::123456789012:role/web", "key": "`+fake.KeyARN+`", "policy": "web-tier"}`)
	if m := w.Store.ByID[fake.ID]; status != http.StatusOK || len(m.Drift) > 0 || m.Tags["owner"] != "ada" {
		t.Errorf("enrol = %d %s, drift %v, tags %v", status, answer, m.Drift, m.Tags)
	}
}
