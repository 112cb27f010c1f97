package sigv4_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/local/wire/sigv4"
)

// example is the request, key and signature that AWS's own documentation of version 4 works through.
func example() (r *http.Request, secret sigv4.Secret, scope sigv4.Scope, now time.Time) {
	r = httptest.NewRequest(http.MethodGet, "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08", nil)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	r.Header.Set("X-Amz-Date", "20150830T123600Z")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, SignedHeaders=content-type;host;x-amz-date, "+
		"Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7")
	return r, sigv4.Secret{AccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}, sigv4.Scope{Region: "us-east-1", Service: "iam"}, time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC)
}

func TestDocumentedExample(t *testing.T) {
	t.Parallel()
	r, secret, scope, now := example()
	a, refused := sigv4.Parse(r)
	if refused != nil {
		t.Fatal(refused)
	}
	if a.AccessKeyID != "AKIDEXAMPLE" || a.Region != "us-east-1" || a.Service != "iam" {
		t.Errorf("Parse = %+v", a)
	}
	if refused := a.Verify(r, nil, secret, scope, now); refused != nil {
		t.Errorf("Verify = %+v", refused)
	}
	for name, c := range map[string]struct {
		cause  sigv4.Cause
		body   string
		secret sigv4.Secret
		scope  sigv4.Scope
		now    time.Time
	}{
		"a body":          {sigv4.Mismatch, "a", secret, scope, now},
		"another secret":  {sigv4.Mismatch, "", sigv4.Secret{AccessKey: "a"}, scope, now},
		"a token":         {sigv4.UnknownKey, "", sigv4.Secret{AccessKey: secret.AccessKey, SessionToken: "a"}, scope, now},
		"another region":  {sigv4.Mismatch, "", secret, sigv4.Scope{Region: "us-east-2", Service: "iam"}, now},
		"another service": {sigv4.Mismatch, "", secret, sigv4.Scope{Region: "us-east-1", Service: "kms"}, now},
		"just too late":   {sigv4.Expired, "", secret, scope, now.Add(sigv4.Freshness + time.Second)},
		"just too early":  {sigv4.Expired, "", secret, scope, now.Add(-sigv4.Freshness - time.Second)},
	} {
		if refused := a.Verify(r, []byte(c.body), c.secret, c.scope, c.now); refused == nil || refused.Cause != c.cause {
			t.Errorf("%s: Verify = %+v, want cause %d", name, refused, c.cause)
		}
	}
	if refused := a.Verify(r, nil, secret, sigv4.Scope{Service: "iam"}, now.Add(sigv4.Freshness)); refused != nil {
		t.Errorf("any Region, at the last moment: %+v", refused)
	}
}

func FuzzVerify(f *testing.F) {
	r, _, _, _ := example()
	good := r.Header.Get("Authorization")
	f.Add(good, "20150830T123600Z", "/")
	f.Add(strings.Replace(good, "host", "", 1), "20150830T123600Z", "/%2F?a=%zz&b")
	f.Add("AWS4-HMAC-SHA256 Credential=////aws4_request,SignedHeaders=;,Signature=", "", "")
	f.Fuzz(func(t *testing.T, authorization, date, uri string) {
		r, secret, scope, now := example()
		r.Header.Set("Authorization", authorization)
		r.Header.Set("X-Amz-Date", date)
		r.RequestURI = uri
		a, refused := sigv4.Parse(r)
		if refused != nil {
			return
		}
		if a.Verify(r, nil, secret, scope, now) == nil && !strings.Contains(authorization, "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7") {
			t.Fatalf("Verify accepts %q", authorization)
		}
	})
}
