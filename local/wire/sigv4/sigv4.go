// Package sigv4 checks AWS signatures, version 4, as "Create a signed AWS API request" in the IAM user
// guide lays them down. Verify holds these: the signature's date is that of the scope and differs from
// the clock by at most Freshness; the scope names the Region and the service that were called; the host
// and every x-amz- header are signed; the signature matches method, path, query, those headers and the
// body that really came. Signatures in query strings are refused. It is called by local/wire alone.
package sigv4

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

const (
	algorithm = "AWS4-HMAC-SHA256"
	stamp     = "20060102T150405Z"
)

// Freshness is how far a signature's time and the clock may lie apart.
const Freshness = 15 * time.Minute

// Cause is why a signature is refused; each protocol has its own code for it.
type Cause int

// The causes.
const (
	Missing    Cause = iota + 1 // no signature at all
	Incomplete                  // a header that cannot be read
	UnknownKey                  // a key that was not issued here, or another session token
	Mismatch                    // another signature than the right one
	Expired                     // too old, or from the future
	Presigned                   // a signature in the query string
)

// Refusal is why a signature is not accepted, in AWS's words.
type Refusal struct {
	Cause   Cause
	Message string
}

func refuse(c Cause, format string, args ...any) *Refusal {
	return &Refusal{Cause: c, Message: fmt.Sprintf(format, args...)}
}

// Authorization is the parsed header of a signed request.
type Authorization struct {
	AccessKeyID, Region, Service string

	date      string
	headers   []string
	signature string
}

// Secret is what the key's owner knows. The token is empty for a long-term key.
type Secret struct{ AccessKey, SessionToken string }

// Scope is what a signature must be for: an empty Region means any.
type Scope struct{ Region, Service string }

// Unknown refuses a key that was never issued, in the words of Verify for a wrong session token.
func Unknown() *Refusal {
	return refuse(UnknownKey, "The security token included in the request is invalid.")
}

// Verify checks the signature of r, whose body was read, at the real time now. Nil means it is good.
func (a Authorization) Verify(r *http.Request, body []byte, secret Secret, scope Scope, now time.Time) *Refusal {
	if !same(secret.SessionToken, r.Header.Get("X-Amz-Security-Token")) {
		return Unknown()
	}
	at, refused := a.inScope(r, scope, now.UTC())
	if refused != nil {
		return refused
	}
	if name, ok := unsigned(r, a.headers); !ok {
		return refuse(Mismatch, "The header %s must be signed.", name)
	}
	toSign := strings.Join([]string{algorithm, at.Format(stamp), a.scope(), hexHash([]byte(canonical(r, a.headers, body)))}, "\n")
	if !same(hex.EncodeToString(sum(a.signingKey(secret.AccessKey), toSign)), a.signature) {
		return refuse(Mismatch, "The request signature we calculated does not match the signature you provided. "+
			"Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")
	}
	return nil
}

func same(a, b string) bool { return hmac.Equal([]byte(a), []byte(b)) }

// Parse reads the Authorization header.
func Parse(r *http.Request) (Authorization, *Refusal) {
	header := r.Header.Get("Authorization")
	if header == "" {
		if r.URL.Query().Has("X-Amz-Algorithm") {
			return Authorization{}, refuse(Presigned, "a signature in the query string")
		}
		return Authorization{}, refuse(Missing, "Request is missing Authentication Token")
	}
	parameters, ok := strings.CutPrefix(header, algorithm+" ")
	if !ok {
		return Authorization{}, refuse(Incomplete, "Authorization header must start with %s.", algorithm)
	}
	var a Authorization
	for part := range strings.SplitSeq(parameters, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "Credential":
			scope := strings.Split(value, "/")
			if len(scope) != 5 || scope[4] != "aws4_request" {
				return Authorization{}, refuse(Incomplete, "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/aws4_request.")
			}
			a.AccessKeyID, a.date, a.Region, a.Service = scope[0], scope[1], scope[2], scope[3]
		case "SignedHeaders":
			a.headers = strings.Split(value, ";")
		case "Signature":
			a.signature = value
		}
	}
	for name, missing := range map[string]bool{"Credential": a.AccessKeyID == "", "SignedHeaders": len(a.headers) == 0, "Signature": a.signature == ""} {
		if missing {
			return Authorization{}, refuse(Incomplete, "Authorization header requires '%s' parameter.", name)
		}
	}
	return a, nil
}

// inScope checks date, Region and service, and returns the time of the signature.
func (a Authorization) inScope(r *http.Request, scope Scope, now time.Time) (time.Time, *Refusal) {
	at, err := time.Parse(stamp, r.Header.Get("X-Amz-Date"))
	if err != nil {
		return at, refuse(Incomplete, "Authorization header requires existence of a 'X-Amz-Date' header of the form %s.", stamp)
	}
	switch {
	case at.Before(now.Add(-Freshness)):
		return at, refuse(Expired, "Signature expired: %s is now earlier than %s (%s - 15 min.)", at.Format(stamp), now.Add(-Freshness).Format(stamp), now.Format(stamp))
	case at.After(now.Add(Freshness)):
		return at, refuse(Expired, "Signature not yet current: %s is still later than %s (%s + 15 min.)", at.Format(stamp), now.Add(Freshness).Format(stamp), now.Format(stamp))
	case a.date != at.Format("20060102"):
		return at, refuse(Mismatch, "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '%s' != '%s'.", a.date, at.Format("20060102"))
	case scope.Region != "" && a.Region != scope.Region:
		return at, refuse(Mismatch, "Credential should be scoped to a valid region, not '%s'.", a.Region)
	case a.Service != scope.Service:
		return at, refuse(Mismatch, "Credential should be scoped to correct service: '%s'.", scope.Service)
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

func (a Authorization) scope() string {
	return a.date + "/" + a.Region + "/" + a.Service + "/aws4_request"
}

func (a Authorization) signingKey(secret string) []byte {
	key := []byte("AWS4" + secret)
	for _, part := range []string{a.date, a.Region, a.Service, "aws4_request"} {
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
