package handler

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/docs/openapi"
	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/record"
	"github.com/keyward/keyward/shared/release"
)

const alice = "arn:aws:iam::123456789012:user/alice"

func newHandler(w *fake.World) *Handler {
	return &Handler{
		Store: w.Store, Keys: w.Keys, Calendars: w.Calendars, Instances: w.Instances, Inspect: w.Inspect, Drill: w.Drill, Flow: w.Flow, Schedules: w.Schedules, Reports: w.Reports,
		Random: strings.NewReader(strings.Repeat("keyward!", 32)), Account: fake.Account, Region: fake.Region, Limits: fake.Limits, KeyCalls: 5, GrantCalls: 50, Log: w.Log,
	}
}

func serve(t *testing.T, w *fake.World, in events.APIGatewayV2HTTPRequest) (int, string) {
	t.Helper()
	out := answer(t, w, in)
	return out.StatusCode, out.Body
}

// answer is what the handler says, which has to be what docs/openapi.yaml says.
func answer(t *testing.T, w *fake.World, in events.APIGatewayV2HTTPRequest) events.APIGatewayV2HTTPResponse {
	t.Helper()
	out, err := boot.HTTP(newHandler(w).Routes(), w.Log)(t.Context(), fake.Start, in)
	if err != nil {
		t.Fatal(err)
	}
	if err := openapi.Check(openapi.People, openapi.Exchange{
		Method: in.RequestContext.HTTP.Method, Path: in.RawPath, Query: in.RawQueryString, Body: in.Body, Header: in.Headers,
		Status: out.StatusCode, Answered: out.Headers, Answer: out.Body,
	}); err != nil {
		t.Error(err)
	}
	return out
}

func request(t *testing.T, file string) events.APIGatewayV2HTTPRequest {
	t.Helper()
	return fake.Event[events.APIGatewayV2HTTPRequest](t, "api/"+file)
}

// call makes a request as alice.
func call(t *testing.T, w *fake.World, method, path, body string) (int, string) {
	t.Helper()
	in := request(t, "list-machines.json")
	in.RawPath, in.RequestContext.HTTP.Method, in.Body = path, method, body
	return serve(t, w, in)
}

func decode[T any](t *testing.T, text string) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("decoding %s: %v", text, err)
	}
	return v
}

func TestMachinesMayNotCall(t *testing.T) {
	t.Parallel()
	for pattern := range newHandler(fake.New()).Routes() {
		method, path, _ := strings.Cut(pattern, " ")
		path = strings.NewReplacer("{id}", fake.ID, "{name}", "web-tier", "{scope}", "machine:"+fake.ID).Replace(path)
		for _, session := range []string{fake.ID, "mi-1234567890abcdef0"} {
			w := fake.New()
			in := request(t, "list-machines.json")
			in.RawPath, in.RequestContext.HTTP.Method = path, method
			in.RequestContext.Authorizer.IAM.UserARN = "arn:aws:sts::123456789012:assumed-role/web/" + session
			if status, body := serve(t, w, in); status != http.StatusForbidden {
				t.Errorf("%s as %s = %d %s, want 403", pattern, session, status, body)
			}
			w.Never(t, "store.", "kms.", "states.", "inspect.", "scheduler.", "drill.")
		}
	}
}

func TestRoutesThatAreNotThere(t *testing.T) {
	t.Parallel()
	for _, r := range []string{"GET /", "GET /v1", "GET /v1/machine", "GET /v1/machines/i-1/../i-2", "GET /v1/machines//ledger", "GET /v1/policies/../machines"} {
		method, path, _ := strings.Cut(r, " ")
		if status, body := call(t, fake.New(), method, path, ""); status != http.StatusNotFound || !strings.Contains(body, "no such route") {
			t.Errorf("%s = %d %s, want 404", r, status, body)
		}
	}
	for _, r := range []string{"DELETE /v1/machines", "PATCH /v1/machines/i-1", "POST /v1/holds/global"} {
		method, path, _ := strings.Cut(r, " ")
		if status, body := call(t, fake.New(), method, path, ""); status != http.StatusMethodNotAllowed || !strings.Contains(body, "has no method "+method) {
			t.Errorf("%s = %d %s, want 405", r, status, body)
		}
	}
}

// A refusal names the field that is wrong, and of a document the place.
func TestRefusalsNameTheField(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		method, path, body string
		want               []fault.Field
	}{
		{"POST", "/v1/machines/" + fake.ID + "/restore", `{"reason":""}`, []fault.Field{{Name: "reason"}}},
		{"POST", "/v1/machines/" + fake.ID + "/restore", `{"reason":1}`, []fault.Field{{Name: "reason"}}},
		{"POST", "/v1/machines/" + fake.ID + "/restore", `{"because":"x"}`, []fault.Field{{Name: "because"}}},
		{"PUT", "/v1/holds/all", `{"reason":"x"}`, []fault.Field{{Name: "scope"}}},
		{"POST", "/v1/waivers", wish(func(w *record.WaiverWish) { w.Values = []string{"a", ""} }), []fault.Field{{Name: "values[1]"}}},
		{"GET", "/v1/machines/" + fake.ID + "/history", "", []fault.Field{{Name: "since"}}},
		{"PUT", "/v1/policies/web-tier", "policy: web-tier\nrules:\n  - rule: r\n    product: {is: nothing}\n", []fault.Field{{Name: "rules[0].product.is", Line: 4, Column: 19}}},
	} {
		status, body := call(t, fake.New(), tt.method, tt.path, tt.body)
		got := decode[fault.Problem](t, body)
		for i := range got.Errors {
			if got.Errors[i].Detail == "" {
				t.Errorf("%s: a field without a text: %s", tt.path, body)
			}
			got.Errors[i].Detail = ""
		}
		if diff := cmp.Diff(tt.want, got.Errors); status != http.StatusBadRequest || diff != "" {
			t.Errorf("%s %s %s = %d %s (-want +got):\n%s", tt.method, tt.path, tt.body, status, body, diff)
		}
	}
}

func TestLists(t *testing.T) {
	t.Parallel()
	w := fake.New()
	status, body := serve(t, w, request(t, "list-machines.json"))
	if got := decode[map[string][]record.Machine](t, body)["machines"]; status != http.StatusOK || len(got) != 1 || got[0].ID != fake.ID {
		t.Errorf("machines = %d %s", status, body)
	}
	w.Store.Asked["x"] = record.Request{ID: "boot", Machine: fake.ID, State: "Pending"}
	if _, body := call(t, w, "GET", "/v1/requests", ""); len(decode[map[string][]record.Request](t, body)["requests"]) != 1 {
		t.Errorf("requests = %s", body)
	}
	if _, body := call(t, w, "GET", "/v1/policies", ""); strings.Contains(body, "kernel") || !strings.Contains(body, "web-tier") {
		t.Errorf("policies = %s, want them without their texts", body)
	}
	if _, body := call(t, w, "GET", "/v1/policies/web-tier", ""); !strings.Contains(body, "kernel is supported") {
		t.Errorf("policy = %s, want its text", body)
	}
	// Lists that are empty are lists.
	empty := fake.New()
	clear(empty.Store.ByID)
	clear(empty.Store.ByName)
	for path, name := range map[string]string{"machines": "machines", "policies": "policies", "holds": "holds", "requests": "requests"} {
		if status, body := call(t, empty, "GET", "/v1/"+path, ""); status != http.StatusOK || body != `{"`+name+`":[]}` {
			t.Errorf("GET %s = %d %s, want an empty list", path, status, body)
		}
	}
	if status, body := call(t, fake.New(), "GET", "/v1/machines/"+fake.ID+"/ledger", ""); status != http.StatusOK || body != `{"entries":[]}` {
		t.Errorf("a ledger without entries = %d %s", status, body)
	}
	for _, path := range []string{"/v1/machines/i-1", "/v1/policies/none"} {
		if status, _ := call(t, fake.New(), "GET", path, ""); status != http.StatusNotFound {
			t.Errorf("GET %s = %d, want 404", path, status)
		}
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	w := fake.New()
	w.Store.Put(fake.Machine(fake.Bad, func(m *record.Machine) { m.ID = fake.Other }))
	w.Store.Put(record.Machine{ID: "i-0ffffffffffffffff"})
	w.Store.Held["global"] = record.Hold{Scope: "global"}
	w.Store.Watched = record.Watch{SweptAt: fake.Start, Paused: map[string]record.Pause{"web-tier": {Since: fake.Start, Why: "silent"}}}
	_, body := call(t, w, "GET", "/v1/status", "")
	want := record.Status{
		Time: fake.Start, Account: fake.Account, Region: fake.Region, Version: release.Version, Commit: release.Commit(), Machines: map[string]int{"Good": 1, "Bad": 1, "Unknown": 1}, Holds: 1,
		SweptAt: fake.Start, Paused: w.Store.Watched.Paused,
		KeyCalls: 5, GrantCalls: 50,
	}
	if diff := cmp.Diff(want, decode[record.Status](t, body)); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
}

// Who else depends on a key that would be disabled is shown before the deadline, with what stops it.
func TestShowDependants(t *testing.T) {
	t.Parallel()
	w := fake.New()
	w.Store.Put(fake.Machine(fake.Bad, fake.Disable))
	w.Instances.Under = []guard.Disk{{ID: "vol-1", Machines: []string{fake.Other}}, {ID: "vol-2", Machines: []string{fake.ID}}}
	w.Keys.Aliases = []string{"alias/web"}
	_, body := call(t, w, "GET", "/v1/machines/"+fake.ID, "")
	v := decode[record.MachineView](t, body)
	if d := v.Dependants; !d.Read || len(d.Others) != 1 || len(d.Own) != 1 || len(d.Aliases) != 1 || d.LastUse == "" || d.Unseen == "" {
		t.Errorf("dependants = %+v", d)
	}
	if len(v.Stops) != 1 || v.Stops[0].Reason != "key-shared" || v.Stops[0].Detail != "volume vol-1, attached to "+fake.Other {
		t.Errorf("stops = %+v, want the list", v.Stops)
	}
	w.Fail("ec2.Disks", fake.Down)
	_, body = call(t, w, "GET", "/v1/machines/"+fake.ID, "")
	if v := decode[record.MachineView](t, body); v.Dependants.Read || len(v.Stops) != 1 || v.Stops[0].Reason != "key-dependants-unread" {
		t.Errorf("unread: %+v", v)
	}
}

func TestShowMachine(t *testing.T) {
	t.Parallel()
	w := fake.New()
	w.Store.Put(fake.Machine(fake.Bad))
	w.Store.Held["global"] = record.Hold{Scope: "global", Reason: "freeze"}
	w.Store.Held["policy:web-tier"] = record.Hold{Scope: "policy:web-tier", Expires: fake.Start.Add(time.Hour)}
	w.Store.Held["machine:"+fake.ID] = record.Hold{Scope: record.Scope("machine:" + fake.ID), Expires: fake.Start}
	w.Store.Kept = []record.Evidence{{Machine: fake.ID, Sent: fake.Start, Digest: "new"}, {Machine: fake.ID, Digest: "old"}}
	w.Store.Told["r"] = record.Notice{Machine: fake.ID, Reference: "r"}
	status, body := call(t, w, "GET", "/v1/machines/"+fake.ID, "")
	v := decode[record.MachineView](t, body)
	if status != http.StatusOK || v.Machine.ID != fake.ID || len(v.Holds) != 2 || v.Evidence.Digest != "new" || len(v.Notices) != 1 {
		t.Errorf("view = %d %+v", status, v)
	}
	if len(v.Stops) != 1 || v.Stops[0].Reason != "held-global" || v.Stops[0].Text == "" {
		t.Errorf("stops = %+v, want the global hold", v.Stops)
	}

	stops := func(edit func(*fake.World)) []record.Stop {
		w := fake.New()
		w.Store.Put(fake.Machine(fake.Bad))
		edit(w)
		_, body := call(t, w, "GET", "/v1/machines/"+fake.ID, "")
		return decode[record.MachineView](t, body).Stops
	}
	for name, tt := range map[string]struct {
		edit func(*fake.World)
		want string
	}{
		"policy hold": {func(w *fake.World) { w.Store.Held["policy:web-tier"] = record.Hold{Scope: "policy:web-tier"} }, "held-policy"},
		"machine hold": {func(w *fake.World) {
			w.Store.Held["machine:"+fake.ID] = record.Hold{Scope: record.Scope("machine:" + fake.ID)}
		}, "held-machine"},
		"no warning": {func(w *fake.World) {
			w.Store.Change(fake.ID, func(m *record.Machine) { m.State.WarnedAt = time.Time{} })
		}, "not-warned"},
		"key unread":     {func(w *fake.World) { w.Fail("kms.Key", fake.Down) }, "key-unread"},
		"policy broken":  {func(w *fake.World) { w.Store.PutPolicyText("policy: web-tier\nrules: no list\n") }, "policy-unread"},
		"policy is gone": {func(w *fake.World) { clear(w.Store.ByName) }, "policy-changed"},
	} {
		if got := stops(tt.edit); len(got) != 1 || got[0].Reason != tt.want {
			t.Errorf("%s: stops = %+v, want %s", name, got, tt.want)
		}
	}
	closed := func(w *fake.World) {
		w.Store.PutPolicyText(fake.Policy("grace: 4h", "grace: 4h\n  calendar: [month-end]"))
		w.Calendars.Named["month-end"] = guard.Calendar{Read: true, Changes: fake.Start}
	}
	if got := stops(closed); len(got) != 1 || got[0].Reason != "calendar-closed" || got[0].Detail != "month-end, until 2026-03-02 04:30:00 UTC" {
		t.Errorf("stops = %+v, want the calendar by name", got)
	}
	if got := stops(func(*fake.World) {}); got == nil || len(got) > 0 {
		t.Errorf("stops = %#v, want an empty list", got)
	}
	for _, failing := range []string{"store.Machine", "store.HoldsOn", "store.Evidence", "store.Notices"} {
		w := fake.New()
		w.Fail(failing, fake.Down)
		if status, _ := call(t, w, "GET", "/v1/machines/"+fake.ID, ""); status != http.StatusServiceUnavailable {
			t.Errorf("%s fails: %d, want 503", failing, status)
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	w := fake.New()
	status, body := serve(t, w, request(t, "check.json"))
	if status != http.StatusAccepted || !strings.Contains(body, fake.ID) {
		t.Errorf("check = %d %s", status, body)
	}
	if want := `{"version":1,"purpose":"check","machines":["` + fake.ID + `"]}`; len(w.Inspect.Events) != 1 || w.Inspect.Events[0] != want {
		t.Errorf("inspect was asked %v, want %s", w.Inspect.Events, want)
	}
	if status, _ := call(t, fake.New(), "POST", "/v1/machines/i-0ffffffffffffffff/check", ""); status != http.StatusNotFound {
		t.Errorf("of a machine that is not enrolled = %d, want 404", status)
	}
	w = fake.New()
	w.Fail("inspect.Invoke", fake.Down)
	if status, _ := serve(t, w, request(t, "check.json")); status != http.StatusServiceUnavailable {
		t.Errorf("inspect cannot be reached: %d, want 503", status)
	}
}

func TestRestore(t *testing.T) {
	t.Parallel()
	revoked := func() *fake.World {
		w := fake.New()
		w.Store.Put(fake.Machine(fake.Revoked))
		return w
	}
	path := "/v1/machines/" + fake.ID + "/restore"
	w := revoked()
	status, body := call(t, w, "POST", path, `{"reason":"the finding was wrong"}`)
	name := "i-1234567890abcdef0-3-restore-1"
	m := w.Store.ByID[fake.ID]
	if status != http.StatusAccepted || m.State.Generation != 3 || m.Execution != name || m.State.CorrectedAt.IsZero() {
		t.Errorf("restore = %d %s, machine %+v", status, body, m)
	}
	in := decode[enforcement.Input](t, string(w.Flow.Inputs[name]))
	if in.Kind != enforcement.Restore || in.Generation != 3 || in.Account != fake.Account || in.Why != "the finding was wrong" {
		t.Errorf("input = %+v", in)
	}
	if e := w.Store.Entries; len(e) != 1 || e[0].By != alice || !strings.Contains(e[0].Text, "the finding was wrong") {
		t.Errorf("ledger = %+v, want who and why", e)
	}
	w.Never(t, "kms.EnableKey", "kms.Grant")

	for name, tt := range map[string]struct {
		edit   func(*record.Machine)
		body   string
		status int
	}{
		"not revoked":     {func(m *record.Machine) { *m = fake.Machine() }, `{"reason":"x"}`, http.StatusConflict},
		"being revoked":   {fake.Revoking, `{"reason":"x"}`, http.StatusConflict},
		"nothing taken":   {func(m *record.Machine) { m.Taken = nil }, `{"reason":"x"}`, http.StatusConflict},
		"no reason":       {func(*record.Machine) {}, `{"reason":" "}`, http.StatusBadRequest},
		"a long reason":   {func(*record.Machine) {}, `{"reason":"` + strings.Repeat("x", 501) + `"}`, http.StatusBadRequest},
		"unknown field":   {func(*record.Machine) {}, `{"reason":"x","force":true}`, http.StatusBadRequest},
		"nothing at all":  {func(*record.Machine) {}, ``, http.StatusBadRequest},
		"somebody's else": {func(m *record.Machine) { m.ID = fake.Other }, `{"reason":"x"}`, http.StatusConflict},
	} {
		w := fake.New()
		if name != "somebody's else" {
			w = revoked()
		}
		w.Store.Change(fake.ID, tt.edit)
		if status, body := call(t, w, "POST", path, tt.body); status != tt.status {
			t.Errorf("%s: %d %s, want %d", name, status, body, tt.status)
		}
		w.Never(t, "store.Apply", "states.")
	}

	w = revoked()
	w.Fail("states.Start", fake.Down)
	if status, _ := call(t, w, "POST", path, `{"reason":"x"}`); status != http.StatusAccepted || len(w.Store.Waiting) != 1 {
		t.Errorf("cannot be started now = %d, outbox %v, want it to wait there", status, w.Store.Waiting)
	}
	for _, failing := range []string{"store.Machine", "store.Apply", "store.Started"} {
		w = revoked()
		w.Fail(failing, fake.Down)
		if status, _ := call(t, w, "POST", path, `{"reason":"x"}`); status != http.StatusServiceUnavailable {
			t.Errorf("%s fails: %d, want 503", failing, status)
		}
	}
}

func TestListsFail(t *testing.T) {
	t.Parallel()
	for path, failing := range map[string]string{
		"/v1/status": "store.Machines", "/v1/machines": "store.MachinesFrom", "/v1/holds": "store.Holds", "/v1/policies": "store.Policies",
		"/v1/requests": "store.RequestsFrom", "/v1/machines/" + fake.ID + "/ledger": "store.Ledger",
	} {
		w := fake.New()
		w.Fail(failing, fake.Down)
		if status, _ := call(t, w, "GET", path, ""); status != http.StatusServiceUnavailable {
			t.Errorf("GET %s = %d, want 503", path, status)
		}
	}
	w := fake.New()
	w.Fail("store.Holds", fake.Down)
	if status, _ := call(t, w, "GET", "/v1/status", ""); status != http.StatusServiceUnavailable {
		t.Errorf("status without holds = %d, want 503", status)
	}
}
