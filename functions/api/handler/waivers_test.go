package handler

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

const kernelRule = "kernel is supported"

// wish is a waiver on the machine for ten days, with edits.
func wish(edits ...func(*record.WaiverWish)) string {
	w := record.WaiverWish{Scope: "machine:" + fake.ID, Rule: kernelRule, Reason: "ticket 4711", Expires: fake.Start.Add(10 * 24 * time.Hour)}
	for _, e := range edits {
		e(&w)
	}
	text, _ := json.Marshal(w)
	return string(text)
}

// failing is a world whose machine fails by its kernel.
func failing(edits ...func(*record.Machine)) *fake.World {
	w := fake.New()
	w.Store.Put(fake.Machine(append([]func(*record.Machine){fake.Bad}, edits...)...))
	return w
}

func TestSetWaiverAfterTheViolation(t *testing.T) {
	t.Parallel()
	w := failing()
	status, body := call(t, w, "POST", "/v1/waivers", wish())
	set := decode[record.WaiverSet](t, body)
	want := record.Waiver{
		ID: set.Waiver.ID, Scope: "machine:" + fake.ID, Policy: "web-tier", Rule: kernelRule, Values: []string{fake.OldKernelValue},
		Reason: "ticket 4711", By: alice, SetAt: fake.Start, Expires: fake.Start.Add(10 * 24 * time.Hour),
	}
	if diff := cmp.Diff(want, set.Waiver); status != http.StatusCreated || diff != "" {
		t.Fatalf("set = %d (-want +got):\n%s", status, diff)
	}
	if !strings.HasPrefix(want.ID, "w-") || len(want.ID) != 14 || !cmp.Equal(w.Store.Waived[want.ID], want) {
		t.Errorf("stored %+v", w.Store.Waived)
	}
	if !cmp.Equal(set.Machines, []string{fake.ID}) || set.Note != "" {
		t.Errorf("answer = %+v, want the machine and no note", set)
	}
	w.Times(t, "inspect.", 1)
	if e := w.Store.Entries; len(e) != 1 || e[0].Kind != record.EntryWaiver || e[0].By != alice || e[0].Detail != want.ID || !strings.Contains(e[0].Text, fake.OldKernelValue) {
		t.Errorf("ledger = %+v", e)
	}
	status, body = call(t, w, "GET", "/v1/machines/"+fake.ID, "")
	view := decode[record.MachineView](t, body)
	if status != http.StatusOK || len(view.Waivers) != 1 || !stops(view, "waived") {
		t.Errorf("the machine shows waivers %v and stops %v", view.Waivers, view.Stops)
	}
}

func stops(v record.MachineView, reason string) bool {
	for _, s := range v.Stops {
		if s.Reason == reason {
			return true
		}
	}
	return false
}

func TestSetWaiverBeforeTheViolation(t *testing.T) {
	t.Parallel()
	values := []string{"system kernel 4.19.0", "system kernel 4.18.0", "system kernel 4.19.0"}
	for name, edit := range map[string]func(*record.WaiverWish){
		"on the machine": func(w *record.WaiverWish) { w.Values = values },
		"on its policy":  func(w *record.WaiverWish) { w.Scope, w.Values = "policy:web-tier", values },
		"on all": func(w *record.WaiverWish) {
			w.Scope, w.Values, w.Tags = "global", values, map[string]string{"tier": "web"}
		},
		"on all of the policy": func(w *record.WaiverWish) { w.Scope, w.Values, w.Policy = "global", values, "web-tier" },
	} {
		w := fake.New()
		status, body := call(t, w, "POST", "/v1/waivers", wish(edit))
		set := decode[record.WaiverSet](t, body)
		if status != http.StatusCreated || len(set.Machines) != 0 || !cmp.Equal(set.Waiver.Values, []string{"system kernel 4.18.0", "system kernel 4.19.0"}) {
			t.Errorf("%s: set = %d %s", name, status, body)
		}
		if strings.HasPrefix(string(set.Waiver.Scope), "policy:") && set.Waiver.Policy != "web-tier" {
			t.Errorf("%s: policy is %q", name, set.Waiver.Policy)
		}
		if (len(w.Store.Entries) == 1) != (name == "on the machine") {
			t.Errorf("%s: ledger %v", name, w.Store.Entries)
		}
		w.Never(t, "inspect.")
	}
}

// A waiver for many machines has those looked at that fail by it, and says what it cannot change any more.
func TestSetWaiverForMany(t *testing.T) {
	t.Parallel()
	w := failing(fake.Revoking)
	w.Store.Put(fake.Machine(func(m *record.Machine) { m.ID = fake.Other }, fake.Bad, func(m *record.Machine) { m.Findings[0].Values = []string{"system kernel 4.18.0"} }))
	status, body := call(t, w, "POST", "/v1/waivers", wish(func(w *record.WaiverWish) { w.Scope, w.Values = "global", []string{fake.OldKernelValue} }))
	set := decode[record.WaiverSet](t, body)
	if status != http.StatusCreated || !cmp.Equal(set.Machines, []string{fake.ID}) || !strings.Contains(set.Note, fake.ID) {
		t.Errorf("set = %d %s, want one machine and a note on its revocation", status, body)
	}
	w.Times(t, "inspect.", 1)
	w = failing() // that nothing can be asked now keeps no waiver from being set
	w.Fail("inspect.Invoke", fake.Down)
	if status, body := call(t, w, "POST", "/v1/waivers", wish()); status != http.StatusCreated {
		t.Errorf("set = %d %s, want it set", status, body)
	}
}

func TestWaiversThatAreRefused(t *testing.T) {
	t.Parallel()
	many := make([]string, policy.MaxValues+1)
	for i := range many {
		many[i] = strings.Repeat("x", i+1)
	}
	tags := map[string]string{}
	for i := range record.MaxWaiverTags + 1 {
		tags[strings.Repeat("k", i+1)] = "v"
	}
	global := func(edit func(*record.WaiverWish)) func(*record.WaiverWish) {
		return func(w *record.WaiverWish) {
			w.Scope, w.Values = "global", []string{"v"}
			edit(w)
		}
	}
	for name, tt := range map[string]struct {
		edit   func(*record.WaiverWish)
		status int
		want   string
	}{
		"no scope":                 {func(w *record.WaiverWish) { w.Scope = "" }, 400, "scope is required"},
		"a scope that is not":      {func(w *record.WaiverWish) { w.Scope = "everything" }, 400, "expected global, policy:NAME or machine:ID"},
		"no such machine":          {func(w *record.WaiverWish) { w.Scope = "machine:i-00000000000000000" }, 404, "there is none"},
		"no such policy":           {func(w *record.WaiverWish) { w.Scope = "policy:db" }, 404, "there is none"},
		"no rule":                  {func(w *record.WaiverWish) { w.Rule = "" }, 400, "rule is required"},
		"no such rule":             {global(func(w *record.WaiverWish) { w.Rule = "kernel" }), 400, `rule is \"kernel\", expected one of \"kernel is supported\"`},
		"a rule of another policy": {global(func(w *record.WaiverWish) { w.Policy = "db" }), 400, "expected one of"},
		"no reason":                {func(w *record.WaiverWish) { w.Reason = " " }, 400, "reason has 0 characters"},
		"no end":                   {func(w *record.WaiverWish) { w.Expires = time.Time{} }, 400, "expires is required"},
		"an end that is past":      {func(w *record.WaiverWish) { w.Expires = fake.Start }, 400, "it expires at 2026-03-02T04:30:00Z, which is past"},
		"an end too far away":      {func(w *record.WaiverWish) { w.Expires = fake.Start.Add(record.LongestWaiver + 1) }, 400, "expected at most 365 days from now, 2027-03-02T04:30:00Z"},
		"no values":                {func(w *record.WaiverWish) { w.Scope = "policy:web-tier" }, 400, "values has 0 entries"},
		"too many values":          {global(func(w *record.WaiverWish) { w.Values = many }), 400, "values has 33 entries"},
		"an empty value":           {global(func(w *record.WaiverWish) { w.Values = []string{"v", ""} }), 400, `values[1] is \"\"`},
		"a long value":             {global(func(w *record.WaiverWish) { w.Values = []string{strings.Repeat("x", policy.MaxValue+1)} }), 400, "values[0] is"},
		"a value of two lines":     {global(func(w *record.WaiverWish) { w.Values = []string{"a\nb"} }), 400, "values[0] is"},
		"tags on one machine":      {func(w *record.WaiverWish) { w.Tags = map[string]string{"a": "b"} }, 400, "tags are given"},
		"too many tags":            {global(func(w *record.WaiverWish) { w.Tags = tags }), 400, "tags has 11 entries"},
		"a tag without a key":      {global(func(w *record.WaiverWish) { w.Tags = map[string]string{"": "b"} }), 400, "expected a key"},
		"another policy":           {func(w *record.WaiverWish) { w.Policy = "db" }, 400, `policy is \"db\"`},
		"a policy beside a policy": {global(func(w *record.WaiverWish) { w.Scope, w.Policy = "policy:web-tier", "db" }), 400, `policy is \"db\", and scope policy:web-tier`},
	} {
		w := failing()
		status, body := call(t, w, "POST", "/v1/waivers", wish(tt.edit))
		if status != tt.status || !strings.Contains(body, tt.want) {
			t.Errorf("%s: %d %s, want %d and %q", name, status, body, tt.status, tt.want)
		}
		w.Never(t, "store.SetWaiver", "inspect.")
	}
	w := fake.New()
	if status, body := call(t, w, "POST", "/v1/waivers", wish()); status != http.StatusConflict || !strings.Contains(body, "does not fail rule") {
		t.Errorf("a machine in order = %d %s, want 409", status, body)
	}
	w = failing(func(m *record.Machine) { m.Findings[0].Values = nil })
	if status, body := call(t, w, "POST", "/v1/waivers", wish()); status != http.StatusConflict || !strings.Contains(body, "by more than 32 values") {
		t.Errorf("a finding without values = %d %s, want 409", status, body)
	}
	w = failing()
	w.Store.PutPolicyText(fake.Policy("    fix:", "    info: true\n    fix:"))
	if status, body := call(t, w, "POST", "/v1/waivers", wish()); status != http.StatusBadRequest || !strings.Contains(body, "only informs") {
		t.Errorf("an informational rule = %d %s, want 400", status, body)
	}
	if status, body := call(t, w, "POST", "/v1/waivers", `{"forever": true}`); status != http.StatusBadRequest || !strings.Contains(body, "forever") {
		t.Errorf("an unknown field = %d %s, want 400 that names it", status, body)
	}
}

func TestLiftWaiver(t *testing.T) {
	t.Parallel()
	w := fake.New()
	w.Store.Waive(fake.Waiver())
	w.Store.Change(fake.ID, func(m *record.Machine) {
		m.Waived = []policy.Finding{{Rule: kernelRule, Verdict: policy.Fail, Waived: []policy.Permission{{Waiver: "w-0123456789ab"}}}}
	})
	status, body := call(t, w, "DELETE", "/v1/waivers/w-0123456789ab", `{"reason": "patched"}`)
	lifted := decode[record.Waiver](t, body)
	want := &record.Lift{At: fake.Start, By: alice, Reason: "patched"}
	if status != http.StatusOK || !cmp.Equal(lifted.Lifted, want) || !cmp.Equal(w.Store.Waived["w-0123456789ab"].Lifted, want) {
		t.Fatalf("lift = %d %s", status, body)
	}
	w.Times(t, "inspect.", 1)
	if e := w.Store.Entries; len(e) != 1 || e[0].Kind != record.EntryWaiver || e[0].Text != "waiver w-0123456789ab lifted: patched" {
		t.Errorf("ledger = %+v", e)
	}
	for path, tt := range map[string]struct {
		body   string
		status int
	}{
		"w-0123456789ab": {`{"reason": "again"}`, http.StatusConflict},
		"w-none":         {`{"reason": "x"}`, http.StatusNotFound},
		"w-other":        {`{}`, http.StatusBadRequest},
		"w-another":      {`{`, http.StatusBadRequest},
	} {
		if status, body := call(t, w, "DELETE", "/v1/waivers/"+path, tt.body); status != tt.status {
			t.Errorf("lift %s = %d %s, want %d", path, status, body, tt.status)
		}
	}
	w = fake.New()
	w.Store.Waive(fake.Waiver())
	w.Fail("store.Machines", fake.Down) // the sweep looks at them
	if status, body := call(t, w, "DELETE", "/v1/waivers/w-0123456789ab", `{"reason": "x"}`); status != http.StatusOK {
		t.Errorf("lift = %d %s, want it lifted", status, body)
	}
}

func TestListWaivers(t *testing.T) {
	t.Parallel()
	w := fake.New()
	w.Store.Waive(fake.Waiver())
	w.Store.Waive(fake.Waiver(func(w *record.Waiver) { w.ID, w.Scope = "w-2", "machine:"+fake.Other }))
	w.Store.Waive(fake.Waiver(func(w *record.Waiver) { w.ID, w.Expires = "w-3", fake.Start }))
	w.Store.Waive(fake.Waiver(func(w *record.Waiver) { w.ID, w.Scope, w.Lifted = "w-4", "global", &record.Lift{At: fake.Start} }))
	for query, want := range map[string][]string{
		"":                            {"w-0123456789ab", "w-2"},
		"all=true":                    {"w-0123456789ab", "w-2", "w-3", "w-4"},
		"machine=" + fake.ID:          {"w-0123456789ab"},
		"all=true&machine=" + fake.ID: {"w-0123456789ab", "w-3", "w-4"},
	} {
		in := request(t, "list-machines.json")
		in.RawPath, in.RawQueryString = "/v1/waivers", query
		status, body := serve(t, w, in)
		var ids []string
		for _, listed := range decode[record.WaiverList](t, body).Waivers {
			ids = append(ids, listed.ID)
		}
		if status != http.StatusOK || !cmp.Equal(ids, want) {
			t.Errorf("%q: %d %v, want %v", query, status, ids, want)
		}
	}
	if status, body := call(t, w, "GET", "/v1/waivers/w-4", ""); status != http.StatusOK || decode[record.Waiver](t, body).Lifted == nil {
		t.Errorf("show = %d %s", status, body)
	}
	if status, _ := call(t, w, "GET", "/v1/waivers/w-9", ""); status != http.StatusNotFound {
		t.Errorf("show = %d, want 404", status)
	}
	in := request(t, "list-machines.json")
	in.RawPath, in.RawQueryString = "/v1/waivers", "machine=i-00000000000000000"
	if status, _ := serve(t, w, in); status != http.StatusNotFound {
		t.Errorf("of a machine that is not there = %d, want 404", status)
	}
	w.Store.Garbled["global"] = 2
	if _, body := call(t, w, "GET", "/v1/waivers", ""); decode[record.WaiverList](t, body).Unread != 2 {
		t.Errorf("list = %s, want it to say that two cannot be read", body)
	}
	if status, body := call(t, fake.New(), "GET", "/v1/waivers", ""); status != http.StatusOK || strings.TrimSpace(body) != `{"waivers":[]}` {
		t.Errorf("none = %d %s", status, body)
	}
}

// Doubt about waivers is shown as what it is: something that would stop a revocation.
func TestMachineShowsWaiversThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for _, make := range []func(*fake.World){
		func(w *fake.World) { w.Store.Garbled["global"] = 1 },
		func(w *fake.World) { w.Fail("store.WaiversOn", fake.Down) },
	} {
		w := failing()
		make(w)
		status, body := call(t, w, "GET", "/v1/machines/"+fake.ID, "")
		if v := decode[record.MachineView](t, body); status != http.StatusOK || !stops(v, "waivers-unread") {
			t.Errorf("show = %d with stops %v", status, v.Stops)
		}
	}
}

func TestWaiversFail(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ fails, method, path, body string }{
		{"store.Waivers", "GET", "/v1/waivers", ""},
		{"store.Waiver", "GET", "/v1/waivers/w-0123456789ab", ""},
		{"store.Machines", "POST", "/v1/waivers", wish()},
		{"store.Machine", "POST", "/v1/waivers", wish()},
		{"store.Policies", "POST", "/v1/waivers", wish()},
		{"store.SetWaiver", "POST", "/v1/waivers", wish()},
		{"store.LiftWaiver", "DELETE", "/v1/waivers/w-0123456789ab", `{"reason": "x"}`},
	} {
		w := failing()
		w.Store.Waive(fake.Waiver())
		w.Fail(tt.fails, fake.Down)
		if status, body := call(t, w, tt.method, tt.path, tt.body); status != fault.Of(fault.Transient).Status {
			t.Errorf("%s with %s failing = %d %s", tt.path, tt.fails, status, body)
		}
		w.Never(t, "inspect.")
	}
}
