package httpapi_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/local/httpapi"
	"github.com/keyward/keyward/local/wire"
)

// restGateway is a private REST API on the stage machines.
func restGateway(t *testing.T, f *function, allowed func(httpapi.Caller, string) bool) http.Handler {
	t.Helper()
	g, err := httpapi.New(httpapi.Options{
		Verify: func(r *http.Request, _ []byte) (httpapi.Caller, error) {
			if r.Header.Get("Authorization") == "" {
				return httpapi.Caller{}, errors.New("not signed")
			}
			return httpapi.Caller{AccessKeyID: "ASIAIOSFODNN7EXAMPLE", Principal: wire.Principal{
				Account: "123456789012", UserID: "AROAEXAMPLE:i-1234567890abcdef0", ARN: "arn:aws:sts::123456789012:assumed-role/web/i-1234567890abcdef0",
			}}, nil
		},
		Invoke: f.invoke, Now: func() time.Time { return now }, Timeout: 10 * time.Millisecond, Allowed: allowed,
	}, httpapi.API{
		LogicalID: "Private", Stage: "machines", ID: "abcdefghij", Account: "123456789012", Region: "us-east-1",
		Routes: []httpapi.Route{{Method: "POST", Path: "/v1/key-requests/{id}/delivered", Function: "request"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return g.Handler()
}

const delivered = "/execute-api/Private/machines/v1/key-requests/b0/delivered"

func TestRESTEvent(t *testing.T) {
	t.Parallel()
	f := &function{answer: `{"statusCode":204}`}
	r := request("POST", delivered+"?tag=a&tag=b%20c", "application/json", `{"why":"ä"}`)
	r.Header.Set("User-Agent", "keyward")
	r.Header.Add("X-Many", "one")
	r.Header.Add("X-Many", "two")
	w := httptest.NewRecorder()
	restGateway(t, f, nil).ServeHTTP(w, r)
	if w.Code != 204 || f.name != "request" {
		t.Fatalf("status %d from function %q, want 204 from request", w.Code, f.name)
	}
	var got map[string]any
	if err := json.Unmarshal(f.event, &got); err != nil {
		t.Fatal(err)
	}
	id := got["requestContext"].(map[string]any)["requestId"]
	many := map[string]any{
		"Authorization": []any{"AWS4-HMAC-SHA256 …"}, "Content-Type": []any{"application/json"}, "Host": []any{"127.0.0.1:4566"}, "User-Agent": []any{"keyward"},
		"X-Many": []any{"one", "two"}, "X-Forwarded-For": []any{"127.0.0.1"}, "X-Forwarded-Port": []any{"50000"}, "X-Forwarded-Proto": []any{"https"},
	}
	one := map[string]any{}
	for name, values := range many {
		all := values.([]any)
		one[name] = all[len(all)-1]
	}
	want := map[string]any{
		"resource": "/v1/key-requests/{id}/delivered", "path": "/v1/key-requests/b0/delivered", "httpMethod": "POST", "headers": one, "multiValueHeaders": many,
		"queryStringParameters": map[string]any{"tag": "b c"}, "multiValueQueryStringParameters": map[string]any{"tag": []any{"a", "b c"}},
		"pathParameters": map[string]any{"id": "b0"}, "stageVariables": nil,
		"requestContext": map[string]any{
			"accountId": "123456789012", "apiId": "abcdefghij", "domainName": "abcdefghij.execute-api.us-east-1.amazonaws.com", "domainPrefix": "abcdefghij",
			"httpMethod": "POST", "path": "/machines/v1/key-requests/b0/delivered", "protocol": "HTTP/1.1", "requestId": id,
			"requestTime": "12/Mar/2026:19:03:58 +0000", "requestTimeEpoch": float64(now.UnixMilli()), "resourcePath": "/v1/key-requests/{id}/delivered", "stage": "machines",
			"identity": map[string]any{
				"accessKey": "ASIAIOSFODNN7EXAMPLE", "accountId": "123456789012", "caller": "AROAEXAMPLE:i-1234567890abcdef0", "principalOrgId": nil, "sourceIp": "127.0.0.1",
				"user": "AROAEXAMPLE:i-1234567890abcdef0", "userAgent": "keyward", "userArn": "arn:aws:sts::123456789012:assumed-role/web/i-1234567890abcdef0",
			},
		},
		"body": `{"why":"ä"}`, "isBase64Encoded": false,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("event (-want +got):\n%s", diff)
	}
	var typed events.APIGatewayProxyRequest
	if err := json.Unmarshal(f.event, &typed); err != nil || typed.RequestContext.Identity.UserArn == "" {
		t.Errorf("aws-lambda-go does not see who calls: %v", err)
	}
	// What is no text does not reach a function whole.
	restGateway(t, f, nil).ServeHTTP(httptest.NewRecorder(), request("POST", delivered, "application/json", "a\xff"))
	if err := json.Unmarshal(f.event, &typed); err != nil || typed.Body != "a\uFFFD" || typed.IsBase64Encoded {
		t.Errorf("a body of bytes arrives as %q", typed.Body)
	}
}

func TestRESTAnswers(t *testing.T) {
	t.Parallel()
	const malformed = `{"message":"Internal server error"}`
	for name, tt := range map[string]struct {
		f      function
		status int
		body   string
	}{
		"whole":           {function{answer: `{"statusCode":201,"headers":{"content-type":"text/plain"},"multiValueHeaders":{"x-many":["a","b"]},"body":"{}","isBase64Encoded":false}`}, 201, `{}`},
		"base64":          {function{answer: `{"statusCode":200,"body":"aGk=","isBase64Encoded":true}`}, 200, "hi"},
		"bad base64":      {function{answer: `{"statusCode":200,"body":"!","isBase64Encoded":true}`}, 502, malformed},
		"without status":  {function{answer: `{"a":1}`}, 502, malformed},
		"status as text":  {function{answer: `{"statusCode":"200"}`}, 502, malformed},
		"of an HTTP API":  {function{answer: `{"statusCode":200,"cookies":[]}`}, 502, malformed},
		"no JSON":         {function{answer: `hi`}, 502, malformed},
		"a wrong status":  {function{answer: `{"statusCode":99}`}, 502, malformed},
		"function failed": {function{answer: `{}`, functionError: "Unhandled"}, 502, malformed},
		"not invoked":     {function{err: errors.New("down")}, 502, malformed},
		"too late":        {function{wait: true}, 504, `{"message":"Endpoint request timed out"}`},
	} {
		w := httptest.NewRecorder()
		restGateway(t, &tt.f, nil).ServeHTTP(w, request("POST", delivered, "", ""))
		if w.Code != tt.status || w.Body.String() != tt.body {
			t.Errorf("%s: %d %s, want %d %s", name, w.Code, w.Body, tt.status, tt.body)
		}
		if name == "whole" && (w.Header().Get("Content-Type") != "text/plain" || len(w.Header().Values("X-Many")) != 2) {
			t.Errorf("headers %v", w.Header())
		}
	}
}

func TestRESTRefusals(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		method, path string
		signed       bool
		allowed      bool
		want         string
	}{
		"another stage":  {"POST", strings.Replace(delivered, "/machines/", "/other/", 1), true, true, "Missing Authentication Token"},
		"no stage":       {"POST", strings.Replace(delivered, "/machines/", "/", 1), true, true, "Missing Authentication Token"},
		"another route":  {"GET", delivered, true, true, "Missing Authentication Token"},
		"not signed":     {"POST", delivered, false, true, "Forbidden"},
		"not allowed":    {"POST", delivered, true, false, "Forbidden"},
		"nothing behind": {"POST", "/execute-api/Private", true, true, "Missing Authentication Token"},
	} {
		f := &function{answer: `{"statusCode":200}`}
		r := request(tt.method, tt.path, "", "")
		if !tt.signed {
			r.Header.Del("Authorization")
		}
		w := httptest.NewRecorder()
		restGateway(t, f, func(_ httpapi.Caller, arn string) bool {
			return tt.allowed && arn == "arn:aws:execute-api:us-east-1:123456789012:abcdefghij/machines/POST/v1/key-requests/b0/delivered"
		}).ServeHTTP(w, r)
		if w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), tt.want) || f.event != nil {
			t.Errorf("%s: %d %s, event %s; want 403 %s", name, w.Code, w.Body, f.event, tt.want)
		}
	}
}
