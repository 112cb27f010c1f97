package handler

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/record"
)

// tight is a world whose breaker is open and whose policy has a rule that tripped.
func tight() *fake.World {
	w := fake.New()
	w.Store.Put(fake.Machine(fake.Bad, func(m *record.Machine) { m.State.HeldFor, m.PolicyUsed = "breaker-open", 1 }))
	w.Store.Counts = record.Breaker{
		Guarded: 1, OpenSince: fake.Start, Openings: 1, Version: 3,
		Spent: []record.Spent{{Machine: "i-a", At: fake.Start.Add(-time.Hour)}, {Machine: "i-b", At: fake.Start.Add(-time.Minute)}},
	}
	w.Store.Rules["web-tier"] = record.RuleBreaker{
		Policy: "web-tier", Version: 1, Trips: []record.Trip{{PolicyVersion: 1, Rule: "kernel is supported", Failed: 3, Passed: 9, At: fake.Start}},
	}
	w.Store.Events = []record.BreakerEvent{{At: fake.Start, Kind: record.BreakerOpened, Scope: "global", Text: "full"}}
	return w
}

func TestShowBreaker(t *testing.T) {
	t.Parallel()
	w := tight()
	status, body := call(t, w, "GET", "/v1/breaker", "")
	b := w.Store.Counts
	b.Spent = b.Spent[1:]
	want := record.BreakerView{
		Breaker: b, Limit: 1, Room: 0, Window: "1h0m0s", Newly: record.RuleLimit{Percent: 10, Machines: 3}, Waiting: []string{fake.ID}, Rules: []record.RuleBreaker{w.Store.Rules["web-tier"]}, Events: w.Store.Events,
	}
	if diff := cmp.Diff(want, decode[record.BreakerView](t, body)); status != http.StatusOK || diff != "" {
		t.Errorf("breaker = %d (-want +got):\n%s", status, diff)
	}
	status, body = call(t, fake.New(), "GET", "/v1/breaker", "")
	if status != http.StatusOK || !strings.Contains(body, `"waiting":[],"rules":[],"events":[]`) {
		t.Errorf("empty = %d %s, want empty lists", status, body)
	}
	for _, failing := range []string{"store.Breaker", "store.RuleBreakers", "store.BreakerEvents", "store.Machines"} {
		w := tight()
		w.Fail(failing, fake.Down)
		if status, _ := call(t, w, "GET", "/v1/breaker", ""); status != http.StatusServiceUnavailable {
			t.Errorf("%s fails: %d, want 503", failing, status)
		}
	}
}

func TestTheBreakersStop(t *testing.T) {
	t.Parallel()
	stops := func(w *fake.World) []string {
		_, body := call(t, w, "GET", "/v1/machines/"+fake.ID, "")
		var codes []string
		for _, s := range decode[record.MachineView](t, body).Stops {
			codes = append(codes, s.Reason)
		}
		return codes
	}
	if diff := cmp.Diff([]string{"rule-breaker", "breaker-open"}, stops(tight())); diff != "" {
		t.Errorf("stops (-want +got):\n%s", diff)
	}
	w := tight()
	w.Always("store.Breaker", fake.Down)
	w.Always("store.RuleBreaker", fake.Down)
	if diff := cmp.Diff([]string{"rules-unread", "breaker-unread"}, stops(w)); diff != "" {
		t.Errorf("stops (-want +got):\n%s", diff)
	}
}

const because = `{"reason":"they are as bad as that"}`

func TestResetBreaker(t *testing.T) {
	t.Parallel()
	w := tight()
	w.Before("store.ChangeBreaker", func() { w.Store.Counts.Version++ }) // somebody reserves at that moment
	status, body := call(t, w, "POST", "/v1/breaker/global/reset", because)
	e := record.BreakerEvent{At: fake.Start, Kind: record.BreakerReset, Scope: "global", Text: "they are as bad as that", By: alice}
	if diff := cmp.Diff(e, decode[record.BreakerEvent](t, body)); status != http.StatusOK || diff != "" {
		t.Errorf("reset = %d (-want +got):\n%s", status, diff)
	}
	b := w.Store.Counts
	if len(b.Spent) != 0 || !b.OpenSince.IsZero() || !b.ResetAt.Equal(fake.Start) || b.ResetBy != alice || b.ResetReason != e.Text || b.Openings != 1 {
		t.Errorf("breaker = %+v, want room, and who gave it", b)
	}
	if diff := cmp.Diff(e, w.Store.Events[1]); diff != "" {
		t.Errorf("event (-want +got):\n%s", diff)
	}
}

func TestResetRules(t *testing.T) {
	t.Parallel()
	w := tight()
	status, _ := call(t, w, "POST", "/v1/breaker/policy:web-tier/reset", because)
	b := w.Store.Rules["web-tier"]
	if status != http.StatusOK || len(b.Trips) != 0 || !b.ResetAt.Equal(fake.Start) || b.ResetBy != alice || w.Store.Events[1].Scope != "policy:web-tier" {
		t.Errorf("reset = %d, %+v, events %v", status, b, w.Store.Events)
	}
	if len(w.Store.Counts.Spent) != 2 {
		t.Error("the breaker over everything was reset as well")
	}
	if status, body := call(t, w, "POST", "/v1/breaker/policy:web-tier/reset", because); status != http.StatusConflict || !strings.Contains(body, "none of the rules of policy web-tier has tripped") {
		t.Errorf("again = %d %s, want 409", status, body)
	}
}

func TestResetRefuses(t *testing.T) {
	t.Parallel()
	for path, c := range map[string]struct {
		body   string
		status int
		says   string
	}{
		"global":             {`{"reason":" "}`, http.StatusBadRequest, "reason has 0 characters, expected 1 to 500"},
		"policy:web-tier":    {`{"reason":"x","expires":"2026-03-03T00:00:00Z"}`, http.StatusBadRequest, `unknown field \"expires\"`},
		"machine:" + fake.ID: {because, http.StatusBadRequest, "expected global or policy:NAME"},
		"everything":         {because, http.StatusBadRequest, "expected global, policy:NAME or machine:ID"},
		"policy:none":        {because, http.StatusNotFound, "there is none"},
		"global ":            {because, http.StatusBadRequest, "expected global"},
		"policy:default":     {because, http.StatusConflict, "none of the rules of policy default has tripped"},
	} {
		w := tight()
		status, body := call(t, w, "POST", "/v1/breaker/"+path+"/reset", c.body)
		if status != c.status || !strings.Contains(body, c.says) {
			t.Errorf("%s: %d %s, want %d that says %q", path, status, body, c.status, c.says)
		}
		w.Never(t, "store.ChangeBreaker")
	}
	w := tight()
	h := newHandler(w)
	h.Limits = guard.Limits{Percent: 2, Window: time.Hour}
	in := request(t, "list-machines.json")
	in.RawPath, in.RequestContext.HTTP.Method, in.Body = "/v1/breaker/global/reset", "POST", because
	out, err := boot.HTTP(h.Routes(), w.Log)(t.Context(), fake.Start, in)
	if err != nil || out.StatusCode != http.StatusConflict || !strings.Contains(out.Body, "the stack's limit is 0") {
		t.Errorf("a limit of zero: %d %s, %v, want 409", out.StatusCode, out.Body, err)
	}
	for _, failing := range []string{"store.Breaker", "store.ChangeBreaker"} {
		w := tight()
		w.Fail(failing, fake.Down)
		if status, _ := call(t, w, "POST", "/v1/breaker/global/reset", because); status != http.StatusServiceUnavailable {
			t.Errorf("%s fails: %d, want 503", failing, status)
		}
	}
	w = tight()
	for range 5 {
		w.Before("store.ChangeBreaker", func() { w.Store.Counts.Version++ })
	}
	if status, body := call(t, w, "POST", "/v1/breaker/global/reset", because); status != http.StatusServiceUnavailable {
		t.Errorf("always changed by others: %d %s, want 503", status, body)
	}
}

// What one policy found counts in no breaker of another.
func TestEnrolledUnderAnotherPolicy(t *testing.T) {
	t.Parallel()
	w := tight()
	w.Instances.Tags = map[string]string{"keyward:guarded": "true"}
	w.Store.Change(fake.ID, func(m *record.Machine) { m.BrokeAt = fake.Start })
	again := func(policy string) record.Machine {
		t.Helper()
		status, body := call(t, w, "PUT", "/v1/machines/"+fake.ID, enrolment(func(e *record.Enrolment) { e.Policy = policy }))
		if status != http.StatusOK {
			t.Fatalf("enrol = %d %s", status, body)
		}
		return w.Store.ByID[fake.ID]
	}
	if m := again("web-tier"); m.PolicyUsed != 1 || m.BrokeAt.IsZero() {
		t.Errorf("under the same policy: version %d, since %s", m.PolicyUsed, m.BrokeAt)
	}
	if m := again("default"); m.PolicyUsed != 0 || !m.BrokeAt.IsZero() {
		t.Errorf("under another: version %d, since %s, want neither", m.PolicyUsed, m.BrokeAt)
	}
}
