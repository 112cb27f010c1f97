// Package wiretest has the HTTP client of tests that must see every call once, so that their SDK clients
// do not repeat any. Only tests import it.
package wiretest

import (
	"io"
	"net/http"
	"time"
)

// Client is a new HTTP client with a transport of its own. Its requests do not break off when the answer is
// quicker than the end of the request: the body of an SDK request (smithy-go v1.28, safeWriteToReadCloser)
// answers WriteTo with io.EOF once it is closed, the SDK closes it as soon as the answer begins, and
// net/http takes that for a failed request and closes the connection under the answer. The SDK repeats such calls.
func Client() *http.Client {
	return &http.Client{Transport: readOnly{&http.Transport{IdleConnTimeout: time.Minute}}}
}

// readOnly hides that a body can write itself; its Read says io.EOF as net/http expects.
type readOnly struct{ http.RoundTripper }

func (t readOnly) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil && r.Body != http.NoBody {
		r = r.Clone(r.Context())
		r.Body = struct{ io.ReadCloser }{r.Body}
	}
	return t.RoundTripper.RoundTrip(r)
}
