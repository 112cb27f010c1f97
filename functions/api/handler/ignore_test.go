package handler

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/keyrequest"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// violating is a world whose machine has its key by a request, fails by its kernel and is warned.
func violating(edits ...func(*record.Machine)) *fake.World {
	w := failing(edits...)
	w.Store.Asked[mine] = record.Request{ID: bootOne, Machine: fake.ID, State: string(keyrequest.Delivered), AskedAt: fake.Start.Add(-time.Hour), Revision: 2}
	return w
}

var ignoreBody = `{"reason":"the shop has to run","expires":"` + fake.Start.Add(24*time.Hour).Format(time.RFC3339) + `"}`

func TestIgnore(t *testing.T) {
	t.Parallel()
	second := func(m *record.Machine) {
		m.Findings = append(m.Findings, policy.Finding{Rule: "no plain web", Verdict: policy.Fail, Values: []string{"tcp/80"}},
			policy.Finding{Rule: "shown alone", Verdict: policy.Fail, Info: true, Values: []string{"x"}}, policy.Finding{Rule: "fine", Verdict: policy.Pass})
	}
	w := violating(second)
	status, body := call(t, w, "POST", ruling+"/ignore", ignoreBody)
	got := decode[record.Ignored](t, body)
	if status != http.StatusOK || len(got.Waivers) != 2 || got.Request.ID != bootOne || got.Request.State != "Revoke_Pending" {
		t.Fatalf("ignore = %d %s", status, body)
	}
	for _, one := range got.Waivers {
		if one.Scope != "machine:"+fake.ID || one.By != alice || one.Reason != "the shop has to run" || len(one.Values) != 1 || !one.Expires.Equal(fake.Start.Add(24*time.Hour)) {
			t.Errorf("waiver %+v, want it pinned to the machine and what was seen", one)
		}
		if _, kept := w.Store.Waived[one.ID]; !kept {
			t.Errorf("waiver %s is not kept", one.ID)
		}
	}
	if e := w.Store.Entries; len(e) != 2 || e[0].By != alice || e[0].Kind != record.EntryWaiver || !strings.Contains(e[0].Text, "key request "+bootOne+" ignored: the shop has to run") {
		t.Errorf("ledger = %+v", e)
	}
	w.Times(t, "inspect.", 1)

	// The second is told who did, and sets nothing.
	status, body = call(t, w, "POST", ruling+"/ignore", ignoreBody)
	if status != http.StatusConflict || !strings.Contains(body, "is waived already, by waiver w-") || !strings.Contains(body, alice) || len(w.Store.Waived) != 2 {
		t.Errorf("ignored twice = %d %s", status, body)
	}
	// So also once it was looked at, and what is waived is apart.
	w.Store.Change(fake.ID, func(m *record.Machine) {
		m.Waived, m.Findings, m.State.Standing = m.Findings, nil, integrity.Good
	})
	if status, body = call(t, w, "POST", ruling+"/ignore", ignoreBody); status != http.StatusConflict || !strings.Contains(body, "is waived already, by waiver w-") {
		t.Errorf("ignored and looked at = %d %s", status, body)
	}
	// What is new is ignored alone.
	w.Store.Change(fake.ID, func(m *record.Machine) {
		m.Findings = append(m.Findings, policy.Finding{Rule: "third", Verdict: policy.Fail, Values: []string{"z"}})
	})
	status, body = call(t, w, "POST", "/v1/requests/ignore", strings.Replace(ignoreBody, "{", `{"requests":[{"machine":"`+fake.ID+`","id":"`+bootOne+`"}],`, 1))
	list := decode[record.ActedList](t, body)
	if status != http.StatusOK || list.Results[0].Status != 200 || len(list.Results[0].Waivers) != 1 || list.Results[0].Waivers[0].Rule != "third" {
		t.Errorf("something new = %d %s", status, body)
	}
}

func TestIgnoreThatIsRefused(t *testing.T) {
	t.Parallel()
	state := func(s keyrequest.State) *fake.World {
		w := violating(func(m *record.Machine) { m.State.WarnedAt = time.Time{} })
		r := w.Store.Asked[mine]
		r.State = string(s)
		w.Store.Asked[mine] = r
		return w
	}
	none := fake.New()
	none.Store.Asked[mine] = record.Request{ID: bootOne, Machine: fake.ID, State: "Delivered"}
	for name, tt := range map[string]struct {
		world  *fake.World
		body   string
		status int
		says   string
	}{
		"pending":          {state(keyrequest.Pending), ignoreBody, 409, "its key request is Pending, expected Approved, Delivered or Revoke_Pending"},
		"denied":           {state(keyrequest.Denied), ignoreBody, 409, "its key request is Denied"},
		"revoked":          {violating(fake.Revoked), ignoreBody, 409, "its key request is Revoked"},
		"it fails nothing": {none, ignoreBody, 409, "it fails no rule now"},
		"too many values":  {violating(func(m *record.Machine) { m.Findings[0].Values = nil }), ignoreBody, 409, "check it again, or change the policy"},
		"no reason":        {violating(), `{"reason":"","expires":"2099-01-01T00:00:00Z"}`, 400, "reason has 0 characters"},
		"no end":           {violating(), `{"reason":"x"}`, 400, "expires is required"},
		"for ever":         {violating(), `{"reason":"x","expires":"2099-01-01T00:00:00Z"}`, 400, "expected at most 365 days"},
		"until yesterday":  {violating(), `{"reason":"x","expires":"2020-01-01T00:00:00Z"}`, 400, "which is past"},
		"no date":          {violating(), `{"reason":"x","expires":"tomorrow"}`, 400, "tomorrow"},
		"not JSON":         {violating(), `x`, 400, ""},
		"no such request":  {fake.New(), ignoreBody, 404, ""},
	} {
		status, body := call(t, tt.world, "POST", ruling+"/ignore", tt.body)
		if status != tt.status || !strings.Contains(body, tt.says) {
			t.Errorf("%s: %d %s, want %d with %q", name, status, body, tt.status, tt.says)
		}
		tt.world.Never(t, "store.SetWaiver", "inspect.")
	}
	for _, failing := range []string{"store.Request", "store.Machine", "store.WaiversOn"} {
		w := violating()
		w.Fail(failing, fake.Down)
		if status, _ := call(t, w, "POST", ruling+"/ignore", ignoreBody); status != http.StatusServiceUnavailable {
			t.Errorf("%s fails: %d, want 503", failing, status)
		}
	}
}

// When the store fails between two waivers it is told how many are set, and asked again the others are.
func TestIgnoreIsTakenUpAgain(t *testing.T) {
	t.Parallel()
	w := violating(func(m *record.Machine) {
		m.Findings = append(m.Findings, policy.Finding{Rule: "no plain web", Verdict: policy.Fail, Values: []string{"tcp/80"}})
	})
	w.Before("store.SetWaiver", func() {})
	w.Before("store.SetWaiver", func() { w.Fail("store.SetWaiver", fault.New(fault.Transient, "throttled")) })
	status, body := call(t, w, "POST", ruling+"/ignore", ignoreBody)
	if status != http.StatusServiceUnavailable || !strings.Contains(body, "1 of 2 waivers are set; asked again, the others are") || len(w.Store.Waived) != 1 {
		t.Fatalf("the second fails = %d %s, %d waivers", status, body, len(w.Store.Waived))
	}
	if status, body := call(t, w, "POST", ruling+"/ignore", ignoreBody); status != http.StatusOK || len(w.Store.Waived) != 2 {
		t.Errorf("again = %d %s, %d waivers", status, body, len(w.Store.Waived))
	}
}
