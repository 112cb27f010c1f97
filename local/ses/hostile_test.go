package ses_test

import (
	"encoding/json"
	"html"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/keyward/keyward/local/clock"
	"github.com/keyward/keyward/local/ses"
)

// tags is every element that the page itself has; text that a mail brought can add none.
var tags = regexp.MustCompile(`<[a-zA-Z!/][^>]*>`)

var frame = regexp.MustCompile(`<iframe title="The mail as HTML" sandbox referrerpolicy="no-referrer" srcdoc="([^"]*)"></iframe>`)

// render is the page of a mail whose every part is text.
func render(t testing.TB, text string) string {
	t.Helper()
	pair := []ses.Pair{{Name: "X-" + text, Value: text}}
	state, err := json.Marshal(map[string]any{"messages": []ses.Message{{
		ID: "a", From: text, To: []string{text}, ReplyTo: []string{text}, Subject: text, Text: "." + text, HTML: "." + text, Headers: pair, Tags: pair,
		Attachments: []ses.Attachment{{Name: text, Type: text}}, Outcomes: []ses.Outcome{{Address: text, Why: text}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	s := ses.New(ses.Options{Clock: clock.New(nil)})
	if err := s.Load(state); err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/_local/mailbox/a", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("status %d", w.Code)
	}
	return w.Body.String()
}

// contained fails when the page of a mail has other elements than that of a harmless one, or when the
// frame does not hold the mail's HTML to the letter.
func contained(t testing.TB, text string) {
	t.Helper()
	page := render(t, text)
	m := frame.FindStringSubmatch(page)
	if m == nil {
		t.Fatalf("the frame is not whole:\n%s", page)
	}
	// What JSON and HTML cannot carry is replaced on the way.
	want := strings.ReplaceAll(strings.ToValidUTF8(text, "\ufffd"), "\x00", "\ufffd")
	if got := html.UnescapeString(m[1]); len([]rune(want)) == len([]rune(text)) && got != "."+want {
		t.Errorf("the frame holds %q, want %q", got, "."+want)
	}
	harmless := tags.FindAllString(frame.ReplaceAllString(render(t, "x"), ""), -1)
	got := tags.FindAllString(frame.ReplaceAllString(page, ""), -1)
	if strings.Join(got, "\n") != strings.Join(harmless, "\n") {
		t.Errorf("elements changed:\n%s\nwant\n%s", got, harmless)
	}
}

var hostile = []string{
	`"></iframe><script>alert(1)</script>`, `" onload="alert(1)`, `' onload='alert(1)`, `&quot;></iframe><img src=x onerror=alert(1)>`,
	`&#34; sandbox="allow-scripts allow-same-origin" x="`, `</title><script>alert(1)</script>`, `</style><script>alert(1)</script>`,
	`</pre></main></html><script>`, "`\"<\x00script>", `<!--`, `-->`, `<![CDATA[`, `{{.}}`, `</iframe>`, `javascript:alert(1)`, "\ufeff\u2028\"",
	`&amp;quot;&lt;b&gt;`, `<base href=//example.org><meta http-equiv=refresh content=0>`,
}

func TestHostileMail(t *testing.T) {
	t.Parallel()
	for _, text := range hostile {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			contained(t, text)
		})
	}
}

func FuzzPage(f *testing.F) {
	for _, text := range hostile {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) { contained(t, text) })
}
