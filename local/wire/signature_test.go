package wire_test

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/keyward/keyward/local/wire"
)

func hash(body string) string {
	h := sha256.Sum256([]byte(body))
	return hex.EncodeToString(h[:])
}

// signWith signs r as the SDK does.
func signWith(t *testing.T, key wire.Key, r *http.Request, body, service, region string, at time.Time) {
	t.Helper()
	c := aws.Credentials{AccessKeyID: key.AccessKeyID, SecretAccessKey: key.SecretAccessKey, SessionToken: key.SessionToken}
	if err := v4.NewSigner().SignHTTP(t.Context(), c, r, hash(body), service, region, at); err != nil {
		t.Fatal(err)
	}
}

func (p *place) request(t *testing.T, body string, headers map[string]string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.url+"/", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.RemoteAddr = "127.0.0.1:5"
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	if headers["X-Amz-Target"] == "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, value := range headers {
		if value != "" {
			r.Header.Set(name, value)
		}
	}
	return r
}

func (p *place) signed(t *testing.T, principal wire.Principal, service, body string, headers map[string]string) *http.Request {
	t.Helper()
	r := p.request(t, body, headers)
	signWith(t, p.credentials.Issue(principal), r, body, service, region, time.Now())
	return r
}

func send(t *testing.T, r *http.Request, status int) string {
	t.Helper()
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != status {
		t.Errorf("status = %d, want %d; body %s", response.StatusCode, status, body)
	}
	return string(body)
}

// signatures are the ways in which a signature can be wrong, and AWS's codes for them by protocol.
var signatures = []struct {
	name                string
	key                 func(wire.Key) wire.Key
	region, service     string
	age                 time.Duration
	after               func(*http.Request)
	json, query, ec2    string
	jsonCode, queryCode int
	ec2Code             int
}{
	{name: "unknown key", key: func(k wire.Key) wire.Key { k.AccessKeyID = "AKIAIOSFODNN7EXAMPLE"; return k },
		json: "UnrecognizedClientException", query: "InvalidClientTokenId", ec2: "AuthFailure", jsonCode: 400, queryCode: 403, ec2Code: 401},
	{name: "wrong secret", key: func(k wire.Key) wire.Key { k.SecretAccessKey += "x"; return k },
		json: "InvalidSignatureException", query: "SignatureDoesNotMatch", ec2: "AuthFailure", jsonCode: 400, queryCode: 403, ec2Code: 401},
	{name: "wrong token", key: func(k wire.Key) wire.Key { k.SessionToken += "x"; return k },
		json: "UnrecognizedClientException", query: "InvalidClientTokenId", ec2: "AuthFailure", jsonCode: 400, queryCode: 403, ec2Code: 401},
	{name: "no token", key: func(k wire.Key) wire.Key { k.SessionToken = ""; return k },
		json: "UnrecognizedClientException", query: "InvalidClientTokenId", ec2: "AuthFailure", jsonCode: 400, queryCode: 403, ec2Code: 401},
	{name: "too old", age: 16 * time.Minute,
		json: "InvalidSignatureException", query: "SignatureDoesNotMatch", ec2: "RequestExpired", jsonCode: 400, queryCode: 403, ec2Code: 400},
	{name: "too new", age: -16 * time.Minute,
		json: "InvalidSignatureException", query: "SignatureDoesNotMatch", ec2: "RequestExpired", jsonCode: 400, queryCode: 403, ec2Code: 400},
	{name: "another region", region: "eu-west-1",
		json: "InvalidSignatureException", query: "SignatureDoesNotMatch", ec2: "AuthFailure", jsonCode: 400, queryCode: 403, ec2Code: 401},
	{name: "no signature", after: func(r *http.Request) { r.Header.Del("Authorization") },
		json: "MissingAuthenticationTokenException", query: "MissingAuthenticationToken", ec2: "MissingAuthenticationToken", jsonCode: 400, queryCode: 403, ec2Code: 403},
	{name: "another algorithm", after: func(r *http.Request) { r.Header.Set("Authorization", "Basic YQ==") },
		json: "IncompleteSignatureException", query: "IncompleteSignature", ec2: "IncompleteSignature", jsonCode: 400, queryCode: 400, ec2Code: 400},
	{name: "no signature part", after: func(r *http.Request) { cut(r, ", Signature=") },
		json: "IncompleteSignatureException", query: "IncompleteSignature", ec2: "IncompleteSignature", jsonCode: 400, queryCode: 400, ec2Code: 400},
	{name: "header changed", after: func(r *http.Request) { r.Header.Set("Content-Type", r.Header.Get("Content-Type")+"; x=1") },
		json: "InvalidSignatureException", query: "SignatureDoesNotMatch", ec2: "AuthFailure", jsonCode: 400, queryCode: 403, ec2Code: 401},
	{name: "unsigned header added", after: func(r *http.Request) { r.Header.Set("X-Amz-Invocation-Type", "Event") },
		json: "InvalidSignatureException", query: "SignatureDoesNotMatch", ec2: "AuthFailure", jsonCode: 400, queryCode: 403, ec2Code: 401},
	{name: "query added", after: func(r *http.Request) { r.URL.RawQuery = "a=b" },
		json: "InvalidSignatureException", query: "SignatureDoesNotMatch", ec2: "AuthFailure", jsonCode: 400, queryCode: 403, ec2Code: 401},
	{name: "body changed", after: func(r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(strings.NewReader(strings.Replace(string(b), "i", "j", 1)))
	},
		json: "InvalidSignatureException", query: "SignatureDoesNotMatch", ec2: "AuthFailure", jsonCode: 400, queryCode: 403, ec2Code: 401},
}

func cut(r *http.Request, at string) {
	before, _, _ := strings.Cut(r.Header.Get("Authorization"), at)
	r.Header.Set("Authorization", before)
}

func TestSignatureRefused(t *testing.T) {
	t.Parallel()
	p := start(t)
	for _, c := range signatures {
		for _, protocol := range []struct {
			service, target, body, code string
			status                      int
		}{
			{"kms", "TrentService.EnableKey", `{"KeyId":"i"}`, c.json, c.jsonCode},
			{"sts", "", "Action=GetCallerIdentity&Version=2011-06-15", c.query, c.queryCode},
			{"ec2", "", "Action=DescribeInstances&Version=2016-11-15", c.ec2, c.ec2Code},
		} {
			if protocol.service == "ec2" && strings.Contains(c.name, "signature") || protocol.service == "ec2" && c.name == "another algorithm" {
				continue // without a scope nothing tells EC2 from the Query protocol
			}
			t.Run(c.name+" "+protocol.service, func(t *testing.T) {
				t.Parallel()
				key := p.credentials.Issue(session)
				if c.key != nil {
					key = c.key(key)
				}
				r := p.request(t, protocol.body, map[string]string{"X-Amz-Target": protocol.target})
				where := region
				if c.region != "" {
					where = c.region
				}
				signWith(t, key, r, protocol.body, protocol.service, where, time.Now().Add(-c.age))
				if c.after != nil {
					c.after(r)
				}
				if body := send(t, r, protocol.status); !strings.Contains(body, protocol.code) {
					t.Errorf("body = %s, want %s", body, protocol.code)
				}
			})
		}
	}
	if n := len(p.Calls()); n != 0 {
		t.Errorf("%d refused calls were counted", n)
	}
}

func TestPresignedIsNotImplemented(t *testing.T) {
	t.Parallel()
	p := start(t)
	r := p.request(t, "", nil)
	r.URL.RawQuery = "X-Amz-Algorithm=AWS4-HMAC-SHA256"
	send(t, r, http.StatusNotImplemented)
}

func TestVerify(t *testing.T) {
	t.Parallel()
	c := wire.NewCredentials("", nil)
	key := c.Issue(session)
	const body = `{"reason":"because"}`
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://127.0.0.1:4566/execute-api/KeyApi/v1/a%20b/%C3%A9%2Fc?z=1&b=2%203&b=%2B", strings.NewReader(body))
	r.Header.Set("X-Amz-Meta", "  a   b  ")
	signWith(t, key, r, body, "execute-api", "eu-central-1", time.Now())
	r.RequestURI = r.URL.RequestURI()
	p, e := c.Verify(r, []byte(body), "execute-api")
	if e != nil || p != session {
		t.Fatalf("Verify = %v, %v", p, e)
	}
	if _, e := c.Verify(r, []byte(body), "kms"); e == nil || e.Code != "InvalidSignatureException" {
		t.Errorf("for another service: %v", e)
	}
	if _, e := c.Verify(r, []byte(body+" "), "execute-api"); e == nil || e.Code != "InvalidSignatureException" {
		t.Errorf("with another body: %v", e)
	}
	c.Withdraw(key.AccessKeyID)
	if _, e := c.Verify(r, []byte(body), "execute-api"); e == nil || e.Code != "UnrecognizedClientException" {
		t.Errorf("after Withdraw: %v", e)
	}
}

func TestVerifyScope(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(r *http.Request){
		"date of the scope":  func(r *http.Request) { swap(r, "/2", "/1") },
		"no date":            func(r *http.Request) { r.Header.Del("X-Amz-Date") },
		"short scope":        func(r *http.Request) { swap(r, "/aws4_request", "") },
		"host not signed":    func(r *http.Request) { swap(r, "host;", "") },
		"no signed headers":  func(r *http.Request) { swap(r, "SignedHeaders=", "Headers=") },
		"signature of zeros": func(r *http.Request) { cut(r, "Signature="); r.Header.Add("Authorization", "Signature=00") },
	} {
		c := wire.NewCredentials(region, nil)
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1/", nil)
		signWith(t, c.Issue(operator), r, "", "kms", region, time.Now())
		change(r)
		if _, e := c.Verify(r, nil, "kms"); e == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func swap(r *http.Request, old, new string) {
	r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), old, new, 1))
}

func TestIssue(t *testing.T) {
	t.Parallel()
	c := wire.NewCredentials(region, nil)
	user, role := c.Issue(operator), c.Issue(session)
	if !strings.HasPrefix(user.AccessKeyID, "AKIA") || len(user.AccessKeyID) != 20 || len(user.SecretAccessKey) != 40 || user.SessionToken != "" {
		t.Errorf("a user's key = %+v", user)
	}
	if !strings.HasPrefix(role.AccessKeyID, "ASIA") || len(role.SessionToken) != 128 {
		t.Errorf("a session's key = %+v", role)
	}
	if key, p, ok := c.Lookup(role.AccessKeyID); !ok || key != role || p != session {
		t.Errorf("Lookup = %v, %v, %v", key, p, ok)
	}
	if again := c.Issue(session); again == role {
		t.Error("two keys are the same")
	}
}

func TestRoleARN(t *testing.T) {
	t.Parallel()
	if got := session.RoleARN(); got != "arn:aws:iam::123456789012:role/web" {
		t.Errorf("RoleARN = %q", got)
	}
	if got := operator.RoleARN(); got != "" {
		t.Errorf("RoleARN of a user = %q", got)
	}
}
