package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/keyward/keyward/cmd/keyward/internal/place"
	"github.com/keyward/keyward/docs/openapi"
	"github.com/keyward/keyward/shared/record"
)

// signedIn gives the script's programs the credentials of a person with one role: as NAME POLICY.
func signedIn(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: as NAME POLICY")
	}
	k, err := placeOf(ts).Person(context.Background(), args[0], args[1])
	ts.Check(err)
	ts.Setenv("AWS_ACCESS_KEY_ID", k.AccessKeyID)
	ts.Setenv("AWS_SECRET_ACCESS_KEY", k.SecretAccessKey)
	ts.Setenv("AWS_SESSION_TOKEN", "")
}

func placeOf(ts *testscript.TestScript) *place.Client {
	return place.New(ts.Getenv("KEYWARD_LOCAL_URL"), ts.Getenv("KEYWARD_LOCAL_TOKEN"))
}

// tryRoles has one person of each role call every route: IAM refuses just what the table of roles does, and every answer
// is as docs/openapi.yaml says.
func tryRoles(ts *testscript.TestScript, _ bool, _ []string) {
	ctx := context.Background()
	status, err := placeOf(ts).Status(ctx)
	ts.Check(err)
	allowed, refused := 0, 0
	for _, role := range openapi.Roles() {
		k, err := placeOf(ts).Person(ctx, strings.TrimSuffix(string(role), "Policy"), string(role))
		ts.Check(err)
		caller := caller{region: status.Region, apis: status.APIs, credentials: aws.Credentials{AccessKeyID: k.AccessKeyID, SecretAccessKey: k.SecretAccessKey}}
		for _, o := range openapi.Operations() {
			x := caller.call(ts, o, ts.Getenv("KEY"))
			forbidden := x.Status == http.StatusForbidden && x.Answer == `{"message":"Forbidden"}`
			if forbidden == o.May(role) {
				ts.Fatalf("%s %s %s: %d %s, and the table says that it may: %t", role, x.Method, x.Path, x.Status, x.Answer, o.May(role))
			}
			if x.Status >= http.StatusInternalServerError {
				ts.Fatalf("%s %s %s: %d %s", role, x.Method, x.Path, x.Status, x.Answer)
			}
			ts.Check(openapi.Check(o.API, x))
			if forbidden {
				refused++
			} else {
				allowed++
			}
		}
	}
	ts.Logf("%d calls were allowed and %d refused", allowed, refused)
}

// caller signs for one person.
type caller struct {
	region      string
	apis        map[string]string
	credentials aws.Credentials
}

func (c caller) call(ts *testscript.TestScript, o openapi.Operation, key string) openapi.Exchange {
	const machine, request = "i-1234567890abcdef0", "6f1f1a4e-0c7e-4a54-9b64-2d3f1c5f9a10"
	path := o.Path()
	if strings.HasPrefix(path, "/v1/requests/") || o.API == openapi.Machines {
		path = strings.ReplaceAll(path, "{id}", request)
	}
	if strings.HasPrefix(path, "/v1/waivers/") {
		path = strings.ReplaceAll(path, "{id}", "w-0123456789ab")
	}
	path = strings.NewReplacer("{id}", machine, "{machine}", machine, "{name}", "web", "{scope}", "global").Replace(path)
	x := openapi.Exchange{Method: o.Method(), Path: path, Answered: map[string]string{}}
	for _, q := range o.Query {
		if q.Required {
			x.Query = url.Values{q.Name: {"2026-03-01T12:00:00Z"}}.Encode()
		}
	}
	switch o.Body.(type) {
	case nil:
	case openapi.Text:
		x.Body = ts.ReadFile("web.yaml")
	case record.Enrolment:
		x.Body = encoded(ts, record.Enrolment{Role: "arn:aws:iam::123456789012:role/keyward-machine", Key: key, Policy: "web"})
	case record.WaiverWish:
		x.Body = encoded(ts, record.WaiverWish{
			Scope: "policy:web", Rule: "no such port", Values: []string{"tcp/23726, /usr/sbin/nginx"}, Reason: "ticket 4711", Expires: time.Now().Add(48 * time.Hour),
		})
	case record.Notifier:
		x.Body = encoded(ts, record.Notifier{Name: "web", To: []string{"ops@example.com"}})
	case record.Reason, record.HoldWish:
		x.Body = encoded(ts, record.Reason{Reason: "ticket 4711"})
	default:
		x.Body = `{"bootId":"` + request + `"}`
	}
	c.send(ts, c.apis[o.API], &x)
	return x
}

func encoded(ts *testscript.TestScript, v any) string {
	text, err := json.Marshal(v)
	ts.Check(err)
	return string(text)
}

func (c caller) send(ts *testscript.TestScript, base string, x *openapi.Exchange) {
	ctx := context.Background()
	r, err := http.NewRequestWithContext(ctx, x.Method, base+x.Path+"?"+x.Query, bytes.NewReader([]byte(x.Body)))
	ts.Check(err)
	for name, value := range x.Header {
		r.Header.Set(name, value)
	}
	sum := sha256.Sum256([]byte(x.Body))
	ts.Check(v4.NewSigner().SignHTTP(ctx, c.credentials, r, hex.EncodeToString(sum[:]), "execute-api", c.region, time.Now()))
	answer, err := http.DefaultClient.Do(r)
	ts.Check(err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	ts.Check(err)
	x.Status, x.Answer = answer.StatusCode, string(text)
	for name := range answer.Header {
		x.Answered[strings.ToLower(name)] = answer.Header.Get(name)
	}
}
