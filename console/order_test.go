package console_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/keyward/keyward/shared/record"
)

// TestOrders: each form calls the API once, with what was typed, and the next page says what the API answered.
func TestOrders(t *testing.T) {
	t.Parallel()
	at, request := "/machines/"+machineID+"/", "/requests/"+machineID+"/r-1/"
	for name, c := range map[string]struct {
		path   string
		fields []string
		call   string
		said   string
	}{
		"check":            {at + "check", nil, "Check " + machineID, "Keyward was asked at 2026-03-02 12:00:00 UTC"},
		"hold":             {at + "hold", []string{"reason", " move ", "for", "4h"}, "SetHold machine:" + machineID + " 4h0m0s move", "is held until 2026-03-02 16:00:00 UTC, by ada"},
		"hold for good":    {at + "hold", []string{"reason", "move", "for", ""}, "SetHold machine:" + machineID + " lifted move", "is held until it is lifted"},
		"lift":             {at + "lift", []string{"reason", "done"}, "LiftHold machine:" + machineID + " done", "The hold on machine:" + machineID + " is lifted"},
		"waive":            {at + "waive", []string{"rule", "no telnet", "days", "7", "reason", "lab"}, "SetWaiver machine:" + machineID + "  no telnet [] lab 168h0m0s", "Waiver w-0123456789ab lets"},
		"restore":          {at + "restore", []string{"reason", "x"}, "Restore " + machineID + " x", "-4-restore-1 does it. The key is Released until"},
		"resume":           {at + "resume", []string{"reason", "x"}, "Resume " + machineID + " x", "The machine goes on. It is Bad"},
		"revoke":           {at + "revoke", []string{"reason", "x", "request", "r-1", "confirm", machineID}, "Rule revoke " + machineID + " r-1 x", "The order is recorded; key request r-1 is Approved"},
		"approve":          {request + "approve", []string{"reason", "mine"}, "Rule approve " + machineID + " r-1 mine", "Key request r-1 is Approved: a person approved it: mine"},
		"deny":             {request + "deny", []string{"reason", "x"}, "Rule deny " + machineID + " r-1 x", "Key request r-1 is"},
		"look":             {request + "check", []string{"reason", "x"}, "Rule check " + machineID + " r-1 x", "Key request r-1 is"},
		"ignore":           {request + "ignore", []string{"reason", "x", "days", "2"}, "Ignore " + machineID + " r-1 x 48h0m0s", "by 1 waiver: w-0123456789ab"},
		"hold a policy":    {"/exceptions/hold", []string{"scope", "policy:web-tier", "reason", "x", "for", "1h"}, "SetHold policy:web-tier 1h0m0s x", "policy:web-tier is held"},
		"lift a policy's":  {"/exceptions/lift", []string{"scope", "policy:web-tier", "reason", "x"}, "LiftHold policy:web-tier x", "is lifted"},
		"waive everywhere": {"/exceptions/waive", []string{"scope", "global", "policy", "web-tier", "rule", "no telnet", "values", "a\r\n\r\n b \r\n", "days", "1", "reason", "x"}, "SetWaiver global web-tier no telnet [a b] x 24h0m0s", "One machine fails by it"},
		"end a waiver":     {"/exceptions/end", []string{"about", "w-aaaaaaaaaaaa", "reason", "x"}, "LiftWaiver w-aaaaaaaaaaaa x", "Waiver w-aaaaaaaaaaaa is lifted"},
		"reset":            {"/breaker", []string{"scope", "global", "reason", "x"}, "ResetBreaker global x", "Reset at 2026-03-02 12:00:00 UTC: room again"},
	} {
		a := place()
		b := open(t, a)
		page := b.follow(b.post(c.path, c.fields...))
		wants(t, name, page, "The API answered:", c.said)
		if called := a.orders(); len(called) != 1 || called[0] != c.call {
			t.Errorf("%s: called %q, want %q", name, called, c.call)
		}
	}
}

func TestSeveral(t *testing.T) {
	t.Parallel()
	a := place()
	a.acted = []record.Acted{{Machine: machineID, ID: "r-1", Status: 200}, {Machine: "i-2234567890abcdef0", ID: "r-2", Status: 409, Detail: "it is Delivered"}}
	b := open(t, a)
	page := b.follow(b.post("/requests/deny", "reason", "x", "request", machineID+"/r-1", "request", "i-2234567890abcdef0/r-2"))
	wants(t, "several", page, "1 of 2 denied.", "i-2234567890abcdef0: refused (409): it is Delivered")
	if called := a.orders(); len(called) != 1 || called[0] != "Act deny {[{"+machineID+" r-1} {i-2234567890abcdef0 r-2}] x}" {
		t.Errorf("called %q", called)
	}
	w := b.post("/requests/approve", "reason", "kept")
	if w.Code != http.StatusBadRequest {
		t.Errorf("none chosen: %d", w.Code)
	}
	wants(t, "none chosen", w.Body.String(), "none is chosen", `value="kept"`)
}

// TestNothingTypedIsLost: a refusal is told where the order was given, with its status, and all that was typed.
func TestNothingTypedIsLost(t *testing.T) {
	t.Parallel()
	at, request := "/machines/"+machineID+"/", "/requests/"+machineID+"/r-1/"
	for name, c := range map[string]struct {
		path   string
		method string
		fields []string
	}{
		"hold":    {at + "hold", "SetHold", []string{"for", "24h"}},
		"lift":    {at + "lift", "LiftHold", nil},
		"check":   {at + "check", "Check", nil},
		"waive":   {at + "waive", "SetWaiver", []string{"rule", "no telnet", "days", "33"}},
		"restore": {at + "restore", "Restore", nil},
		"resume":  {at + "resume", "Resume", nil},
		"revoke":  {at + "revoke", "Rule", []string{"confirm", machineID}},
		"approve": {request + "approve", "Rule", nil},
		"ignore":  {request + "ignore", "Ignore", []string{"days", "44"}},
		"several": {"/requests/approve", "Act", []string{"request", machineID + "/r-1"}},
		"a hold":  {"/exceptions/hold", "SetHold", []string{"scope", "machine:i-typed"}},
		"a lift":  {"/exceptions/lift", "LiftHold", []string{"scope", "policy:web-tier", "about", "policy:web-tier"}},
		"waiver":  {"/exceptions/waive", "SetWaiver", []string{"scope", "machine:i-typed", "rule", "a <rule>", "values", "one\r\ntwo", "days", "5"}},
		"an end":  {"/exceptions/end", "LiftWaiver", []string{"about", "w-aaaaaaaaaaaa"}},
		"reset":   {"/breaker", "ResetBreaker", []string{"scope", "policy:typed"}},
	} {
		a := place()
		b := open(t, a)
		a.fails[c.method] = refused(http.StatusConflict, "Conflict", "somebody was quicker: ada at noon")
		w := b.post(c.path, append(c.fields, "reason", "a reason that I typed")...)
		if w.Code != http.StatusConflict {
			t.Errorf("%s: %d, want 409", name, w.Code)
		}
		wants(t, name, w.Body.String(), "It is not done: things are not as they were", "HTTP 409", "somebody was quicker: ada at noon", "8f6e0001")
		if name != "check" {
			wants(t, name, w.Body.String(), `value="a reason that I typed"`)
		}
		typed := map[string][]string{"waive": {`value="33"`}, "ignore": {`value="44"`}, "hold": {`value="24h" selected`}, "a hold": {`value="machine:i-typed"`}, "waiver": {`value="a &lt;rule&gt;"`, "one\ntwo</textarea>"}, "reset": {`value="policy:typed"`}, "revoke": {`value="` + machineID + `"`}, "several": {" checked"}}
		wants(t, name, w.Body.String(), typed[name]...)
	}
}

// TestWrongEntries are refused before the API is asked.
func TestWrongEntries(t *testing.T) {
	t.Parallel()
	at := "/machines/" + machineID + "/"
	a := place()
	b := open(t, a)
	for name, w := range map[string]struct {
		path   string
		fields []string
		want   string
	}{
		"confirm":     {at + "revoke", []string{"reason", "x", "request", "r-1", "confirm", "i-22"}, "has to be typed to confirm"},
		"for":         {at + "hold", []string{"reason", "x", "for", "soon"}, "expected a length of time"},
		"days":        {at + "waive", []string{"reason", "x", "rule", "no telnet", "days", "0"}, "expected 1 to 365"},
		"ignore days": {"/requests/" + machineID + "/r-1/ignore", []string{"reason", "x", "days", "366"}, "expected 1 to 365"},
	} {
		answer := b.post(w.path, w.fields...)
		if answer.Code != http.StatusBadRequest {
			t.Errorf("%s: %d", name, answer.Code)
		}
		wants(t, name, answer.Body.String(), w.want)
	}
	if called := a.orders(); len(called) > 0 {
		t.Errorf("the API was called: %v", called)
	}
}

func TestEditing(t *testing.T) {
	t.Parallel()
	a := place()
	b := open(t, a)
	const path = "/policies/web-tier/edit"
	w := b.post(path, "over", "2", "text", "policy: web-tier\r\nwrong: <b>\r\n", "store", "yes")
	if w.Code != http.StatusBadRequest {
		t.Errorf("with an error: %d", w.Code)
	}
	wants(t, "with an error", w.Body.String(), "The policy has errors", "Line 2, column 3: ", "expected closed, open or only", "wrong: &lt;b&gt;\n</textarea>")
	w = b.post(path, "over", "2", "text", "policy: web-tier\n", "store", "yes")
	if w.Code != http.StatusOK {
		t.Errorf("to be tried: %d", w.Code)
	}
	wants(t, "to be tried", w.Body.String(), "Nothing is stored yet", "<strong>1</strong>", "<strong>warning</strong>", "Store it over version 2")
	_, tried, _ := strings.Cut(w.Body.String(), `name="tried" value="`)
	tried, _, _ = strings.Cut(tried, `"`)
	if w = b.post(path, "over", "2", "tried", tried, "store", "yes", "text", "policy: web-tier\n# other\n"); w.Code != http.StatusOK {
		t.Errorf("another text than the one that was tried: %d", w.Code)
	}
	if w = b.post(path, "over", "2", "tried", tried, "text", "policy: web-tier\n"); w.Code != http.StatusOK {
		t.Errorf("tried again: %d", w.Code)
	}
	if stored := strings.Join(a.orders(), "\n"); strings.Contains(stored, "PutPolicy") {
		t.Errorf("it was stored: %s", stored)
	}
	a.fails["PutPolicy"] = refused(http.StatusPreconditionFailed, "Stale", "it is version 3 by now")
	a.policies = append(a.policies, record.Policy{Name: "web-tier", Version: 3})
	w = b.post(path, "over", "2", "tried", tried, "store", "yes", "text", "policy: web-tier\n")
	if w.Code != http.StatusPreconditionFailed {
		t.Errorf("stale: %d", w.Code)
	}
	wants(t, "stale", w.Body.String(), "somebody stored another version meanwhile", "it is version 3 by now", `name="over" value="3"`, "policy: web-tier\n</textarea>")
	delete(a.fails, "PutPolicy")
	page := b.follow(b.post(path, "over", "3", "tried", tried, "store", "yes", "text", "policy: web-tier\n"))
	wants(t, "stored", page, "Policy web-tier is stored as version 4.")
}

func TestNewPolicy(t *testing.T) {
	t.Parallel()
	b := open(t, place())
	w := b.post("/new-policy", "text", "policy: shop\n")
	if w.Code != http.StatusBadRequest {
		t.Errorf("without a name: %d", w.Code)
	}
	w = b.post("/new-policy", "name", "shop", "text", "policy: shop\n")
	wants(t, "tried", w.Body.String(), "Nothing is stored yet", `value="shop"`, "Store it<")
	w = b.post("/new-policy", "name", "shop", "text", "broken")
	wants(t, "broken", w.Body.String(), "it cannot be read")
}

func TestChecking(t *testing.T) {
	t.Parallel()
	a := place()
	b := open(t, a)
	for text, want := range map[string]string{
		"policy: web-tier":          `[]`,
		"wrong\u202e":               `[{"line":2,"column":3,"text":"rules[0].ports: expected closed, open or only"}]`,
		strings.Repeat("broken", 9): `[{"line":0,"column":0,"text":"it cannot be read"}]`,
	} {
		w := b.post("/check", "text", text)
		if got := strings.TrimSpace(w.Body.String()); got != want || !json.Valid(w.Body.Bytes()) || w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
	if called := a.orders(); len(called) > 0 {
		t.Errorf("the API was called: %v", called)
	}
}

// TestWhatIsGone: a refusal about a hold that is not there any more is told with what was typed.
func TestWhatIsGone(t *testing.T) {
	t.Parallel()
	a := place()
	b := open(t, a)
	a.fails["LiftHold"] = refused(http.StatusNotFound, "NotFound", "there is none")
	w := b.post("/exceptions/lift", "scope", "machine:i-gone", "about", "machine:i-gone", "reason", "typed")
	if w.Code != http.StatusNotFound {
		t.Errorf("%d, want 404", w.Code)
	}
	wants(t, "gone", w.Body.String(), "There is no such thing", "It was about <bdi>machine:i-gone", "for the reason: <bdi>typed")
}
