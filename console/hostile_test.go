package console_test

import (
	"strings"
	"testing"
	"unicode"

	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// hostile are texts of machines that want to be more than text.
var hostile = map[string]string{
	"markup":     `<img src=x onerror=alert(1)><script>alert(2)</script></textarea></pre><a href="https://evil.example">click</a>`,
	"attributes": `" autofocus onfocus="alert(1)" x="`,
	"right":      "safe\u202e\u2066exe.txt\u200f",
	"lines":      "a\r\nSet-Cookie: x=y\r\n\r\n<p>zz",
	"controls":   "a\x00\x1b[2J\x07b\u009b",
	"template":   "{{.Form}} ${x} javascript:alert(1) `",
	"long":       strings.Repeat("<x>é\u202e", 1<<17),
}

// stuffed is a place in which everything that others write says a text.
func stuffed(evil string) *api {
	a := place()
	name := strings.ToValidUTF8(evil[:min(len(evil), 120)], "") // what the API bounds
	for i := range a.views {
		m := &a.views[i].Machine
		m.Name, m.Owner, m.Zone, m.State.Why, m.Policy, m.Execution, m.EnrolledBy = evil, evil, evil, evil, name, evil, evil
		m.State.LastVerdict = "Fail"
		m.Drift, m.NotEffective, m.Key.ARN = []string{evil}, []string{evil}, evil
		m.Findings = []policy.Finding{{Rule: name, Verdict: policy.Fail, Expected: evil, Actual: evil, Fix: evil, Values: []string{evil}, Why: evil}}
		a.views[i].Stops = []record.Stop{{Reason: evil, Text: "text", Detail: evil}}
		a.views[i].Holds, a.views[i].Waivers = a.holds, a.waivers
		a.views[i].Notices = []record.Notice{{Kind: evil, To: []string{evil}, Outcomes: []record.Outcome{{Address: evil, Kind: record.Bounced, Detail: evil}}}}
	}
	a.history.Notices = a.views[0].Notices
	for i := range a.history.Evidence {
		a.history.Evidence[i].Why, a.history.Evidence[i].Result.Findings = evil, a.views[0].Machine.Findings
	}
	entries, head := record.Link(record.Head{}, "", []record.Entry{{Machine: machineID, At: noon, Kind: record.EntryKind(name), Text: strings.ToValidUTF8(evil[:min(len(evil), 100<<10)], ""), By: evil[:min(len(evil), 100<<10)], Detail: evil[:min(len(evil), 100<<10)]}})
	a.history.Ledger, a.entries, a.heads = entries, entries, map[string]record.Head{"": head}
	for i := range a.requests {
		a.requests[i].Reason, a.requests[i].Policy, a.requests[i].BootID = evil, name, evil
		a.requests[i].Moves = []record.Move{{To: "Pending", By: evil, Why: evil}}
		a.requests[i].Ruling = &record.Ruling{By: evil, Reason: evil}
	}
	for i := range a.policies {
		a.policies[i].Text, a.policies[i].PutBy, a.policies[i].Digest = evil, evil, evil
	}
	n := &a.notifiers[0]
	n.Description, n.Header, n.Events, n.To, n.PutBy, n.Webhook.URL = name, name, []string{name}, []string{name}, evil, "https://"+name // which the API bounds
	a.preview.Affected[0].Name, a.preview.Affected[0].Why = evil, evil
	a.holds[0].Reason, a.holds[0].By, a.holds[0].Scope = evil, evil, record.Scope(name)
	w := &a.waivers[0]
	w.Rule, w.Values, w.Reason, w.By, w.Tags = name, []string{evil}, evil, evil, map[string]string{name: evil}
	a.breaker.Events[0].Text, a.breaker.Events[0].By, a.breaker.Rules[0].Trips[0].Rule, a.breaker.Rules[0].Policy = evil, evil, name, name
	a.drills[0].Why, a.drills[0].Steps[0].Name = evil, evil
	a.diff = "+" + evil
	return a
}

// mostPage is the size that no page may pass.
const mostPage = 300 << 10

// TestHostile: whatever machines and people say is text: no markup, no links, nothing unseen, no headers, and no page that
// a browser would choke on.
func TestHostile(t *testing.T) {
	t.Parallel()
	for name, evil := range hostile {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := stuffed(evil)
			b := open(t, a)
			plain := open(t, stuffed("plain text"))
			for path := range everywhere {
				w, want := b.get(path), plain.get(path)
				inertPage(t, path, w.Body.String(), want.Body.String())
				if len(w.Header()) != len(want.Header()) || w.Code != want.Code {
					t.Errorf("%s: %d %v", path, w.Code, w.Header())
				}
			}
			a.fails["SetHold"] = refused(409, "Conflict", evil)
			inertPage(t, "a refusal", b.post("/exceptions/hold", "scope", evil[:min(len(evil), 120)], "reason", evil[:min(len(evil), 1<<10)]).Body.String(), "")
		})
	}
}

func inertPage(t *testing.T, path, page, plain string) {
	t.Helper()
	lower := strings.ToLower(page)
	for _, never := range []string{"<img", "<script>", "onerror=alert(1)>", `onfocus="`, `href="https:`, `href="javascript`, "<x>", "<p>zz"} {
		if strings.Contains(lower, never) {
			at := strings.Index(lower, never)
			t.Errorf("%s: %q in %q", path, never, page[max(0, at-80):min(len(page), at+80)])
		}
	}
	for _, tag := range []string{"<a ", "<form ", "<input ", "<textarea ", "</textarea>", "<script ", "</pre>"} {
		if n, want := strings.Count(page, tag), strings.Count(plain, tag); plain != "" && n != want {
			t.Errorf("%s: %s %d times, want %d", path, tag, n, want)
		}
	}
	if i := strings.IndexFunc(page, func(r rune) bool { return r != '\n' && r != '\t' && !unicode.IsPrint(r) }); i >= 0 {
		t.Errorf("%s: %q is not seen and there", path, page[i:min(len(page), i+8)])
	}
	if len(page) > mostPage && !strings.Contains(path, "/edit") && !strings.HasPrefix(path, "/policies/web-tier") {
		t.Errorf("%s has %d bytes", path, len(page))
	}
}
