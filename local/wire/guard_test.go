package wire_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/keyward/keyward/local/wire"
)

func TestGuard(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, remote, host string
		header             http.Header
		status             int
	}{
		{"a program here", "127.0.0.1:40000", "127.0.0.1:4566", nil, 200},
		{"by name", "127.0.0.1:40000", "localhost:4566", nil, 200},
		{"by name without a port", "127.0.0.1:40000", "LOCALHOST", nil, 200},
		{"over IPv6", "[::1]:40000", "[::1]:4566", nil, 200},
		{"over IPv6 without a port", "[::1]:40000", "[::1]", nil, 200},
		{"a person's own navigation", "127.0.0.1:40000", "localhost:4566", http.Header{"Sec-Fetch-Site": {"none"}}, 200},
		{"a page's own image", "127.0.0.1:40000", "localhost:4566", http.Header{"Sec-Fetch-Site": {"same-origin"}}, 200},
		{"a page's own form", "127.0.0.1:40000", "localhost:4566", http.Header{"Sec-Fetch-Site": {"same-origin"}, "Origin": {"null"}}, 200},
		{"another page's form", "127.0.0.1:40000", "localhost:4566", http.Header{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://evil.example"}}, 403},
		{"a form of another port", "127.0.0.1:40000", "localhost:4566", http.Header{"Sec-Fetch-Site": {"same-site"}, "Origin": {"http://localhost:8080"}}, 403},
		{"another machine", "192.0.2.1:40000", "127.0.0.1:4566", nil, 403},
		{"another loopback address", "127.0.0.2:40000", "127.0.0.1:4566", nil, 403},
		{"no address", "", "127.0.0.1:4566", nil, 403},
		{"a rebound name", "127.0.0.1:40000", "evil.example:4566", nil, 403},
		{"a name that starts so", "127.0.0.1:40000", "127.0.0.1.evil.example", nil, 403},
		{"no host", "127.0.0.1:40000", "", nil, 403},
		{"a page's script", "127.0.0.1:40000", "127.0.0.1:4566", http.Header{"Origin": {"https://evil.example"}}, 403},
		{"a page on loopback", "127.0.0.1:40000", "127.0.0.1:4566", http.Header{"Origin": {"http://127.0.0.1:4566"}}, 403},
		{"a page without an origin", "127.0.0.1:40000", "127.0.0.1:4566", http.Header{"Origin": {"null"}}, 403},
		{"an image on another page", "127.0.0.1:40000", "127.0.0.1:4566", http.Header{"Sec-Fetch-Site": {"cross-site"}}, 403},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			reached := false
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil)
			r.RemoteAddr, r.Host = c.remote, c.host
			for name, values := range c.header {
				r.Header[name] = values
			}
			w := httptest.NewRecorder()
			wire.Guard(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true })).ServeHTTP(w, r)
			if w.Code != c.status || reached != (c.status == 200) {
				t.Errorf("status = %d, reached = %v; want %d", w.Code, reached, c.status)
			}
		})
	}
}
