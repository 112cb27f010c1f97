package console_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func TestHost(t *testing.T) {
	t.Parallel()
	b := open(t, place())
	for name, want := range map[string]int{
		host: 200, "localhost:4567": 200, "[::1]:4567": 200,
		"127.0.0.1": 403, "127.0.0.1:4568": 403, "localhost": 403, "evil.example": 403, "evil.example:4567": 403, "127.0.0.1.evil.example:4567": 403, "localhost.:4567": 403, "0.0.0.0:4567": 403, "127.0.0.2:4567": 403, "": 403,
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host = name
		r.AddCookie(b.cookie)
		w := httptest.NewRecorder()
		b.handler.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("Host %q: %d, want %d", name, w.Code, want)
		}
	}
}

func TestOtherPages(t *testing.T) {
	t.Parallel()
	b := open(t, place())
	for name, c := range map[string]struct {
		header http.Header
		want   int
	}{
		"a person who typed the address":  {http.Header{"Sec-Fetch-Site": {"none"}}, 200},
		"a link of ours":                  {http.Header{"Sec-Fetch-Site": {"same-origin"}}, 200},
		"our own script":                  {http.Header{"Origin": {"http://" + host}, "Sec-Fetch-Site": {"same-origin"}}, 200},
		"a page on another port":          {http.Header{"Sec-Fetch-Site": {"same-site"}}, 403},
		"a page of the world":             {http.Header{"Sec-Fetch-Site": {"cross-site"}}, 403},
		"an older browser's page":         {http.Header{"Origin": {"https://evil.example"}}, 403},
		"one without an origin":           {http.Header{"Origin": {"null"}}, 403},
		"our port by another scheme":      {http.Header{"Origin": {"https://" + host}}, 403},
		"our host on another port":        {http.Header{"Origin": {"http://127.0.0.1:4568"}}, 403},
		"another of our names":            {http.Header{"Origin": {"http://localhost:4567"}}, 403},
		"two origins, the second is ours": {http.Header{"Origin": {"https://evil.example", "http://" + host}}, 403},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header = c.header
		if w := b.do(r); w.Code != c.want {
			t.Errorf("%s: %d, want %d", name, w.Code, c.want)
		}
	}
}

// TestWhoMayLook: without the token of this start nobody sees anything, and the answer does not help to find it.
func TestWhoMayLook(t *testing.T) {
	t.Parallel()
	b, other := open(t, place()), open(t, place())
	for name, cookie := range map[string]string{
		"none": "", "another start's": b.cookie.Name + "=" + other.cookie.Value, "an empty one": b.cookie.Name + "=", "another name": "keyward-console-4568=" + b.cookie.Value,
	} {
		for _, path := range []string{"/", "/machines", "/assets/console.css", "/?token=wrong", "/?token=", "/machines/" + machineID + "/evidence.json", "/notices/mail?event=warning&machine=" + machineID} {
			r := httptest.NewRequest(http.MethodGet, path, nil)
			r.Host = host
			if cookie != "" {
				r.Header.Set("Cookie", cookie)
			}
			w := httptest.NewRecorder()
			b.handler.ServeHTTP(w, r)
			if w.Code != http.StatusUnauthorized || strings.Contains(w.Body.String(), machineID) || len(w.Result().Cookies()) > 0 {
				t.Errorf("cookie %s, %s: %d %s", name, path, w.Code, w.Body)
			}
		}
	}
	if !b.cookie.HttpOnly || b.cookie.SameSite != http.SameSiteStrictMode || b.cookie.Path != "/" || len(b.cookie.Value) < 26 || b.cookie.Value == other.cookie.Value {
		t.Errorf("cookie %+v", b.cookie)
	}
}

func TestOrdersNeedOurForm(t *testing.T) {
	t.Parallel()
	a := place()
	b, other := open(t, a), open(t, place())
	path := "/machines/" + machineID + "/hold"
	send := func(edit func(r *http.Request), form string) int {
		f := url.Values{"form": {form}, "reason": {"x"}}
		r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(f.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", "http://"+host)
		edit(r)
		return b.do(r).Code
	}
	ours := func(*http.Request) {}
	for name, got := range map[string]int{
		"no token":               send(ours, ""),
		"another start's token":  send(ours, other.form),
		"the cookie's value":     send(ours, b.cookie.Value),
		"no origin":              send(func(r *http.Request) { r.Header.Del("Origin") }, b.form),
		"another page's origin":  send(func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }, b.form),
		"a page on another port": send(func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") }, b.form),
		"another host":           send(func(r *http.Request) { r.Host = "evil.example:4567" }, b.form),
	} {
		if got != http.StatusForbidden {
			t.Errorf("%s: %d, want 403", name, got)
		}
	}
	if got := send(func(r *http.Request) { r.Header.Set("Cookie", "x=y") }, b.form); got != http.StatusUnauthorized {
		t.Errorf("no cookie: %d, want 401", got)
	}
	if got := send(func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, b.form); got != http.StatusUnsupportedMediaType {
		t.Errorf("no form: %d, want 415", got)
	}
	if w := b.post(path, "reason", strings.Repeat("x", 300<<10)); w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("a large one: %d, want 413", w.Code)
	}
	r := httptest.NewRequest(http.MethodPut, path, nil)
	if w := b.do(r); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("PUT: %d, want 405", w.Code)
	}
	if called := a.orders(); len(called) > 0 {
		t.Errorf("the API was called: %v", called)
	}
	if w := b.post(path, "reason", "x", "for", "4h"); w.Code != http.StatusSeeOther || len(a.orders()) != 1 {
		t.Errorf("our own form: %d, calls %v", w.Code, a.orders())
	}
}

// TestLookingChangesNothing: the addresses of orders do nothing when they are looked at.
func TestLookingChangesNothing(t *testing.T) {
	t.Parallel()
	a := place()
	b := open(t, a)
	for _, path := range []string{
		"/machines/" + machineID + "/check", "/machines/" + machineID + "/revoke?reason=x&confirm=" + machineID + "&form=" + b.form, "/requests/approve?request=" + machineID + "/r-1&reason=x",
		"/requests/" + machineID + "/r-1/approve?reason=x", "/exceptions/hold?scope=global&reason=x", "/check?text=x", "/breaker?scope=global&reason=x", "/policies/web-tier/edit?text=x&store=yes",
	} {
		b.get(path)
		b.do(httptest.NewRequest(http.MethodHead, path, nil))
	}
	if called := a.orders(); len(called) > 0 {
		t.Errorf("looking did %v", called)
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	b := open(t, place())
	refused := httptest.NewRequest(http.MethodGet, "/", nil)
	refused.Host = "evil.example"
	for name, w := range map[string]*httptest.ResponseRecorder{"page": b.get("/"), "asset": b.get("/assets/console.js"), "file": b.get("/audit/" + machineID + "/ledger.jsonl"), "none": b.get("/none"), "refused": b.do(refused)} {
		h := w.Header()
		for key, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
			"X-Content-Type-Options":  "nosniff", "X-Frame-Options": "DENY", "Cache-Control": "no-store", "Referrer-Policy": "same-origin",
			"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
		} {
			if h.Get(key) != want {
				t.Errorf("%s: %s is %q", name, key, h.Get(key))
			}
		}
		if h.Get("Access-Control-Allow-Origin") != "" || h.Get("Content-Type") == "" {
			t.Errorf("%s: %v", name, h)
		}
	}
}
