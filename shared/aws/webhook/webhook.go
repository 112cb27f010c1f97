// Package webhook posts one body to an endpoint that people named, by HTTPS alone and signed, so that the receiver knows who
// it is of. What the endpoint answers is not read as anything but its status. It follows no redirect, uses no proxy and, unless
// it may go anywhere, talks to no address that is not public: a name can be made to mean the metadata service, or a host of
// the VPC. functions/notifier uses it.
package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"syscall"
	"time"

	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/release"
)

const (
	timeout   = 10 * time.Second // of a whole post
	mostRead  = 4 << 10          // bytes of the answer
	mostAfter = time.Hour        // that an endpoint may have a post wait
)

// Headers of a post.
const (
	HeaderDelivery  = "Keyward-Delivery"  // what is posted; the same when it is posted again
	HeaderSignature = "Keyward-Signature" // Sign's
)

// Client posts. The zero value is none: New makes one.
type Client struct{ http *http.Client }

// New returns a client; anywhere lets it talk to addresses that are not public too.
func New(anywhere bool) *Client {
	dialer := &net.Dialer{Timeout: timeout}
	if !anywhere {
		// Asked of the address that is dialled, after the name was resolved: a name that means another address by then is of no use.
		dialer.Control = func(_, address string, _ syscall.RawConn) error { return public(address) }
	}
	return &Client{http: &http.Client{
		Timeout: timeout,
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}, TLSHandshakeTimeout: timeout,
			ForceAttemptHTTP2: true, DisableKeepAlives: true, MaxResponseHeaderBytes: mostRead,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Post is one body for one endpoint. All fields but Secret are required.
type Post struct {
	URL       string
	Secret    string // that it is signed by; "" signs nothing
	Delivery  string
	MediaType string
	Body      []byte
}

// later is the error of a post that may be tried again, with when the endpoint said.
type later struct {
	error
	after time.Duration
}

func (l *later) Unwrap() error { return l.error }

// After is how long an endpoint wants to be left alone after an error of Post, an hour at most; 0 when it did not say.
func After(err error) time.Duration {
	if l := (*later)(nil); errors.As(err, &l) {
		return l.after
	}
	return 0
}

// Post posts once. What may succeed later is fault.Transient: no answer, 429 and 5xx. Everything else that is not 2xx is a
// refusal and fault.Invalid, and an address that is not public fault.Denied. An error names the host, never the address.
func (c *Client) Post(ctx context.Context, now time.Time, p Post) error {
	u, err := url.Parse(p.URL)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil {
		return fault.New(fault.Invalid, "posting: the address is none of HTTPS")
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.URL, bytes.NewReader(p.Body))
	if err != nil {
		return fault.New(fault.Invalid, "posting to %s: the address is none of HTTPS", u.Hostname())
	}
	r.Header.Set("Content-Type", p.MediaType)
	r.Header.Set("User-Agent", "Keyward/"+release.Version)
	r.Header.Set(HeaderDelivery, p.Delivery)
	if p.Secret != "" {
		r.Header.Set(HeaderSignature, Sign(p.Secret, now, p.Body))
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return unanswered(err, u.Hostname())
	}
	defer answer.Body.Close()
	io.CopyN(io.Discard, answer.Body, mostRead) // whatever it says
	switch status := answer.StatusCode; {
	case status >= 200 && status <= 299:
		return nil
	case status == http.StatusTooManyRequests || status >= 500:
		return &later{fault.New(fault.Transient, "posting to %s: it answers %d", u.Hostname(), status), after(answer.Header.Get("Retry-After"), now)}
	case status >= 300 && status <= 399:
		return fault.New(fault.Invalid, "posting to %s: it answers %d, and redirects are not followed", u.Hostname(), status)
	default:
		return fault.New(fault.Invalid, "posting to %s: it answers %d", u.Hostname(), status)
	}
}

// unanswered is the error of a post without an answer. Go's own would name the address, which may be a secret.
func unanswered(err error, host string) error {
	if wrapped := (*url.Error)(nil); errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	if private := (*notPublic)(nil); errors.As(err, &private) {
		return fault.Wrap(fault.Denied, err, "posting to %s: it has no public address", host)
	}
	if unknown := (*net.DNSError)(nil); errors.As(err, &unknown) && unknown.IsNotFound {
		return fault.Wrap(fault.Transient, err, "posting to %s: there is no such host", host)
	}
	if distrust := (*tls.CertificateVerificationError)(nil); errors.As(err, &distrust) {
		return fault.Wrap(fault.Transient, err, "posting to %s: its certificate is not valid", host)
	}
	return fault.Wrap(fault.Transient, err, "posting to %s: no answer", host)
}

// after reads Retry-After, seconds or a date.
func after(text string, now time.Time) time.Duration {
	if seconds, err := strconv.Atoi(text); err == nil {
		return time.Duration(min(max(seconds, 0), int(mostAfter/time.Second))) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(at.Sub(now), 0), mostAfter)
	}
	return 0
}
