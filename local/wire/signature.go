package wire

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Signature version 4, as "Create a signed AWS API request" in the IAM user guide lays it down. Verify
// holds these: the key was issued here; its session token, if it has one, came along; the scope names
// today, the Region, the service and aws4_request; the clock differs by at most freshness; the host and
// every x-amz- header are signed; the signature matches method, path, query, those headers and the body.

const (
	algorithm = "AWS4-HMAC-SHA256"
	stamp     = "20060102T150405Z"
	freshness = 15 * time.Minute
)

// cause is why a signature is refused; each protocol has its own code for it.
type cause int

const (
	noSignature cause = iota + 1
	incomplete
	unknownKey
	mismatch
	expired
	presigned
)

type refusal struct {
	cause   cause
	message string
}

func refuse(c cause, format string, args ...any) *refusal {
	return &refusal{cause: c, message: fmt.Sprintf(format, args...)}
}

// authorization is the parsed header of a signed request.
type authorization struct {
	accessKeyID, date, region, service string
	headers                            []string
	signature                          string
}

// Verify says who signed r for service. The error has the code and status of AWS's JSON protocols.
func (c *Credentials) Verify(r *http.Request, body []byte, service string) (Principal, *Error) {
	p, refused := c.verify(r, body, service)
	if refused != nil {
		return Principal{}, refused.error(JSON11)
	}
	return p, nil
}

func (c *Credentials) verify(r *http.Request, body []byte, service string) (Principal, *refusal) {
	a, refused := parseAuthorization(r)
	if refused != nil {
		return Principal{}, refused
	}
	key, principal, ok := c.Lookup(a.accessKeyID)
	if !ok || !same(key.SessionToken, r.Header.Get("X-Amz-Security-Token")) {
		return Principal{}, refuse(unknownKey, "The security token included in the request is invalid.")
	}
	at, refused := c.inScope(r, a, service)
	if refused != nil {
		return Principal{}, refused
	}
	if name, ok := unsigned(r, a.headers); !ok {
		return Principal{}, refuse(mismatch, "The header %s must be signed.", name)
	}
	toSign := strings.Join([]string{algorithm, at.Format(stamp), a.scope(), hexHash([]byte(canonical(r, a.headers, body)))}, "\n")
	if !same(hex.EncodeToString(sum(a.signingKey(key.SecretAccessKey), toSign)), a.signature) {
		return Principal{}, refuse(mismatch, "The request signature we calculated does not match the signature you provided. "+
			"Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")
	}
	return principal, nil
}

func same(a, b string) bool { return hmac.Equal([]byte(a), []byte(b)) }

func parseAuthorization(r *http.Request) (authorization, *refusal) {
	header := r.Header.Get("Authorization")
	if header == "" {
		if r.URL.Query().Has("X-Amz-Algorithm") {
			return authorization{}, refuse(presigned, "a signature in the query string")
		}
		return authorization{}, refuse(noSignature, "Request is missing Authentication Token")
	}
	parameters, ok := strings.CutPrefix(header, algorithm+" ")
	if !ok {
		return authorization{}, refuse(incomplete, "Authorization header must start with %s.", algorithm)
	}
	var a authorization
	for part := range strings.SplitSeq(parameters, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "Credential":
			scope := strings.Split(value, "/")
			if len(scope) != 5 || scope[4] != "aws4_request" {
				return authorization{}, refuse(incomplete, "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/aws4_request.")
			}
			a.accessKeyID, a.date, a.region, a.service = scope[0], scope[1], scope[2], scope[3]
		case "SignedHeaders":
			a.headers = strings.Split(value, ";")
		case "Signature":
			a.signature = value
		}
	}
	for name, missing := range map[string]bool{"Credential": a.accessKeyID == "", "SignedHeaders": len(a.headers) == 0, "Signature": a.signature == ""} {
		if missing {
			return authorization{}, refuse(incomplete, "Authorization header requires '%s' parameter.", name)
		}
	}
	return a, nil
}

// inScope checks date, Region and service, and returns the time of the signature.
func (c *Credentials) inScope(r *http.Request, a authorization, service string) (time.Time, *refusal) {
	at, err := time.Parse(stamp, r.Header.Get("X-Amz-Date"))
	if err != nil {
		return at, refuse(incomplete, "Authorization header requires existence of a 'X-Amz-Date' header of the form %s.", stamp)
	}
	now := c.now().UTC()
	switch {
	case at.Before(now.Add(-freshness)):
		return at, refuse(expired, "Signature expired: %s is now earlier than %s (%s - 15 min.)", at.Format(stamp), now.Add(-freshness).Format(stamp), now.Format(stamp))
	case at.After(now.Add(freshness)):
		return at, refuse(expired, "Signature not yet current: %s is still later than %s (%s + 15 min.)", at.Format(stamp), now.Add(freshness).Format(stamp), now.Format(stamp))
	case a.date != at.Format("20060102"):
		return at, refuse(mismatch, "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '%s' != '%s'.", a.date, at.Format("20060102"))
	case c.region != "" && a.region != c.region:
		return at, refuse(mismatch, "Credential should be scoped to a valid region, not '%s'.", a.region)
	case a.service != service:
		return at, refuse(mismatch, "Credential should be scoped to correct service: '%s'.", service)
	}
	return at, nil
}

// unsigned names a header that had to be signed and is not.
func unsigned(r *http.Request, signed []string) (string, bool) {
	if !slices.Contains(signed, "host") {
		return "host", false
	}
	for name := range r.Header {
		lower := strings.ToLower(name)
		// Clients add X-Amz-User-Agent behind the signer's back; it decides nothing.
		if strings.HasPrefix(lower, "x-amz-") && lower != "x-amz-user-agent" && !slices.Contains(signed, lower) {
			return lower, false
		}
	}
	return "", true
}

func (a authorization) scope() string {
	return a.date + "/" + a.region + "/" + a.service + "/aws4_request"
}

func (a authorization) signingKey(secret string) []byte {
	key := []byte("AWS4" + secret)
	for _, part := range []string{a.date, a.region, a.service, "aws4_request"} {
		key = sum(key, part)
	}
	return key
}

func sum(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func hexHash(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

// canonical is the canonical request. The hash is always the one of the body that came: what the
// client says about it proves nothing.
func canonical(r *http.Request, signed []string, body []byte) string {
	var headers strings.Builder
	for _, name := range signed {
		headers.WriteString(name + ":" + headerValue(r, name) + "\n")
	}
	return strings.Join([]string{r.Method, canonicalPath(r), canonicalQuery(r.URL.Query()), headers.String(), strings.Join(signed, ";"), hexHash(body)}, "\n")
}

func headerValue(r *http.Request, name string) string {
	switch name {
	case "host":
		return r.Host
	case "content-length":
		return strconv.FormatInt(r.ContentLength, 10)
	}
	values := slices.Clone(r.Header.Values(name))
	for i, v := range values {
		values[i] = strings.Join(strings.Fields(v), " ")
	}
	return strings.Join(values, ",")
}

// canonicalPath is the path as it came, escaped once more: every service but S3 signs it so.
func canonicalPath(r *http.Request) string {
	path, _, _ := strings.Cut(r.RequestURI, "?")
	if !strings.HasPrefix(path, "/") {
		path = r.URL.EscapedPath()
	}
	if path == "" {
		path = "/"
	}
	return strings.ReplaceAll(escape(path), "%2F", "/")
}

func canonicalQuery(query url.Values) string {
	var pairs []string
	for name, values := range query {
		for _, v := range values {
			pairs = append(pairs, escape(name)+"="+escape(v))
		}
	}
	slices.SortFunc(pairs, func(a, b string) int {
		nameA, valueA, _ := strings.Cut(a, "=")
		nameB, valueB, _ := strings.Cut(b, "=")
		if c := strings.Compare(nameA, nameB); c != 0 {
			return c
		}
		return strings.Compare(valueA, valueB)
	})
	return strings.Join(pairs, "&")
}

func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
