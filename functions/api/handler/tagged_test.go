package handler

import (
	"net/http"
	"testing"

	"github.com/keyward/keyward/functions/internal/fake"
)

// Lists that somebody who watches reads again and again are sent again only when something changed.
func TestListsAreTagged(t *testing.T) {
	t.Parallel()
	for path, change := range map[string][3]string{
		"/v1/machines": {"PUT", "/v1/machines/" + fake.ID, `{"role":"arn:aws:iam::123456789012:role/web","key":"` + fake.KeyARN + `"}`},
		"/v1/holds":    {"PUT", "/v1/holds/global", `{"reason":"bad day"}`},
		"/v1/breaker":  {"POST", "/v1/breaker/global/reset", `{"reason":"good day"}`},
	} {
		w := fake.New()
		status, first, tag := send(t, w, "GET", path, "", nil)
		if status != http.StatusOK || tag == "" {
			t.Errorf("%s = %d with ETag %q", path, status, tag)
		}
		seen := map[string]string{"if-none-match": tag}
		if status, body, _ := send(t, w, "GET", path, "", seen); status != http.StatusNotModified || body != "" {
			t.Errorf("%s read again = %d %s, want 304", path, status, body)
		}
		if status, body, _ := send(t, w, change[0], change[1], change[2], nil); status != http.StatusOK {
			t.Errorf("%s %s = %d %s", change[0], change[1], status, body)
		}
		if status, body, newer := send(t, w, "GET", path, "", seen); status != http.StatusOK || newer == tag || body == first {
			t.Errorf("%s after %s = %d with ETag %s, was %s", path, change[1], status, newer, tag)
		}
	}
}
