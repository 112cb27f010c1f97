package console_test

import (
	"context"
	"errors"
	"html"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/notice"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

var frame = regexp.MustCompile(`<iframe class="[^"]*" height="[1-9][0-9]*" src="([^"]*)" sandbox="" title="[^"]+"></iframe>`)

// TestEveryNoticeHasAPreview: of the example and of a machine as its records are, and the frame shows the same mail.
func TestEveryNoticeHasAPreview(t *testing.T) {
	t.Parallel()
	a := place()
	b := open(t, a)
	for _, e := range notice.Events() {
		for machine, shows := range map[string]string{"": "i-1234567890abcdef0", machineID: "web-tier"} {
			path := "/notices?event=" + string(e.Kind) + "&machine=" + machine
			w := b.get(path)
			found := frame.FindStringSubmatch(w.Body.String())
			if w.Code != http.StatusOK || found == nil {
				t.Errorf("%s: %d: %s", path, w.Code, text(w.Body.String()))
				continue
			}
			mail := b.get(html.UnescapeString(found[1]))
			subject, _, _ := strings.Cut(mail.Body.String(), "</title>")
			_, subject, _ = strings.Cut(subject, "<title>")
			if mail.Code != http.StatusOK || subject == "" || !strings.Contains(w.Body.String(), "<dt>Subject</dt><dd><bdi>"+subject+"</bdi></dd>") {
				t.Errorf("%s: the frame has the subject %q: %d", path, subject, mail.Code)
			}
			if !e.Kind.OfStack() && !strings.Contains(mail.Body.String(), shows) {
				t.Errorf("%s: no %q in %s", path, shows, mail.Body)
			}
		}
	}
	if called := a.orders(); len(called) > 0 {
		t.Errorf("looking did %v", called)
	}
}

// TestNoticeOfRecords: what the records and the policy say is what the mail says, by the stack's clock.
func TestNoticeOfRecords(t *testing.T) {
	t.Parallel()
	a := place()
	a.policies[1].Text = "policy: web-tier\nnotify: {omit: [restored], timeZone: Europe/Berlin, header: \"Mind the <b>till</b>.\"}\n"
	b := open(t, a)
	page := b.get("/notices?event=warning&machine=" + machineID).Body.String()
	wants(t, "warning", page, "2 March 2026, 16:12:30 (Europe/Berlin;", "15:12:30 UTC (in 3 hours 12 minutes)", "Mind the &lt;b&gt;till&lt;/b&gt;.", "tcp/23 open", "So it would read with the records as they are now")
	if strings.Contains(page, "Nobody is sent this") {
		t.Error("a warning is said to be left out")
	}
	wants(t, "restored", b.get("/notices?event=restored&machine="+machineID).Body.String(), "Nobody is sent this", `<a href="/policies/web-tier"><bdi>web-tier</bdi></a> leaves it out`)
	wants(t, "of the stack", b.get("/notices?event=policyChanged&machine="+machineID).Body.String(), "It is about the stack", "Policy web-tier was put as version 4")
	a.views[0].Machine.Policy = policy.DefaultName
	wants(t, "the built-in policy", b.get("/notices?event=warning&machine="+machineID).Body.String(), "Policy: default")
	wants(t, "what is typed stays", b.get("/notices?event=reminder&machine="+machineID+"&screen=narrow&colours=light").Body.String(),
		`<option selected>reminder</option>`, `value="`+machineID+`"`, `value="narrow" selected`, `value="light" selected`, `href="/notices?colours=light&amp;event=held&amp;machine=`+machineID+`&amp;screen=narrow"`)
}

// TestMailsAreFramed: the answer that is a mail may be framed by us alone, has its style and nothing else, and a page that
// frames none may not.
func TestMailsAreFramed(t *testing.T) {
	t.Parallel()
	b := open(t, place())
	const csp = "Content-Security-Policy"
	ours := b.get("/").Header().Get(csp)
	if got := b.get("/notices").Header().Get(csp); got != ours {
		t.Errorf("a page without a preview has %q", got)
	}
	if got := b.get("/notices?event=ransom").Header().Get(csp); got != ours {
		t.Errorf("a preview that failed has %q", got)
	}
	if h := b.get("/notices?event=warning").Header(); h.Get(csp) != ours+"; frame-src 'self'" || h.Get("X-Frame-Options") != "DENY" {
		t.Errorf("a preview has %v", h)
	}
	for _, event := range []string{"warning", "ransom"} {
		h := b.get("/notices/mail?event=" + event).Header()
		for key, want := range map[string]string{
			csp:                      "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'; sandbox",
			"X-Content-Type-Options": "nosniff", "X-Frame-Options": "SAMEORIGIN", "Cache-Control": "no-store", "Referrer-Policy": "same-origin",
			"Cross-Origin-Resource-Policy": "same-origin", "Cross-Origin-Opener-Policy": "",
		} {
			if h.Get(key) != want {
				t.Errorf("%s: %s is %q", event, key, h.Get(key))
			}
		}
	}
	stranger := httptest.NewRequest(http.MethodGet, "/notices/mail?event=warning", nil)
	stranger.Host = host
	stranger.Header.Set("Cookie", "x=y")
	if w := b.do(stranger); w.Code != http.StatusUnauthorized || w.Header().Get(csp) != ours || strings.Contains(w.Body.String(), "<html") {
		t.Errorf("a stranger: %d %v %s", w.Code, w.Header(), w.Body)
	}
	other := httptest.NewRequest(http.MethodGet, "/notices/mail?event=warning", nil)
	other.Header.Set("Sec-Fetch-Site", "cross-site")
	if w := b.do(other); w.Code != http.StatusForbidden {
		t.Errorf("another page's frame: %d", w.Code)
	}
	if w := b.post("/notices/mail", "event", "warning"); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", w.Code)
	}
}

// bare is an API whose machines have nothing, not even an id.
type bare struct{ *api }

func (bare) Machine(context.Context, string) (record.MachineView, error) {
	return record.MachineView{Machine: record.Machine{Policy: policy.DefaultName}}, nil
}

func TestNoPreview(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		with   func(a *api)
		query  string
		status int
		says   string
	}{
		"no event of this name": {nil, "event=<b>ransom", 400, "there is none of this name"},
		"no such machine":       {nil, "event=warning&machine=i-none", 404, "There is no such thing"},
		"a machine unread":      {func(a *api) { a.fails["Machine"] = refused(403, "", "Forbidden") }, "event=warning&machine=" + machineID, 403, "call GET /v1/machines/{id}"},
		"a time unread":         {func(a *api) { a.fails["Status"] = errors.New("no route to host") }, "event=warning&machine=" + machineID, 502, "The Keyward API does not answer"},
		"a policy unread":       {func(a *api) { a.fails["Policy"] = refused(503, "Transient", "DynamoDB") }, "event=warning&machine=" + machineID, 503, "AWS does not answer Keyward or limits it"},
		"a policy that is none": {func(a *api) { a.policies[1].Text = "what" }, "event=warning&machine=" + machineID, 422, "compiling policy web-tier version 2"},
	} {
		a := place()
		if a.fails = map[string]error{}; c.with != nil {
			c.with(a)
		}
		b := open(t, a)
		w := b.get("/notices?" + c.query)
		if w.Code != c.status || strings.Contains(w.Body.String(), "<iframe") {
			t.Errorf("%s: %d, want %d", name, w.Code, c.status)
		}
		wants(t, name, w.Body.String(), c.says, "<h2 id=\"events-h\">")
		if w = b.get("/notices/mail?" + c.query); w.Code != c.status || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain") {
			t.Errorf("%s, the frame: %d %v", name, w.Code, w.Header())
		}
	}
	gone := place()
	gone.fails = map[string]error{"Policy": refused(404, "NotFound", "reading policy web-tier: there is none")}
	if w := open(t, gone).get("/notices?event=warning&machine=" + machineID); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "<iframe") {
		t.Errorf("a policy that is gone: %d, want what the built-in one has mails say", w.Code)
	}
	a := place()
	w := openWith(t, bare{a}, a).get("/notices?event=warning&machine=i-1")
	if w.Code != http.StatusUnprocessableEntity {
		t.Errorf("records of which there is no mail: %d", w.Code)
	}
	wants(t, "bare", w.Body.String(), "it names no machine")
}

// TestHostileNotices: what a machine says of itself stays text in every mail and around it.
func TestHostileNotices(t *testing.T) {
	t.Parallel()
	for name, evil := range hostile {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, plain := stuffed(evil), stuffed("plain text")
			for _, one := range []*api{a, plain} {
				one.views[0].Machine.Policy = policy.DefaultName
			}
			b, p := open(t, a), open(t, plain)
			for _, kind := range notice.Kinds() {
				query := "?event=" + string(kind) + "&machine=" + machineID
				page := b.get("/notices" + query)
				inertPage(t, query, page.Body.String(), p.get("/notices"+query).Body.String())
				inertMail(t, query, b.get("/notices/mail"+query).Body.String(), p.get("/notices/mail"+query).Body.String())
				if page.Code != http.StatusOK || strings.Count(page.Body.String(), "<iframe") != 1 {
					t.Errorf("%s: %d", query, page.Code)
				}
			}
		})
	}
}

var tag = regexp.MustCompile(`</?[a-zA-Z!][^>]*>`)

// inertMail fails unless a mail has nothing that it has not of a machine that says plain words.
func inertMail(t *testing.T, path, mail, plain string) {
	t.Helper()
	known := map[string]bool{}
	for _, m := range tag.FindAllString(plain, -1) {
		known[m] = true
	}
	for _, m := range tag.FindAllString(mail, -1) {
		if !known[m] {
			t.Errorf("%s: %q", path, m)
		}
	}
	if i := strings.IndexFunc(mail, func(r rune) bool { return r != '\n' && r != '\t' && !unicode.IsPrint(r) }); i >= 0 {
		t.Errorf("%s: %q is not seen and there", path, mail[i:min(len(mail), i+8)])
	}
	if len(known) == 0 || len(mail) > mostPage {
		t.Errorf("%s: %d kinds of tags, %d bytes", path, len(known), len(mail))
	}
}

// TestMachinesOffered: those that fail come first, and a form of many machines stays small.
func TestMachinesOffered(t *testing.T) {
	t.Parallel()
	a := place()
	bad := a.views[0]
	for i := range a.views {
		a.views[i].Machine.State.Standing = integrity.Good
	}
	for n := range 300 {
		v := bad
		v.Machine.ID = "i-3" + strings.Repeat("0", n%10) + string(rune('a'+n/10%26)) + strings.Repeat("1", n/260)
		if v.Machine.State.Standing = integrity.Good; n == 299 {
			v.Machine.ID, v.Machine.State.Standing = "i-9", integrity.Bad
		}
		a.views = append(a.views, v)
	}
	page := open(t, a).get("/notices").Body.String()
	_, list, _ := strings.Cut(page, `<datalist id="machines">`)
	list, _, _ = strings.Cut(list, "</datalist>")
	if n := strings.Count(list, "<option "); n != 200 || !strings.HasPrefix(strings.TrimSpace(list), `<option value="i-9">`) {
		t.Errorf("%d are offered, first %.60q", n, strings.TrimSpace(list))
	}
}
