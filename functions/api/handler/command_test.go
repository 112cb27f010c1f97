package handler

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/keyrequest"
	"github.com/keyward/keyward/shared/record"
)

// having is a world whose machine has its key by a request and is in order.
func having(edits ...func(*record.Machine)) *fake.World {
	w := fake.New()
	w.Store.Put(fake.Machine(edits...))
	w.Store.Asked[mine] = record.Request{ID: bootOne, Machine: fake.ID, State: string(keyrequest.Delivered), Revision: 2}
	return w
}

func TestAPersonOrdersARevocation(t *testing.T) {
	t.Parallel()
	w := having()
	before := w.Store.ByID[fake.ID]
	status, body := call(t, w, "POST", ruling+"/revoke", reasonBody)
	if r := decode[record.Request](t, body); status != http.StatusAccepted || r.ID != bootOne {
		t.Fatalf("ordered: %d %s", status, body)
	}
	m := w.Store.ByID[fake.ID]
	want := record.Order{At: fake.Start, By: alice, Reason: "ticket 4711"}
	if m.Order == nil || *m.Order != want || !m.State.CommandedAt.Equal(fake.Start) || m.State.Generation != before.State.Generation+1 || m.State.Key != integrity.KeyReleased {
		t.Errorf("machine = %+v, order %+v", m.State, m.Order)
	}
	if e := w.Store.Entries; len(e) != 1 || e[0].Kind != record.EntryRequest || e[0].By != alice || e[0].Execution != m.Execution || !strings.Contains(e[0].Text, "ticket 4711") {
		t.Errorf("ledger = %+v, want who and why", e)
	}
	var in enforcement.Input
	if err := json.Unmarshal(w.Flow.Inputs[m.Execution], &in); err != nil || in.Kind != enforcement.Look || !in.DueAt.IsZero() || in.Generation != m.State.Generation {
		t.Errorf("execution %s: %+v, %v", m.Execution, in, err)
	}
	w.Never(t, "kms.DisableKey", "kms.RevokeGrant")
	if status, body := call(t, w, "POST", ruling+"/revoke", reasonBody); status != http.StatusConflict || !strings.Contains(body, "it was ordered already, by "+alice+" at ") {
		t.Errorf("ordered twice: %d %s", status, body)
	}
	status, body = call(t, w, "POST", "/v1/requests/revoke", selected("", mine, fake.Other+" x"))
	if list := decode[record.ActedList](t, body); status != http.StatusOK || list.Results[0].Status != 409 || list.Results[1].Status != 404 {
		t.Errorf("a selection: %d %s", status, body)
	}
}

func TestOrdersThatAreRefused(t *testing.T) {
	t.Parallel()
	held := having()
	held.Store.Held["global"] = record.Hold{Scope: "global", Reason: "x"}
	unread := having()
	unread.Fail("kms.Key", fake.Down)
	for name, tt := range map[string]struct {
		world  *fake.World
		body   string
		status int
		says   string
	}{
		"no key":             {having(func(m *record.Machine) { m.State.Key = integrity.KeyUntouched }), reasonBody, 409, "there is none to take: its key request is Delivered"},
		"revoked":            {having(fake.Revoked), reasonBody, 409, "its key request is Revoked"},
		"being revoked":      {having(fake.Revoking), reasonBody, 409, "its key request is Revoking"},
		"gone":               {having(func(m *record.Machine) { m.State.GoneAt = fake.Start }), reasonBody, 409, "its key request is Expired"},
		"a hold":             {held, reasonBody, 409, "a person stopped all revocations"},
		"a key without tags": {unread, reasonBody, 409, "could not be read"},
		"drift":              {having(func(m *record.Machine) { m.Drift = []string{"keyward:key is x"} }), reasonBody, 409, "keyward:key is x"},
		"no reason":          {having(), `{"reason":""}`, 400, "reason has 0 characters"},
		"not JSON":           {having(), `x`, 400, ""},
		"unknown field":      {having(), `{"reason":"x","now":true}`, 400, "now"},
		"no such request":    {fake.New(), reasonBody, 404, ""},
	} {
		status, body := call(t, tt.world, "POST", ruling+"/revoke", tt.body)
		if status != tt.status || !strings.Contains(body, tt.says) {
			t.Errorf("%s: %d %s, want %d with %q", name, status, body, tt.status, tt.says)
		}
		tt.world.Never(t, "store.Apply", "states.Start")
	}
	for _, failing := range []string{"store.Request", "store.Machine", "store.HoldsOn", "store.Apply", "store.Started"} {
		w := having()
		w.Fail(failing, fake.Down)
		if status, _ := call(t, w, "POST", ruling+"/revoke", reasonBody); status != http.StatusServiceUnavailable {
			t.Errorf("%s fails: %d, want 503", failing, status)
		}
	}
	// A judgement in between is no reason to refuse; an execution that cannot be started now waits for the sweep.
	w := having()
	w.Before("store.Apply", func() { w.Store.Change(fake.ID, func(m *record.Machine) { m.Version++ }) })
	w.Fail("states.Start", fake.Down)
	if status, body := call(t, w, "POST", ruling+"/revoke", reasonBody); status != http.StatusAccepted || len(w.Store.Waiting) != 1 {
		t.Errorf("judged meanwhile: %d %s, outbox %v", status, body, w.Store.Waiting)
	}
	w = having()
	w.Always("store.Apply", fault.New(fault.Conflict, "changed"))
	if status, _ := call(t, w, "POST", ruling+"/revoke", reasonBody); status != http.StatusServiceUnavailable {
		t.Errorf("others keep changing it: %d", status)
	}
}
