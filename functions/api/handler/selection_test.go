package handler

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/keyrequest"
	"github.com/keyward/keyward/shared/record"
)

// selected is the body of an act on some requests.
func selected(more string, ids ...string) string {
	chosen := []record.Chosen{}
	for _, id := range ids {
		machine, boot, _ := strings.Cut(id, " ")
		chosen = append(chosen, record.Chosen{Machine: machine, ID: boot})
	}
	text, _ := json.Marshal(chosen)
	return `{"requests":` + string(text) + `,"reason":"ticket 4711"` + more + `}`
}

const mine = fake.ID + " " + bootOne

// Each request of a selection is answered for itself, in the order of the selection, and nothing of the others changes it.
func TestASelectionTellsOfEach(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]string{"approve": "Approved", "deny": "Denied"} {
		w := asking(keyrequest.Pending)
		w.Store.Put(fake.Machine(func(m *record.Machine) { m.ID, m.State.Key, m.Grant = fake.Other, integrity.KeyUntouched, "" }))
		decided := w.Store.Asked[mine]
		decided.Machine, decided.State = fake.Other, want
		decided.Ruling = &record.Ruling{Approved: word == "approve", At: fake.Start, By: "arn:aws:iam::123456789012:user/bob", Reason: "no"}
		w.Store.Asked[fake.Other+" "+bootOne] = decided
		status, body := call(t, w, "POST", "/v1/requests/"+word, selected("", fake.Other+" "+bootOne, "i-00000000000000009 x", mine))
		list := decode[record.ActedList](t, body)
		if status != http.StatusOK || len(list.Results) != 3 {
			t.Fatalf("%s: %d %s", word, status, body)
		}
		for i, want := range []struct {
			machine, kind, says string
			status              int
		}{
			{fake.Other, "Conflict", "already, by arn:aws:iam::123456789012:user/bob", 409}, {"i-00000000000000009", "NotFound", "", 404}, {fake.ID, "", "", 200},
		} {
			r := list.Results[i]
			if r.Machine != want.machine || r.Status != want.status || r.Kind != want.kind || !strings.Contains(r.Detail, want.says) || (r.Request != nil) != (r.Status == 200) {
				t.Errorf("%s: result %d is %+v, want %+v", word, i, r, want)
			}
		}
		if r := list.Results[2].Request; r == nil || r.State != want || w.Store.Asked[mine].State != want || w.Store.Asked[mine].Ruling.By != alice {
			t.Errorf("%s: answered %+v, kept %+v", word, r, w.Store.Asked[mine])
		}
		w.Times(t, "store.Apply", 1)
	}
}

// A store that fails in between is told of the one that it failed for, and the others are done.
func TestASelectionIsNotHalfTold(t *testing.T) {
	t.Parallel()
	w := asking(keyrequest.Pending)
	w.Fail("store.Request", fake.Down)
	status, body := call(t, w, "POST", "/v1/requests/approve", selected("", fake.Other+" x", mine))
	list := decode[record.ActedList](t, body)
	if status != http.StatusOK || len(list.Results) != 2 || list.Results[0].Status != 503 || list.Results[0].Kind != "Transient" || list.Results[1].Status != 200 {
		t.Errorf("answer = %d %s, want 503 and 200 of them", status, body)
	}
	if strings.Contains(body, "arn:aws:dynamodb") {
		t.Errorf("the answer shows an ARN: %s", body)
	}
}

func TestSelectionsThatAreRefused(t *testing.T) {
	t.Parallel()
	var many []string
	for i := range record.MaxSelected + 1 {
		many = append(many, fmt.Sprintf("i-%017x boot", i))
	}
	until := `,"expires":"` + fake.Start.Add(time.Hour).Format(time.RFC3339) + `"`
	for name, tt := range map[string]struct{ word, body, says string }{
		"none":              {"approve", selected(""), "requests has 0 entries, expected 1 to 50"},
		"too many":          {"deny", selected("", many...), "requests has 51 entries"},
		"twice":             {"check", selected("", mine, mine), "requests[1] is there before"},
		"no machine":        {"approve", selected("", " x"), "requests[0].machine is required"},
		"no id":             {"approve", selected("", fake.ID+" "), "requests[0].id is required"},
		"no reason":         {"approve", `{"requests":[{"machine":"i-1","id":"x"}],"reason":" "}`, "reason has 0 characters"},
		"not JSON":          {"deny", `x`, "reading the body"},
		"unknown field":     {"approve", selected(`,"force":true`, mine), "force"},
		"an end":            {"approve", selected(until, mine), "expires"},
		"ignored for ever":  {"ignore", selected("", mine), "expires is required"},
		"ignored, unknown":  {"ignore", selected(until+`,"rule":"x"`, mine), "rule"},
		"ignored, no array": {"ignore", `{"requests":{}}`, "requests"},
		"a string":          {"check", `{"requests":["i-1"],"reason":"x"}`, "requests"},
	} {
		w := asking(keyrequest.Pending)
		if status, body := call(t, w, "POST", "/v1/requests/"+tt.word, tt.body); status != http.StatusBadRequest || !strings.Contains(body, tt.says) {
			t.Errorf("%s: %d %s, want 400 with %q", name, status, body, tt.says)
		}
		w.Never(t, "store.Apply", "store.SetWaiver", "inspect.")
	}
}

func TestCheckARequestsMachine(t *testing.T) {
	t.Parallel()
	w := asking(keyrequest.Pending)
	status, body := call(t, w, "POST", ruling+"/check", `{"reason":"it was put right"}`)
	if r := decode[record.Request](t, body); status != http.StatusAccepted || r.ID != bootOne || r.State != "Pending" {
		t.Errorf("check = %d %s", status, body)
	}
	w.Times(t, "inspect.", 1)
	if e := w.Store.Entries; len(e) != 1 || e[0].Kind != record.EntryRequest || e[0].By != alice || !strings.Contains(e[0].Text, "it was put right") {
		t.Errorf("ledger = %+v, want who and why", e)
	}
	status, body = call(t, w, "POST", "/v1/requests/check", selected("", mine, "i-00000000000000009 x"))
	if list := decode[record.ActedList](t, body); status != http.StatusOK || list.Results[0].Status != 202 || list.Results[1].Status != 404 {
		t.Errorf("a selection = %d %s", status, body)
	}
	w.Times(t, "inspect.", 2)

	// A judgement in between is no reason to refuse; without a record nobody is asked.
	w = asking(keyrequest.Pending)
	w.Before("store.Apply", func() { w.Store.Change(fake.ID, func(m *record.Machine) { m.Version++ }) })
	if status, body := call(t, w, "POST", ruling+"/check", `{"reason":"x"}`); status != http.StatusAccepted {
		t.Errorf("judged meanwhile: %d %s", status, body)
	}
	for name, tt := range map[string]struct {
		prepare func(w *fake.World)
		body    string
		status  int
	}{
		"no reason":               {func(*fake.World) {}, `{"reason":""}`, 400},
		"no such request":         {func(w *fake.World) { clear(w.Store.Asked) }, `{"reason":"x"}`, 404},
		"it is not written":       {func(w *fake.World) { w.Fail("store.Apply", fake.Down) }, `{"reason":"x"}`, 503},
		"others keep changing it": {func(w *fake.World) { w.Always("store.Apply", fault.New(fault.Conflict, "changed")) }, `{"reason":"x"}`, 503},
		"the machine cannot be read anew": {func(w *fake.World) {
			w.Fail("store.Apply", fault.New(fault.Conflict, "changed"))
			w.Before("store.Apply", func() { w.Fail("store.Machine", fake.Down) })
		}, `{"reason":"x"}`, 503},
	} {
		w := asking(keyrequest.Pending)
		tt.prepare(w)
		if status, body := call(t, w, "POST", ruling+"/check", tt.body); status != tt.status {
			t.Errorf("%s: %d %s, want %d", name, status, body, tt.status)
		}
		w.Never(t, "inspect.")
	}
	w = asking(keyrequest.Pending)
	w.Fail("inspect.Invoke", fake.Down)
	if status, _ := call(t, w, "POST", ruling+"/check", `{"reason":"x"}`); status != http.StatusServiceUnavailable {
		t.Errorf("nobody can be asked: %d, want 503", status)
	}
}
