package handler

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
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

const bootOne = "6f1f1a4e-0c7e-4a54-9b64-2d3f1c5f9a10"

// asking is a world whose machine asked for its key five minutes ago.
func asking(s keyrequest.State, edits ...func(*record.Request)) *fake.World {
	w := fake.New()
	w.Store.Put(fake.Machine(func(m *record.Machine) { m.State.Key, m.Grant = integrity.KeyUntouched, "" }))
	r := record.Request{ID: bootOne, Machine: fake.ID, State: string(s), Reason: "why", Policy: "web-tier", AskedAt: fake.Start.Add(-5 * time.Minute), Revision: 1}
	for _, edit := range edits {
		edit(&r)
	}
	w.Store.Asked[fake.ID+" "+bootOne] = r
	w.Store.Kept = []record.Evidence{{Machine: fake.ID, Sent: fake.Start.Add(-time.Minute), Digest: "digest", Result: policy.Result{Verdict: policy.Fail}}}
	return w
}

// waits gives a request its end.
func waits(until time.Time) func(*record.Request) {
	return func(r *record.Request) { r.ExpiresAt = until }
}

// ruledBefore is a decision that somebody made already.
func ruledBefore(approved bool) func(*record.Request) {
	return func(r *record.Request) {
		r.Ruling = &record.Ruling{Approved: approved, At: fake.Start.Add(-time.Minute), By: "arn:aws:iam::123456789012:user/bob", Reason: "no"}
	}
}

const ruling = "/v1/requests/" + fake.ID + "/" + bootOne

func TestApproveAndDeny(t *testing.T) {
	t.Parallel()
	later, past := fake.Start.Add(time.Hour), fake.Start
	for name, tt := range map[string]struct {
		world *fake.World
		word  string
		moves string
	}{
		"approve":                   {asking(keyrequest.Pending, waits(later)), "approve", "Approved"},
		"deny":                      {asking(keyrequest.Pending, waits(later)), "deny", "Denied"},
		"deny what was approved":    {asking(keyrequest.Approved, waits(later), ruledBefore(true)), "deny", "Denied"},
		"approve what was denied":   {asking(keyrequest.Denied, ruledBefore(false)), "approve", "Pending Approved"},
		"deny what a policy denied": {asking(keyrequest.Denied), "deny", "Pending Denied"},
		"nobody decided in time":    {asking(keyrequest.Pending, waits(past)), "approve", "Expired Pending Approved"},
		"approved and expired":      {asking(keyrequest.Approved, waits(past), ruledBefore(true)), "approve", "Expired Pending Approved"},
		"the grant failed":          {asking(keyrequest.Failure), "approve", "Pending Approved"},
	} {
		status, body := call(t, tt.world, "POST", ruling+"/"+tt.word, `{"reason":"ticket 4711"}`)
		if status != http.StatusOK {
			t.Errorf("%s: %d %s", name, status, body)
			continue
		}
		r := tt.world.Store.Asked[fake.ID+" "+bootOne]
		var moves []string
		for _, m := range r.Moves {
			moves = append(moves, m.To)
			if m.By != alice || m.Why != "ticket 4711" || !m.At.Equal(fake.Start) {
				t.Errorf("%s: move %+v, want who and why", name, m)
			}
		}
		if got := strings.Join(moves, " "); got != tt.moves || r.State != moves[len(moves)-1] {
			t.Errorf("%s: %s by %s, want %s", name, r.State, got, tt.moves)
		}
		approved := tt.word == "approve"
		want := record.Ruling{Approved: approved, At: fake.Start, By: alice, Reason: "ticket 4711", Verdict: policy.Fail, Seen: fake.Start.Add(-time.Minute), Digest: "digest"}
		if r.Ruling == nil || *r.Ruling != want {
			t.Errorf("%s: ruling %+v, want %+v", name, r.Ruling, want)
		}
		if r.ExpiresAt.IsZero() == approved || approved && !r.ExpiresAt.Equal(fake.Start.Add(24*time.Hour)) {
			t.Errorf("%s: until %s, want an approval to end a day from now, and a denial never", name, r.ExpiresAt)
		}
		if e := tt.world.Store.Entries; len(e) != 1 || e[0].Kind != record.EntryRequest || e[0].By != alice || !strings.Contains(e[0].Text, "ticket 4711") {
			t.Errorf("%s: ledger %+v", name, e)
		}
		kind, m := "requestDenied", tt.world.Store.ByID[fake.ID]
		if approved {
			kind = "requestApproved"
		}
		if (m.Asking != nil) != approved || approved && (m.Asking.Request != bootOne || !m.Asking.Until.Equal(r.ExpiresAt)) {
			t.Errorf("%s: the machine's request that waits is %+v", name, m.Asking)
		}
		told := tt.world.Store.Changes[len(tt.world.Store.Changes)-1].Start
		if len(told) != 1 || told[0].Name != fmt.Sprintf("%s-1-tell-%s-%d", fake.ID, kind, m.Version) || len(tt.world.Flow.Made("states.Start")) != 1 || len(tt.world.Store.Waiting) != 0 {
			t.Errorf("%s: told by %+v, started %v", name, told, tt.world.Flow.Made("states.Start"))
		} else if in := string(told[0].Input); !strings.Contains(in, `"why":"ticket 4711"`) || !strings.Contains(in, `"by":"`+alice+`"`) || !strings.Contains(in, `"request":"`+bootOne+`"`) {
			t.Errorf("%s: told %s, want who, why and which", name, in)
		}
		if got := decode[record.Request](t, body); got.State != r.State || got.Revision != r.Revision {
			t.Errorf("%s: answered %+v, kept %+v", name, got, r)
		}
	}
}

func TestDecisionsThatAreRefused(t *testing.T) {
	t.Parallel()
	later := fake.Start.Add(time.Hour)
	for name, tt := range map[string]struct {
		world  *fake.World
		path   string
		body   string
		status int
		says   string
	}{
		"approved twice":         {asking(keyrequest.Approved, waits(later), ruledBefore(true)), ruling + "/approve", `{"reason":"x"}`, 409, "it is Approved already, by arn:aws:iam::123456789012:user/bob"},
		"denied twice":           {asking(keyrequest.Denied, ruledBefore(false)), ruling + "/deny", `{"reason":"x"}`, 409, "it is Denied already, by"},
		"delivered":              {asking(keyrequest.Delivered), ruling + "/approve", `{"reason":"x"}`, 409, "it is Delivered, expected Pending"},
		"revoked":                {asking(keyrequest.Revoked), ruling + "/deny", `{"reason":"x"}`, 409, "it is Revoked, expected"},
		"approved by its policy": {asking(keyrequest.Approved), ruling + "/approve", `{"reason":"x"}`, 409, "it is Approved, expected"},
		"no reason":              {asking(keyrequest.Pending), ruling + "/approve", `{"reason":" "}`, 400, "reason has 0 characters"},
		"not JSON":               {asking(keyrequest.Pending), ruling + "/approve", `x`, 400, ""},
		"unknown field":          {asking(keyrequest.Pending), ruling + "/approve", `{"reason":"x","force":true}`, 400, "force"},
		"no such request":        {asking(keyrequest.Pending), "/v1/requests/" + fake.ID + "/x/approve", `{"reason":"x"}`, 404, ""},
		"no such machine":        {asking(keyrequest.Pending), "/v1/requests/i-0/" + bootOne + "/deny", `{"reason":"x"}`, 404, ""},
	} {
		status, body := call(t, tt.world, "POST", tt.path, tt.body)
		if status != tt.status || !strings.Contains(body, tt.says) {
			t.Errorf("%s: %d %s, want %d with %q", name, status, body, tt.status, tt.says)
		}
		tt.world.Never(t, "store.Apply")
	}
	w := asking(keyrequest.Pending)
	w.Store.Put(fake.Machine())
	if status, body := call(t, w, "POST", ruling+"/deny", `{"reason":"x"}`); status != 409 || !strings.Contains(body, "a denial would take nothing from it") {
		t.Errorf("denied to a machine that has its key: %d %s", status, body)
	}
	for _, failing := range []string{"store.Request", "store.Machine", "store.Policy", "store.Evidence", "store.Apply"} {
		w := asking(keyrequest.Pending)
		w.Fail(failing, fake.Down)
		if status, _ := call(t, w, "POST", ruling+"/approve", `{"reason":"x"}`); status != http.StatusServiceUnavailable {
			t.Errorf("%s fails: %d, want 503", failing, status)
		}
	}
}

// Of two who decide at once the second is told; a judgement in between is no reason to refuse.
func TestTwoDecideAtOnce(t *testing.T) {
	t.Parallel()
	w := asking(keyrequest.Pending)
	w.Before("store.Apply", func() {
		r := w.Store.Asked[fake.ID+" "+bootOne]
		r.State, r.Reason, r.Revision = "Denied", "a person denied it: no", 2
		w.Store.Asked[fake.ID+" "+bootOne] = r
	})
	status, body := call(t, w, "POST", ruling+"/approve", `{"reason":"yes"}`)
	if status != http.StatusConflict || !strings.Contains(body, "it was changed meanwhile and is Denied: a person denied it: no") {
		t.Errorf("the second = %d %s, want told what the first decided", status, body)
	}
	w = asking(keyrequest.Pending)
	w.Before("store.Apply", func() {
		m := w.Store.ByID[fake.ID]
		m.Version++
		w.Store.ByID[fake.ID] = m
	})
	if status, body := call(t, w, "POST", ruling+"/approve", `{"reason":"yes"}`); status != http.StatusOK {
		t.Errorf("judged meanwhile: %d %s, want it decided", status, body)
	}
	w = asking(keyrequest.Pending)
	w.Always("store.Apply", fault.New(fault.Conflict, "changed"))
	if status, _ := call(t, w, "POST", ruling+"/approve", `{"reason":"yes"}`); status == http.StatusOK {
		t.Errorf("a machine that keeps being changed: %d", status)
	}
}

func TestListRequests(t *testing.T) {
	t.Parallel()
	w := asking(keyrequest.Pending, waits(fake.Start))
	for i := range pageRequests {
		id := fmt.Sprintf("boot-%04d", i)
		w.Store.Asked["i-2 "+id] = record.Request{ID: id, Machine: "i-2", State: "Pending", AskedAt: fake.Start.Add(time.Duration(i) * time.Second), ExpiresAt: fake.Start.Add(time.Hour)}
	}
	get := func(query string) (int, record.RequestPage, string) {
		in := request(t, "list-machines.json")
		in.RawPath, in.RawQueryString = "/v1/requests", query
		status, body := serve(t, w, in)
		var page record.RequestPage
		if status == http.StatusOK {
			if err := json.Unmarshal([]byte(body), &page); err != nil {
				t.Fatal(err)
			}
		}
		return status, page, body
	}
	_, first, _ := get("")
	if len(first.Requests) != pageRequests || first.Next == "" || first.Requests[0].State != "Expired" || first.Requests[0].Reason != "nobody decided in time" {
		t.Errorf("the first page: %d, next %q, first %+v", len(first.Requests), first.Next, first.Requests[0])
	}
	if _, last, _ := get("after=" + url.QueryEscape(first.Next)); len(last.Requests) != 1 || last.Next != "" {
		t.Errorf("the last page: %+v", last)
	}
	if _, page, _ := get("state=Expired"); len(page.Requests) != 1 || page.Requests[0].Machine != fake.ID {
		t.Errorf("the expired: %+v", page.Requests)
	}
	if _, page, _ := get("machine=" + fake.ID); len(page.Requests) != 1 {
		t.Errorf("of one machine: %+v", page.Requests)
	}
	if status, _, body := get("state=pending"); status != 400 || !strings.Contains(body, `state is \"pending\", expected one of Approved, Delivered`) {
		t.Errorf("a state that is none: %d %s", status, body)
	}
	if status, body := call(t, w, "GET", ruling, ""); status != 200 || decode[record.Request](t, body).State != "Expired" {
		t.Errorf("show: %d %s", status, body)
	}
	if status, _ := call(t, w, "GET", "/v1/requests/"+fake.ID+"/x", ""); status != 404 {
		t.Errorf("show one that there is not: %d", status)
	}
	w = asking(keyrequest.Approved, waits(fake.Start), ruledBefore(true))
	if _, page, _ := get(""); page.Requests[0].Reason != "the machine did not come for it in time" {
		t.Errorf("approved and not fetched: %+v", page.Requests[0])
	}
}

// TestRequestsFollowTheirKeys: what became of a key is with the machine, and a request is shown, found and decided by it.
func TestRequestsFollowTheirKeys(t *testing.T) {
	t.Parallel()
	taken := func(more int) *fake.World {
		w := asking(keyrequest.Delivered)
		w.Store.Put(fake.Machine(func(m *record.Machine) {
			m.State.Key, m.Grant = integrity.KeyRevoked, ""
			m.Taken = &record.Taken{IntentAt: fake.Start.Add(-2 * time.Minute), ConfirmedAt: fake.Start.Add(-time.Minute)}
		}))
		for i := range more {
			id := fmt.Sprintf("boot-%04d", i)
			w.Store.Asked[fake.ID+" "+id] = record.Request{ID: id, Machine: fake.ID, State: "Denied", AskedAt: fake.Start}
		}
		w.Store.Asked["i-2 x"] = record.Request{ID: "x", Machine: "i-2", State: "Delivered", AskedAt: fake.Start}
		return w
	}
	list := func(w *fake.World, query string) (int, record.RequestPage) {
		in := request(t, "list-machines.json")
		in.RawPath, in.RawQueryString = "/v1/requests", query
		status, body := serve(t, w, in)
		if status != http.StatusOK {
			return status, record.RequestPage{}
		}
		return status, decode[record.RequestPage](t, body)
	}
	for name, more := range map[string]int{"each machine by itself": 0, "all machines at once": manyMachines} {
		if _, page := list(taken(more), "state=Revoked"); len(page.Requests) != 1 || page.Requests[0].ID != bootOne || len(page.Requests[0].Moves) != 3 {
			t.Errorf("%s: the revoked: %+v", name, page.Requests)
		}
		if _, page := list(taken(more), "state=Delivered"); len(page.Requests) != 1 || page.Requests[0].Machine != "i-2" {
			t.Errorf("%s: the delivered: %+v, want the one whose machine has no record", name, page.Requests)
		}
	}
	w := taken(0)
	if status, body := call(t, w, "GET", ruling, ""); status != http.StatusOK || decode[record.Request](t, body).State != "Revoked" {
		t.Errorf("show: %d %s", status, body)
	}
	if kept := w.Store.Asked[fake.ID+" "+bootOne]; kept.State != "Delivered" || len(kept.Moves) != 0 {
		t.Errorf("looked at, and the record is %+v", kept)
	}
	status, body := call(t, w, "POST", ruling+"/approve", `{"reason":"x"}`)
	if status != http.StatusConflict || !strings.Contains(body, "it is Revoked since "+fake.Start.Add(-time.Minute).Format("2006-01-02 15:04:05")) {
		t.Errorf("approved: %d %s, want the state that it has", status, body)
	}
	for more, failing := range map[int]string{0: "store.Machine", manyMachines: "store.Machines"} {
		w := taken(more)
		w.Fail(failing, fake.Down)
		if status, _ := list(w, ""); status != http.StatusServiceUnavailable {
			t.Errorf("%s fails: %d, want 503", failing, status)
		}
	}
}
