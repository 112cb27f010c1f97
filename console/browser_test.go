package console_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/keyward/keyward/console"
	"github.com/keyward/keyward/shared/policy"
)

// browser is a browser that has opened the console.
type browser struct {
	t       testing.TB
	api     *api
	handler http.Handler
	cookie  *http.Cookie
	form    string
}

const host = "127.0.0.1:4567"

// checkPolicy refuses texts that say wrong, on line 2.
func checkPolicy(text []byte) error {
	switch {
	case strings.Contains(string(text), "wrong"):
		return policy.Errors{{Line: 2, Column: 3, Path: "rules[0].ports", Message: "expected closed, open or only"}}
	case strings.Contains(string(text), "broken"):
		return errors.New("it cannot be read")
	}
	return nil
}

func open(t testing.TB, a *api) *browser {
	t.Helper()
	return openWith(t, a, a)
}

// openWith opens a console of an API that does something beside what its place does.
func openWith(t testing.TB, served console.API, a *api) *browser {
	t.Helper()
	c := console.New(console.Options{API: served, URL: "https://example.execute-api.eu-central-1.amazonaws.com", Port: 4567, Check: checkPolicy, Report: a.reports})
	b := &browser{t: t, api: a, handler: c.Handler()}
	at, err := url.Parse(c.Address())
	if err != nil {
		t.Fatal(err)
	}
	answer := b.do(httptest.NewRequest(http.MethodGet, at.RequestURI(), nil))
	if cookies := answer.Result().Cookies(); answer.Code == http.StatusSeeOther && len(cookies) == 1 {
		b.cookie = cookies[0]
	} else {
		t.Fatalf("opening: %d %s", answer.Code, answer.Body)
	}
	page := b.get("/new-policy")
	_, rest, ok := strings.Cut(page.Body.String(), `name="form" value="`)
	if !ok {
		t.Fatalf("no form's token in %s", page.Body)
	}
	b.form, _, _ = strings.Cut(rest, `"`)
	return b
}

func (b *browser) do(r *http.Request) *httptest.ResponseRecorder {
	if r.Host == "example.com" {
		r.Host = host
	}
	if b.cookie != nil && r.Header.Get("Cookie") == "" {
		r.AddCookie(b.cookie)
	}
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)
	return w
}

func (b *browser) get(path string) *httptest.ResponseRecorder {
	return b.do(httptest.NewRequest(http.MethodGet, path, nil))
}

// post sends a form of the console as a browser does.
func (b *browser) post(path string, fields ...string) *httptest.ResponseRecorder {
	f := url.Values{"form": {b.form}}
	for i := 0; i+1 < len(fields); i += 2 {
		f.Add(fields[i], fields[i+1])
	}
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(f.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", "http://"+host)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return b.do(r)
}

// follow is the page that an order leads to.
func (b *browser) follow(w *httptest.ResponseRecorder) string {
	b.t.Helper()
	if w.Code != http.StatusSeeOther {
		b.t.Fatalf("the order was answered with %d: %s", w.Code, text(w.Body.String()))
	}
	return b.get(w.Header().Get("Location")).Body.String()
}

// text is a page without its markup, for messages.
func text(page string) string {
	if _, main, ok := strings.Cut(page, "<main"); ok {
		page = main
	}
	return page[:min(len(page), 1500)]
}

// wants fails unless a page has all texts.
func wants(t testing.TB, what, page string, texts ...string) {
	t.Helper()
	for _, w := range texts {
		if !strings.Contains(page, w) {
			t.Errorf("%s: no %q in %s", what, w, text(page))
		}
	}
}
