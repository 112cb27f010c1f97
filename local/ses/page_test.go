package ses_test

import (
	"encoding/json"
	"html"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sesv2"

	"github.com/keyward/keyward/local/ses"
	"github.com/keyward/keyward/local/wire"
)

func get(t *testing.T, p *post, path string) (int, http.Header, string) {
	t.Helper()
	w := httptest.NewRecorder()
	p.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	return w.Code, w.Header(), w.Body.String()
}

func TestPage(t *testing.T) {
	t.Parallel()
	p := newPost(t, wire.Function)
	if _, _, body := get(t, p, "/_local/mailbox"); !strings.Contains(body, "No mail yet") {
		t.Errorf("empty mailbox:\n%s", body)
	}
	const hostile = `<p title="a&quot;">x</p><script>alert(1)</script>"></iframe><script>alert(2)</script>`
	id := send(t, p, plain(func(in *sesv2.SendEmailInput) {
		in.Content.Simple.Subject = text("<script>alert(0)</script>")
		in.Content.Simple.Body.Html = text(hostile)
		in.Content.Simple.Body.Text = text("</pre><script>alert(3)</script>")
	}))
	code, header, body := get(t, p, "/_local/mailbox/"+id+"?token=abc%22%3E")
	if code != http.StatusOK || strings.Contains(body, "<script") {
		t.Errorf("status %d, page:\n%s", code, body)
	}
	for _, part := range []string{
		`srcdoc="` + html.EscapeString(hostile) + `"`, " sandbox ", "&lt;/pre&gt;&lt;script&gt;alert(3)", "KW-1", "report.json",
		`href="/_local/mailbox/` + id + `?token=abc%22%3E"`,
	} {
		if !strings.Contains(normal(body), normal(part)) {
			t.Errorf("the page lacks %s:\n%s", part, body)
		}
	}
	policy := header.Get("Content-Security-Policy")
	for _, part := range []string{"default-src 'none'", "frame-ancestors 'none'", "form-action 'none'"} {
		if !strings.Contains(policy, part) {
			t.Errorf("policy %q lacks %s", policy, part)
		}
	}
	if strings.Contains(policy, "script-src") || header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("headers = %v", header)
	}
	_, _, list := get(t, p, "/_local/mailbox")
	if strings.Contains(list, "<iframe") || !strings.Contains(list, "/_local/mailbox/"+id) {
		t.Errorf("list:\n%s", list)
	}
}

// normal evens out the two ways in which quotes are escaped.
func normal(s string) string {
	return strings.NewReplacer("&#34;", "&quot;", "&#39;", "'").Replace(s)
}

func TestJSON(t *testing.T) {
	t.Parallel()
	p := newPost(t, wire.Function)
	if _, _, body := get(t, p, "/_local/mail"); strings.TrimSpace(body) != "[]" {
		t.Errorf("empty list = %s", body)
	}
	id := send(t, p, plain())
	var all []ses.Message
	_, header, body := get(t, p, "/_local/mail")
	if err := json.Unmarshal([]byte(body), &all); err != nil || len(all) != 1 || all[0].Subject != "Grüße <b>" || header.Get("Content-Type") != "application/json" {
		t.Errorf("list = %s, %v", body, err)
	}
	var one ses.Message
	_, _, body = get(t, p, "/_local/mail/"+id)
	if err := json.Unmarshal([]byte(body), &one); err != nil || one.ID != id || one.HTML == "" {
		t.Errorf("one = %s, %v", body, err)
	}
	for _, path := range []string{"/_local/mail/none", "/_local/mailbox/none", "/_local/other"} {
		if code, _, _ := get(t, p, path); code != http.StatusNotFound {
			t.Errorf("GET %s = %d, want 404", path, code)
		}
	}
}
