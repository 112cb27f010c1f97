package webhook

import (
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/release"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// receiver is an endpoint whose certificate the client believes.
func receiver(t *testing.T, answer http.HandlerFunc) (*Client, Post) {
	t.Helper()
	s := httptest.NewTLSServer(answer)
	t.Cleanup(s.Close)
	c := New(true)
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	c.http.Transport.(*http.Transport).TLSClientConfig.RootCAs = roots
	return c, Post{URL: s.URL + "/hook?token=s3cret", Secret: "key", Delivery: "d-1", MediaType: "application/json", Body: []byte(`{"version":1}`)}
}

func TestPost(t *testing.T) {
	t.Parallel()
	var got http.Header
	var body []byte
	c, p := receiver(t, func(w http.ResponseWriter, r *http.Request) {
		got = r.Header
		body, _ = io.ReadAll(r.Body)
		if r.Method != http.MethodPost || r.URL.RequestURI() != "/hook?token=s3cret" {
			t.Errorf("%s %s", r.Method, r.URL.RequestURI())
		}
		w.WriteHeader(http.StatusAccepted)
	})
	if err := c.Post(t.Context(), noon, p); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"Content-Type": "application/json", "User-Agent": "Keyward/" + release.Version, HeaderDelivery: "d-1"} {
		if got.Get(name) != want {
			t.Errorf("%s: %q, want %q", name, got.Get(name), want)
		}
	}
	if err := Verify("key", got.Get(HeaderSignature), noon, body); err != nil || string(body) != `{"version":1}` {
		t.Errorf("body %s signed %s: %v", body, got.Get(HeaderSignature), err)
	}
	p.Secret = ""
	if err := c.Post(t.Context(), noon, p); err != nil || got.Get(HeaderSignature) != "" {
		t.Errorf("without a secret: signed %q, %v", got.Get(HeaderSignature), err)
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		retry  string
		kind   fault.Kind
		after  time.Duration
	}{
		"trouble":                {500, "", fault.Transient, 0},
		"busy, in seconds":       {503, "90", fault.Transient, 90 * time.Second},
		"busy, by date":          {429, noon.Add(10 * time.Minute).Format(http.TimeFormat), fault.Transient, 10 * time.Minute},
		"busy for days":          {429, "999999999999", fault.Transient, time.Hour},
		"busy until next year":   {429, noon.AddDate(1, 0, 0).Format(http.TimeFormat), fault.Transient, time.Hour},
		"busy until yesterday":   {429, noon.AddDate(0, 0, -1).Format(http.TimeFormat), fault.Transient, 0},
		"busy for less than 0 s": {429, "-5", fault.Transient, 0},
		"busy, in other words":   {429, "soon", fault.Transient, 0},
		"refused":                {400, "60", fault.Invalid, 0},
		"gone":                   {410, "", fault.Invalid, 0},
		"elsewhere":              {307, "", fault.Invalid, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var posts atomic.Int32
			client, p := receiver(t, func(w http.ResponseWriter, r *http.Request) {
				posts.Add(1)
				w.Header().Set("Retry-After", c.retry)
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(c.status)
			})
			err := client.Post(t.Context(), noon, p)
			if !fault.Is(err, c.kind) || After(err) != c.after || posts.Load() != 1 {
				t.Errorf("Post = %v after %s, %d posts, want %s after %s", err, After(err), posts.Load(), fault.Of(c.kind).Name, c.after)
			}
			if strings.Contains(err.Error(), "s3cret") || !strings.Contains(fault.Safe(err), "127.0.0.1") {
				t.Errorf("the error says %q", err)
			}
		})
	}
	if After(errors.New("other")) != 0 || After(nil) != 0 {
		t.Error("an error of somebody else has a time")
	}
}

// An endpoint that talks for ever is left after a few kilobytes.
func TestALongAnswerIsNotRead(t *testing.T) {
	t.Parallel()
	c, p := receiver(t, func(w http.ResponseWriter, r *http.Request) {
		for chunk := make([]byte, 64<<10); ; {
			if _, err := w.Write(chunk); err != nil || r.Context().Err() != nil {
				return
			}
		}
	})
	if err := c.Post(t.Context(), noon, p); err != nil {
		t.Error(err)
	}
}

func TestNoAnswer(t *testing.T) {
	t.Parallel()
	c, p := receiver(t, func(w http.ResponseWriter, _ *http.Request) {
		if hijacked, _, err := w.(http.Hijacker).Hijack(); err == nil {
			hijacked.Close()
		}
	})
	for name, edit := range map[string]func(*Client, *Post){
		"it breaks off":          func(*Client, *Post) {},
		"nobody listens":         func(_ *Client, p *Post) { p.URL = "https://" + closed(t) + "/?token=s3cret" },
		"a certificate of other": func(c *Client, _ *Post) { *c = *New(true) },
	} {
		client, post := *c, p
		edit(&client, &post)
		err := client.Post(t.Context(), noon, post)
		if !fault.Is(err, fault.Transient) || strings.Contains(err.Error(), "s3cret") || After(err) != 0 {
			t.Errorf("%s: %v, want a transient error without the address", name, err)
		}
	}
}

func TestNoSuchHost(t *testing.T) {
	t.Parallel()
	err := unanswered(&url.Error{Op: "Post", URL: "https://nowhere.invalid/?token=s3cret", Err: &net.DNSError{IsNotFound: true}}, "nowhere.invalid")
	if !fault.Is(err, fault.Transient) || fault.Safe(err) != "posting to nowhere.invalid: there is no such host" || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("%v", err)
	}
}

// closed is an address of this host where nobody listens.
func closed(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestAddressesThatAreNone(t *testing.T) {
	t.Parallel()
	for _, u := range []string{"http://example.com/", "https://", "https://somebody@example.com/", "ftp://example.com", "", "https://exa mple.com/", ":", "/hook"} {
		if err := New(true).Post(t.Context(), noon, Post{URL: u}); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v, want it refused", u, err)
		}
	}
}

// Names that mean this host are not talked to, whatever they are called.
func TestNotPublic(t *testing.T) {
	t.Parallel()
	c, p := receiver(t, func(http.ResponseWriter, *http.Request) { t.Error("it was posted") })
	roots := c.http.Transport.(*http.Transport).TLSClientConfig.RootCAs
	c = New(false)
	c.http.Transport.(*http.Transport).TLSClientConfig.RootCAs = roots
	for _, u := range []string{p.URL, strings.Replace(p.URL, "127.0.0.1", "localhost", 1)} {
		p.URL = u
		err := c.Post(t.Context(), noon, p)
		if !fault.Is(err, fault.Denied) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v, want it denied", u, err)
		}
	}
}

func TestPublic(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"52.94.236.248:443": true, "[2600:1f18::1]:443": true, "8.8.8.8:8443": true, "172.32.0.1:443": true,
		"127.0.0.1:443": false, "127.8.8.8:443": false, "[::1]:443": false, "10.0.0.1:443": false, "172.16.0.1:443": false, "192.168.1.1:443": false,
		"169.254.169.254:80": false, "[fd00:ec2::254]:80": false, "[fe80::1%eth0]:443": false, "[fe80::1]:443": false, "[fc00::1]:443": false,
		"0.0.0.0:443": false, "0.1.2.3:443": false, "[::]:443": false, "100.64.0.1:443": false, "198.18.0.1:443": false, "192.0.2.1:443": false, "240.0.0.1:443": false, "255.255.255.255:443": false,
		"224.0.0.1:443": false, "[ff02::1]:443": false, "[::ffff:8.8.8.8]:443": false, "[::ffff:127.0.0.1]:443": false, "[::127.0.0.1]:443": false,
		"[64:ff9b::a9fe:a9fe]:443": false, "[2002:7f00:1::]:443": false, "[2001:db8::1]:443": false, "[2001:0:1::1]:443": false, "example.com:443": false, "": false,
	} {
		if err := public(address); (err == nil) != want {
			t.Errorf("public(%q) = %v, want it public: %t", address, err, want)
		}
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	body := []byte(`{"version":1}`)
	signed := Sign("key", noon, body)
	for name, c := range map[string]struct {
		secret, header string
		at             time.Time
		body           string
		good           bool
	}{
		"as it is":              {"key", signed, noon, string(body), true},
		"spaced, and with v0":   {"key", strings.Replace(signed, ",", ", v0=00, v1=zz, v1=00, ", 1), noon, string(body), true},
		"a little later":        {"key", signed, noon.Add(Tolerance), string(body), true},
		"a little before":       {"key", signed, noon.Add(-Tolerance), string(body), true},
		"replayed":              {"key", signed, noon.Add(Tolerance + time.Second), string(body), false},
		"of tomorrow":           {"key", signed, noon.Add(-Tolerance - time.Second), string(body), false},
		"another secret":        {"other", signed, noon, string(body), false},
		"another body":          {"key", signed, noon, `{"version":2}`, false},
		"another time":          {"key", strings.Replace(signed, "t=1", "t=2", 1), noon, string(body), false},
		"without a time":        {"key", signed[strings.Index(signed, "v1"):], noon, string(body), false},
		"without a signature":   {"key", signed[:strings.Index(signed, ",")], noon, string(body), false},
		"nothing":               {"key", "", noon, string(body), false},
		"cut":                   {"key", signed[:len(signed)-2], noon, string(body), false},
		"the time is no number": {"key", "t=x,v1=00", noon, string(body), false},
	} {
		if err := Verify(c.secret, c.header, c.at, []byte(c.body)); (err == nil) != c.good || err != nil && !fault.Is(err, fault.Denied) {
			t.Errorf("%s: Verify = %v, want it good: %t", name, err, c.good)
		}
	}
	// What docs/notifiers.md has receivers compute: printf '1.{}' | openssl dgst -sha256 -hmac key.
	const want = "t=1,v1=1ba6b8171186efc613e8bcc0cbdab2748f24984d7c5a84faa2637afa0e40d224"
	if got := Sign("key", time.Unix(1, 0), []byte("{}")); got != want {
		t.Errorf("Sign = %s, want %s", got, want)
	}
}
