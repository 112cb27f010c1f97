package handler

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/functions/internal/tell"
	"github.com/keyward/keyward/shared/actionlink"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/record"
)

// secret is what the token of events/act is made of.
var secret = []byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31}

// mailed is a world with a machine that was warned, and the link of the events.
func mailed(t *testing.T, a actionlink.Action, edits ...func(*record.Machine)) *fake.World {
	t.Helper()
	w := fake.New()
	soon := func(m *record.Machine) { m.State.DueAt = fake.Start.Add(4 * time.Hour) }
	w.Store.Put(fake.Machine(append([]func(*record.Machine){fake.Bad, soon}, edits...)...))
	l, _, err := actionlink.New(a, w.Store.ByID[fake.ID], []string{"ada@example.com"}, "r/warning", fake.Start, bytes.NewReader(secret))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Store.PutLinks(t.Context(), []record.ActionLink{l}); err != nil {
		t.Fatal(err)
	}
	return w
}

func newHandler(w *fake.World) *Handler {
	return &Handler{Store: w.Store, Inspect: w.Inspect, Place: tell.Place{Account: fake.Account, Region: fake.Region}, Log: w.Log}
}

func call(t *testing.T, w *fake.World, event string, now time.Time, edits ...func(*request)) response {
	t.Helper()
	in := fake.Event[request](t, event)
	for _, edit := range edits {
		edit(&in)
	}
	out, err := newHandler(w).Handle(t.Context(), now, in)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// wantNothing says that nothing was written and nobody was asked.
func wantNothing(t *testing.T, w *fake.World) {
	t.Helper()
	if len(w.Store.Changes) != 0 || len(w.Store.Held) != 0 || len(w.Store.Entries) != 0 || len(w.Inspect.Events) != 0 {
		t.Errorf("there are changes %+v, holds %v, entries %v, looks %v; want none", w.Store.Changes, w.Store.Held, w.Store.Entries, w.Inspect.Events)
	}
}

func TestShowChangesNothing(t *testing.T) {
	t.Parallel()
	for a, want := range map[actionlink.Action]string{
		actionlink.Check: "Look now", actionlink.Hold: "Hold for an hour", actionlink.OnIt: "I am on it", actionlink.AskWaiver: "Ask for a waiver",
	} {
		w := mailed(t, a)
		for range 3 { // a scanner follows links again and again
			out := call(t, w, "act/show.json", fake.Start)
			for _, part := range []string{fake.ID, want, `<form method="post">`, "link of the mail to ada@example.com", "That is a claim", "2 March 2026, 08:", `<meta name="robots" content="noindex, nofollow">`} {
				if out.StatusCode != 200 || !strings.Contains(out.Body, part) {
					t.Errorf("%s: %d, and the page lacks %q:\n%s", a, out.StatusCode, part, out.Body)
				}
			}
		}
		wantNothing(t, w)
	}
}

// The page loads nothing and runs nothing; its own style is the one that the policy allows.
func TestPageIsClosed(t *testing.T) {
	t.Parallel()
	out := call(t, mailed(t, actionlink.Hold, func(m *record.Machine) { m.Name = `<script>alert(1)</script>` }), "act/show.json", fake.Start)
	_, after, _ := strings.Cut(out.Body, "<style>")
	inner, _, _ := strings.Cut(after, "</style>")
	for name, want := range map[string]string{
		"content-security-policy": "default-src 'none'; style-src 'sha256-" + digest(inner) + "'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
		"cache-control":           "no-store", "referrer-policy": "no-referrer", "x-robots-tag": "noindex, nofollow", "content-type": "text/html; charset=utf-8",
	} {
		if out.Headers[name] != want {
			t.Errorf("%s is %q, want %q", name, out.Headers[name], want)
		}
	}
	for _, not := range []string{"<script", "src=", "href=", "http:", "https:", "url("} {
		if strings.Contains(out.Body, not) {
			t.Errorf("the page has %q:\n%s", not, out.Body)
		}
	}
}

func TestHold(t *testing.T) {
	t.Parallel()
	w := mailed(t, actionlink.Hold)
	due := w.Store.ByID[fake.ID].State.DueAt
	out := call(t, w, "act/act.json", fake.Start)
	h := w.Store.Held["machine:"+fake.ID]
	if out.StatusCode != 200 || !h.Expires.Equal(due.Add(time.Hour)) || h.By != "link of the mail to ada@example.com" {
		t.Fatalf("%d, the hold is %+v, want it until an hour after %s:\n%s", out.StatusCode, h, due, out.Body)
	}
	if !slices.Equal(w.Store.Kinds(), []record.EntryKind{record.EntryLink}) || w.Store.Entries[0].By != h.By {
		t.Errorf("ledger: %+v", w.Store.Entries)
	}
	if s := w.Store.ByID[fake.ID].State; !s.DueAt.Equal(due) || s.Standing != integrity.Bad {
		t.Errorf("the state is %+v, want the deadline where it was", s)
	}
	again := call(t, w, "act/act.json", fake.Start.Add(time.Minute))
	if again.StatusCode != 410 || !strings.Contains(again.Body, "This link was used") || len(w.Store.Changes) != 1 {
		t.Errorf("a second time: %d with %d changes:\n%s", again.StatusCode, len(w.Store.Changes), again.Body)
	}
	if out := call(t, w, "act/show.json", fake.Start.Add(time.Minute)); out.StatusCode != 410 || strings.Contains(out.Body, "<form") {
		t.Errorf("a used link shows a button: %d", out.StatusCode)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	w := mailed(t, actionlink.Check)
	if out := call(t, w, "act/act.json", fake.Start); out.StatusCode != 200 || len(w.Inspect.Events) != 1 {
		t.Errorf("%d and %d looks:\n%s", out.StatusCode, len(w.Inspect.Events), out.Body)
	}
	w = mailed(t, actionlink.Check)
	w.Fail("inspect.Invoke", fake.Down)
	if out := call(t, w, "act/act.json", fake.Start); out.StatusCode != 503 || !strings.Contains(out.Body, "keyward machine check "+fake.ID) {
		t.Errorf("when nobody can be asked: %d\n%s", out.StatusCode, out.Body)
	}
}

func TestOnItAndAskWaiver(t *testing.T) {
	t.Parallel()
	for _, a := range []actionlink.Action{actionlink.OnIt, actionlink.AskWaiver} {
		w := mailed(t, a, func(m *record.Machine) { m.State.RemindAt = fake.Start.Add(time.Hour) })
		if out := call(t, w, "act/act.json", fake.Start); out.StatusCode != 200 || len(w.Store.Entries) != 1 || len(w.Store.Held) != 0 || len(w.Store.Waived) != 0 {
			t.Errorf("%s: %d, entries %+v", a, out.StatusCode, w.Store.Entries)
		}
		told := slices.ContainsFunc(w.Store.Waiting, func(s record.Start) bool {
			return strings.Contains(s.Name, "-tell-waiverAsked-") && strings.Contains(string(s.Input), "link of the mail to ada@example.com")
		})
		if told != (a == actionlink.AskWaiver) || len(w.Store.Waiting) > 1 {
			t.Errorf("%s: the outbox has %+v", a, w.Store.Waiting)
		}
		if got := w.Store.ByID[fake.ID].State.RemindAt.Equal(fake.Start.Add(24 * time.Hour)); got != (a == actionlink.OnIt) {
			t.Errorf("%s: the next reminder is a day later: %t", a, got)
		}
	}
}

func TestWhatDoesNothing(t *testing.T) {
	t.Parallel()
	forged := func(in *request) {
		in.PathParameters["token"] = strings.Repeat("A", 43)
		in.Body, in.IsBase64Encoded = "token="+strings.Repeat("A", 43), false
	}
	body := func(text string) func(*request) {
		return func(in *request) { in.Body, in.IsBase64Encoded = text, false }
	}
	for name, c := range map[string]struct {
		machine func(*record.Machine)
		world   func(*fake.World)
		in      func(*request)
		at      time.Duration
		status  int
	}{
		"expired":                {at: 7 * 24 * time.Hour, status: 410},
		"forged":                 {in: forged, status: 404},
		"not a token":            {in: func(in *request) { in.PathParameters["token"] = "../x"; body("token=../x")(in) }, status: 404},
		"no body":                {in: body(""), status: 400},
		"another token":          {in: body("token=" + strings.Repeat("A", 43)), status: 400},
		"a body that is no form": {in: body("token=%zz"), status: 400},
		"not base64":             {in: func(in *request) { in.Body = "?" }, status: 400},
		"a long body":            {in: body("x=" + strings.Repeat("a", maxBody)), status: 400},
		"another route":          {in: func(in *request) { in.RouteKey = "PUT /a/{token}" }, status: 404},
		"over":                   {world: func(w *fake.World) { w.Store.Put(fake.Machine()) }, status: 410},
		"a newer violation": {world: func(w *fake.World) {
			w.Store.Change(fake.ID, func(m *record.Machine) { m.State.Since = m.State.Since.Add(time.Hour) })
		}, status: 410},
		"the machine is gone": {world: func(w *fake.World) { delete(w.Store.ByID, fake.ID) }, status: 404},
		"another machine's": {world: func(w *fake.World) {
			for id, l := range w.Store.Links {
				l.Machine = fake.Other
				w.Store.Links[id] = l
			}
			w.Store.Put(fake.Machine(func(m *record.Machine) { m.ID = fake.Other }))
		}, status: 410},
		"held often enough": {machine: func(m *record.Machine) {
			m.LinkHolds = &record.LinkHolds{Violation: m.State.Since, Count: actionlink.MaxHolds}
		}, status: 409},
		"revoked":                    {machine: func(m *record.Machine) { m.State.Key = integrity.KeyRevoked }, status: 409},
		"the link cannot be read":    {world: func(w *fake.World) { w.Fail("store.ActionLink", fake.Down) }, status: 503},
		"the machine cannot be read": {world: func(w *fake.World) { w.Fail("store.Machine", fake.Down) }, status: 503},
		"holds cannot be read":       {world: func(w *fake.World) { w.Fail("store.HoldsOn", fake.Down) }, status: 503},
		"it cannot be written":       {world: func(w *fake.World) { w.Fail("store.Apply", fake.Down) }, status: 503},
		"it is always changed": {world: func(w *fake.World) {
			for range 5 {
				w.Fail("store.Apply", fault.New(fault.Conflict, "changed"))
			}
		}, status: 503},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			edit := c.machine
			if edit == nil {
				edit = func(*record.Machine) {}
			}
			w := mailed(t, actionlink.Hold, edit)
			if c.world != nil {
				c.world(w)
			}
			in := c.in
			if in == nil {
				in = func(*request) {}
			}
			if out := call(t, w, "act/act.json", fake.Start.Add(c.at), in); out.StatusCode != c.status {
				t.Errorf("status is %d, want %d:\n%s", out.StatusCode, c.status, out.Body)
			}
			wantNothing(t, w)
		})
	}
}

// A hold of a person stays as it is, and the link can be used when it has ended.
func TestHeldAlready(t *testing.T) {
	t.Parallel()
	w := mailed(t, actionlink.Hold)
	w.Store.Held["machine:"+fake.ID] = record.Hold{Scope: "machine:" + fake.ID, By: "alice"}
	if out := call(t, w, "act/act.json", fake.Start); out.StatusCode != 409 || !strings.Contains(out.Body, "It is held already") || w.Store.Held["machine:"+fake.ID].By != "alice" {
		t.Errorf("%d:\n%s", out.StatusCode, out.Body)
	}
	delete(w.Store.Held, "machine:"+fake.ID)
	w.Before("store.Apply", func() { w.Store.Held["machine:"+fake.ID] = record.Hold{Scope: "machine:" + fake.ID, By: "bob"} })
	if out := call(t, w, "act/act.json", fake.Start); out.StatusCode != 409 || w.Store.Held["machine:"+fake.ID].By != "bob" {
		t.Errorf("set meanwhile: %d:\n%s", out.StatusCode, out.Body)
	}
	delete(w.Store.Held, "machine:"+fake.ID)
	if out := call(t, w, "act/act.json", fake.Start); out.StatusCode != 200 {
		t.Errorf("afterwards: %d:\n%s", out.StatusCode, out.Body)
	}
}

// What another changed meanwhile is read again.
func TestMachineIsChangedMeanwhile(t *testing.T) {
	t.Parallel()
	w := mailed(t, actionlink.OnIt)
	w.Before("store.Apply", func() { w.Store.Change(fake.ID, func(m *record.Machine) { m.Name = "renamed" }) })
	if out := call(t, w, "act/act.json", fake.Start); out.StatusCode != 200 || w.Store.ByID[fake.ID].Name != "renamed" {
		t.Errorf("%d, the machine is %+v", out.StatusCode, w.Store.ByID[fake.ID])
	}
}

func TestReplaysInParallel(t *testing.T) {
	t.Parallel()
	w := mailed(t, actionlink.Check)
	h := newHandler(w)
	token := base64.RawURLEncoding.EncodeToString(secret)
	in := fake.Event[request](t, "act/act.json")
	if in.PathParameters["token"] != token {
		t.Fatalf("events/act has the token %q, want %q", in.PathParameters["token"], token)
	}
	var all sync.WaitGroup
	statuses := make([]int, 8)
	for i := range statuses {
		all.Go(func() {
			out, err := h.Handle(t.Context(), fake.Start, in)
			if err != nil {
				t.Error(err)
			}
			statuses[i] = out.StatusCode
		})
	}
	all.Wait()
	slices.Sort(statuses)
	if want := []int{200, 410, 410, 410, 410, 410, 410, 410}; !slices.Equal(statuses, want) || len(w.Inspect.Events) != 1 || len(w.Store.Entries) != 1 {
		t.Errorf("eight at once got %v, asked for %d looks and wrote %d entries", statuses, len(w.Inspect.Events), len(w.Store.Entries))
	}
}
