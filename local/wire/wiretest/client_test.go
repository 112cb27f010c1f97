package wiretest_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/keyward/keyward/local/wire/wiretest"
)

// closed is a body as the SDK leaves it when the answer came first: nothing more to read, and an error for
// whoever wants it to write itself.
type closed struct{ io.Reader }

func (closed) WriteTo(io.Writer) (int64, error) { return 0, io.EOF }
func (closed) Close() error                     { return nil }

func TestBodyThatIsClosedEarly(t *testing.T) {
	t.Parallel()
	const answer = 1 << 20
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if b, err := io.ReadAll(r.Body); err != nil || string(b) != "ask" {
			t.Errorf("body = %q, %v, want ask", b, err)
		}
		_, _ = w.Write(make([]byte, answer))
	}))
	t.Cleanup(server.Close)
	for name, c := range map[string]struct {
		client *http.Client
		fails  bool
	}{
		"this client":     {wiretest.Client(), false},
		"any other fails": {&http.Client{Transport: &http.Transport{}}, true},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, closed{bytes.NewBufferString("ask")})
		if err != nil {
			t.Fatal(err)
		}
		r.ContentLength = 3
		response, err := c.client.Do(r)
		if err == nil {
			var got []byte
			got, err = io.ReadAll(response.Body)
			response.Body.Close()
			if err == nil && len(got) != answer {
				t.Errorf("%s: %d bytes, want %d", name, len(got), answer)
			}
		}
		if (err != nil) != c.fails {
			t.Errorf("%s: error = %v, want one: %v", name, err, c.fails)
		}
	}
}
